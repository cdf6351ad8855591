//! What is usual for a destination: mean and variance of each rate by hour of the week, and the week's 95th percentile.

use crate::metric::{Metric, Rates};
use serde::{Deserialize, Serialize};

/// Hours of a week.
const HOURS: usize = 168;
/// Seconds of an hour of the week, or of late, after which they are believed.
const KNOWN_S: u32 = 300;
/// Seconds of history after which the percentile is believed: a day.
const DAY_S: u32 = 86_400;
/// Seconds that an hour of the week remembers: about its last occurrence.
const MEMORY_S: f32 = 3_600.0;
/// Seconds that the recent past remembers.
const RECENT_S: f32 = 1_800.0;
/// What a second may add to the mean, in deviations: a burst that did not alarm does not become usual at once.
const CLIP: f32 = 6.0;
/// Classes of the histogram: four an octave up to 2³².
const CLASSES: usize = 128;
/// Seconds that the histogram remembers: a week; then all counts are halved.
const WEEK_S: u32 = 604_800;

/// Moving mean and variance of each rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Moments {
    seconds: u32,
    mean: Rates,
    variance: Rates,
}

impl Moments {
    fn new() -> Moments {
        let zero = Rates::FLOORS.scaled(0.0);
        Moments { seconds: 0, mean: zero, variance: zero }
    }

    fn known(&self) -> bool {
        self.seconds >= KNOWN_S
    }

    fn learn(&mut self, rates: &Rates, memory_s: f32) {
        self.seconds = self.seconds.saturating_add(1);
        let weight = (1.0 / self.seconds as f32).max(1.0 / memory_s);
        for metric in Metric::ALL {
            let (mean, variance) = (self.mean.get(metric), self.variance.get(metric));
            let mut value = rates.get(metric);
            if self.known() {
                value = value.min(mean + CLIP * deviation(mean, variance));
            }
            // West's incremental form of the exponentially weighted moments.
            let step = weight * (value - mean);
            self.mean.set(metric, mean + step);
            self.variance.set(metric, (1.0 - weight) * (variance + step * (value - mean)));
        }
    }
}

/// The deviation that counts: at least that of a Poisson process and a tenth of the mean, so that a rate that never
/// varied does not alarm at its first change.
fn deviation(mean: f32, variance: f32) -> f32 {
    variance.max(0.0).sqrt().max(mean.max(1.0).sqrt()).max(mean * 0.1)
}

/// How a rate stands to what is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Whether anything is known of what is usual.
    pub known: bool,
    /// What is usual, a second; 0 when nothing is known.
    pub usual: f32,
    /// Deviations above it; 0 when nothing is known.
    pub deviations: f32,
    /// The rate from which on it alarms.
    pub limit: f32,
}

/// What is usual for one destination. About 10 KB, and 120 bytes an hour of the week that was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// By hour of the week, made when the hour is first seen.
    hours: Vec<Option<Box<Moments>>>,
    /// Of late, whatever the hour.
    recent: Moments,
    /// Seconds in the histogram.
    seconds: u32,
    /// Counts by class of each metric, made at the first second.
    histogram: Vec<u32>,
}

impl Default for Baseline {
    fn default() -> Baseline {
        Baseline { hours: vec![None; HOURS], recent: Moments::new(), seconds: 0, histogram: Vec::new() }
    }
}

/// Hour of the week of a time in µs since 1970 (which began on a Thursday; only the period matters).
fn hour(now_us: i64) -> usize {
    now_us.div_euclid(3_600_000_000).rem_euclid(HOURS as i64) as usize
}

fn class(value: f32) -> usize {
    ((value.max(0.0) + 1.0).log2() * 4.0) as usize
}

impl Baseline {
    /// Learns a second that was no attack.
    pub fn learn(&mut self, now_us: i64, rates: &Rates) {
        // One that was read from a file may have fewer hours than a week.
        self.hours.resize_with(HOURS, || None);
        let hour = self.hours[hour(now_us)].get_or_insert_with(|| Box::new(Moments::new()));
        hour.learn(rates, MEMORY_S);
        self.recent.learn(rates, RECENT_S);
        self.histogram.resize(Metric::COUNT * CLASSES, 0);
        for (index, metric) in Metric::ALL.into_iter().enumerate() {
            let at = index * CLASSES + class(rates.get(metric)).min(CLASSES - 1);
            self.histogram[at] = self.histogram[at].saturating_add(1);
        }
        self.seconds += 1;
        if self.seconds >= 2 * WEEK_S {
            self.seconds /= 2;
            self.histogram.iter_mut().for_each(|count| *count /= 2);
        }
    }

    /// 95th percentile of a rate (upper end of its class, within a fifth); `None` with less than a day of history.
    pub fn percentile95(&self, metric: Metric) -> Option<f32> {
        if self.seconds < DAY_S {
            return None;
        }
        let counts = self.histogram.get(metric as usize * CLASSES..(metric as usize + 1) * CLASSES)?;
        let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        let mut below = 0;
        let at = counts.iter().position(|count| {
            below += u64::from(*count);
            below * 100 >= total * 95
        })?;
        Some(((at + 1) as f32 / 4.0).exp2() - 1.0)
    }

