//! Text that was encoded for an address more than once: `%252e%252e`.

use super::{Decoder, Give, Input};
use crate::body::decode;
use std::borrow::Cow;

/// How often it is decoded again.
const ROUNDS: usize = 3;

/// The decoder.
pub struct Url;

impl Decoder for Url {
    fn name(&self) -> &'static str {
        "url"
    }

    fn decode(&self, input: Input, give: &mut Give) {
        let Input::Value { value, .. } = input else { return };
        if !escaped(value) {
            return;
        }
        let mut text = Cow::Borrowed(value);
        for _ in 0..ROUNDS {
            if !escaped(&text) {
                break;
            }
            text = Cow::Owned(decode(&text).into_owned());
        }
        give(b"", &text);
    }
}

/// Whether a whole escape stands in it.
fn escaped(text: &[u8]) -> bool {
    memchr::memchr_iter(b'%', text)
        .any(|at| text.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)))
}
