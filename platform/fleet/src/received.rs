//! Which numbers of an agent have been received.

use record::{Frame, Lane};
use std::collections::BTreeMap;

/// Runs of numbers kept for each start and lane; with more, the two nearest low ones are joined. Holes are rare: each is
/// a gap that the agent reported or a batch that was refused.
const RUNS: usize = 1024;
/// Starts kept for each agent, the latest.
const STARTS: usize = 256;

/// The numbers received from one agent, as runs. A greatest number would not do: a batch may fail while a later one
/// is taken, and it must not count as a duplicate when it is sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// For each start and lane: first number of a run → last number.
    lanes: BTreeMap<(u64, Lane), BTreeMap<u64, u64>>,
}

impl Received {
    /// Whether every number of a frame has been received. An empty frame has.
    pub fn holds(&self, frame: &Frame) -> bool {
        let (Ok(lane), last) = (Lane::try_from(frame.lane), frame.last_seq()) else { return false };
        let runs = self.lanes.get(&(frame.boot, lane));
        let run = runs.and_then(|runs| runs.range(..=frame.first_seq).next_back());
        frame.count == 0 || run.is_some_and(|(_, end)| *end >= last)
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
        let runs = self.lanes.entry((boot, lane)).or_default();
        let (mut first, mut last) = (first, last);
        while let Some((begin, end)) =
            runs.range(..=last.saturating_add(1)).next_back().map(|(begin, end)| (*begin, *end))
        {
            if end.saturating_add(1) < first {
                break;
            }
            runs.remove(&begin);
            (first, last) = (first.min(begin), last.max(end));
        }
        runs.insert(first, last);
        if runs.len() > RUNS
            && let Some((_, end)) = runs.pop_first()
            && let Some(mut second) = runs.first_entry()
        {
            let joined = *second.get_mut();
            second.remove();
            runs.insert(end, joined);
        }
        if self.lanes.len() > 2 * STARTS {
            self.lanes.pop_first();
        }
    }

    /// For each start and lane the number up to which nothing is missing, for [`crate::Ingest::positions`].
    pub fn positions(&self) -> Vec<(u64, Lane, u64)> {
        let ends = self.lanes.iter().filter_map(|((boot, lane), runs)| {
            let (first, last) = runs.first_key_value()?;
            (*first <= 1).then_some((*boot, *lane, *last))
        });
        ends.collect()
    }

    /// Every run: start, lane, first and last number.
    pub fn runs(&self) -> impl Iterator<Item = (u64, Lane, u64, u64)> + '_ {
        self.lanes
            .iter()
            .flat_map(|((boot, lane), runs)| runs.iter().map(move |(first, last)| (*boot, *lane, *first, *last)))
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
    fn memory_is_bounded() {
        let mut received = Received::default();
        for n in 1..5000 {
            received.add(&frame(n * 10, 1));
        }
        assert!(received.runs().count() <= RUNS);
        assert!(received.holds(&frame(49990, 1)) && !received.holds(&frame(49985, 1)));
    }
}
