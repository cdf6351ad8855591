//! The rhythm of contacts: whether a program calls home.
//!
//! Middle interval and middle deviation from it instead of mean and variance, so that a few missed or extra calls change
//! nothing. Calls within [`BURST_US`] are one contact.

/// Calls so near each other are one contact (retries, several addresses of one name), µs.
const BURST_US: i64 = 2_000_000;
/// Fewest contacts that can show a rhythm.
const FEWEST: usize = 6;
/// Shortest and longest period, µs: faster is traffic, slower is not shown within a day.
const PERIOD_US: std::ops::RangeInclusive<i64> = 5_000_000..=4 * 3_600_000_000;
/// Largest middle deviation of a beacon, percent of its period.
const JITTER: i64 = 25;
/// Share of the intervals that lie near the period, or near twice it (one call missed), percent.
const STEADY: usize = 70;

/// A rhythm found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Middle interval, µs.
    pub period_us: i64,
    /// Middle deviation from it, percent.
    pub jitter_percent: u8,
    /// Contacts.
    pub contacts: usize,
    /// How sure, 0–100.
    pub confidence: u8,
}

/// The rhythm of contacts at these times (µs, any order); `None` when they have none.
pub fn rhythm(times: &[i64]) -> Option<Rhythm> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let mut contacts: Vec<i64> = Vec::new();
    for time in sorted {
        if contacts.last().is_none_or(|last| time.saturating_sub(*last) > BURST_US) {
            contacts.push(time);
        }
    }
    if contacts.len() < FEWEST {
        return None;
    }
    let gaps: Vec<i64> = contacts.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let period = middle(gaps.clone());
    if !PERIOD_US.contains(&period) {
        return None;
    }
    let deviations = gaps.iter().map(|gap| gap.saturating_sub(period).saturating_abs()).collect();
    let jitter = middle(deviations).saturating_mul(100) / period;
    let close =
        |gap: i64, wanted: i64| gap.saturating_sub(wanted).saturating_abs() <= period.saturating_mul(2 * JITTER) / 100;
    let steady = gaps.iter().filter(|gap| close(**gap, period) || close(**gap, period * 2)).count();
    if jitter > JITTER || steady * 100 < gaps.len() * STEADY {
        return None;
    }
    // More contacts and less jitter make it surer; a rhythm alone is never proof, since updaters have one too.
    let many = (contacts.len().min(20) - FEWEST) as i64;
    let confidence = 45 + many + (JITTER - jitter) * 20 / JITTER;
    Some(Rhythm {
        period_us: period,
        jitter_percent: u8::try_from(jitter).unwrap_or(u8::MAX),
        contacts: contacts.len(),
        confidence: u8::try_from(confidence.clamp(0, 80)).unwrap_or(0),
    })
}

fn middle(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Random, SeededRandom};
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000;

    fn calls(count: i64, period: i64, jitter: i64, seed: u64) -> Vec<i64> {
        let random = SeededRandom::new(seed);
        let off = |most: i64| if most == 0 { 0 } else { random.below(2 * most as u64 + 1) as i64 - most };
        (0..count)
            .scan(0, |time, _| {
                *time += period + off(jitter);
                Some(*time)
            })
            .collect()
    }

    #[test]
    fn a_beacon_is_found_with_jitter_missed_calls_and_bursts() {
        let exact = rhythm(&calls(20, 60 * SECOND, 0, 1)).unwrap();
        assert_eq!((exact.period_us, exact.jitter_percent), (60 * SECOND, 0));
        let mut loose = calls(30, 60 * SECOND, 15 * SECOND, 2);
        loose.remove(7);
        loose.remove(20);
        loose.push(loose[3] + SECOND);
        let found = rhythm(&loose).unwrap();
        assert!((50..70).contains(&(found.period_us / SECOND)) && found.confidence < exact.confidence, "{found:?}");
    }

    #[test]
    fn work_of_people_has_no_rhythm() {
        let random = SeededRandom::new(3);
        for _ in 0..200 {
            // Poisson-like arrivals: intervals from an exponential distribution.
            let mut time = 0;
            let times: Vec<i64> = (0..40)
                .map(|_| {
                    let share = (random.below(1_000_000) as f64 + 1.0) / 1_000_001.0;
                    time += (-share.ln() * 60e6) as i64;
                    time
                })
                .collect();
            assert_eq!(rhythm(&times), None);
        }
        assert_eq!(rhythm(&calls(5, 60 * SECOND, 0, 1)), None, "too few");
        assert_eq!(rhythm(&calls(500, SECOND, 0, 1)), None, "a stream");
    }

    proptest! {
        #[test]
        fn any_times_are_judged_alike_in_any_order(mut times in prop::collection::vec(any::<i64>(), 0..40)) {
            let found = rhythm(&times);
            times.reverse();
            prop_assert_eq!(found, rhythm(&times));
            prop_assert!(found.is_none_or(|found| found.confidence <= 80 && found.contacts <= times.len()));
        }
    }
}
