//! Counting what was shed, so that no gap is silent.

use record::{Activity, Batch, Event, Kind, Lane, Lost};
use std::collections::BTreeMap;

/// Words of classes: every kind of event, then the other records.
const OTHERS: [&str; 4] = ["alert", "receipt", "sample", "unknown"];
/// How many classes are counted.
pub(crate) const CLASSES: usize = Kind::ALL.len() + OTHERS.len();

fn word(class: usize) -> &'static str {
    Kind::ALL.get(class).map_or_else(|| OTHERS[(class - Kind::ALL.len()) % OTHERS.len()], |kind| kind.word())
}

/// Records of each class in a batch.
pub(crate) fn count(batch: &Batch) -> Vec<u32> {
    let mut counts = vec![0; CLASSES];
    for event in &batch.events {
        let kind = event.activity.as_ref().map(|activity| activity.kind());
        let place = kind.and_then(|kind| Kind::ALL.iter().position(|each| *each == kind));
        counts[place.unwrap_or(CLASSES - 1)] += 1;
    }
    let others = [batch.alerts.len(), batch.receipts.len(), batch.samples.len()];
    for (place, number) in (Kind::ALL.len()..).zip(others) {
        counts[place] = number as u32;
    }
    counts
}

/// A run of numbers of one start and lane that is gone.
#[derive(Debug, Clone, Default)]
struct Run {
    first: u64,
    last: u64,
    counts: Vec<u64>,
}

/// What was shed since the last report.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    runs: BTreeMap<(u64, Lane), Run>,
}

impl Tally {
    /// Adds a run. Counts that do not add up to it leave the rest as class `unknown`.
    pub(crate) fn add(&mut self, boot: u64, lane: Lane, first: u64, last: u64, counts: &[u32]) {
        let run = self.runs.entry((boot, lane)).or_insert_with(|| Run { first, last, counts: vec![0; CLASSES] });
        run.first = run.first.min(first);
        run.last = run.last.max(last);
        let mut left = last.saturating_sub(first) + 1;
        for (sum, number) in run.counts.iter_mut().zip(counts) {
            *sum += u64::from(*number);
            left = left.saturating_sub(u64::from(*number));
        }
        if let Some(unknown) = run.counts.last_mut() {
            *unknown += left;
        }
    }

    /// How many records.
    pub(crate) fn records(&self) -> u64 {
        self.runs.values().flat_map(|run| &run.counts).sum()
    }

    /// One event for each class of each run. The place is `spool`, `spool-alert` for the alert lane, followed by
    /// `@N` when the numbers are those of an earlier start N.
    pub(crate) fn report(&mut self, boot: u64, time_us: i64) -> Vec<Event> {
        let mut events = Vec::new();
        for ((of, lane), run) in std::mem::take(&mut self.runs) {
            let mut place = String::from(if lane == Lane::Alert { "spool-alert" } else { "spool" });
            if of != boot {
                place.push_str(&format!("@{of}"));
            }
            for (class, count) in run.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let lost = Lost {
                    class: word(class).into(),
                    place: place.clone(),
                    count: *count,
                    first_seq: run.first,
                    last_seq: run.last,
                };
                events.push(Event { seq: 0, time_us, process: None, activity: Activity::Lost(lost) });
            }
        }
        events
    }
}
