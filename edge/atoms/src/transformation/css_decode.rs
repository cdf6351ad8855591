//! `cssDecode`: the escapes of CSS 2.

use super::{Transformation, byte};

/// `t:cssDecode`: a backslash with one to six hexadecimal digits is a character (of which the low byte is kept;
/// full-width forms become ASCII), with a line feed nothing, with any other byte that byte. A backslash at the end goes.
pub struct CssDecode;

impl Transformation for CssDecode {
    fn name(&self) -> &'static str {
        "cssdecode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(mut at) = memchr::memchr(b'\\', input) else { return false };
        out.extend_from_slice(&input[..at]);
        while let Some(&letter) = input.get(at) {
            at += 1;
            if letter != b'\\' {
                out.push(letter);
                continue;
            }
            let rest = &input[at..];
            let digits = rest.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
            at += digits;
            match rest.first() {
                Some(_) if digits > 0 => {
                    out.push(character(&rest[..digits]));
                    // One blank ends an escape and belongs to it.
                    at += usize::from(rest.get(digits).is_some_and(|byte| byte::is_space(*byte)));
                }
                Some(b'\n') => at += 1,
                Some(&other) => {
                    out.push(other);
                    at += 1;
                }
                None => {}
            }
        }
        true
    }
}

/// The byte of one to six digits. More than four mean a full-width form only if those before are zeros.
fn character(digits: &[u8]) -> u8 {
    let (before, last) = digits.split_at(digits.len().saturating_sub(4));
    match last {
        [one] => byte::digit(*one),
        [_, _, _, _] if before.iter().all(|byte| *byte == b'0') => byte::narrow(last),
        [.., high, low] => byte::pair(*high, *low),
        [] => 0,
    }
}
