//! Base64 (RFC 4648 §4 and §5) as the value of an argument, whole or behind `base64,` of a data address (RFC 2397).

use super::{Decoder, Give, Input, is_text};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Shorter values are taken for words: a chance word of this length is base64 of text once in some ten thousand.
const SHORTEST: usize = 12;
/// Longest that is decoded, bytes.
const LONGEST: usize = 64 << 10;

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);
const SAFE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);

/// The decoder.
pub struct Base64;

impl Decoder for Base64 {
    fn name(&self) -> &'static str {
        "base64"
    }

    fn decode(&self, input: Input, give: &mut Give) {
        let Input::Value { value, .. } = input else { return };
        let text = match value
            .strip_prefix(b"data:")
            .and_then(|rest| memchr::memmem::find(rest, b"base64,").map(|at| (rest, at)))
        {
            Some((rest, at)) => &rest[at + 7..],
            None => value.trim_ascii(),
        };
        if text.len() < SHORTEST || text.len() > LONGEST {
            return;
        }
        if let Some(plain) = decode(text).filter(|plain| is_text(plain)) {
            give(b"", &plain);
        }
    }
}

/// The bytes, if the text is of either alphabet. A blank is a `+` that was decoded once too often.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let engine = match text.iter().find(|byte| !byte.is_ascii_alphanumeric()) {
        Some(b'+' | b'/' | b'=' | b' ') | None if !text.iter().any(|byte| matches!(byte, b'-' | b'_')) => &PLAIN,
        Some(b'-' | b'_' | b'=') | None => &SAFE,
        Some(_) => return None,
    };
    if text.contains(&b' ') {
        let text: Vec<u8> = text.iter().map(|byte| if *byte == b' ' { b'+' } else { *byte }).collect();
        return engine.decode(text).ok();
    }
    engine.decode(text).ok()
}
