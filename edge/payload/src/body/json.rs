//! JSON (RFC 8259): every scalar becomes an argument, named by its way from the top: `json.order.array_0.id`.
//!
//! One pass, no tree and no recursion. Numbers are kept as written, `null` is an empty value, an empty container gives
//! nothing. What stood before a mistake has been given when the mistake is told. It reads what YAJL reads, so that a
//! value is the same here and in libmodsecurity, halves of surrogate pairs included.

use super::{Processor, Sink};
use seclang::Settings;

/// Bytes of all names together: a long key above many values would be multiplied by them.
const NAMES: usize = 8 << 20;

/// The processor.
pub struct Json;

impl Processor for Json {
    fn name(&self) -> &'static str {
        "JSON"
    }

    fn posted(&self) -> bool {
        false
    }

    fn parse(&self, body: &[u8], _content_type: &[u8], settings: &Settings, sink: &mut dyn Sink) -> Result<(), String> {
        if body.is_empty() {
            return Ok(());
        }
        let depth = usize::try_from(settings.json_depth).unwrap_or(usize::MAX);
        walk(body, b"json", depth, &mut |name, value| sink.argument(name, value))
    }
}

/// Gives name and value of every scalar of a document, names beginning with `root`, until `take` says false.
///
/// # Errors
/// Why the text is not JSON, nests deeper than `depth` containers, or holds more values than are taken.
pub(crate) fn walk(text: &[u8], root: &[u8], depth: usize, take: &mut Take) -> Result<(), String> {
    let mut reader =
        Reader { text, at: 0, path: root.to_vec(), open: Vec::new(), depth, names: NAMES, scratch: Vec::new(), take };
    let read = reader.document();
    let at = reader.at;
    read.map_err(|broken| format!("{broken} at byte {at}"))
}

/// Takes name and value; false when it is full.
type Take<'t> = dyn FnMut(&[u8], &[u8]) -> bool + 't;

/// An open container.
struct Container {
    /// Whether it is an array.
    array: bool,
    /// Elements begun.
    count: usize,
    /// Length of the path that leads to it.
    base: usize,
}

struct Reader<'t, 's> {
    text: &'t [u8],
    at: usize,
    path: Vec<u8>,
    open: Vec<Container>,
    depth: usize,
    names: usize,
    scratch: Vec<u8>,
    take: &'s mut Take<'s>,
}

type Step = Result<(), &'static str>;

