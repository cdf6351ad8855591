//! Times of events, for counts of them.

use super::Measured;
use std::collections::VecDeque;

/// The newest times of a group, in order.
#[derive(Debug)]
pub(in crate::correlation) struct Times {
    times: VecDeque<i64>,
    /// The newest that was cut.
    cut: i64,
}

impl Default for Times {
    fn default() -> Times {
        Times { times: VecDeque::new(), cut: i64::MIN }
    }
}

impl Times {
    /// Takes an event, lets go of those before `cutoff` and of the oldest beyond `most`.
    pub(super) fn take(&mut self, time: i64, most: usize, cutoff: i64) -> u64 {
        insert(&mut self.times, time, |time| *time);
        while self.times.front().is_some_and(|first| *first < cutoff) {
            self.times.pop_front();
        }
        let mut cut = 0;
        while self.times.len() > most {
            self.cut = self.times.pop_front().unwrap_or(i64::MIN);
            cut += 1;
        }
        shrink(&mut self.times);
        cut
    }

    pub(super) fn measure(&self, cutoff: i64) -> Option<Measured> {
        let first = *self.times.front()?;
        Some(Measured { value: self.times.len() as f64, seen: 0, first, cut: self.cut >= cutoff })
    }

    pub(super) fn bytes(&self) -> usize {
        self.times.capacity() * size_of::<i64>()
    }
}

/// Puts an entry where its time belongs, behind those of the same time. Most come in order, so it looks from the end.
pub(super) fn insert<T>(entries: &mut VecDeque<T>, entry: T, time: impl Fn(&T) -> i64) {
    let own = time(&entry);
    if entries.back().is_none_or(|last| time(last) <= own) {
        entries.push_back(entry);
        return;
    }
    let at = entries.partition_point(|other| time(other) <= own);
    entries.insert(at, entry);
}

/// Gives back what a flood that is over has left.
pub(super) fn shrink<T>(entries: &mut VecDeque<T>) {
    if entries.capacity() > 64 && entries.len() * 8 < entries.capacity() {
        entries.shrink_to(entries.len() * 2);
    }
}
