//! `length`: the number of bytes, in decimal.

use super::Transformation;

/// `t:length`.
pub struct Length;

impl Transformation for Length {
    fn name(&self) -> &'static str {
        "length"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(input.len().to_string().as_bytes());
        out.as_slice() != input
    }
}
