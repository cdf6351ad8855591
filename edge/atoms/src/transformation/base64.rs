//! `base64Encode`, `base64Decode`, `base64DecodeExt`: RFC 4648, strictly or forgiving.

use super::Transformation;
use base64::Engine as _;

/// `t:base64Encode`.
pub struct Base64Encode;

impl Transformation for Base64Encode {
    fn name(&self) -> &'static str {
        "base64encode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(base64::engine::general_purpose::STANDARD.encode(input).as_bytes());
        !input.is_empty()
    }
}

/// `t:base64Decode`: up to the first NUL; line ends and blanks before them are passed over. What is not whole groups of
/// base64 stays as it is.
pub struct Base64Decode;

impl Transformation for Base64Decode {
    fn name(&self) -> &'static str {
        "base64decode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let text = memchr::memchr(0, input).map_or(input, |end| &input[..end]);
        if !strict(text) {
            return false;
        }
        let mut group = Group::default();
        for &byte in text {
            match byte {
                b'=' => group.pad(out),
                byte => digit(byte).into_iter().for_each(|digit| group.digit(digit, out)),
            }
        }
        out.as_slice() != input
    }
}

/// Four digits, three bytes.
#[derive(Default)]
struct Group {
    bits: u32,
    count: u8,
    pads: usize,
}

impl Group {
    fn digit(&mut self, digit: u8, out: &mut Vec<u8>) {
        self.bits = self.bits << 6 | u32::from(digit);
        self.count += 1;
        if self.count == 4 {
            let [_, bytes @ ..] = self.bits.to_be_bytes();
            out.extend_from_slice(&bytes[..3 - self.pads.min(2)]);
            *self = Group { pads: self.pads, ..Group::default() };
        }
    }

    fn pad(&mut self, out: &mut Vec<u8>) {
        self.pads += 1;
        self.digit(0, out);
    }
}

/// Value of a digit of the standard alphabet.
fn digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// Whether a text is whole groups of base64 with at most two pads at the end, line ends, and blanks only before those and
/// at the end.
fn strict(text: &[u8]) -> bool {
    let mut rest = text;
    let (mut digits, mut pads) = (0_usize, 0);
    loop {
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        rest = match &rest[blanks..] {
            [] => return (digits + pads) % 4 == 0,
            [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] => after,
            _ if blanks > 0 => return false,
            [b'=', after @ ..] if pads < 2 => {
                pads += 1;
                after
            }
            [byte, after @ ..] if pads == 0 && digit(*byte).is_some() => {
                digits += 1;
                after
            }
            _ => return false,
        };
    }
}

/// `t:base64DecodeExt`: what is no digit is passed over.
pub struct Base64DecodeExt;

impl Transformation for Base64DecodeExt {
    fn name(&self) -> &'static str {
        "base64decodeext"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let (mut count, mut bits, mut last) = (0_usize, 0_u8, 0_u8);
        for (at, &byte) in input.iter().enumerate() {
            last = byte;
            if byte == b'=' && count % 4 == 1 && input.get(at + 1) != Some(&b'=') {
                out.clear();
                return !input.is_empty();
            }
            let Some(digit) = digit(byte) else { continue };
            match count % 4 {
                0 => bits = digit << 2,
                1 => out.push(bits | digit >> 4),
                2 => out.push(bits | digit >> 2),
                _ => out.push(bits | digit),
            }
            bits = match count % 4 {
                1 => digit << 4,
                2 => digit << 6,
                _ => bits,
            };
            count += 1;
        }
        // libmodsecurity takes the digit `9` (61) at the end for `=` (61).
        if count % 4 == 1 && matches!(last, b'=' | b'9') {
            out.clear();
        }
        out.as_slice() != input
    }
}
