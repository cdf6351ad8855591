//! `urlDecode`: `%hh` and `+`; what is not a valid escape stays.

use super::{Transformation, byte};

/// `t:urlDecode`.
pub struct UrlDecode;

impl Transformation for UrlDecode {
    fn name(&self) -> &'static str {
        "urldecode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(mut at) = memchr::memchr2(b'%', b'+', input) else { return false };
        out.extend_from_slice(&input[..at]);
        let mut changed = false;
        while let Some(&letter) = input.get(at) {
            let (decoded, taken) = match letter {
                b'+' => (b' ', 1),
                b'%' if byte::hex_at(input, at + 1, 2) => (byte::pair(input[at + 1], input[at + 2]), 3),
                letter => (letter, 1),
            };
            out.push(decoded);
            changed |= taken == 3 || decoded != letter;
            at += taken;
        }
        changed
    }
}
