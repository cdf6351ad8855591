//! From the kernel's clock to the wall clock.
//!
//! Events carry nanoseconds since boot, suspend included (`CLOCK_BOOTTIME`). The offset to the wall clock is
//! measured each second. It follows a jump of the wall clock at once, but not a slew below a millisecond, so
//! that events of one moment keep their order and a process keeps one start time.

use base::{Clock, Micros};
use std::sync::Arc;

/// How often the offset is measured, µs.
const MEASURE_EVERY: Micros = 1_000_000;
/// A smaller change of the offset is not followed, µs.
const TOLERANCE: Micros = 1_000;

/// Converts times of the kernel.
pub struct BootTime {
    clock: Arc<dyn Clock>,
    offset: Micros,
    next: Micros,
}

impl BootTime {
    /// A converter; measures at once.
    pub fn new(clock: Arc<dyn Clock>) -> BootTime {
        let mut time = BootTime { clock, offset: 0, next: Micros::MIN };
        time.offset = time.measure();
        time
    }

    /// Measures the offset again when a second has passed.
    pub fn refresh(&mut self) {
        let now = self.clock.monotonic();
        if now < self.next {
            return;
        }
        self.next = now.saturating_add(MEASURE_EVERY);
        let measured = self.measure();
        if (measured - self.offset).abs() > TOLERANCE {
            tracing::debug!(by_us = measured - self.offset, "wall clock moved against the boot clock");
            self.offset = measured;
        }
    }

    /// Wall time, µs since the Unix epoch, of a kernel time in nanoseconds since boot.
    pub fn wall(&self, boot_ns: u64) -> Micros {
        Micros::try_from(boot_ns / 1000).unwrap_or(Micros::MAX).saturating_add(self.offset)
    }

    /// Nanoseconds since boot now.
    pub fn now_ns() -> u64 {
        clock_ns(libc::CLOCK_BOOTTIME)
    }

    /// Wall clock now, µs.
    pub fn wall_now(&self) -> Micros {
        self.clock.wall()
    }

    /// Monotonic clock now, µs.
    pub fn monotonic(&self) -> Micros {
        self.clock.monotonic()
    }

    /// Between two readings of the boot clock lies the wall clock; a reading torn by preemption is tried again.
    fn measure(&self) -> Micros {
        let mut best = (u64::MAX, 0);
        for _ in 0..5 {
            let before = Self::now_ns();
            let wall = self.clock.wall();
            let after = Self::now_ns();
            let width = after.saturating_sub(before);
            if width < best.0 {
                best = (width, wall - ((before + width / 2) / 1000) as Micros);
            }
            if width < 20_000 {
                break;
            }
        }
        best.1
    }
}

/// Nanoseconds of one of the kernel's clocks, 0 when the kernel does not have it.
pub(crate) fn clock_ns(id: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec that the call fills; an unknown clock only returns -1.
    if unsafe { libc::clock_gettime(id, &raw mut now) } != 0 {
        return 0;
    }
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{ManualClock, SystemClock};

    #[test]
    fn a_time_of_now_is_now() {
        let clock = Arc::new(SystemClock::default());
        let time = BootTime::new(clock.clone());
        let wall = time.wall(BootTime::now_ns());
        assert!((clock.wall() - wall).abs() < 100_000);
    }

    #[test]
    fn a_jump_is_followed_within_a_second() {
        let clock = Arc::new(ManualClock::at(1_000_000_000_000));
        let mut time = BootTime::new(clock.clone());
        let event = BootTime::now_ns();
        let before = time.wall(event);
        clock.jump_wall(3_600_000_000);
        clock.advance(MEASURE_EVERY);
        time.refresh();
        let moved = time.wall(event) - before;
        assert!((moved - 3_600_000_000 - MEASURE_EVERY).abs() < 500_000, "{moved}");
        assert_eq!(time.wall(u64::MAX).signum(), 1);
    }
}
