//! Time, passed in from outside.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since the Unix epoch (wall clock) or since an arbitrary start (monotonic clock).
pub type Micros = i64;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// Wall clock, µs since the Unix epoch. May jump.
    fn wall(&self) -> Micros;
    /// Monotonic clock, µs since an arbitrary start. Never goes back; leases and time-outs use this one.
    fn monotonic(&self) -> Micros;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Micros {
        // A clock set before 1970 reads as the epoch rather than as a panic.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as Micros)
    }

    fn monotonic(&self) -> Micros {
        self.start.elapsed().as_micros() as Micros
    }
}

/// A clock that a test moves by hand. The two clocks move together unless the wall clock is made to jump.
#[derive(Debug, Default)]
pub struct ManualClock {
    wall: AtomicI64,
    monotonic: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at this wall time.
    pub fn at(wall: Micros) -> ManualClock {
        ManualClock { wall: AtomicI64::new(wall), monotonic: AtomicI64::new(0) }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Micros) {
        self.wall.fetch_add(by, Ordering::SeqCst);
        self.monotonic.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the wall clock alone, as an administrator or NTP may do.
    pub fn jump_wall(&self, by: Micros) {
        self.wall.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Micros {
        self.wall.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Micros {
        self.monotonic.load(Ordering::SeqCst)
    }
}
