//! A token bucket: how often something dear may be done. Pure.

use base::Micros;

/// Deeds allowed, refilled over time.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    rate: u32,
    tokens: f64,
    last: Micros,
}

impl Bucket {
    /// `rate` deeds a second, and as many at once.
    pub fn new(rate: u32) -> Bucket {
        Bucket { rate, tokens: f64::from(rate), last: Micros::MIN }
    }

    /// Whether one more may be done. `now` is monotonic.
    pub fn take(&mut self, now: Micros) -> bool {
        let passed = now.saturating_sub(self.last).max(0) as f64 / 1e6;
        self.last = self.last.max(now);
        self.tokens = (self.tokens + passed * f64::from(self.rate)).min(f64::from(self.rate));
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_the_rate() {
        let mut bucket = Bucket::new(10);
        assert_eq!((0..50).filter(|_| bucket.take(5)).count(), 10);
        assert_eq!((0..50).filter(|_| bucket.take(300_005)).count(), 3);
        assert!(!bucket.take(0), "a clock that goes back gives nothing");
        assert_eq!((0..50).filter(|_| bucket.take(i64::MAX)).count(), 10);
    }
}