impl<'t> Reader<'t, '_> {
    fn document(&mut self) -> Step {
        self.value()?;
        while !self.open.is_empty() {
            self.element()?;
        }
        self.space();
        if self.at < self.text.len() { Err("text after the end of the document") } else { Ok(()) }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// One element of the innermost container, or its end.
    fn element(&mut self) -> Step {
        self.space();
        let next = self.peek().ok_or("the text ends too early")?;
        let Some(container) = self.open.last_mut() else { return Ok(()) };
        let close = if container.array { b']' } else { b'}' };
        if next == close {
            self.path.truncate(container.base);
            self.open.pop();
            self.at += 1;
            return Ok(());
        }
        if container.count > 0 {
            if next != b',' {
                return Err("expected a comma or the container's end");
            }
            self.at += 1;
        }
        self.path.truncate(container.base);
        if container.array {
            self.path.extend_from_slice(b".array_");
            number(&mut self.path, container.count);
        }
        container.count += 1;
        if !container.array {
            self.key()?;
        }
        self.value()
    }

    fn key(&mut self) -> Step {
        self.space();
        if self.peek() != Some(b'"') {
            return Err("expected a key in double quotes");
        }
        let raw = self.string()?;
        self.path.push(b'.');
        if raw.is_empty() {
            self.path.extend_from_slice(b"empty-key");
        } else {
            unescape(raw, &mut self.path);
        }
        self.space();
        if self.peek() != Some(b':') {
            return Err("expected a colon after the key");
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self) -> Step {
        self.space();
        let start = self.at;
        match self.peek().ok_or("the text ends too early")? {
            b'"' => {
                let raw = self.string()?;
                if memchr::memchr(b'\\', raw).is_none() {
                    return self.give(raw);
                }
                let mut text = std::mem::take(&mut self.scratch);
                text.clear();
                unescape(raw, &mut text);
                let given = self.give(&text);
                self.scratch = text;
                given
            }
            open @ (b'{' | b'[') => {
                if self.open.len() >= self.depth {
                    return Err("nested deeper than allowed");
                }
                self.at += 1;
                self.open.push(Container { array: open == b'[', count: 0, base: self.path.len() });
                Ok(())
            }
            b't' => self.literal(b"true", b"true"),
            b'f' => self.literal(b"false", b"false"),
            b'n' => self.literal(b"null", b""),
            b'-' | b'0'..=b'9' => {
                self.number()?;
                self.give(&self.text[start..self.at])
            }
            _ => Err("expected a value"),
        }
    }

    fn literal(&mut self, word: &'static [u8], value: &'static [u8]) -> Step {
        if !self.text[self.at..].starts_with(word) {
            return Err("unknown word");
        }
        self.at += word.len();
        self.give(value)
    }

    fn give(&mut self, value: &[u8]) -> Step {
        self.names = self.names.checked_sub(self.path.len()).ok_or("names too long for so many values")?;
        if (self.take)(&self.path, value) { Ok(()) } else { Err("more arguments than allowed") }
    }

    /// Raw text between quotes; its bytes and escapes are those of a string.
    fn string(&mut self) -> Result<&'t [u8], &'static str> {
        self.at += 1;
        let start = self.at;
        loop {
            let plain = |byte: &u8| matches!(byte, 0x20..=0x7f) && !matches!(byte, b'"' | b'\\');
            let rest = &self.text[self.at..];
            self.at += rest.iter().position(|byte| !plain(byte)).unwrap_or(rest.len());
            let byte = self.peek().ok_or("the text ends within a string")?;
            self.at += match byte {
                b'"' => break,
                b'\\' => self.escape()?,
                0..=0x1f => return Err("control character in a string"),
                lead => self.character(lead)?,
            };
        }
        self.at += 1;
        Ok(&self.text[start..self.at - 1])
    }

    /// Length of the escape that begins here.
    fn escape(&self) -> Result<usize, &'static str> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
            Some(b'u') => match self.text.get(self.at + 2..self.at + 6) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(6),
                _ => Err("\\u without four hexadecimal digits"),
            },
            _ => Err("unknown escape in a string"),
        }
    }

    /// Length of the UTF-8 sequence that begins here: lead and following bytes are checked, its range is not.
    fn character(&self, lead: u8) -> Result<usize, &'static str> {
        let length = match lead {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => return Err("not UTF-8 in a string"),
        };
        match self.text.get(self.at + 1..self.at + length) {
            Some(rest) if rest.iter().all(|byte| byte & 0xc0 == 0x80) => Ok(length),
            _ => Err("not UTF-8 in a string"),
        }
    }

    fn number(&mut self) -> Step {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Step {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err("a number without digits") } else { Ok(()) }
    }
}

/// Decimal digits, without a detour through the formatter.
fn number(out: &mut Vec<u8>, value: usize) {
    let start = out.len();
    let mut rest = value;
    loop {
        out.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out[start..].reverse();
}

/// Writes a string, whose escapes were checked, as it is meant.
fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = match rest.get(at + 1) {
            Some(b'u') => unicode(&rest[at..], out),
            Some(letter) => {
                out.push(match letter {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    same => *same,
                });
                &rest[at + 2..]
            }
            None => &[],
        };
    }
    out.extend_from_slice(rest);
}

/// Writes `\u1234`, or a pair of them; returns what follows. The first half of a pair that no `\u` follows is a
/// question mark and takes the next byte with it; a second half alone is written as three bytes, as YAJL does.
fn unicode<'r>(rest: &'r [u8], out: &mut Vec<u8>) -> &'r [u8] {
    let first = hex(rest.get(2..6).unwrap_or_default());
    let after = rest.get(6..).unwrap_or_default();
    if first & 0xfc00 != 0xd800 {
        encode(first, out);
        return after;
    }
    match after {
        [b'\\', b'u', ..] => {
            let second = hex(after.get(2..6).unwrap_or_default());
            encode(0x10000 + ((first & 0x3ff) << 10) + (second & 0x3ff), out);
            after.get(6..).unwrap_or_default()
        }
        _ => {
            out.push(b'?');
            after.get(1..).unwrap_or_default()
        }
    }
}

fn hex(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |value, digit| value << 4 | char::from(*digit).to_digit(16).unwrap_or(0))
}

/// UTF-8 of a code point, surrogates too.
fn encode(point: u32, out: &mut Vec<u8>) {
    let tail = |shift: u32| 0x80 | (point >> shift & 0x3f) as u8;
    match point {
        0..=0x7f => out.push(point as u8),
        0x80..=0x7ff => out.extend_from_slice(&[0xc0 | (point >> 6) as u8, tail(0)]),
        0x800..=0xffff => out.extend_from_slice(&[0xe0 | (point >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend_from_slice(&[0xf0 | (point >> 18 & 7) as u8, tail(12), tail(6), tail(0)]),
    }
}
