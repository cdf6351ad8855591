//! `application/x-www-form-urlencoded` (WHATWG URL §5, as ModSecurity reads it): forms, and query strings alike.

use super::{Processor, Sink};
use seclang::Settings;
use std::borrow::Cow;

/// The processor.
pub struct UrlEncoded;

impl Processor for UrlEncoded {
    fn name(&self) -> &'static str {
        "URLENCODED"
    }

    fn parse(&self, body: &[u8], _content_type: &[u8], settings: &Settings, sink: &mut dyn Sink) -> Result<(), String> {
        for (name, value) in split_pairs(body, settings.argument_separator) {
            if !sink.argument(&name, &value) {
                break;
            }
        }
        Ok(())
    }
}

/// Decoded pairs of a query string or form, in order. A piece without `=` is a name without a value, an empty piece
/// is a pair of nothings unless it is the last.
pub fn split_pairs(text: &[u8], separator: u8) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    let cut = text.strip_suffix(&[separator]).unwrap_or(text);
    // Nothing at all holds no pair, a lone separator holds one.
    let pieces = (!text.is_empty()).then(|| cut.split(move |byte| *byte == separator));
    pieces.into_iter().flatten().map(|piece| {
        let cut = memchr::memchr(b'=', piece).unwrap_or(piece.len());
        (decode(&piece[..cut]), decode(piece.get(cut + 1..).unwrap_or_default()))
    })
}

/// `+` to a blank and `%41` to `A`; a `%` without two hexadecimal digits stays as it is.
pub fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr2(b'+', b'%', text) else { return Cow::Borrowed(text) };
    let mut out = Vec::with_capacity(text.len());
    out.extend_from_slice(&text[..first]);
    let mut rest = &text[first..];
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => out.push(b' '),
            b'%' => match after {
                [high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    out.push(digit(*high) << 4 | digit(*low));
                    rest = tail;
                }
                _ => out.push(b'%'),
            },
            byte => out.push(byte),
        }
    }
    Cow::Owned(out)
}

/// Value of a hexadecimal digit.
fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20).wrapping_sub(b'a').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> String {
        let pair = |(name, value): (Cow<[u8]>, Cow<[u8]>)| format!("{}={}", name.escape_ascii(), value.escape_ascii());
        split_pairs(text.as_bytes(), b'&').map(pair).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn pairs_are_cut_as_the_oracle_cuts_them() {
        for (text, expected) in [
            ("a=1&b=%41+x&c&=d&e=%zz&&f=1=2&g%00=%00", "a=1|b=A x|c=|=d|e=%zz|=|f=1=2|g\\x00=\\x00"),
            ("a=%%41&%4=%", "a=%A|%4=%"),
            ("%u0041=%u00e9", "%u0041=%u00e9"),
            ("&", "="),
            ("&&a=1&&", "=|=|a=1|="),
            ("a=1;b=2", "a=1;b=2"),
            ("", ""),
        ] {
            assert_eq!(pairs(text), expected, "{text}");
        }
    }

    #[test]
    fn what_needs_no_decoding_is_not_copied() {
        assert!(matches!(decode(b"plain-value"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_million_separators_cost_a_million_steps() {
        let text = vec![b'&'; 1_000_000];
        assert_eq!(split_pairs(&text, b'&').count(), 1_000_000);
    }
}
