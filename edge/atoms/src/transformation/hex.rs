//! `hexEncode`, `hexDecode`, `sqlHexDecode`: hexadecimal.

use super::{Transformation, byte};

/// `t:hexEncode`: two small digits a byte.
pub struct HexEncode;

impl Transformation for HexEncode {
    fn name(&self) -> &'static str {
        "hexencode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let digits = b"0123456789abcdef";
        out.extend(input.iter().flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]));
        !input.is_empty()
    }
}

/// `t:hexDecode`: a byte from every two, whatever they are; one left over goes.
pub struct HexDecode;

impl Transformation for HexDecode {
    fn name(&self) -> &'static str {
        "hexdecode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        out.extend(input.chunks_exact(2).map(|pair| byte::pair(pair[0], pair[1])));
        !input.is_empty()
    }
}

/// `t:sqlHexDecode`: `0xhhhh…` as SQL writes strings.
pub struct SqlHexDecode;

impl Transformation for SqlHexDecode {
    fn name(&self) -> &'static str {
        "sqlhexdecode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let mut rest = input;
        while let Some(&byte) = rest.first() {
            if byte == b'0' && matches!(rest.get(1), Some(b'x' | b'X')) && byte::hex_at(rest, 2, 2) {
                rest = &rest[2..];
                while byte::hex_at(rest, 0, 2) {
                    out.push(byte::pair(rest[0], rest[1]));
                    rest = &rest[2..];
                }
            } else {
                out.push(byte);
                rest = &rest[1..];
            }
        }
        out.len() != input.len()
    }
}
