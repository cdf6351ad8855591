//! Escapes of programming languages, `\x27` and `\u0027`, in a value that is put into a program's text.

use super::{Decoder, Give, Input};

/// The decoder.
pub struct Escape;

impl Decoder for Escape {
    fn name(&self) -> &'static str {
        "escape"
    }

    fn decode(&self, input: Input, give: &mut Give) {
        let Input::Value { value, .. } = input else { return };
        let mut out = Vec::new();
        let mut rest = value;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            let digits = match rest.get(at + 1) {
                Some(b'x') => rest.get(at + 2..at + 4),
                Some(b'u') => rest.get(at + 2..at + 6),
                _ => None,
            };
            let number = digits.and_then(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
            let end = match (digits, number.and_then(char::from_u32)) {
                (Some(digits), Some(letter)) => {
                    out.extend_from_slice(&rest[..at]);
                    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    at + 2 + digits.len()
                }
                _ => {
                    out.extend_from_slice(&rest[..at + 1]);
                    at + 1
                }
            };
            rest = &rest[end..];
        }
        if !out.is_empty() {
            out.extend_from_slice(rest);
            if out != value {
                give(b"", &out);
            }
        }
    }
}