    /// Whether what is usual is known for this hour or of late.
    pub fn known(&self, now_us: i64) -> bool {
        self.hour(now_us).is_some() || self.recent.known()
    }

    /// Packets a second on average: of this hour of the week when it is known, else of late; `None` in the first seconds.
    pub fn average(&self, now_us: i64) -> Option<f32> {
        use Metric::*;
        let moments = self.hour(now_us).or_else(|| (self.recent.seconds >= 2).then_some(&self.recent))?;
        let parts = [Syn, SynAck, Ends, Odd, Ack, Udp, Amplified, Icmp, Other];
        Some(parts.into_iter().map(|metric| moments.mean.get(metric)).sum())
    }

    fn hour(&self, now_us: i64) -> Option<&Moments> {
        self.hours.get(hour(now_us))?.as_deref().filter(|hour| hour.known())
    }

    /// How a rate stands: by this hour of the week when it is known; else by `burst` times the week's percentile; else by
    /// the last half hour; else nothing is known and the ceiling decides.
    pub fn standing(&self, now_us: i64, metric: Metric, value: f32, settings: &crate::Settings) -> Standing {
        let floor = settings.floors.get(metric);
        let by = |moments: &Moments, least: f32| {
            let mean = moments.mean.get(metric);
            let deviation = deviation(mean, moments.variance.get(metric));
            let limit = (mean + settings.deviations * deviation).max(floor).max(least);
            Standing { known: true, usual: mean, deviations: (value - mean) / deviation, limit }
        };
        if let Some(hour) = self.hour(now_us) {
            return by(hour, 0.0);
        }
        if self.recent.known() {
            let burst = self.percentile95(metric).map_or(0.0, |percentile| percentile * settings.burst);
            return by(&self.recent, burst);
        }
        Standing { known: false, usual: 0.0, deviations: 0.0, limit: settings.ceilings.get(metric) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counters, Settings};
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000;

    fn rates(syn: u64) -> Rates {
        Rates::of(&Counters { tcp_syn: syn, ..Counters::default() })
    }

    #[test]
    fn a_young_destination_has_ceilings_and_an_old_one_its_own_limits() {
        let (mut baseline, settings) = (Baseline::default(), Settings::default());
        let young = baseline.standing(0, Metric::Syn, 4_000.0, &settings);
        assert_eq!((young.known, young.limit), (false, settings.ceilings.get(Metric::Syn)));
        for second in 0..400 {
            baseline.learn(second * SECOND, &rates(2_000 + second as u64 % 20));
        }
        let old = baseline.standing(400 * SECOND, Metric::Syn, 4_000.0, &settings);
        assert!(old.known && old.deviations > 6.0, "{old:?}");
        assert!((old.usual - 2_010.0).abs() < 5.0 && old.limit < 3_500.0, "{old:?}");
        assert!(baseline.standing(400 * SECOND, Metric::Syn, 2_100.0, &settings).deviations < 2.0);
    }

    #[test]
    fn a_nightly_peak_is_usual_in_its_hour_only() {
        let (mut baseline, settings) = (Baseline::default(), Settings::default());
        for hour in 0..168 {
            for second in 0..600 {
                let value = if hour % 24 == 2 { 50_000 } else { 1_000 };
                baseline.learn((hour * 3_600 + second) * SECOND, &rates(value));
            }
        }
        let at = |hour: i64| baseline.standing((168 + hour) * 3_600 * SECOND, Metric::Syn, 50_000.0, &settings);
        assert!(at(2).deviations < 1.0 && at(3).deviations > 6.0, "{:?} {:?}", at(2), at(3));
        let percentile = baseline.percentile95(Metric::Syn).unwrap();
        assert!((1_000.0..1_250.0).contains(&percentile), "{percentile}");
    }

    #[test]
    fn a_burst_does_not_become_usual_at_once() {
        let mut baseline = Baseline::default();
        for second in 0..600 {
            baseline.learn(second * SECOND, &rates(1_000));
        }
        for second in 600..660 {
            baseline.learn(second * SECOND, &rates(1_000_000));
        }
        let standing = baseline.standing(660 * SECOND, Metric::Syn, 1_000_000.0, &Settings::default());
        assert!(standing.usual < 5_000.0 && standing.deviations > 6.0, "{standing:?}");
    }

    #[test]
    fn it_is_kept_and_read_back() {
        let mut baseline = Baseline::default();
        baseline.learn(0, &rates(7));
        let text = serde_json::to_string(&baseline).unwrap();
        assert_eq!(serde_json::from_str::<Baseline>(&text).unwrap(), baseline);
    }

    proptest! {
        #[test]
        fn any_history_gives_finite_limits(values in prop::collection::vec(any::<u64>(), 1..400)) {
            let mut baseline = Baseline::default();
            for (second, value) in values.iter().enumerate() {
                baseline.learn(second as i64 * SECOND, &rates(*value));
            }
            let standing = baseline.standing(500 * SECOND, Metric::Syn, 1.0, &Settings::default());
            prop_assert!(standing.limit.is_finite() && !standing.deviations.is_nan());
        }
    }
}
