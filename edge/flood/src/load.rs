//! How the origin does: latency, errors and flow of the last seconds, against its own quiet times.

use serde::Serialize;

/// Buckets of latency: eight to a doubling, from 64 µs up to 2 minutes; the error of a quantile is below 9 %.
const BUCKETS: usize = 168;
/// Seconds that a quantile looks back.
const WINDOW: usize = 4;
/// Least answers for a quantile that says something.
const ENOUGH: u32 = 5;

fn bucket(latency_us: u64) -> usize {
    let scaled = (latency_us.max(64) as f64 / 64.0).log2() * 8.0;
    (scaled as usize).min(BUCKETS - 1)
}

fn latency_us(bucket: usize) -> u64 {
    (64.0 * ((bucket as f64 + 0.5) / 8.0).exp2()) as u64
}

/// What went by in one second.
#[derive(Debug, Clone)]
struct Second {
    latencies: [u32; BUCKETS],
    answers: u32,
    errors: u32,
}

impl Default for Second {
    fn default() -> Self {
        Second { latencies: [0; BUCKETS], answers: 0, errors: 0 }
    }
}

/// How things stand; the figures behind every change of level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Reading {
    /// Requests that came, a second.
    pub arrivals: f32,
    /// The same in quiet times.
    pub quiet_arrivals: f32,
    /// Requests held back (challenged, refused), a second.
    pub held: f32,
    /// Median latency of the origin, µs; 0 when too few answers came.
    pub p50_us: u64,
    /// 95th percentile of it.
    pub p95_us: u64,
    /// Median in quiet times.
    pub quiet_p50_us: u64,
    /// 95th percentile in quiet times.
    pub quiet_p95_us: u64,
    /// Share of answers that were errors of the origin (5xx, none in time).
    pub errors: f32,
    /// Requests at the origin.
    pub in_flight: u32,
    /// How many may be there.
    pub limit: u32,
    /// Requests that wait.
    pub queued: u32,
    /// How many may wait.
    pub queue_limit: u32,
    /// Share of arrivals above the quiet ones that falls to fingerprints, routes and networks that grew.
    pub shape: f32,
}

/// Meters of one site.
#[derive(Debug)]
pub(crate) struct Meter {
    seconds: [Second; WINDOW],
    at: usize,
    arrived: u32,
    held: u32,
    arrivals: f32,
    held_rate: f32,
    quiet_arrivals: f32,
    quiet_p50: f64,
    quiet_p95: f64,
    /// Quiet seconds learned from.
    learned: u32,
}

impl Meter {
    pub(crate) fn new(expected_us: u64) -> Meter {
        Meter {
            seconds: std::array::from_fn(|_| Second::default()),
            at: 0,
            arrived: 0,
            held: 0,
            arrivals: 0.0,
            held_rate: 0.0,
            quiet_arrivals: 0.0,
            quiet_p50: expected_us as f64,
            quiet_p95: expected_us as f64 * 2.0,
            learned: 0,
        }
    }

    pub(crate) fn arrived(&mut self) {
        self.arrived = self.arrived.saturating_add(1);
    }

    pub(crate) fn held(&mut self) {
        self.held = self.held.saturating_add(1);
    }

    pub(crate) fn answered(&mut self, latency_us: u64, error: bool) {
        let second = &mut self.seconds[self.at];
        second.latencies[bucket(latency_us)] += 1;
        second.answers += 1;
        second.errors += u32::from(error);
    }

    fn quantile(&self, share: f64) -> Option<u64> {
        let answers: u32 = self.seconds.iter().map(|second| second.answers).sum();
        if answers < ENOUGH {
            return None;
        }
        let rank = (f64::from(answers) * share).ceil() as u32;
        let mut seen = 0;
        for bucket in 0..BUCKETS {
            seen += self.seconds.iter().map(|second| second.latencies[bucket]).sum::<u32>();
            if seen >= rank {
                return Some(latency_us(bucket));
            }
        }
        None
    }

    /// A second ended: what stands now. What the queue and the shape say is added by the caller.
    pub(crate) fn tick(&mut self) -> Reading {
        self.arrivals += 0.5 * (self.arrived as f32 - self.arrivals);
        self.held_rate += 0.5 * (self.held as f32 - self.held_rate);
        (self.arrived, self.held) = (0, 0);
        let answers: u32 = self.seconds.iter().map(|second| second.answers).sum();
        let errors: u32 = self.seconds.iter().map(|second| second.errors).sum();
        let reading = Reading {
            arrivals: self.arrivals,
            quiet_arrivals: self.quiet_arrivals,
            held: self.held_rate,
            p50_us: self.quantile(0.5).unwrap_or(0),
            p95_us: self.quantile(0.95).unwrap_or(0),
            quiet_p50_us: self.quiet_p50 as u64,
            quiet_p95_us: self.quiet_p95 as u64,
            errors: if answers < ENOUGH { 0.0 } else { errors as f32 / answers as f32 },
            ..Reading::default()
        };
        self.at = (self.at + 1) % WINDOW;
        self.seconds[self.at] = Second::default();
        reading
    }

    /// The second was a quiet one: it is what later ones are measured against. The first ones weigh more.
    pub(crate) fn learn(&mut self, reading: &Reading) {
        if reading.p50_us == 0 {
            return;
        }
        self.learned = self.learned.saturating_add(1);
        let weight = (1.0 / f64::from(self.learned)).max(0.01);
        self.quiet_p50 += weight * (reading.p50_us as f64 - self.quiet_p50);
        self.quiet_p95 += weight * (reading.p95_us as f64 - self.quiet_p95);
        self.quiet_arrivals += weight as f32 * (reading.arrivals - self.quiet_arrivals);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_tenth() {
        for latency in [100_u64, 1_000, 20_000, 333_333, 5_000_000] {
            let mut meter = Meter::new(1000);
            (0..95).for_each(|_| meter.answered(latency, false));
            (0..5).for_each(|_| meter.answered(latency * 10, true));
            let reading = meter.tick();
            let error = (reading.p50_us as f64 / latency as f64 - 1.0).abs();
            assert!(error < 0.1, "{latency}: {}", reading.p50_us);
            assert!((reading.errors - 0.05).abs() < 0.001);
        }
        let mut few = Meter::new(1000);
        few.answered(1, true);
        assert_eq!((few.tick().p50_us, few.tick().errors), (0, 0.0));
    }

    #[test]
    fn quiet_times_are_learned_quickly_then_slowly() {
        let mut meter = Meter::new(250_000);
        let second = |meter: &mut Meter, latency: u64| {
            (0..20).for_each(|_| {
                meter.arrived();
                meter.answered(latency, false);
            });
            let reading = meter.tick();
            meter.learn(&reading);
            reading
        };
        for _ in 0..20 {
            second(&mut meter, 10_000);
        }
        let quiet = second(&mut meter, 10_000);
        assert!((9_000..11_000).contains(&quiet.quiet_p50_us), "{quiet:?}");
        for _ in 0..5 {
            second(&mut meter, 100_000);
        }
        assert!(second(&mut meter, 100_000).quiet_p50_us < 40_000);
    }
}
