//! How much may be done a second: what was used is a debt that time pays off. Pure.

use base::Micros;

/// Seconds of its rate that a budget saves up while nothing is done.
const SAVED_S: f64 = 1.0;

/// A rate and what is left of it.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    per_second: f64,
    left: f64,
    last: Micros,
}

impl Budget {
    /// So many units a second, and as many at once.
    pub fn new(per_second: u64) -> Budget {
        let per_second = per_second.max(1) as f64;
        Budget { per_second, left: per_second * SAVED_S, last: Micros::MIN }
    }

    /// How long to wait before more may be done, 0 for not at all. `now` is monotonic.
    pub fn wait(&mut self, now: Micros) -> Micros {
        let passed = now.saturating_sub(self.last).max(0) as f64 / 1e6;
        self.last = self.last.max(now);
        self.left = (self.left + passed * self.per_second).min(self.per_second * SAVED_S);
        if self.left > 0.0 { 0 } else { (-self.left / self.per_second * 1e6) as Micros + 1 }
    }

    /// Writes down what was used.
    pub fn charge(&mut self, units: u64) {
        self.left -= units as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_use_is_paid_off_before_the_next() {
        let mut budget = Budget::new(1000);
        assert_eq!(budget.wait(0), 0);
        budget.charge(6000);
        let wait = budget.wait(0);
        assert!((4_999_000..5_001_000).contains(&wait), "{wait}");
        assert!(budget.wait(4_900_000) > 0);
        assert_eq!(budget.wait(5_100_000), 0);
        assert!(Budget::new(0).wait(0) == 0, "a rate of nothing is one unit, not a division by zero");
    }

    #[test]
    fn a_long_rest_saves_no_more_than_a_second() {
        let mut budget = Budget::new(10);
        assert_eq!(budget.wait(i64::MAX), 0);
        budget.charge(11);
        assert!(budget.wait(i64::MAX) > 0);
    }
}
