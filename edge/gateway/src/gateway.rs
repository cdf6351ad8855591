//! The gateway as a whole: started, reloaded, looked at and stopped.

use crate::config::Config;
use crate::connection::Accepted;
use crate::fault;
use crate::live::{Judges, Live, Outside};
use crate::report::Reporter;
use crate::shared::Shared;
use crate::stats::SiteStatus;
use crate::tls::Resumption;
use crate::upstream::OriginStatus;
use crate::watch;
use crate::worker::{self, Workers};
use base::{Clock, Fault, Random, Result};
use flood::ban::Door;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections that may wait for us to accept them.
const BACKLOG: u32 = 4096;
/// Pause when no connection can be accepted because files or memory ran out.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// What the gateway gets from outside.
pub struct Parts {
    /// Judges of the sites whose firewall is not off.
    pub judges: Judges,
    /// Who is told of each request.
    pub reporter: Arc<dyn Reporter>,
    /// Clocks.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Who is banned; by the same clock.
    pub bans: Arc<flood::Bans>,
    /// Keys of challenge cookies.
    pub keys: flood::Keys,
}

/// A gateway that runs. It must be stopped: dropping it ends its connections at once.
pub struct Gateway {
    shared: Arc<Shared>,
    workers: Arc<Workers>,
    count: usize,
    connections: Arc<Semaphore>,
    resumption: Resumption,
    listening: BTreeMap<Arc<str>, Listening>,
    stop: CancellationToken,
}

/// A listener that accepts.
struct Listening {
    /// As configured: a reload that changes it opens another socket.
    asked: String,
    address: SocketAddr,
    stop: CancellationToken,
}

/// The gateway at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Connections now.
    pub connections: usize,
    /// Connections that ended before HTTP, since the start.
    pub unopened: u64,
    /// Connections closed because there were too many, since the start.
    pub overflow: u64,
    /// Counters by site; the one without a name counts what was of no site.
    pub sites: Vec<SiteStatus>,
    /// Who is banned.
    pub bans: flood::BanFigures,
    /// Flood defence of the sites that have it.
    pub floods: Vec<flood::Snapshot>,
    /// Origins by pool.
    pub pools: BTreeMap<String, Vec<OriginStatus>>,
}

impl Gateway {
    /// Starts: binds every listener, then accepts. Must be called within a tokio runtime, which accepts connections and
    /// checks health; traffic runs on threads of the gateway's own.
    pub async fn start(config: Config, parts: Parts) -> Result<Gateway> {
        let count = worker::count(config.workers);
        let resumption = Resumption::new()?;
        let connections = Arc::new(Semaphore::new(config.limits.connections.min(Semaphore::MAX_PERMITS)));
        let outside = Outside { clock: &parts.clock, random: &*parts.random, keys: &parts.keys };
        let live = Arc::new(Live::new(config, &parts.judges, None, count, &resumption, outside)?);
        let shared = Arc::new(Shared::new(live.clone(), parts));
        let workers = Arc::new(Workers::start(count, &shared)?);
        let stop = CancellationToken::new();
        tokio::spawn(watch::watch(shared.clone(), stop.child_token()));
        let mut gateway = Gateway { shared, workers, count, connections, resumption, listening: BTreeMap::new(), stop };
        let sockets = gateway.bind(&live.config).await?;
        gateway.accept(sockets);
        Ok(gateway)
    }

    /// Puts another configuration to work. Either all of it is taken or, on a fault, nothing. Listeners whose address stays
    /// keep their socket; connections go on, and their next request sees the new configuration. The number of workers and
    /// the limit of connections stay as they were at the start.
    pub async fn reload(&mut self, config: Config, judges: &Judges) -> Result<()> {
        let before = self.shared.live();
        let keys = self.shared.keys();
        let outside = Outside { clock: &self.shared.clock, random: &*self.shared.random, keys: &keys };
        let live = Arc::new(Live::new(config, judges, Some(&before), self.count, &self.resumption, outside)?);
        let sockets = self.bind(&live.config).await?;
        self.shared.swap(live.clone());
        live.settle();
        self.accept(sockets);
        let listeners = &live.config.listeners;
        let kept = |name: &str| listeners.iter().any(|listener| *listener.name == *name);
        self.listening.retain(|name, listening| {
            let keep = kept(name);
            if !keep {
                listening.stop.cancel();
            }
            keep
        });
        Ok(())
    }

