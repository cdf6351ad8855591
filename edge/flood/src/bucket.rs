//! Token buckets by key in fixed memory: the generic cell rate algorithm (ITU-T I.371), one number a bucket.
//!
//! The table is cut into sets of eight. A key lives in one set; a bucket that is full again costs nothing to forget. When all
//! eight of a set are in debt, a newcomer takes the place of the one with the least debt and inherits that debt: the debt of a
//! set never shrinks by pushing out, so that more sources do not buy more tokens.

use serde::{Deserialize, Serialize};

const WAYS: usize = 8;

/// A rate with a burst.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests a second in the long run.
    pub per_second: f64,
    /// Requests at once.
    pub burst: u32,
}

/// When the bucket of a key is full again, µs.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    tag: u64,
    full_at: u64,
}

/// The table.
#[derive(Debug)]
pub struct Buckets {
    slots: Vec<Slot>,
}

impl Buckets {
    /// A table of at least so many buckets.
    pub fn new(capacity: usize) -> Buckets {
        Buckets { slots: vec![Slot::default(); capacity.max(WAYS).next_power_of_two()] }
    }

    /// Takes one token of the key's bucket at `now` (µs); whether there was one.
    pub fn take(&mut self, key: u64, rate: Rate, now: u64) -> bool {
        // A rate of nothing is a bucket that never fills: one an hour keeps the arithmetic finite.
        let interval = (1e6 / rate.per_second.max(1.0 / 3600.0)) as u64;
        let depth = interval.saturating_mul(u64::from(rate.burst.max(1)));
        let slot = self.slot(key, now);
        let full_at = slot.full_at.max(now) + interval;
        if full_at - now > depth {
            return false;
        }
        slot.full_at = full_at;
        true
    }

    /// Puts one request on the account of a key, which `per_second` pays off, and gives how many are open now; at most `most`.
    pub fn charge(&mut self, key: u64, per_second: f64, most: u32, now: u64) -> u32 {
        let interval = (1e6 / per_second.max(1.0 / 3600.0)) as u64;
        let slot = self.slot(key, now);
        slot.full_at = (slot.full_at.max(now) + interval).min(now + interval * u64::from(most));
        ((slot.full_at - now) / interval) as u32
    }

    fn slot(&mut self, key: u64, now: u64) -> &mut Slot {
        let set = (key as usize & (self.slots.len() / WAYS - 1)) * WAYS;
        let ways = &mut self.slots[set..set + WAYS];
        let own = ways.iter().position(|slot| slot.tag == key);
        let least = || ways.iter().enumerate().min_by_key(|(_, slot)| slot.full_at).map_or(0, |(at, _)| at);
        let at = own.unwrap_or_else(least);
        let slot = &mut ways[at];
        if slot.tag != key {
            *slot = Slot { tag: key, full_at: slot.full_at.max(now) };
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_burst_then_the_rate() {
        let mut buckets = Buckets::new(64);
        let rate = Rate { per_second: 10.0, burst: 5 };
        assert_eq!((0..20).filter(|_| buckets.take(1, rate, SECOND)).count(), 5);
        assert!(!buckets.take(1, rate, SECOND + 99_999) && buckets.take(1, rate, SECOND + 100_000));
        assert!(buckets.take(2, rate, SECOND), "another key has its own");
        let taken = (0..1000).filter(|step| buckets.take(3, rate, SECOND + step * 10_000)).count();
        assert_eq!(taken, 5 + 99);
        let nothing = Rate { per_second: 0.0, burst: 1 };
        assert!(buckets.take(4, nothing, SECOND) && !buckets.take(4, nothing, SECOND * 60));
    }

    #[test]
    fn an_account_grows_with_use_and_is_paid_off() {
        let mut accounts = Buckets::new(64);
        let asked = |accounts: &mut Buckets, now| (0..50).map(|_| accounts.charge(1, 1.0, 100, now)).last();
        assert_eq!(asked(&mut accounts, SECOND), Some(50));
        assert_eq!(accounts.charge(1, 1.0, 100, 31 * SECOND), 21);
        assert_eq!(asked(&mut accounts, 31 * SECOND), Some(71));
        assert_eq!(asked(&mut accounts, 31 * SECOND), Some(100), "no more than this is remembered");
        assert_eq!(accounts.charge(2, 1.0, 100, SECOND), 1);
    }

    #[test]
    fn more_sources_than_slots_buy_no_more_than_the_slots_hold() {
        let mut buckets = Buckets::new(64);
        let rate = Rate { per_second: 1.0, burst: 2 };
        let mut taken = 0;
        for round in 0..50_u64 {
            for source in 0..10_000_u64 {
                let key = source.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                taken += usize::from(buckets.take(key, rate, SECOND + round * 1000));
            }
        }
        assert!(taken <= 64 * 2 + 64, "{taken}");
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate(steps in proptest::collection::vec(0_u64..300_000, 1..200), burst in 1_u32..10) {
            let mut buckets = Buckets::new(8);
            let rate = Rate { per_second: 20.0, burst };
            let (mut now, mut taken) = (5 * SECOND, 0_u64);
            let begin = now;
            for step in steps {
                now += step;
                taken += u64::from(buckets.take(9, rate, now));
            }
            prop_assert!(taken <= u64::from(burst) + (now - begin) / 50_000);
        }
    }
}
