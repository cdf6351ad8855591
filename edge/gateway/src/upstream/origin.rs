//! One address that serves: its connections, its slots, and whether it is up.

use super::link::{Link, Secure};
use super::wire::Wire;
use crate::config::Pool;
use crate::proxy::RequestBody;
use hyper::client::conn::http2;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Connections that may rest for one worker; more than are ever useful at once only hold files open.
const RESTING: usize = 256;
/// Time that an address without health checks stays out after connections to it failed, µs.
const PENALTY_US: i64 = 5_000_000;
/// Failed connections in a row that take out an address without health checks.
const STRIKES: u32 = 3;

/// An address of a pool.
pub(crate) struct Origin {
    /// `host:port` as configured.
    pub(crate) name: Arc<str>,
    secure: Option<Arc<Secure>>,
    pub(super) connect: Duration,
    /// Age at which a connection that rests is closed, µs.
    pub(super) keep_us: i64,
    pub(super) slots: Arc<Semaphore>,
    /// Requests at work.
    pub(super) busy: AtomicUsize,
    /// Connections made, and those that failed.
    pub(super) connected: AtomicU64,
    pub(super) failed: AtomicU64,
    #[expect(clippy::vec_box, reason = "a connection goes in and out with every request, and is large")]
    resting: Box<[Mutex<Vec<Box<Wire>>>]>,
    pub(super) http2: Box<[tokio::sync::Mutex<Option<http2::SendRequest<RequestBody>>>]>,
    health: State,
}

/// What is known of its health.
#[derive(Default)]
struct State {
    /// Health checks say that it is down.
    down: AtomicBool,
    /// Results in a row that speak against the present state.
    against: AtomicU32,
    /// Failed connections in a row.
    strikes: AtomicU32,
    /// Monotonic time until which it is passed over, µs.
    out_until: AtomicI64,
}

impl Origin {
    pub(super) fn new(name: &str, pool: &Pool, workers: usize, secure: Option<Arc<Secure>>) -> Origin {
        Origin {
            name: name.into(),
            secure,
            connect: pool.connect,
            keep_us: i64::try_from(pool.keep.as_micros()).unwrap_or(i64::MAX),
            slots: Arc::new(Semaphore::new(pool.connections.min(Semaphore::MAX_PERMITS))),
            busy: AtomicUsize::new(0),
            connected: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            resting: (0..workers).map(|_| Mutex::default()).collect(),
            http2: (0..workers).map(|_| tokio::sync::Mutex::new(None)).collect(),
            health: State::default(),
        }
    }

    /// A new connection, with its handshake where the pool asks for TLS.
    pub(super) async fn dial(&self) -> std::io::Result<Link> {
        let dialled = Link::dial(&self.name, self.secure.as_deref());
        let link = tokio::time::timeout(self.connect, dialled).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
        self.connected.fetch_add(1, Ordering::Relaxed);
        Ok(link)
    }

    /// The connection that rested last, of this worker.
    pub(super) fn wake(&self, worker: usize) -> Option<Box<Wire>> {
        self.resting.get(worker)?.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Lets a connection rest.
    pub(super) fn rest(&self, worker: usize, wire: Box<Wire>) {
        let Some(resting) = self.resting.get(worker) else { return };
        let mut resting = resting.lock().unwrap_or_else(PoisonError::into_inner);
        if resting.len() < RESTING {
            resting.push(wire);
        }
    }

    /// Whether requests should go to it.
    pub(super) fn up(&self, now: i64) -> bool {
        !self.health.down.load(Ordering::Relaxed) && self.health.out_until.load(Ordering::Relaxed) <= now
    }

    /// A connection was made, or failed.
    pub(super) fn dialled(&self, good: bool, now: i64) {
        if good {
            self.health.strikes.store(0, Ordering::Relaxed);
            return;
        }
        self.failed.fetch_add(1, Ordering::Relaxed);
        if self.health.strikes.fetch_add(1, Ordering::Relaxed) + 1 >= STRIKES {
            self.health.out_until.store(now.saturating_add(PENALTY_US), Ordering::Relaxed);
            self.health.strikes.store(0, Ordering::Relaxed);
        }
    }

    /// A health check passed or failed; `true` when that changed the state.
    pub(super) fn checked(&self, good: bool, fall: u32, rise: u32) -> bool {
        let down = self.health.down.load(Ordering::Relaxed);
        if good != down {
            self.health.against.store(0, Ordering::Relaxed);
            return false;
        }
        let needed = if down { rise } else { fall };
        if self.health.against.fetch_add(1, Ordering::Relaxed) + 1 < needed {
            return false;
        }
        self.health.against.store(0, Ordering::Relaxed);
        self.health.down.store(!good, Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        let pool: Pool = base::config::parse("addresses: ['127.0.0.1:1']", "pool").unwrap();
        Origin::new("127.0.0.1:1", &pool, 1, None)
    }

    #[test]
    fn health_changes_only_after_enough_results_in_a_row() {
        let origin = origin();
        let results = [false, false, true, false, false, false, true, false, true, true];
        let up: Vec<bool> = results
            .iter()
            .map(|good| {
                origin.checked(*good, 3, 2);
                origin.up(0)
            })
            .collect();
        assert_eq!(up, [true, true, true, true, true, false, false, false, false, true]);
    }

    #[test]
    fn failed_connections_take_it_out_for_a_while() {
        let origin = origin();
        for _ in 0..STRIKES {
            assert!(origin.up(7));
            origin.dialled(false, 7);
        }
        assert!(!origin.up(7));
        assert!(origin.up(7 + PENALTY_US));
    }
}
