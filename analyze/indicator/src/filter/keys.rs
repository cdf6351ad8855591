//! A small sorted set of keys that answers most questions from a bitmap.

use crate::Key;

/// Keys in order, with a bit for each group of keys: a look-up that misses costs one bit as a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
    bitmap: Vec<u64>,
    /// Bits of a group's number.
    bits: u32,
}

/// Bits of the bitmap for each key.
const SPARSE: usize = 8;

impl KeySet {
    pub fn new(mut keys: Vec<Key>) -> KeySet {
        keys.sort_unstable();
        keys.dedup();
        keys.shrink_to_fit();
        if keys.is_empty() {
            return KeySet::default();
        }
        let bits = (keys.len() * SPARSE).next_power_of_two().ilog2().max(6);
        let mut bitmap = vec![0u64; 1 << (bits - 6)];
        for key in &keys {
            let group = key.0 >> (64 - bits);
            bitmap[(group >> 6) as usize] |= 1 << (group & 63);
        }
        KeySet { keys, bitmap, bits }
    }

    pub fn has(&self, key: Key) -> bool {
        let Some(group) = key.0.checked_shr(64 - self.bits) else { return false };
        let word = self.bitmap.get((group >> 6) as usize).copied().unwrap_or(0);
        word & 1 << (group & 63) != 0 && self.keys.binary_search(&key).is_ok()
    }

    pub fn list(&self) -> &[Key] {
        &self.keys
    }

    pub fn bytes(&self) -> usize {
        self.keys.capacity() * 8 + self.bitmap.len() * 8
    }
}
