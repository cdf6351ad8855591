//! All destinations of a filter, judged every second; and the ranges they stand in, for attacks that are spread too thin
//! for any one address to alarm.

use crate::report::{Lookups, Report};
use crate::sources::network;
use crate::{Baseline, Change, Counters, HttpLoad, Judgement, Level, Model, Prefix, Sample, Settings, Watch};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Most destinations that are watched: about 60 MB after a week.
pub const DESTINATIONS: usize = 2_048;
/// Destinations of a range that must have traffic for the range to be judged.
const MEMBERS: usize = 8;
/// A range is judged while its busiest destination has at most this share of its packets.
const SPREAD: f64 = 0.5;
/// Shortest and longest span of a reading that counts as it stands, seconds; others are brought to one second.
const SECOND: std::ops::Range<f64> = 0.9..1.1;

/// One destination and what was last read of it.
#[derive(Debug)]
struct Entry {
    watch: Watch,
    last: Counters,
    at_us: i64,
}

/// The watches of a filter's destinations.
#[derive(Debug, Default)]
pub struct Watches {
    settings: Settings,
    model: Option<Model>,
    entries: BTreeMap<Prefix, Entry>,
    ranges: BTreeMap<Prefix, Watch>,
    refused: u64,
}

impl Watches {
    /// Watches with the same settings for each destination.
    pub fn new(settings: Settings, model: Option<Model>) -> Watches {
        Watches { settings, model, ..Watches::default() }
    }

    /// Begins to watch a destination with the baseline that was kept of it.
    pub fn restore(&mut self, destination: Prefix, baseline: Baseline) {
        if self.has_room(destination) {
            let watch = Watch::with(destination, self.settings.clone(), baseline);
            self.entries.insert(destination, Entry { watch, last: Counters::default(), at_us: i64::MIN });
        }
    }

    /// Forgets a destination that is no longer protected.
    pub fn forget(&mut self, destination: Prefix) {
        self.entries.remove(&destination);
    }

    /// Destinations, by address.
    pub fn iter(&self) -> impl Iterator<Item = &Watch> {
        self.entries.values().map(|entry| &entry.watch).chain(self.ranges.values())
    }

    /// Readings of destinations that were one too many.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// A destination's or range's watch.
    pub fn get(&self, destination: Prefix) -> Option<&Watch> {
        self.entries.get(&destination).map(|entry| &entry.watch).or_else(|| self.ranges.get(&destination))
    }

    /// A person sets the least level of a destination.
    pub fn order(&mut self, now_us: i64, destination: Prefix, level: Level) -> Option<Change> {
        self.watch(destination)?.order(now_us, level)
    }

    /// A signature of a destination hit in the filter: it lives on.
    pub fn hit(&mut self, now_us: i64, destination: Prefix, id: u64) {
        if let Some(watch) = self.watch(destination) {
            watch.hit(now_us, id);
        }
    }

    /// The report of a destination's attack.
    pub fn report(&self, now_us: i64, destination: Prefix, lookups: &Lookups<'_>) -> Option<Report> {
        self.get(destination)?.report(now_us, lookups)
    }

    fn watch(&mut self, destination: Prefix) -> Option<&mut Watch> {
        match self.entries.get_mut(&destination) {
            Some(entry) => Some(&mut entry.watch),
            None => self.ranges.get_mut(&destination),
        }
    }

    fn has_room(&self, destination: Prefix) -> bool {
        self.entries.contains_key(&destination) || self.entries.len() < DESTINATIONS
    }

    /// Judges a second: `readings` are the filter's counters since it was loaded, `samples` what it sampled in the second
    /// with the address each went to, `http` what the gateway saw of a destination's sites. Judgements come by address,
    /// those of ranges last; a destination's first reading only sets where its counters begin.
    pub fn second(
        &mut self,
        now_us: i64,
        readings: &[(Prefix, Counters)],
        samples: Vec<(IpAddr, Sample)>,
        http: impl Fn(Prefix) -> Option<HttpLoad>,
    ) -> Vec<Judgement> {
        let sampled = self.sort(readings, samples);
        let deltas: Vec<(Prefix, Counters)> = readings
            .iter()
            .filter_map(|(destination, counters)| Some((*destination, self.delta(now_us, *destination, counters)?)))
            .collect();
        self.judge(now_us, &deltas, sampled, http)
    }

