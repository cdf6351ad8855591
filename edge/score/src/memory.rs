//! Short values judged before: agents, paths and cookies come again with every request of a client.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// Longest value kept, bytes.
const LONGEST: usize = 256;
/// Values kept: at most 2 MiB. A flood of new values only makes each of them cost what it costs without this.
const SLOTS: usize = 4096;

/// What was found of a value without rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// Probability.
    pub probability: f32,
    /// Whether a tokenizer speaks.
    pub injection: bool,
}

/// A value and what was found of it.
type Kept = (Box<[u8]>, Found);

/// A slot for each hash; a newer value takes the place of an older one. Hashes are keyed, so that nobody outside can aim.
#[derive(Debug)]
pub(crate) struct Memory {
    hasher: RandomState,
    slots: Vec<Mutex<Option<Kept>>>,
}

impl Memory {
    pub fn new() -> Memory {
        Memory { hasher: RandomState::new(), slots: (0..SLOTS).map(|_| Mutex::default()).collect() }
    }

    /// What was found of this value, or what `find` finds now.
    pub fn recall(&self, value: &[u8], find: impl FnOnce() -> Found) -> Found {
        if value.len() > LONGEST {
            return find();
        }
        let slot = &self.slots[self.hasher.hash_one(value) as usize % SLOTS];
        let kept = slot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .filter(|(known, _)| **known == *value)
            .map(|(_, found)| *found);
        kept.unwrap_or_else(|| {
            let found = find();
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((value.into(), found));
            found
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_once_and_values_do_not_mix() {
        let memory = Memory::new();
        let find = |probability| move || Found { probability, injection: false };
        for number in 0..2 * SLOTS {
            let value = number.to_string();
            assert_eq!(memory.recall(value.as_bytes(), find(number as f32)).probability, number as f32);
            assert_eq!(memory.recall(value.as_bytes(), find(-1.0)).probability, number as f32);
        }
        let long = vec![b'a'; LONGEST + 1];
        assert_eq!(memory.recall(&long, find(1.0)).probability, 1.0);
        assert_eq!(memory.recall(&long, find(2.0)).probability, 2.0);
    }
}
