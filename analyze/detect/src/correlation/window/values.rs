//! Distinct values, for counts of them.

use super::Measured;
use super::times::{insert, shrink};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// Hashes are their own hashes: the tracker makes them with a key that nobody outside knows.
#[derive(Debug, Default)]
struct Own(u64);

impl Hasher for Own {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The distinct values of a group by their hashes, each with the time it was last seen. The one seen longest ago goes
/// first: whether the newest `n` are `n` never depends on it.
#[derive(Debug)]
pub(in crate::correlation) struct Values {
    latest: HashMap<u64, i64, BuildHasherDefault<Own>>,
    /// Times in order, also those that `latest` has a newer one for.
    queue: VecDeque<(i64, u64)>,
    /// The newest time of a value that was cut.
    cut: i64,
}

impl Default for Values {
    fn default() -> Values {
        Values { latest: HashMap::default(), queue: VecDeque::new(), cut: i64::MIN }
    }
}

impl Values {
    pub(super) fn take(&mut self, time: i64, hash: u64, most: usize, cutoff: i64) -> u64 {
        if self.latest.get(&hash).is_none_or(|latest| *latest < time) {
            self.latest.insert(hash, time);
            insert(&mut self.queue, (time, hash), |entry| entry.0);
        }
        while self.queue.front().is_some_and(|(first, hash)| *first < cutoff || self.latest.get(hash) != Some(first)) {
            self.forget();
        }
        let mut cut = 0;
        while self.latest.len() > most {
            if let Some(gone) = self.forget() {
                self.cut = gone;
                cut += 1;
            }
        }
        if self.queue.len() > 2 * self.latest.len() + 64 {
            let latest = &self.latest;
            self.queue.retain(|(time, hash)| latest.get(hash) == Some(time));
        }
        shrink(&mut self.queue);
        if self.latest.capacity() > 64 && self.latest.len() * 8 < self.latest.capacity() {
            self.latest.shrink_to(self.latest.len() * 2);
        }
        cut
    }

    /// Takes the first entry out of the queue; says its time when its value is gone with it.
    fn forget(&mut self) -> Option<i64> {
        let Some((time, hash)) = self.queue.pop_front() else {
            // The queue holds every value; were one missing, the map would never become small enough.
            self.latest.clear();
            return None;
        };
        if self.latest.get(&hash) != Some(&time) {
            return None;
        }
        self.latest.remove(&hash);
        Some(time)
    }

    pub(super) fn measure(&self, cutoff: i64) -> Option<Measured> {
        let (first, _) = *self.queue.front()?;
        Some(Measured { value: self.latest.len() as f64, seen: 0, first, cut: self.cut >= cutoff })
    }

    pub(super) fn bytes(&self) -> usize {
        self.latest.capacity() * 17 + self.queue.capacity() * size_of::<(i64, u64)>()
    }
}
