//! A value prepared for its features: layers off, lower case, words and bytes counted once.

use crate::decode::{Layers, decode};

/// A value, and what several groups of features look at.
pub(crate) struct Text<'v> {
    /// As it was sent (as the engine has it: decoded once).
    pub raw: &'v [u8],
    /// With its layers taken off.
    pub plain: Vec<u8>,
    /// `plain` in lower case.
    pub lower: Vec<u8>,
    /// How often each byte stands in `plain`.
    pub bytes: [u32; 256],
    /// What was taken off.
    pub layers: Layers,
}

impl<'v> Text<'v> {
    pub fn new(raw: &'v [u8]) -> Text<'v> {
        let (plain, layers) = decode(raw);
        let mut bytes = [0; 256];
        for byte in &plain {
            bytes[usize::from(*byte)] += 1;
        }
        Text { raw, lower: plain.to_ascii_lowercase(), plain, bytes, layers }
    }

    /// How often a byte stands in the plain text.
    pub fn count(&self, byte: u8) -> u32 {
        self.bytes[usize::from(byte)]
    }

    /// Words (runs of letters, digits, `_` and `$`) in lower case, with the place behind each.
    pub fn words(&self) -> impl Iterator<Item = (&[u8], usize)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            at += self.lower[at..].iter().take_while(|byte| !is_word(**byte)).count();
            let start = at;
            at += self.lower[at..].iter().take_while(|byte| is_word(**byte)).count();
            (start < at).then(|| (&self.lower[start..at], at))
        })
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}
