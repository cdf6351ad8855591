//! What one second brought: counters by destination, and what each link carried.

use crate::link::Link;
use crate::port::Reading;
use base::Micros;
use ddos::{Counters, Prefix};
use std::collections::BTreeMap;

/// Shortest and longest span of a reading that counts as it stands, seconds.
const SECOND: std::ops::Range<f64> = 0.9..1.1;

/// The last reading of one counter, and when it was (monotonic, µs).
#[derive(Debug, Clone, Copy, Default)]
struct Meter(Option<(Counters, Micros)>);

impl Meter {
    /// What was counted since the last reading, as of one second: a controller that was late, or whose machine slept, must
    /// not take two seconds for a flood. Nothing at the first reading.
    fn delta(&mut self, at: Micros, now: Counters) -> Option<Counters> {
        let (last, then) = self.0.replace((now, at))?;
        let span_s = Some((at - then) as f64 / 1e6).filter(|span| *span > 0.0)?;
        let delta = now - last;
        Some(if SECOND.contains(&span_s) { delta } else { delta.scaled(1.0 / span_s) })
    }
}

/// What was read of every interface before.
#[derive(Debug, Default)]
pub struct Meters {
    links: Vec<(Meter, BTreeMap<Prefix, Meter>)>,
}

impl Meters {
    /// What came since the last reading: to each destination on all interfaces together, and on each interface. `at` is
    /// monotonic, µs.
    pub fn read(&mut self, at: Micros, readings: Vec<Reading>) -> (BTreeMap<Prefix, Counters>, Vec<Link>) {
        self.links.resize_with(readings.len(), Default::default);
        let mut came: BTreeMap<Prefix, Counters> = BTreeMap::new();
        let mut links = Vec::new();
        for ((rest, known), reading) in self.links.iter_mut().zip(readings) {
            let mut link = Link::default();
            link.carries(None, &rest.delta(at, reading.rest).unwrap_or_default());
            // What is not protected any more is forgotten.
            let mut before = std::mem::take(known);
            for (prefix, now) in reading.destinations {
                let mut meter = before.remove(&prefix).unwrap_or_default();
                if let Some(delta) = meter.delta(at, now) {
                    *came.entry(prefix).or_default() += delta;
                    link.carries(Some(prefix), &delta);
                }
                known.insert(prefix, meter);
            }
            links.push(link);
        }
        (came, links)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(packets: u64) -> Counters {
        Counters { packets, bytes: packets * 100, ..Counters::default() }
    }

    #[test]
    fn a_reading_that_is_late_is_brought_to_one_second() {
        let mut meter = Meter::default();
        assert_eq!(meter.delta(0, came(1_000)), None);
        assert_eq!(meter.delta(1_000_000, came(2_000)).unwrap().packets, 1_000);
        assert_eq!(meter.delta(11_000_000, came(12_000)).unwrap().packets, 1_000);
        assert_eq!(meter.delta(11_000_000, came(13_000)), None);
    }

    #[test]
    fn destinations_are_summed_over_links_and_links_over_all_that_they_carry() {
        let (one, other): (Prefix, Prefix) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let reading = |rest, first, second| Reading {
            rest: came(rest),
            destinations: vec![(one, came(first)), (other, came(second))],
        };
        let mut meters = Meters::default();
        meters.read(0, vec![reading(5, 5, 5), reading(0, 0, 0)]);
        let (all, links) = meters.read(1_000_000, vec![reading(15, 25, 5), reading(0, 2, 3)]);
        assert_eq!((all[&one].packets, all[&other].packets), (22, 3));
        assert_eq!(links.iter().map(|link| (link.packets, link.bytes)).collect::<Vec<_>>(), [(30, 3_000), (5, 500)]);
        // One that is gone for a while begins anew.
        meters.read(2_000_000, vec![Reading { rest: came(15), destinations: vec![(other, came(5))] }]);
        let (all, _) = meters.read(3_000_000, vec![reading(15, 1_000, 5)]);
        assert_eq!(all.get(&one), None);
    }
}
