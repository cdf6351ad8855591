//! `escapeSeqDecode`: the escapes of an ANSI C string.

use super::{Transformation, byte};

/// `t:escapeSeqDecode`: control letters, `\xhh`, `\ooo` (the low eight bits); any other letter loses its backslash. A
/// backslash at the end stays.
pub struct EscapeSeqDecode;

impl Transformation for EscapeSeqDecode {
    fn name(&self) -> &'static str {
        "escapeseqdecode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        byte::unescaped(input, out, escape)
    }
}

/// What stands behind a backslash: the byte it means, and its length.
fn escape(rest: &[u8]) -> (u8, usize) {
    let Some(&letter) = rest.first() else { return (b'\\', 0) };
    match letter {
        b'x' | b'X' if byte::hex_at(rest, 1, 2) => (byte::pair(rest[1], rest[2]), 3),
        b'0'..=b'7' => {
            let (count, number) = byte::octal(rest, 3);
            (number as u8, count)
        }
        letter => (byte::control(letter).unwrap_or(letter), 1),
    }
}
