//! `parityEven7bit`, `parityOdd7bit`, `parityZero7bit`: the eighth bit set by the others' parity, or cleared.

use super::{Transformation, byte};

/// One of the three. The parity is taken over all eight bits before the eighth is set, as libmodsecurity does.
pub struct Parity {
    name: &'static str,
    /// Whether the eighth bit is set for an odd (1) or an even (0) number of bits; never with `None`.
    set: Option<u32>,
}

impl Parity {
    /// `t:parityEven7bit`.
    pub const EVEN: Parity = Parity { name: "parityeven7bit", set: Some(1) };
    /// `t:parityOdd7bit`.
    pub const ODD: Parity = Parity { name: "parityodd7bit", set: Some(0) };
    /// `t:parityZero7bit`.
    pub const ZERO: Parity = Parity { name: "parityzero7bit", set: None };
}

impl Transformation for Parity {
    fn name(&self) -> &'static str {
        self.name
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let map = |byte: u8| if self.set == Some(byte.count_ones() % 2) { byte | 0x80 } else { byte & 0x7f };
        byte::mapped(input, out, map)
    }
}
