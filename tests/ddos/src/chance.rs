//! Repeatable chance for generators (SplitMix64; Steele, Lea, Flood 2014).

/// A generator that repeats for the same seed.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in a range; its begin when it is empty.
    pub fn within(&mut self, range: std::ops::Range<u64>) -> u64 {
        range.start + self.bits().checked_rem(range.end.saturating_sub(range.start)).unwrap_or(0)
    }

    /// A number from 0 to 1.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// One of several.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.within(0..of.len() as u64) as usize]
    }

    /// Random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.bits() as u8).collect()
    }

    /// A number of heavy tail from 1 on (Pareto, exponent 1.3), at most `most`.
    pub fn heavy(&mut self, most: f64) -> f64 {
        (1.0 - self.share()).powf(-1.0 / 1.3).min(most)
    }
}
