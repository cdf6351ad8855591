//! `trim`, `trimLeft`, `trimRight`: blanks of any kind at the ends go.

use super::{Transformation, byte};

/// One of the three.
pub struct Trim {
    name: &'static str,
    left: bool,
    right: bool,
}

impl Trim {
    /// `t:trim`.
    pub const BOTH: Trim = Trim { name: "trim", left: true, right: true };
    /// `t:trimLeft`.
    pub const LEFT: Trim = Trim { name: "trimleft", left: true, right: false };
    /// `t:trimRight`.
    pub const RIGHT: Trim = Trim { name: "trimright", left: false, right: true };
}

impl Transformation for Trim {
    fn name(&self) -> &'static str {
        self.name
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let blank = |byte: &&u8| byte::is_space(**byte);
        let right = if self.right { input.iter().rev().take_while(blank).count() } else { 0 };
        let kept = &input[..input.len() - right];
        let left = if self.left { kept.iter().take_while(blank).count() } else { 0 };
        if left + right == 0 {
            return false;
        }
        out.extend_from_slice(&kept[left..]);
        true
    }
}
