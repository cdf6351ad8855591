//! What all connections share: the configuration at work, clocks, and the books on who holds how many connections.

use crate::gateway::Parts;
use crate::live::Live;
use crate::proxy::Room;
use crate::report::Reporter;
use crate::stats::Counters;
use base::{Clock, Random};
use flood::ban::Door;
use flood::{Bans, Keys};
use rapidhash::v3::rapidhash_v3;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Shared by all workers.
pub(crate) struct Shared {
    live: RwLock<Arc<Live>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) reporter: Arc<dyn Reporter>,
    /// Requests that are of no site.
    pub(crate) unrouted: Arc<Counters>,
    /// Connections that ended before HTTP: no handshake, too slow, too many of the client.
    pub(crate) unopened: AtomicU64,
    /// Connections that were closed because there were too many.
    pub(crate) overflow: AtomicU64,
    pub(crate) clients: Arc<Clients>,
    pub(crate) bans: Arc<Bans>,
    /// Keys of challenge cookies, for sites that a reload adds.
    keys: Mutex<Keys>,
    /// Memory for bodies that are held back to be judged.
    pub(crate) room: Arc<Room>,
}

impl Shared {
    pub(crate) fn new(live: Arc<Live>, parts: Parts) -> Shared {
        let Parts { clock, random, reporter, bans, keys, .. } = parts;
        let clients = Arc::new(Clients::new(live.config.limits.connections_per_client));
        Shared {
            live: RwLock::new(live),
            clock,
            random,
            reporter,
            unrouted: Arc::default(),
            unopened: AtomicU64::new(0),
            overflow: AtomicU64::new(0),
            clients,
            bans,
            keys: Mutex::new(keys),
            room: Arc::default(),
        }
    }

    /// Whether an address is banned now; if it is, that is counted.
    pub(crate) fn refuses(&self, address: IpAddr, at: Door) -> bool {
        self.bans.refuses(address, at, self.clock.monotonic())
    }

    pub(crate) fn keys(&self) -> Keys {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_keys(&self, keys: Keys) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The configuration as it is now.
    pub(crate) fn live(&self) -> Arc<Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another configuration from now on.
    pub(crate) fn swap(&self, live: Arc<Live>) {
        self.clients.most.store(live.config.limits.connections_per_client, Ordering::Relaxed);
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = live;
    }

    /// A number by which a person can name a request.
    pub(crate) fn reference(&self) -> String {
        crate::page::reference(&*self.random)
    }
}

const SHARDS: usize = 16;

/// Connections of each client. Entries are as many as connections, which are limited.
pub(crate) struct Clients {
    shards: [Mutex<HashMap<IpAddr, usize>>; SHARDS],
    most: AtomicUsize,
}

impl Clients {
    fn new(most: usize) -> Clients {
        Clients { shards: std::array::from_fn(|_| Mutex::default()), most: AtomicUsize::new(most) }
    }

    fn shard(&self, client: IpAddr) -> &Mutex<HashMap<IpAddr, usize>> {
        let number = match client {
            IpAddr::V4(address) => rapidhash_v3(&address.octets()),
            IpAddr::V6(address) => rapidhash_v3(&address.octets()),
        };
        &self.shards[number as usize % SHARDS]
    }

    /// One connection more; `None` when the client has as many as it may.
    pub(crate) fn enter(self: &Arc<Self>, client: IpAddr) -> Option<Client> {
        let mut shard = self.shard(client).lock().unwrap_or_else(PoisonError::into_inner);
        let held = shard.entry(client).or_insert(0);
        if *held >= self.most.load(Ordering::Relaxed) {
            return None;
        }
        *held += 1;
        Some(Client { clients: self.clone(), client })
    }
}

/// One connection of a client.
pub(crate) struct Client {
    clients: Arc<Clients>,
    client: IpAddr,
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut shard = self.clients.shard(self.client).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = shard.get_mut(&self.client) {
            *held -= 1;
            if *held == 0 {
                shard.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_its_connections_and_the_books_stay_small() {
        let clients = Arc::new(Clients::new(2));
        let client: IpAddr = "192.0.2.1".parse().unwrap();
        let first = clients.enter(client);
        let second = clients.enter(client);
        assert!(first.is_some() && second.is_some() && clients.enter(client).is_none());
        assert!(clients.enter("192.0.2.2".parse().unwrap()).is_some());
        drop(first);
        assert!(clients.enter(client).is_some());
        drop(second);
        let left: usize = clients.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert_eq!(left, 0);
    }
}
