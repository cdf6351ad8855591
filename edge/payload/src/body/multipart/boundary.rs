//! The boundary that `Content-Type: multipart/form-data; boundary=…` names (RFC 2046 §5.1.1), read strictly.

use super::flags::{Flag, Flags};

/// Longest header that is read, bytes.
const HEADER: usize = 1024;
const TYPE: &[u8] = b"multipart/form-data";
const WORD: &[u8] = b"boundary";

/// The boundary.
///
/// # Errors
/// Why none can be read; flags tell what is odd about one that can.
pub(super) fn boundary<'h>(header: &'h [u8], flags: &mut Flags) -> Result<&'h [u8], &'static str> {
    if header.len() > HEADER {
        return Err("the content type is too long");
    }
    if header.len() < TYPE.len() || !header[..TYPE.len()].eq_ignore_ascii_case(TYPE) {
        return Err("the content type is another one");
    }
    if named(header) > 1 {
        return Err("more than one boundary is named");
    }
    let word = memchr::memmem::find(header, WORD).ok_or("no boundary is named")?;
    before(&header[TYPE.len()..word], flags)?;
    let after = &header[word + WORD.len()..];
    let equals = memchr::memchr(b'=', after).ok_or("the boundary has no value")?;
    if !after[..equals].iter().all(space) {
        return Err("the boundary's parameter is misspelt");
    }
    let value = &after[equals + 1..];
    if equals > 0 || value.first().is_some_and(space) {
        flags.raise(Flag::BoundaryWhitespace);
    }
    let value = unquote(value, flags)?;
    let value = &value[..memchr::memchr(b';', value).unwrap_or(value.len())];
    if value.is_empty() {
        return Err("the boundary is empty");
    }
    if named(value) > 0 {
        return Err("the boundary holds the word itself");
    }
    if !value.iter().all(allowed) || value.ends_with(b" ") {
        return Err("the boundary holds a character that it may not");
    }
    Ok(value)
}

/// How often `boundary` stands in a text with a `=` somewhere behind it, case aside.
fn named(text: &[u8]) -> usize {
    let text = text.to_ascii_lowercase();
    let last = memchr::memrchr(b'=', &text).unwrap_or(0);
    memchr::memmem::find_iter(&text, WORD).filter(|at| at + WORD.len() <= last).count()
}

/// Between type and boundary stands white space and one semicolon.
fn before(text: &[u8], flags: &mut Flags) -> Result<(), &'static str> {
    let mut rest = text.iter().filter(|byte| !space(byte));
    match (rest.next(), rest.next()) {
        (None, _) => flags.raise(Flag::MissingSemicolon),
        (Some(b';'), None) => {}
        _ => return Err("something stands before the boundary"),
    }
    Ok(())
}

fn unquote<'h>(value: &'h [u8], flags: &mut Flags) -> Result<&'h [u8], &'static str> {
    match value {
        [b'"', inside @ .., b'"'] => {
            flags.raise(Flag::BoundaryQuoted);
            Ok(inside)
        }
        [b'"', ..] | [_, .., b'"'] => Err("the boundary is quoted on one side"),
        plain => Ok(plain),
    }
}

fn space(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || *byte == 0x0b
}

fn allowed(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte)
}
