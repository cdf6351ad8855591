//! Touched paths that wait until they are left alone: merged by path, bounded, each with who touched it. Pure.

use crate::limits::{TOUCHERS, WAITING};
use crate::touch::Touch;
use base::Micros;
use record::Proc;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A path goes on waiting while it is touched, for so many settle times at most.
const LONGEST: Micros = 6;

/// A path with who touched it.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// The path.
    pub path: String,
    /// Whether what is below has to be looked at too.
    pub whole: bool,
    /// Who touched it, oldest first, at most [`TOUCHERS`]: the last place is the latest one's.
    pub processes: Vec<Arc<Proc>>,
    /// How often it was put back.
    pub again: u8,
    /// When it was touched first, monotonic.
    pub since: Micros,
    /// When it is looked at, monotonic.
    pub due: Micros,
}

/// See the module.
#[derive(Default)]
pub struct Queue {
    settle: Micros,
    waiting: HashMap<String, Waiting>,
    order: BTreeSet<(Micros, String)>,
}

impl Queue {
    /// A queue whose paths wait so long, µs.
    pub fn new(settle: Micros) -> Queue {
        Queue { settle, ..Queue::default() }
    }

    /// Adds a touch; false when there is no room for another path.
    pub fn add(&mut self, touch: Touch, now: Micros) -> bool {
        if self.waiting.len() >= WAITING && !self.waiting.contains_key(&touch.path) {
            return false;
        }
        let fresh = || Waiting { path: touch.path.clone(), since: now, due: now + self.settle, ..Waiting::default() };
        let one = self.waiting.entry(touch.path.clone()).or_insert_with(fresh);
        self.order.remove(&(one.due, touch.path.clone()));
        one.due = (now + self.settle).min(one.since + self.settle * LONGEST).max(one.due.min(now));
        one.whole |= touch.whole;
        if let Some(process) = touch.process {
            one.processes.retain(|known| known.info.key != process.info.key);
            if one.processes.len() >= TOUCHERS {
                one.processes.remove(1);
            }
            one.processes.push(process);
        }
        self.order.insert((one.due, touch.path));
        true
    }

    /// Puts a path back that is not done, for so long; what was added meanwhile is kept.
    pub fn put_back(&mut self, mut one: Waiting, now: Micros, wait: Micros) {
        if let Some(newer) = self.waiting.remove(&one.path) {
            self.order.remove(&(newer.due, newer.path));
            one.whole |= newer.whole;
            one.processes.extend(newer.processes);
            one.processes.dedup_by_key(|process| process.info.key);
            one.processes.truncate(TOUCHERS);
        }
        one.due = now + wait;
        self.order.insert((one.due, one.path.clone()));
        self.waiting.insert(one.path.clone(), one);
    }

    /// The next path whose time has come.
    pub fn next(&mut self, now: Micros) -> Option<Waiting> {
        let (due, _) = self.order.first()?;
        if *due > now {
            return None;
        }
        let (_, path) = self.order.pop_first()?;
        self.waiting.remove(&path)
    }

    /// When the next path is due, monotonic.
    pub fn due(&self) -> Option<Micros> {
        self.order.first().map(|(due, _)| *due)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Process;

    fn touch(path: &str, key: u64) -> Touch {
        let process = Some(Proc::new(Process { key, ..Process::default() }, None));
        Touch { path: path.into(), whole: false, process }
    }

    #[test]
    fn touches_of_a_path_are_one_and_wait_until_it_is_left_alone() {
        let mut queue = Queue::new(100);
        queue.add(touch("/a", 1), 0);
        queue.add(touch("/a", 2), 50);
        assert!(queue.next(149).is_none());
        let one = queue.next(150).unwrap();
        assert_eq!(one.processes.iter().map(|process| process.info.key).collect::<Vec<_>>(), [1, 2]);
        assert!(queue.is_empty() && queue.due().is_none());
    }

    #[test]
    fn a_path_that_is_touched_all_the_time_is_looked_at_all_the_same() {
        let mut queue = Queue::new(100);
        for now in 0..700 {
            queue.add(touch("/a", now as u64), now);
        }
        let one = queue.next(700).unwrap();
        assert_eq!(
            (one.processes.len(), one.processes[0].info.key),
            (TOUCHERS, 0),
            "the first and the latest are kept"
        );
        assert_eq!(one.processes[TOUCHERS - 1].info.key, 699);
    }

    #[test]
    fn it_is_bounded_and_says_so() {
        let mut queue = Queue::new(100);
        for number in 0..WAITING {
            assert!(queue.add(touch(&format!("/{number}"), 1), 0));
        }
        assert!(!queue.add(touch("/more", 1), 0) && queue.add(touch("/7", 2), 0));
        assert_eq!(queue.len(), WAITING);
    }
}