    /// Signs challenge cookies with these keys from now on.
    pub fn sign_with(&self, keys: &flood::Keys) {
        self.shared.set_keys(keys.clone());
        let live = self.shared.live();
        for gate in live.sites.iter().filter_map(|site| site.gate.as_ref()) {
            gate.with(|site, _| site.sign_with(keys));
        }
    }

    /// Where it listens, by the name of the listener.
    pub fn addresses(&self) -> BTreeMap<String, SocketAddr> {
        self.listening.iter().map(|(name, listening)| (name.to_string(), listening.address)).collect()
    }

    /// Counters and health now.
    pub fn status(&self) -> Status {
        let (shared, live) = (&self.shared, self.shared.live());
        let now = shared.clock.monotonic();
        let mut sites: Vec<SiteStatus> = live.sites.iter().map(|site| site.counters.snapshot(&site.name)).collect();
        sites.push(shared.unrouted.snapshot(""));
        let pools = live.pools.iter().map(|(name, pool)| (name.clone(), pool.upstream.status(now)));
        Status {
            connections: self.workers.connections(),
            unopened: shared.unopened.load(Ordering::Relaxed),
            overflow: shared.overflow.load(Ordering::Relaxed),
            sites,
            bans: shared.bans.figures(now),
            floods: live
                .sites
                .iter()
                .filter_map(|site| Some(site.gate.as_ref()?.with(|site, _| site.snapshot())))
                .collect(),
            pools: pools.collect(),
        }
    }

    /// Stops: accepts no more, lets requests at work finish within the time of `timeouts.drain`, then ends the threads.
    pub async fn stop(self) {
        self.stop.cancel();
        let drain = self.shared.live().config.timeouts.drain;
        self.workers.stop(drain).await;
    }

    /// Sockets of the listeners that are new or have another address.
    async fn bind(&self, config: &Config) -> Result<Vec<(Arc<str>, String, TcpListener)>> {
        let mut sockets = Vec::new();
        for listener in &config.listeners {
            let known = self.listening.get(listener.name.as_str());
            if known.is_some_and(|known| known.asked == listener.address) {
                continue;
            }
            let failed = |cause: &dyn std::fmt::Display| {
                Fault::new(&fault::LISTEN)
                    .object(format!("listener {}: {}", listener.name, listener.address))
                    .found(cause)
            };
            let address: SocketAddr = listener.address.parse().map_err(|cause| failed(&cause))?;
            let socket = listen(address).map_err(|cause| failed(&cause))?;
            sockets.push((listener.name.as_str().into(), listener.address.clone(), socket));
        }
        Ok(sockets)
    }

    fn accept(&mut self, sockets: Vec<(Arc<str>, String, TcpListener)>) {
        for (name, asked, socket) in sockets {
            let Ok(address) = socket.local_addr() else { continue };
            let stop = self.stop.child_token();
            let accept = Accept {
                socket,
                name: name.clone(),
                stop: stop.clone(),
                workers: self.workers.clone(),
                shared: self.shared.clone(),
                connections: self.connections.clone(),
            };
            tokio::spawn(accept.run());
            if let Some(before) = self.listening.insert(name, Listening { asked, address, stop }) {
                before.stop.cancel();
            }
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.cancel();
        self.workers.kill();
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts connections and gives them to workers.
struct Accept {
    socket: TcpListener,
    name: Arc<str>,
    stop: CancellationToken,
    workers: Arc<Workers>,
    shared: Arc<Shared>,
    connections: Arc<Semaphore>,
}

impl Accept {
    async fn run(self) {
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, remote)) => self.give(stream, remote),
                // What one connection did wrong is its own matter; a lack of files or memory passes only with time.
                Err(cause) if connection_alone(&cause) => {}
                Err(cause) => {
                    tracing::warn!(listener = %self.name, %cause, "no connection can be accepted");
                    tokio::time::sleep(EXHAUSTED).await;
                }
            }
        }
    }

    fn give(&self, stream: tokio::net::TcpStream, remote: SocketAddr) {
        if self.shared.refuses(remote.ip(), Door::Connection) {
            return;
        }
        let (Ok(slot), Ok(stream)) = (self.connections.clone().try_acquire_owned(), stream.into_std()) else {
            self.shared.overflow.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let accepted = Accepted { stream, remote, listener: self.name.clone(), stop: self.stop.clone(), slot };
        if !self.workers.give(accepted) {
            self.shared.overflow.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn connection_alone(cause: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(cause.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
