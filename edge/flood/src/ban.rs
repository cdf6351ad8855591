//! Bans: addresses and networks that get no answer for a while, each by an order and with an end of its own.
//!
//! Looked up for every connection and request: one load while nothing is banned, else one look for each length of network
//! that is. A ban ends by its time whether anybody takes it back or not.

use crate::fault;
use base::{Fault, Micros, Prefix, Result};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Most networks banned at a time (about 200 bytes each).
pub const BANS_MAX: usize = 65_536;
/// Most orders that ban the same network.
const ORDERS: usize = 64;
/// Bans shown, the busiest first.
const SHOWN: usize = 100;

/// Family and length of a network.
fn length(network: Prefix) -> (bool, u8) {
    (network.is_ipv6(), network.length())
}

/// Where a ban was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// At a connection, before anything was said.
    Connection,
    /// At a request, on a connection of a trusted proxy or one that was open before.
    Request,
}

/// What is banned, for all threads.
#[derive(Debug, Default)]
pub struct Bans {
    networks: AtomicUsize,
    connections: AtomicU64,
    requests: AtomicU64,
    table: RwLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    bans: HashMap<Prefix, Ban>,
    orders: HashMap<String, Prefix>,
    /// Networks by family (IPv6 or not) and length.
    lengths: BTreeMap<(bool, u8), usize>,
}

#[derive(Debug, Default)]
struct Ban {
    /// When each order's time ends, monotonic.
    ends: BTreeMap<String, Micros>,
    refused: AtomicU64,
}

impl Ban {
    fn ends(&self) -> Micros {
        self.ends.values().copied().max().unwrap_or(Micros::MIN)
    }
}

/// One ban at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Banned {
    /// Address or network.
    pub network: String,
    /// Seconds left.
    pub left_s: u64,
    /// Connections and requests refused by it.
    pub refused: u64,
}

/// All bans at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BanFigures {
    /// Networks banned.
    pub networks: usize,
    /// Connections refused since the start.
    pub connections: u64,
    /// Requests refused since the start.
    pub requests: u64,
    /// The busiest ones.
    pub busiest: Vec<Banned>,
}

impl Bans {
    /// Bans a network by an order until a monotonic time, µs; the same order again moves its end.
    ///
    /// # Errors
    /// [`fault::BANS_FULL`] at [`BANS_MAX`] networks.
    pub fn put(&self, order: &str, network: Prefix, ends: Micros) -> Result<()> {
        let mut table = self.write();
        if table.orders.get(order).is_some_and(|before| *before != network) {
            table.lift(order);
        }
        let full = |most: usize, found: usize| {
            Err(Fault::new(&fault::BANS_FULL).object(network).expected(format!("fewer than {most}")).found(found))
        };
        let orders = table.bans.get(&network).map(|ban| ban.ends.len());
        match orders {
            None if table.bans.len() >= BANS_MAX => return full(BANS_MAX, table.bans.len()),
            Some(orders) if orders >= ORDERS && !table.orders.contains_key(order) => return full(ORDERS, orders),
            None => *table.lengths.entry(length(network)).or_default() += 1,
            Some(_) => {}
        }
        table.bans.entry(network).or_default().ends.insert(order.to_owned(), ends);
        table.orders.insert(order.to_owned(), network);
        self.networks.store(table.bans.len(), Ordering::Release);
        Ok(())
    }

    /// Takes an order's ban back. The network that others still ban stays banned; whether that is so.
    pub fn lift(&self, order: &str) -> bool {
        let mut table = self.write();
        let others = table.lift(order);
        self.networks.store(table.bans.len(), Ordering::Release);
        others
    }

