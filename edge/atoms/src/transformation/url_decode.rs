//! `urlDecode`: `%hh` and `+`; what is not a valid escape stays.

use super::{Transformation, byte};

/// `t:urlDecode`.
pub struct UrlDecode;

impl Transformation for UrlDecode {
    fn name(&self) -> &'static str {
        "urldecode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        byte::url_decoded(input, out, |_| None)
    }
}