    /// Judges a window of which each destination's own counts and samples are known; it counts as a second, however long it was.
    pub fn counted(
        &mut self,
        now_us: i64,
        deltas: &[(Prefix, Counters)],
        samples: BTreeMap<Prefix, Vec<Sample>>,
    ) -> Vec<Judgement> {
        for (destination, _) in deltas {
            if self.has_room(*destination) {
                self.enter(*destination, Counters::default());
            } else {
                self.refused += 1;
            }
        }
        self.judge(now_us, deltas, samples, |_| None)
    }

    fn judge(
        &mut self,
        now_us: i64,
        deltas: &[(Prefix, Counters)],
        mut sampled: BTreeMap<Prefix, Vec<Sample>>,
        http: impl Fn(Prefix) -> Option<HttpLoad>,
    ) -> Vec<Judgement> {
        let mut judgements = Vec::new();
        let mut ranges: BTreeMap<Prefix, (Counters, u64, Vec<Prefix>)> = BTreeMap::new();
        for (destination, delta) in deltas {
            let samples = sampled.get(destination).map_or(&[][..], Vec::as_slice);
            let Some(entry) = self.entries.get_mut(destination) else { continue };
            let load = http(*destination);
            judgements.push(entry.watch.second(now_us, delta, samples, load.as_ref(), self.model.as_ref()));
            if destination.is_single() && delta.packets > 0 {
                let range = ranges.entry(network(destination.address())).or_default();
                range.0 += *delta;
                range.1 = range.1.max(delta.packets);
                range.2.push(*destination);
            }
        }
        self.ranges(now_us, ranges, &mut sampled, &mut judgements);
        judgements
    }

    /// A destination's entry; a new one begins with these counters.
    fn enter(&mut self, destination: Prefix, last: Counters) -> &mut Entry {
        let settings = &self.settings;
        self.entries.entry(destination).or_insert_with(|| Entry {
            watch: Watch::new(destination, settings.clone()),
            last,
            at_us: i64::MIN,
        })
    }

    /// What was counted since the last reading, as of one second; `None` for the first one.
    fn delta(&mut self, now_us: i64, destination: Prefix, counters: &Counters) -> Option<Counters> {
        if !self.has_room(destination) {
            self.refused += 1;
            return None;
        }
        let entry = self.enter(destination, *counters);
        let (last, at_us) =
            (std::mem::replace(&mut entry.last, *counters), std::mem::replace(&mut entry.at_us, now_us));
        let span_s =
            (at_us != i64::MIN).then(|| now_us.saturating_sub(at_us) as f64 / 1e6).filter(|span| *span > 0.0)?;
        let delta = *counters - last;
        Some(if SECOND.contains(&span_s) { delta } else { delta.scaled(1.0 / span_s) })
    }

    /// Samples by the destination among the readings that is nearest around their address.
    fn sort(&self, readings: &[(Prefix, Counters)], samples: Vec<(IpAddr, Sample)>) -> BTreeMap<Prefix, Vec<Sample>> {
        let known: BTreeSet<Prefix> = readings.iter().map(|(destination, _)| *destination).collect();
        let lengths: BTreeSet<u8> = known.iter().map(|destination| destination.length()).collect();
        let mut sorted: BTreeMap<Prefix, Vec<Sample>> = BTreeMap::new();
        for (address, sample) in samples {
            let around = lengths.iter().rev().filter_map(|length| Prefix::new(address, *length));
            if let Some(destination) = around.into_iter().find(|prefix| known.contains(prefix)) {
                sorted.entry(destination).or_default().push(sample);
            }
        }
        sorted
    }

    /// Judges the ranges whose traffic is spread; the others only grow older.
    fn ranges(
        &mut self,
        now_us: i64,
        ranges: BTreeMap<Prefix, (Counters, u64, Vec<Prefix>)>,
        sampled: &mut BTreeMap<Prefix, Vec<Sample>>,
        judgements: &mut Vec<Judgement>,
    ) {
        let mut judged = BTreeSet::new();
        for (range, (counters, busiest, members)) in ranges {
            if members.len() < MEMBERS || busiest as f64 > counters.packets as f64 * SPREAD {
                continue;
            }
            let samples: Vec<Sample> = members.iter().filter_map(|member| sampled.remove(member)).flatten().collect();
            let settings = &self.settings;
            let watch = self.ranges.entry(range).or_insert_with(|| Watch::new(range, settings.clone()));
            judgements.push(watch.second(now_us, &counters, &samples, None, self.model.as_ref()));
            judged.insert(range);
        }
        for (range, watch) in self.ranges.iter_mut().filter(|(range, _)| !judged.contains(range)) {
            if watch.alarm() || watch.level() > Level::Observe {
                judgements.push(watch.idle(now_us));
            }
            debug_assert!(!judged.contains(range));
        }
    }
}
