//! The head of an answer: its end, its status, its fields, and what they say of the body.

use super::{Body, Broken, Limits};
use crate::framing::bytes::{TOKEN, VALUE, all, decimal, trim};
use std::ops::Range;

/// A field of a head, as places in its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name as sent.
    pub name: Range<usize>,
    /// The value without white space around it.
    pub value: Range<usize>,
}

/// What a head says beside its fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// Status code, 100 to 999.
    pub status: u16,
    /// HTTP/1.0.
    pub http10: bool,
    /// The connection ends with this answer.
    pub close: bool,
    /// Both lengths are given: the one in `Content-Length` must not be passed on (RFC 9112 section 6.3).
    pub doubtful: bool,
    length: Option<u64>,
    chunked: bool,
}

/// Where a head ends: behind the empty line that ends it. `searched` bytes were looked at in earlier calls, so that a head
/// that comes byte by byte is not searched anew each time; it is set for the next call.
pub fn end(bytes: &[u8], searched: &mut usize) -> Option<usize> {
    let mut from = *searched;
    while let Some(found) = memchr::memchr(b'\n', &bytes[from..]) {
        let at = from + found + 1;
        match &bytes[at..] {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            [] | [b'\r'] => {
                *searched = at - 1;
                return None;
            }
            _ => from = at,
        }
    }
    *searched = bytes.len();
    None
}

impl Head {
    /// Reads a whole head, up to and with its empty line; each field is given to `each` in the order of sending.
    ///
    /// # Errors
    /// What of it is not HTTP/1, or doubtful.
    pub fn read(bytes: &[u8], limits: &Limits, mut each: impl FnMut(Field)) -> Result<Head, Broken> {
        let mut lines = Lines { bytes, at: 0 };
        let mut head = status_line(lines.next().map_or(&b""[..], |line| &bytes[line]))?;
        let (mut fields, mut kept) = (0, false);
        for line in lines {
            if line.is_empty() {
                break;
            }
            fields += 1;
            if fields > limits.fields {
                return Err(Broken::Fields);
            }
            let field = field(bytes, line)?;
            head.note(&bytes[field.name.clone()], &bytes[field.value.clone()], &mut kept)?;
            each(field);
        }
        head.doubtful = head.chunked && head.length.is_some();
        head.close |= head.doubtful || (head.http10 && !kept);
        if head.chunked && head.http10 {
            return Err(Broken::Coding);
        }
        Ok(head)
    }

    /// Keeps what a field says of the body or the connection.
    fn note(&mut self, name: &[u8], value: &[u8], kept: &mut bool) -> Result<(), Broken> {
        match name.len() {
            10 if name.eq_ignore_ascii_case(b"connection") => {
                for word in value.split(|byte| *byte == b',').map(trim) {
                    self.close |= word.eq_ignore_ascii_case(b"close");
                    *kept |= word.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                // Some servers say the same length twice, in one field or in two.
                for text in value.split(|byte| *byte == b',').map(trim) {
                    let length = decimal(text).ok_or(Broken::Length)?;
                    if self.length.replace(length).is_some_and(|before| before != length) {
                        return Err(Broken::Length);
                    }
                }
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Broken::Coding);
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// The body behind this head; `headless` for the answer to a HEAD request.
    pub fn body(&self, headless: bool, limits: &Limits) -> Body {
        let none = headless || self.status < 200 || self.status == 204 || self.status == 304;
        match self.length {
            _ if none => Body::length(0),
            _ if self.chunked => Body::chunked(limits),
            Some(length) => Body::length(length),
            None => Body::until_close(),
        }
    }
}

/// Lines without their ends.
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let begin = self.at;
        let end = begin + memchr::memchr(b'\n', &self.bytes[begin..])?;
        self.at = end + 1;
        let cr = end > begin && self.bytes[end - 1] == b'\r';
        Some(begin..end - usize::from(cr))
    }
}

fn status_line(line: &[u8]) -> Result<Head, Broken> {
    let (version, rest) = line.split_at_checked(9).ok_or(Broken::StatusLine)?;
    let http10 = match version {
        b"HTTP/1.1 " => false,
        b"HTTP/1.0 " => true,
        _ => return Err(Broken::StatusLine),
    };
    let (code, reason) = rest.split_at_checked(3).ok_or(Broken::StatusLine)?;
    let status = decimal(code).and_then(|status| u16::try_from(status).ok()).filter(|status| *status >= 100);
    let sound = reason.is_empty() || (reason[0] == b' ' && all(reason, VALUE));
    match status {
        Some(status) if sound => Ok(Head { status, http10, ..Head::default() }),
        _ => Err(Broken::StatusLine),
    }
}

/// A line as a field.
pub(super) fn field(bytes: &[u8], line: Range<usize>) -> Result<Field, Broken> {
    let text = &bytes[line.clone()];
    if matches!(text.first(), Some(b' ' | b'\t')) {
        return Err(Broken::Fold);
    }
    let colon = memchr::memchr(b':', text).filter(|colon| *colon > 0).ok_or(Broken::Field)?;
    let (name, value) = (&text[..colon], trim(&text[colon + 1..]));
    if !all(name, TOKEN) || !all(value, VALUE) {
        return Err(Broken::Field);
    }
    let begin =
        line.start + colon + 1 + text[colon + 1..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let begin = if value.is_empty() { line.start + colon + 1 } else { begin };
    Ok(Field { name: line.start..line.start + colon, value: begin..begin + value.len() })
}
