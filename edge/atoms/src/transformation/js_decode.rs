//! `jsDecode`: the escapes of a JavaScript string.

use super::{Transformation, byte};

/// `t:jsDecode`: `\uhhhh` (low byte; full-width forms as ASCII), `\xhh`, `\ooo` up to 377, control letters; any other
/// letter loses its backslash. A backslash at the end stays.
pub struct JsDecode;

impl Transformation for JsDecode {
    fn name(&self) -> &'static str {
        "jsdecode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        byte::unescaped(input, out, escape)
    }
}

/// What stands behind a backslash: the byte it means, and its length.
fn escape(rest: &[u8]) -> (u8, usize) {
    let Some(&letter) = rest.first() else { return (b'\\', 0) };
    match letter {
        b'u' if byte::hex_at(rest, 1, 4) => (byte::narrow(&rest[1..5]), 5),
        b'x' if byte::hex_at(rest, 1, 2) => (byte::pair(rest[1], rest[2]), 3),
        b'0'..=b'7' => {
            let (count, number) = byte::octal(rest, 3);
            let (count, number) = if count == 3 && letter > b'3' { (2, number / 8) } else { (count, number) };
            (number as u8, count)
        }
        letter => (byte::control(letter).unwrap_or(letter), 1),
    }
}
