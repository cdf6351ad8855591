//! Chance, passed in from outside.

use ring::rand::{SecureRandom, SystemRandom as Ring};
use std::sync::Mutex;

/// Where random bytes come from.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);

    /// Sixteen random bytes, for an identifier or a secret.
    fn bytes16(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes
    }

    /// A random number below `limit` (0 when `limit` is 0). The bias is below 2⁻³² for limits under 2³².
    fn below(&self, limit: u64) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes).checked_rem(limit).unwrap_or(0)
    }
}

/// The operating system's generator, fit for keys and tokens.
#[derive(Debug)]
pub struct SystemRandom(Ring);

impl Default for SystemRandom {
    fn default() -> Self {
        SystemRandom::new()
    }
}

impl SystemRandom {
    /// The generator.
    pub fn new() -> SystemRandom {
        SystemRandom(Ring::new())
    }
}

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        // getrandom(2) fails only on a kernel without it; going on with predictable keys would be worse than stopping.
        #[allow(clippy::expect_used, reason = "no safe way to go on without random numbers")]
        self.0.fill(buffer).expect("the operating system gave no random bytes");
    }
}

/// A repeatable generator for simulations (SplitMix64; Steele, Lea, Flood 2014). Never for secrets.
#[derive(Debug)]
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    /// A generator that repeats for the same seed.
    pub fn new(seed: u64) -> SeededRandom {
        SeededRandom(Mutex::new(seed))
    }

    fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}
