//! A GraphQL document (specification of October 2021, §2): its string values, each under the name of its argument.
//!
//! It comes as the body itself (`application/graphql`), as the argument `query`, or as `query` of a JSON body. Variables
//! come as JSON and are taken out there.

use super::{Decoder, Give, Input};

/// Words that a document may begin with, beside `{`.
const BEGINNINGS: &[&[u8]] = &[b"query", b"mutation", b"subscription", b"fragment"];

/// The decoder.
pub struct GraphQl;

impl Decoder for GraphQl {
    fn name(&self) -> &'static str {
        "graphql"
    }

    fn decode(&self, input: Input, give: &mut Give) {
        let text = match input {
            Input::Value { name, value } if name.ends_with(b"query") => value,
            Input::Body { content_type, body } if content_type.starts_with(b"application/graphql") => body,
            _ => return,
        };
        let start = text.trim_ascii_start();
        let word = |word: &[u8]| start.starts_with(word) && !start.get(word.len()).is_some_and(|byte| is_name(*byte));
        if (start.starts_with(b"{") || BEGINNINGS.iter().any(|beginning| word(beginning))) && start.contains(&b'{') {
            strings(start, give);
        }
    }
}

/// Gives every string with the name that a colon put before it.
fn strings(text: &[u8], give: &mut Give) {
    let mut name: &[u8] = b"";
    let mut last: &[u8] = b"";
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = match byte {
            b'#' => &after[memchr::memchr2(b'\n', b'\r', after).unwrap_or(after.len())..],
            b'"' => {
                let (value, after) = match after.strip_prefix(b"\"\"") {
                    Some(block) => block_string(block),
                    None => string(after),
                };
                if !value.is_empty() && !give(name, &value) {
                    return;
                }
                after
            }
            b':' => {
                name = last;
                after
            }
            byte if is_name(*byte) => {
                let end = rest.iter().position(|byte| !is_name(*byte)).unwrap_or(rest.len());
                last = &rest[..end];
                &rest[end..]
            }
            _ => after,
        };
    }
}

/// A string behind its first quote, and what follows it.
fn string(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [] | [b'\n' | b'\r', ..] => return (value, rest),
            [b'"', after @ ..] => return (value, after),
            [b'\\', b'u', a, b, c, d, after @ ..] => {
                let digits = [*a, *b, *c, *d];
                let number = std::str::from_utf8(&digits).ok().and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let letter = number.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
                value.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                after
            }
            [b'\\', letter, after @ ..] => {
                value.push(match letter {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    same => *same,
                });
                after
            }
            [byte, after @ ..] => {
                value.push(*byte);
                after
            }
        };
    }
}

/// A block string behind its three quotes, and what follows it.
fn block_string(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, b"\"\"\"") {
        let (before, after) = (&rest[..at], &rest[at + 3..]);
        match before.strip_suffix(b"\\") {
            Some(before) => {
                value.extend_from_slice(before);
                value.extend_from_slice(b"\"\"\"");
                rest = after;
            }
            None => {
                value.extend_from_slice(before);
                return (value, after);
            }
        }
    }
    value.extend_from_slice(rest);
    (value, b"")
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