    /// Whether an address is banned now (monotonic, µs); if it is, that is counted.
    pub fn refuses(&self, address: IpAddr, at: Door, now: Micros) -> bool {
        if self.networks.load(Ordering::Acquire) == 0 {
            return false;
        }
        let table = self.read();
        let address = Prefix::single(address);
        let of_family = table.lengths.keys().rev().filter(|(ipv6, _)| *ipv6 == address.is_ipv6());
        let met = of_family.map(|(_, length)| address.widened(*length)).any(|network| {
            let ban = table.bans.get(&network).filter(|ban| ban.ends() > now);
            ban.map(|ban| ban.refused.fetch_add(1, Ordering::Relaxed)).is_some()
        });
        if met {
            let counter = if at == Door::Connection { &self.connections } else { &self.requests };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        met
    }

    /// How long an order's ban lasts from now on, µs; none when it has ended or was never put.
    pub fn left(&self, order: &str, now: Micros) -> Option<Micros> {
        let table = self.read();
        let network = table.orders.get(order)?;
        table.bans.get(network)?.ends.get(order).map(|ends| ends - now).filter(|left| *left > 0)
    }

    /// What is banned now, and what was refused.
    pub fn figures(&self, now: Micros) -> BanFigures {
        let table = self.read();
        let lasting = table.bans.iter().filter(|(_, ban)| ban.ends() > now);
        let mut busiest: Vec<Banned> = lasting
            .map(|(network, ban)| Banned {
                network: network.to_string(),
                left_s: u64::try_from(ban.ends() - now).unwrap_or(0).div_ceil(1_000_000),
                refused: ban.refused.load(Ordering::Relaxed),
            })
            .collect();
        let networks = busiest.len();
        busiest.sort_by(|one, other| other.refused.cmp(&one.refused).then_with(|| one.network.cmp(&other.network)));
        busiest.truncate(SHOWN);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BanFigures { networks, connections: read(&self.connections), requests: read(&self.requests), busiest }
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Whether others keep the network banned.
    fn lift(&mut self, order: &str) -> bool {
        let Some(network) = self.orders.remove(order) else { return false };
        let Some(ban) = self.bans.get_mut(&network) else { return false };
        ban.ends.remove(order);
        if !ban.ends.is_empty() {
            return true;
        }
        self.bans.remove(&network);
        if let Some(count) = self.lengths.get_mut(&length(network)) {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&length(network));
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn network(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn a_ban_holds_for_its_network_until_its_end_and_is_counted() {
        let bans = Bans::default();
        assert!(!bans.refuses(address("192.0.2.7"), Door::Connection, 0));
        bans.put("a", network("192.0.2.0/24"), 100).unwrap();
        bans.put("b", network("2001:db8::/64"), 100).unwrap();
        for (client, banned) in [
            ("192.0.2.7", true),
            ("::ffff:192.0.2.7", true),
            ("192.0.3.7", false),
            ("2001:db8::9", true),
            ("2001:db8:0:1::9", false),
        ] {
            assert_eq!(bans.refuses(address(client), Door::Request, 99), banned, "{client}");
        }
        assert!(!bans.refuses(address("192.0.2.7"), Door::Connection, 100), "it has ended");
        assert_eq!((bans.left("a", 40), bans.left("a", 100), bans.left("c", 0)), (Some(60), None, None));
        let figures = bans.figures(99);
        assert_eq!((figures.networks, figures.connections, figures.requests), (2, 0, 3));
        assert_eq!((figures.busiest[0].network.as_str(), figures.busiest[0].refused), ("192.0.2.0/24", 2));
        assert_eq!(bans.figures(100).networks, 0);
    }

    #[test]
    fn a_network_of_ipv6_holds_no_ipv4() {
        for wide in ["::/0", "::fffe:0:0/95"] {
            let bans = Bans::default();
            bans.put("a", network(wide), 100).unwrap();
            assert!(bans.refuses(address("::fffe:0:1"), Door::Connection, 0), "{wide}");
            for client in ["192.0.2.7", "::ffff:192.0.2.7"] {
                assert!(!bans.refuses(address(client), Door::Connection, 0), "{client} in {wide}");
            }
        }
    }

    #[test]
    fn two_orders_on_one_network_end_apart() {
        let bans = Bans::default();
        bans.put("a", network("192.0.2.7"), 100).unwrap();
        bans.put("b", network("192.0.2.7"), 200).unwrap();
        assert!(bans.lift("b"), "a still bans it");
        assert!(bans.refuses(address("192.0.2.7"), Door::Connection, 99));
        assert!(!bans.refuses(address("192.0.2.7"), Door::Connection, 150));
        assert!(!bans.lift("a") && !bans.lift("a"));
        assert_eq!(bans.figures(0).networks, 0);
        bans.put("a", network("192.0.2.7"), 100).unwrap();
        bans.put("a", network("192.0.2.8"), 100).unwrap();
        assert!(!bans.refuses(address("192.0.2.7"), Door::Connection, 0), "the order moved on");
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        let bans = Bans::default();
        for number in 0..BANS_MAX as u32 {
            bans.put(&number.to_string(), Prefix::single(IpAddr::from(number.to_be_bytes())), 100).unwrap();
        }
        let refused = bans.put("one more", network("2001:db8::1"), 100).unwrap_err();
        assert!(refused.is(&fault::BANS_FULL) && refused.named().contains("2001:db8::1"), "{refused}");
        bans.put("again", network("0.0.0.9"), 100).unwrap();
        bans.lift("7");
        bans.put("one more", network("2001:db8::1"), 100).unwrap();
    }

    proptest! {
        /// Against a list that is searched from end to end.
        #[test]
        fn it_bans_what_a_plain_list_bans(
            steps in proptest::collection::vec((0..6_u8, 0..4_u32, 20..=32_u8, 1..100_i64), 1..40),
            client in 0..4_u32,
            now in 0..100_i64,
        ) {
            let (bans, mut plain) = (Bans::default(), Vec::<(String, Prefix, Micros)>::new());
            let at = |number: u32| IpAddr::from((0xc000_0200 | number << 7).to_be_bytes());
            for (order, number, bits, ends) in steps {
                let (order, network) = (order.to_string(), Prefix::new(at(number), bits).unwrap());
                plain.retain(|(known, ..)| *known != order);
                if ends % 5 == 0 {
                    bans.lift(&order);
                } else {
                    bans.put(&order, network, ends).unwrap();
                    plain.push((order, network, ends));
                }
            }
            let banned = plain.iter().any(|(_, network, ends)| network.has(at(client)) && *ends > now);
            prop_assert_eq!(bans.refuses(at(client), Door::Request, now), banned);
        }
    }
}
