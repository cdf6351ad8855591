//! Bytes of a document to text: the byte order mark, else what the declaration says, else UTF-8 (XML 1.0 §4.3.3).

use std::borrow::Cow;

/// A document as text.
pub(super) struct Decoded<'b> {
    pub text: Cow<'b, str>,
    /// Why it is not what it says it is; the text then ends before the mistake, or is a guess.
    pub broken: Option<String>,
}

/// Reads a document's bytes as text.
pub(super) fn decode(body: &[u8]) -> Decoded<'_> {
    match body {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [b'<', 0, _, 0, ..] => utf16(body, u16::from_le_bytes),
        [0, b'<', 0, _, ..] => utf16(body, u16::from_be_bytes),
        _ => match declared(body).map(<[u8]>::to_ascii_lowercase).as_deref() {
            None | Some(b"utf-8" | b"utf8" | b"us-ascii" | b"ascii") => utf8(body),
            Some(b"iso-8859-1" | b"latin1" | b"windows-1252" | b"iso-8859-15") => latin(body, None),
            Some(other) => latin(body, Some(format!("the encoding `{}` is not read here", other.escape_ascii()))),
        },
    }
}

fn utf8(body: &[u8]) -> Decoded<'_> {
    match std::str::from_utf8(body) {
        Ok(text) => Decoded { text: Cow::Borrowed(text), broken: None },
        Err(cause) => {
            let good = std::str::from_utf8(&body[..cause.valid_up_to()]).unwrap_or_default();
            Decoded { text: Cow::Borrowed(good), broken: Some("not UTF-8".into()) }
        }
    }
}

fn utf16(body: &[u8], unit: fn([u8; 2]) -> u16) -> Decoded<'static> {
    let units = body.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut broken = (body.len() % 2 == 1).then(|| "not UTF-16".to_string());
    let mut text = String::with_capacity(body.len() / 2);
    for letter in char::decode_utf16(units) {
        match letter {
            Ok(letter) => text.push(letter),
            Err(_) => {
                broken = Some("not UTF-16".into());
                break;
            }
        }
    }
    Decoded { text: Cow::Owned(text), broken }
}

/// A character a byte.
fn latin(body: &[u8], broken: Option<String>) -> Decoded<'static> {
    Decoded { text: Cow::Owned(body.iter().map(|byte| char::from(*byte)).collect()), broken }
}

/// What `<?xml … encoding="…"?>` says.
fn declared(body: &[u8]) -> Option<&[u8]> {
    let head = body.strip_prefix(b"<?xml")?;
    let head = &head[..head.len().min(256)];
    let head = &head[..memchr::memmem::find(head, b"?>")?];
    let rest = &head[memchr::memmem::find(head, b"encoding")? + 8..];
    let rest = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, rest) = rest.split_first()?;
    Some(&rest[..memchr::memchr(*quote, rest)?])
}
