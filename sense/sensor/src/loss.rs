//! Losses in the kernel become events: what the counters say beyond what was already told.
//!
//! Invariant: the sum of the `count`s of all events told equals the counters, so that nothing is lost silently or
//! told twice.

use base::Micros;
use record::{Activity, Event, Kind, Lost};

/// How often the counters are looked at, µs: half of the second within which a loss must be told.
pub const LOOK_EVERY: Micros = 500_000;

/// Counts of one kind since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindStat {
    /// The kind.
    pub kind: Kind,
    /// Records that the kernel programs wanted to write.
    pub produced: u64,
    /// Records that found the ring full.
    pub lost: u64,
    /// Records that a filter dropped.
    pub filtered: u64,
    /// Events given to the agent.
    pub delivered: u64,
}

/// What was told already.
#[derive(Debug, Default)]
pub struct LossWatch {
    told: [u64; Kind::ALL.len()],
    next: Micros,
}

impl LossWatch {
    /// A watch that has told nothing.
    pub fn new() -> LossWatch {
        LossWatch { next: Micros::MIN, ..LossWatch::default() }
    }

    /// Whether it is time to look at the counters. `now` is monotonic.
    pub fn is_due(&mut self, now: Micros) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now.saturating_add(LOOK_EVERY);
        }
        due
    }

    /// The events that tell new losses: (kind, lost since the start) as the counters say.
    pub fn tell(&mut self, lost: impl IntoIterator<Item = (Kind, u64)>, time_us: Micros) -> Vec<Event> {
        let mut events = Vec::new();
        for (kind, total) in lost {
            let told = &mut self.told[kind as usize];
            // Counters only grow; a smaller one means that the programs were loaded anew.
            let count = if total < *told { total } else { total - *told };
            *told = total;
            if count > 0 {
                let lost = Lost { class: kind.word().into(), place: "ring".into(), count, first_seq: 0, last_seq: 0 };
                events.push(Event { seq: 0, time_us, process: None, activity: Activity::Lost(lost) });
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loss_is_told_once() {
        let mut watch = LossWatch::new();
        let counts = |events: Vec<Event>| -> Vec<u64> {
            let lost = |event: Event| match event.activity {
                Activity::Lost(lost) => lost.count,
                _ => 0,
            };
            events.into_iter().map(lost).collect()
        };
        assert_eq!(counts(watch.tell([(Kind::Exec, 0), (Kind::File, 5)], 1)), [5]);
        assert_eq!(counts(watch.tell([(Kind::Exec, 2), (Kind::File, 5)], 2)), [2]);
        assert_eq!(counts(watch.tell([(Kind::Exec, 2), (Kind::File, 9)], 3)), [4]);
        assert_eq!(counts(watch.tell([(Kind::Exec, 2), (Kind::File, 1)], 4)), [1]);
        assert!(watch.is_due(0) && !watch.is_due(LOOK_EVERY - 1) && watch.is_due(LOOK_EVERY));
    }

    #[test]
    fn every_kind_has_a_place() {
        for (index, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, index);
        }
    }
}
