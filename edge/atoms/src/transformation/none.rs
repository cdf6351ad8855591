//! `none`: nothing. In a list of transformations it takes away those before it, which is the reader's work.

use super::Transformation;

/// `t:none`.
pub struct None;

impl Transformation for None {
    fn name(&self) -> &'static str {
        "none"
    }

    fn apply(&self, _: &[u8], _: &mut Vec<u8>) -> bool {
        false
    }
}
