//! `urlEncode`: all but ASCII letters, digits and `*` as `%hh`, a blank as `+`.

use super::Transformation;

/// `t:urlEncode`.
pub struct UrlEncode;

impl Transformation for UrlEncode {
    fn name(&self) -> &'static str {
        "urlencode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let digits = b"0123456789abcdef";
        for &byte in input {
            match byte {
                b' ' => out.push(b'+'),
                b'*' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => out.push(byte),
                byte => out.extend([b'%', digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]),
            }
        }
        out.as_slice() != input
    }
}
