//! `lowercase`, `uppercase`: ASCII letters; all other bytes stay.

use super::{Transformation, byte};

/// `t:lowercase`.
pub struct Lowercase;

impl Transformation for Lowercase {
    fn name(&self) -> &'static str {
        "lowercase"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        byte::mapped(input, out, |byte| byte.to_ascii_lowercase())
    }
}

/// `t:uppercase`.
pub struct Uppercase;

impl Transformation for Uppercase {
    fn name(&self) -> &'static str {
        "uppercase"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        byte::mapped(input, out, |byte| byte.to_ascii_uppercase())
    }
}
