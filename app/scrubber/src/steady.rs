//! The time by which attacks are judged: it runs with the monotonic clock and drifts to the wall clock, and never jumps.
//!
//! A wall clock that is set back an hour would else keep a level from rising or falling for an hour; one that is set forward
//! would end every quiet time at once.

use base::{Clock, Micros};
use std::sync::Arc;

/// Part of the time that has passed by which it may run fast or slow at most.
const DRIFT: Micros = 10;

/// See the module.
pub struct Steady {
    clock: Arc<dyn Clock>,
    monotonic: Micros,
    time: Micros,
}

impl Steady {
    /// Begins with the wall clock.
    pub fn new(clock: Arc<dyn Clock>) -> Steady {
        let (monotonic, time) = (clock.monotonic(), clock.wall());
        Steady { clock, monotonic, time }
    }

    /// Now, µs since the Unix epoch as far as the wall clock was not set of late.
    pub fn now(&mut self) -> Micros {
        let monotonic = self.clock.monotonic();
        let passed = monotonic.saturating_sub(self.monotonic).max(0);
        let ahead = self.clock.wall().saturating_sub(self.time.saturating_add(passed));
        self.monotonic = monotonic;
        self.time = self.time.saturating_add(passed + ahead.clamp(-passed / DRIFT, passed / DRIFT));
        self.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::ManualClock;

    #[test]
    fn a_clock_that_is_set_is_followed_slowly_and_never_backwards() {
        let clock = Arc::new(ManualClock::at(1_000_000_000));
        let mut steady = Steady::new(clock.clone());
        clock.advance(1_000_000);
        assert_eq!(steady.now(), 1_001_000_000);
        for jump in [-500_000_000, 900_000_000] {
            clock.jump_wall(jump);
            let before = steady.now();
            clock.advance(1_000_000);
            let passed = steady.now() - before;
            assert!((900_000..=1_100_000).contains(&passed), "{passed}");
        }
        for _ in 0..10_000 {
            clock.advance(1_000_000);
            steady.now();
        }
        assert_eq!(steady.now(), clock.wall());
    }
}
