//! Which rules fitted, and whether in order.

use super::Measured;
use crate::correlation::limits::{REFERENCES, REORDER};

/// When each rule fitted last.
#[derive(Debug)]
pub(in crate::correlation) struct Together {
    latest: Box<[i64]>,
}

impl Together {
    pub(super) fn new(references: usize) -> Together {
        Together { latest: vec![i64::MIN; references].into() }
    }

    pub(super) fn take(&mut self, time: i64, place: u8) -> u64 {
        if let Some(latest) = self.latest.get_mut(usize::from(place)) {
            *latest = time.max(*latest);
        }
        0
    }

    pub(super) fn measure(&self, cutoff: i64) -> Option<Measured> {
        let mut measured = Measured { value: 0.0, seen: 0, first: i64::MAX, cut: false };
        for (place, latest) in self.latest.iter().enumerate().filter(|(_, latest)| **latest >= cutoff) {
            measured.value += 1.0;
            measured.seen |= 1 << place;
            measured.first = measured.first.min(*latest);
        }
        (measured.seen != 0).then_some(measured)
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.latest)
    }
}

/// Whether the rules fitted in order. For each rule it is enough to know the latest start of a chain of the rules up to
/// it, so no flood can push the beginning of an attack out. Only the newest events are kept as they are, so that
/// they can still be put in order.
#[derive(Debug)]
pub(in crate::correlation) struct Order {
    together: Together,
    /// Per rule the latest start of a chain that ends with it, of the events no longer in `recent`.
    starts: Box<[i64]>,
    /// The newest of those events.
    settled: i64,
    /// The newest events in order.
    recent: Vec<(i64, u8)>,
}

impl Order {
    pub(super) fn new(references: usize) -> Order {
        Order {
            together: Together::new(references),
            starts: vec![i64::MIN; references].into(),
            settled: i64::MIN,
            recent: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, time: i64, place: u8) -> u64 {
        self.together.take(time, place);
        if time < self.settled {
            return 1;
        }
        let at = self.recent.partition_point(|other| *other <= (time, place));
        // The same rule at the same time once more changes nothing.
        if at == 0 || self.recent[at - 1] != (time, place) {
            self.recent.insert(at, (time, place));
        }
        while self.recent.len() > REORDER {
            let oldest = self.recent[0].0;
            let end = self.recent.partition_point(|(time, _)| *time == oldest);
            self.recent.drain(..end).for_each(|(time, place)| settle(&mut self.starts, time, place));
            self.settled = oldest;
        }
        0
    }

    pub(super) fn measure(&self, cutoff: i64) -> Option<Measured> {
        let mut room = [i64::MIN; REFERENCES];
        let starts = &mut room[..self.starts.len()];
        starts.copy_from_slice(&self.starts);
        // Events of one time are in the order of their rules, so that all of them may belong to one chain.
        self.recent.iter().for_each(|(time, place)| settle(starts, *time, *place));
        let first = *starts.last()?;
        let together = self.together.measure(cutoff)?;
        (first >= cutoff).then_some(Measured { first, ..together })
    }

    pub(super) fn bytes(&self) -> usize {
        self.together.bytes() + size_of_val(&*self.starts) + self.recent.capacity() * size_of::<(i64, u8)>()
    }
}

/// Lets an event go on with the chain that ends before it.
fn settle(starts: &mut [i64], time: i64, place: u8) {
    let place = usize::from(place);
    let start = match place.checked_sub(1) {
        Some(before) => starts[before],
        None => time,
    };
    starts[place] = starts[place].max(start);
}
