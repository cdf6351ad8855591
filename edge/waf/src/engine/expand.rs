//! Macros expanded, numbers read.

use super::Context;
use super::state::State;
use crate::compile::text::{Part, Template};
use crate::limits;

/// Appends a text with its macros expanded, cut to [`limits::TEXT_BYTES`]. A macro without a value is nothing.
pub(super) fn expand(state: &mut State, cx: &Context<'_>, template: &Template, out: &mut Vec<u8>) {
    let parts = match template {
        Template::Fixed(text) => return out.extend_from_slice(text),
        Template::Pieces(parts) => parts,
    };
    let mut found = Vec::new();
    for part in parts {
        let room = limits::TEXT_BYTES.saturating_sub(out.len());
        match part {
            Part::Literal(text) => out.extend_from_slice(&text[..text.len().min(room)]),
            Part::Value(target) => {
                found.clear();
                state.resolve(cx, target, 1, &mut found);
                if let Some(value) = found.first() {
                    let text = state.memo.arena.get(value.value);
                    out.extend_from_slice(&text[..text.len().min(room)]);
                }
            }
        }
    }
}

/// The number that a text begins with, 0 when there is none; beyond 64 bits it is the outermost (C's `atoll`).
pub(crate) fn long(text: &[u8]) -> i64 {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | 9..=13)).count();
    let text = &text[blanks..];
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut number = 0_i64;
    for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        let digit = i64::from(digit - b'0');
        number = number.saturating_mul(10).saturating_add(if negative { -digit } else { digit });
    }
    number
}

/// The same, but 0 when it does not fit 32 bits (C++'s `stoi`, as libmodsecurity uses it for `setvar` and `@eq`).
pub(crate) fn integer(text: &[u8]) -> i64 {
    let number = long(text);
    if i32::try_from(number).is_ok() { number } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_the_beginning() {
        let read = |text: &str| integer(text.as_bytes());
        assert_eq!(
            [read("5"), read(" -7x"), read("+3"), read(""), read("x1"), read("2147483647")],
            [5, -7, 3, 0, 0, 2_147_483_647]
        );
        assert_eq!([read("2147483648"), read("99999999999999999999999"), read("-2147483648")], [0, 0, -2_147_483_648]);
    }
}
