//! `utf8toUnicode`: characters beyond ASCII written as `%uhhhh`, for `urlDecodeUni` to narrow them.

use super::Transformation;

/// `t:utf8toUnicode`. NULs before the last byte go, and so does a first byte without the bytes that should follow it. A surrogate or an
/// overlong form is written with its first byte behind it, as libmodsecurity does.
pub struct Utf8ToUnicode;

impl Transformation for Utf8ToUnicode {
    fn name(&self) -> &'static str {
        "utf8tounicode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(mut at) = input.iter().position(|byte| !byte.is_ascii() || *byte == 0) else { return false };
        out.extend_from_slice(&input[..at]);
        let start = at;
        while let Some(&first) = input.get(at) {
            let length = match first {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf7 => 4,
                _ => 1,
            };
            if length == 1 && (first != 0 || at + 1 == input.len()) || first >= 0xf5 {
                out.push(first);
            }
            at += if length == 1 { 1 } else { character(&input[at..], length, out) };
        }
        out[start..] != input[start..]
    }
}

/// Writes a character of `length` bytes if its bytes are there; says how many were taken.
fn character(input: &[u8], length: usize, out: &mut Vec<u8>) -> usize {
    let Some(bytes) = input.get(..length).filter(|bytes| bytes[1..].iter().all(|byte| byte & 0xc0 == 0x80)) else {
        return 1;
    };
    let (first, smallest) = match length {
        2 => (bytes[0] & 0x1f, 0x80),
        3 => (bytes[0] & 0x0f, 0x800),
        _ => (bytes[0] & 0x07, 0x1_0000),
    };
    let code = bytes[1..].iter().fold(u32::from(first), |code, byte| code << 6 | u32::from(byte & 0x3f));
    out.extend_from_slice(b"%u");
    let digits = (32 - code.leading_zeros()).div_ceil(4).max(4);
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(code >> (4 * place)) as usize & 15]);
    }
    if (0xd800..=0xdfff).contains(&code) || code < smallest {
        out.push(bytes[0]);
    }
    length
}
