//! A set of small numbers that is emptied in the time of what is in it.

/// A set of numbers below a size, with the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Bits {
    words: Vec<u64>,
    order: Vec<u32>,
}

impl Bits {
    /// An empty set for numbers below `size`.
    pub fn new(size: usize) -> Bits {
        Bits { words: vec![0; size.div_ceil(64)], order: Vec::with_capacity(size) }
    }

    /// Makes room for numbers below `size`, keeping what is in it. Allocates only when it grows.
    pub fn grow(&mut self, size: usize) {
        if size.div_ceil(64) > self.words.len() {
            self.words.resize(size.div_ceil(64), 0);
        }
        self.order.reserve(size.saturating_sub(self.order.len()));
    }

    /// Puts a number in; says whether it is new. A number that does not fit is left out.
    #[inline]
    pub fn insert(&mut self, number: u32) -> bool {
        let Some(word) = self.words.get_mut(number as usize / 64) else { return false };
        let bit = 1 << (number % 64);
        let new = *word & bit == 0;
        if new {
            *word |= bit;
            self.order.push(number);
        }
        new
    }

    /// Whether a number is in.
    #[inline]
    pub fn has(&self, number: u32) -> bool {
        self.words.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Sixty-four numbers at once: bit `i` says whether `64 * index + i` is in.
    #[inline]
    pub fn word(&self, index: u32) -> u64 {
        self.words.get(index as usize).copied().unwrap_or(0)
    }

    /// What is in, in the order it came.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Empties it.
    #[inline]
    pub fn clear(&mut self) {
        for number in self.order.drain(..) {
            if let Some(word) = self.words.get_mut(number as usize / 64) {
                *word = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleared_set_is_empty() {
        let mut bits = Bits::new(130);
        assert!(bits.insert(129) && bits.insert(0) && !bits.insert(0) && !bits.insert(100_000));
        assert_eq!(bits.order(), [129, 0]);
        bits.clear();
        assert!(!bits.has(0) && !bits.has(129) && bits.order().is_empty() && bits.words.iter().all(|word| *word == 0));
    }
}
