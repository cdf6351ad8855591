//! `htmlEntityDecode`: numeric entities and the five names `quot`, `amp`, `lt`, `gt`, `nbsp`.

use super::Transformation;

/// Beginnings of names (ASCII case aside) and their byte. Other names stay as they are.
const NAMES: &[(&[u8], u8)] = &[(b"quot", b'"'), (b"amp", b'&'), (b"lt", b'<'), (b"gt", b'>'), (b"nbsp", 0xa0)];

/// `t:htmlEntityDecode`: of a number the low byte is kept; the semicolon may be missing. A word that begins with a name
/// is that name, as libmodsecurity has it (`&ltx` is `<`).
pub struct HtmlEntityDecode;

impl Transformation for HtmlEntityDecode {
    fn name(&self) -> &'static str {
        "htmlentitydecode"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let mut rest = input;
        let mut changed = false;
        while let Some(at) = memchr::memchr(b'&', rest) {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let (decoded, taken) = entity(rest);
            match decoded {
                Some(byte) => out.push(byte),
                None => out.extend_from_slice(&rest[..taken]),
            }
            changed |= decoded.is_some();
            rest = &rest[taken..];
            if decoded.is_some() {
                rest = rest.strip_prefix(b";").unwrap_or(rest);
            }
        }
        out.extend_from_slice(rest);
        changed
    }
}

/// What begins with `&`: its byte, and its length without a semicolon. Without a byte, what is to be copied as it stands.
fn entity(text: &[u8]) -> (Option<u8>, usize) {
    let (prefix, base) = match text {
        [b'&', b'#', b'x' | b'X', ..] => (3, 16),
        [b'&', b'#', ..] => (2, 10),
        _ => (1, 0),
    };
    let body = &text[prefix..];
    let is_part = |byte: &&u8| match base {
        0 => byte.is_ascii_alphanumeric(),
        base => char::from(**byte).is_digit(base),
    };
    let length = body.iter().take_while(is_part).count();
    let body = &body[..length];
    let value = match base {
        _ if length == 0 => None,
        0 => NAMES.iter().find(|(name, _)| begins(body, name)).map(|(_, byte)| *byte),
        base => Some(number(body, i64::from(base))),
    };
    (value, prefix + length)
}

fn begins(word: &[u8], name: &[u8]) -> bool {
    word.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
}

/// The low byte of a number; one that is too big counts as the biggest (C's `strtol`).
fn number(digits: &[u8], base: i64) -> u8 {
    let value = |byte: u8| i64::from(char::from(byte).to_digit(16).unwrap_or(0));
    digits.iter().fold(0_i64, |number, byte| number.saturating_mul(base).saturating_add(value(*byte))) as u8
}
