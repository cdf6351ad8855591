//! How many requests may be at the origin at once: found from its latency, so that it works at its best and not beyond.
//!
//! The gradient between quiet and present latency shrinks the limit when requests begin to wait inside the origin; the square
//! root of the limit is room to find out whether more would do (the method of Netflix's concurrency-limits, Gradient2).

use crate::load::Reading;

/// How much slower than quiet the origin may be before the limit shrinks.
const TOLERANCE: f64 = 1.5;
/// How fast the limit grows, and how fast it shrinks: what waits inside the origin is waited for by everyone.
const GROWTH: f64 = 0.3;
const SHRINKING: f64 = 0.5;

/// The limit.
#[derive(Debug)]
pub(crate) struct Concurrency {
    limit: f64,
    least: f64,
    most: f64,
    /// Most requests at the origin in this second.
    peak: u32,
}

impl Concurrency {
    pub(crate) fn new(first: u32, least: u32, most: u32) -> Concurrency {
        let (least, most) = (f64::from(least.max(1)), f64::from(most.max(1)));
        Concurrency { limit: f64::from(first).clamp(least, most.max(least)), least, most: most.max(least), peak: 0 }
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit as u32
    }

    pub(crate) fn at_work(&mut self, in_flight: u32) {
        self.peak = self.peak.max(in_flight);
    }

    /// A second ended.
    pub(crate) fn tick(&mut self, reading: &Reading) {
        let busy = f64::from(std::mem::take(&mut self.peak)) >= self.limit / 2.0;
        let mut gradient = 1.0;
        if reading.p50_us > 0 {
            gradient = (TOLERANCE * reading.quiet_p50_us as f64 / reading.p50_us as f64).clamp(0.3, 1.0);
        }
        if reading.errors > 0.1 {
            gradient = gradient.min(0.7);
        }
        // An origin that is not asked much says nothing about how much it can take.
        if gradient >= 1.0 && !busy {
            return;
        }
        let target = self.limit * gradient + self.limit.sqrt();
        let smoothing = if target < self.limit { SHRINKING } else { GROWTH };
        self.limit = (self.limit + smoothing * (target - self.limit)).clamp(self.least, self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An origin of `workers`, each 10 ms a request: what it does with `asked` requests at once.
    fn second(concurrency: &mut Concurrency, workers: f64, asked: u32) {
        let at_once = asked.min(concurrency.limit());
        concurrency.at_work(at_once);
        let p50_us = (10_000.0 * (f64::from(at_once) / workers).max(1.0)) as u64;
        concurrency.tick(&Reading { p50_us, quiet_p50_us: 10_000, ..Reading::default() });
    }

    #[test]
    fn it_finds_what_the_origin_can_take() {
        for (workers, first) in [(8.0, 256), (8.0, 4), (64.0, 8)] {
            let mut concurrency = Concurrency::new(first, 2, 4096);
            (0..120).for_each(|_| second(&mut concurrency, workers, 10_000));
            let found = f64::from(concurrency.limit());
            assert!(found >= workers && found <= workers * 4.0, "{workers} workers: {found}");
        }
    }

    #[test]
    fn a_quiet_origin_changes_nothing_and_errors_shrink() {
        let mut concurrency = Concurrency::new(100, 2, 4096);
        (0..50).for_each(|_| second(&mut concurrency, 8.0, 3));
        assert_eq!(concurrency.limit(), 100);
        for _ in 0..50 {
            concurrency.at_work(100);
            concurrency.tick(&Reading { errors: 0.5, ..Reading::default() });
        }
        assert!(concurrency.limit() < 20);
    }
}
