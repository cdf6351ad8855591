//! Arguments in the query of the page a request came from: some pages put them into what they show or ask.

use super::{Decoder, Give, Input};
use crate::body::split_pairs;

/// The decoder.
pub struct Referer;

impl Decoder for Referer {
    fn name(&self) -> &'static str {
        "referer"
    }

    fn decode(&self, input: Input, give: &mut Give) {
        let Input::Referer(header) = input else { return };
        let Some(at) = memchr::memchr(b'?', header) else { return };
        let query = &header[at + 1..];
        let query = &query[..memchr::memchr(b'#', query).unwrap_or(query.len())];
        for (name, value) in split_pairs(query, b'&') {
            if !value.is_empty() && !give(&name, &value) {
                break;
            }
        }
    }
}
