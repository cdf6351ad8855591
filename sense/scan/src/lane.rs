//! Files waiting to be scanned because something happened to them: each path once, the started ones first, written ones
//! after they were left alone for a while. Pure.

use crate::hint::{Cause, Hint};
use base::Micros;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// A file that is written without end is scanned after this many times its settling time all the same.
const PATIENCE: Micros = 10;

/// Place in the order: started and asked for before written, then by the time it is due, then by arrival.
type Turn = (bool, Micros, u64);

struct Waiting {
    turn: Turn,
    first: Micros,
    hint: Hint,
}

/// The queue.
pub struct Lane {
    most: usize,
    settle: Micros,
    waiting: HashMap<PathBuf, Waiting>,
    order: BTreeMap<Turn, PathBuf>,
    arrivals: u64,
    dropped: u64,
}

impl Lane {
    /// At most so many files; a written one is due when it was left alone for `settle` µs.
    pub fn new(most: usize, settle: Micros) -> Lane {
        Lane { most, settle, waiting: HashMap::new(), order: BTreeMap::new(), arrivals: 0, dropped: 0 }
    }

    /// Takes a hint in. When full, a started file takes the place of the written one that has longest to wait, and what
    /// has no place is counted.
    pub fn push(&mut self, hint: Hint, now: Micros) {
        let urgent = hint.cause < Cause::Write;
        if let Some(waiting) = self.waiting.get_mut(&hint.path) {
            if urgent || waiting.hint.cause == Cause::Write {
                let turn = turn(urgent, waiting.first, now, self.settle << hint.again.min(16), waiting.turn.2);
                self.order.remove(&waiting.turn);
                self.order.insert(turn, hint.path.clone());
                (waiting.turn, waiting.hint) = (turn, hint);
            }
            return;
        }
        if self.waiting.len() >= self.most {
            self.dropped += 1;
            let last = self.order.last_key_value().map(|(turn, _)| *turn);
            match last.filter(|turn| urgent && turn.0) {
                Some(turn) => self.remove(turn),
                None => return,
            };
        }
        self.arrivals += 1;
        let turn = turn(urgent, now, now, self.settle << hint.again.min(16), self.arrivals);
        self.order.insert(turn, hint.path.clone());
        self.waiting.insert(hint.path.clone(), Waiting { turn, first: now, hint });
    }

    /// The next file that is due.
    pub fn pop(&mut self, now: Micros) -> Option<Hint> {
        let turn = *self.order.first_key_value().filter(|(turn, _)| turn.1 <= now)?.0;
        self.remove(turn)
    }

    /// When the next file is due, none when nothing waits.
    pub fn due(&self) -> Option<Micros> {
        self.order.first_key_value().map(|(turn, _)| turn.1)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Hints dropped since the last call.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    fn remove(&mut self, turn: Turn) -> Option<Hint> {
        let path = self.order.remove(&turn)?;
        self.waiting.remove(&path).map(|waiting| waiting.hint)
    }
}

/// The place of a file first heard of at `first` and last at `now`.
fn turn(urgent: bool, first: Micros, now: Micros, settle: Micros, arrival: u64) -> Turn {
    if urgent {
        return (false, Micros::MIN, arrival);
    }
    (true, (now + settle).min(first + settle * PATIENCE), arrival)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hint(path: &str, cause: Cause) -> Hint {
        Hint::new(path, cause)
    }

    fn pop(lane: &mut Lane, now: Micros) -> Option<String> {
        lane.pop(now).map(|hint| hint.path.display().to_string())
    }

    #[test]
    fn a_started_file_goes_first_and_a_written_one_when_it_was_left_alone() {
        let mut lane = Lane::new(10, 100);
        lane.push(hint("/w", Cause::Write), 0);
        lane.push(hint("/w", Cause::Write), 90);
        assert_eq!(pop(&mut lane, 150), None, "it was written again");
        lane.push(hint("/x", Cause::Exec), 150);
        lane.push(hint("/y", Cause::Exec), 151);
        assert_eq!(pop(&mut lane, 151).as_deref(), Some("/x"));
        assert_eq!(pop(&mut lane, 151).as_deref(), Some("/y"));
        assert_eq!((pop(&mut lane, 189), lane.due()), (None, Some(190)));
        assert_eq!(pop(&mut lane, 190).as_deref(), Some("/w"));
        assert!(lane.is_empty() && lane.due().is_none());
    }

    #[test]
    fn a_file_written_without_end_is_scanned_all_the_same() {
        let mut lane = Lane::new(10, 100);
        for now in (0..5_000).step_by(50) {
            lane.push(hint("/log", Cause::Write), now);
            if let Some(path) = pop(&mut lane, now) {
                assert_eq!((path.as_str(), now), ("/log", 1000));
                return;
            }
        }
        panic!("never scanned");
    }

    #[test]
    fn a_written_file_that_starts_does_not_wait_and_what_has_no_place_is_counted() {
        let mut lane = Lane::new(2, 100);
        lane.push(hint("/a", Cause::Write), 0);
        lane.push(hint("/a", Cause::Exec), 1);
        lane.push(hint("/a", Cause::Write), 2);
        lane.push(hint("/b", Cause::Write), 2);
        lane.push(hint("/c", Cause::Write), 3);
        assert_eq!((lane.len(), lane.take_dropped()), (2, 1));
        lane.push(hint("/d", Cause::Exec), 3);
        assert_eq!((lane.len(), lane.take_dropped(), lane.take_dropped()), (2, 1, 0));
        assert_eq!(pop(&mut lane, 3).as_deref(), Some("/a"));
        assert_eq!(pop(&mut lane, 3).as_deref(), Some("/d"));
    }

    proptest! {
        #[test]
        fn both_tables_hold_the_same(steps in proptest::collection::vec((0u8..12, 0u8..3, 0i64..40), 0..200)) {
            let (mut lane, mut now) = (Lane::new(6, 50), 0);
            for (path, deed, passed) in steps {
                now += passed;
                match deed {
                    0 => lane.push(hint(&format!("/{path}"), Cause::Write), now),
                    1 => lane.push(hint(&format!("/{path}"), Cause::Exec), now),
                    _ => drop(lane.pop(now)),
                }
                prop_assert!(lane.len() <= 6 && lane.order.len() == lane.len());
                prop_assert!(lane.order.iter().all(|(turn, path)| lane.waiting[path].turn == *turn));
            }
        }
    }
}
