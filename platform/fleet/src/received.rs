//! Which numbers of an agent have been received.

use record::{Frame, Lane, Runs};
use std::collections::BTreeMap;

/// Starts kept for each agent, the latest.
const STARTS: usize = 256;

/// The numbers received from one agent: see [`Runs`] for why a greatest number would not do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Of each start and lane.
    lanes: BTreeMap<(u64, Lane), Runs>,
}

impl Received {
    /// Whether every number of a frame has been received. An empty frame has.
    pub fn holds(&self, frame: &Frame) -> bool {
        let Ok(lane) = Lane::try_from(frame.lane) else { return false };
        let runs = self.lanes.get(&(frame.boot, lane));
        frame.count == 0 || runs.is_some_and(|runs| runs.holds(frame.first_seq, frame.last_seq()))
    }

    /// Adds the numbers of a frame. Says whether any was new.
    pub fn add(&mut self, frame: &Frame) -> bool {
        let Ok(lane) = Lane::try_from(frame.lane) else { return false };
        if self.holds(frame) {
            return false;
        }
        self.add_run(frame.boot, lane, frame.first_seq, frame.last_seq());
        true
    }

    /// Adds the numbers `first` to `last`, for example from a manifest.
    pub fn add_run(&mut self, boot: u64, lane: Lane, first: u64, last: u64) {
        self.lanes.entry((boot, lane)).or_default().add(first, last);
        if self.lanes.len() > 2 * STARTS {
            self.lanes.pop_first();
        }
    }

    /// For each start and lane the number up to which nothing is missing, for [`crate::Ingest::positions`].
    pub fn positions(&self) -> Vec<(u64, Lane, u64)> {
        let ends = self.lanes.iter().map(|((boot, lane), runs)| (*boot, *lane, runs.unbroken()));
        ends.filter(|(_, _, last)| *last > 0).collect()
    }

    /// Every run: start, lane, first and last number.
    pub fn runs(&self) -> impl Iterator<Item = (u64, Lane, u64, u64)> + '_ {
        self.lanes
            .iter()
            .flat_map(|((boot, lane), runs)| runs.iter().map(move |(first, last)| (*boot, *lane, first, last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first_seq: u64, count: u32) -> Frame {
        Frame { boot: 1, lane: Lane::Alert as i32, first_seq, count, ..Frame::default() }
    }

    #[test]
    fn a_hole_is_no_duplicate() {
        let mut received = Received::default();
        assert!(received.add(&frame(1, 3)) && received.add(&frame(7, 2)));
        assert!(!received.holds(&frame(4, 3)) && received.holds(&frame(7, 2)) && received.holds(&frame(2, 1)));
        assert_eq!(received.positions(), [(1, Lane::Alert, 3)]);
        assert!(received.add(&frame(4, 3)));
        assert_eq!(received.positions(), [(1, Lane::Alert, 8)]);
        assert!(!received.add(&frame(1, 8)));
        assert_eq!(received.runs().collect::<Vec<_>>(), [(1, Lane::Alert, 1, 8)]);
    }

    #[test]
    fn starts_are_bounded_and_the_latest_stay() {
        let mut received = Received::default();
        for boot in 1..5000 {
            received.add(&Frame { boot, ..frame(1, 3) });
        }
        assert_eq!(received.runs().count(), 2 * STARTS);
        assert!(received.holds(&Frame { boot: 4999, ..frame(1, 3) }));
    }
}
