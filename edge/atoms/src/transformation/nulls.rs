//! `removeNulls`, `replaceNulls`: NUL bytes go, or become blanks.

use super::{Transformation, byte};

/// `t:removeNulls`.
pub struct RemoveNulls;

impl Transformation for RemoveNulls {
    fn name(&self) -> &'static str {
        "removenulls"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        memchr::memchr(0, input).is_some() && byte::without(input, out, |byte| byte == 0)
    }
}

/// `t:replaceNulls`.
pub struct ReplaceNulls;

impl Transformation for ReplaceNulls {
    fn name(&self) -> &'static str {
        "replacenulls"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let map = |byte| if byte == 0 { b' ' } else { byte };
        memchr::memchr(0, input).is_some() && byte::mapped(input, out, map)
    }
}
