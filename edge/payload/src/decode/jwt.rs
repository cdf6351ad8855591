//! A signed token (RFC 7519, compact form): header and claims are JSON that many backends read before they check it.

use super::base64::decode;
use super::{Decoder, Give, Input};

/// Longest that is decoded, bytes.
const LONGEST: usize = 16 << 10;

/// Deepest nesting of claims that is followed.
const DEPTH: usize = 8;

/// The decoder.
pub struct Jwt;

impl Decoder for Jwt {
    fn name(&self) -> &'static str {
        "jwt"
    }

    fn decode(&self, input: Input, give: &mut Give) {
        let Input::Value { value, .. } = input else { return };
        let token = value.strip_prefix(b"Bearer ").unwrap_or(value);
        // Base64 of `{"` begins every token.
        if !token.starts_with(b"eyJ") || token.len() > LONGEST {
            return;
        }
        let mut parts = token.split(|byte| *byte == b'.');
        let (Some(header), Some(claims), Some(_)) = (parts.next(), parts.next(), parts.next()) else { return };
        for (name, part) in [(&b"header"[..], header), (b"claims", claims)] {
            if let Some(text) = decode(part) {
                // What is no JSON is no token.
                let _ = crate::body::walk_json(&text, name, DEPTH, give);
            }
        }
    }
}
