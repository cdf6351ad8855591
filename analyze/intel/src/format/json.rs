//! JSON read piece by piece: the structure is walked as it streams, and only values that are asked for are kept.

use super::lines::broken;
use super::{Meter, OBJECT_BYTES, OBJECT_DEPTH, fault};
use base::{Fault, Result};
use std::io::BufRead;

/// Longest name of a member, bytes.
const NAME_BYTES: usize = 1024;

/// How a value was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Raw {
    /// All of it is in the buffer.
    Whole,
    /// It was passed over: too large or too deep.
    Over(&'static str),
}

/// A reader that stands between two tokens.
pub(super) struct Json<'j> {
    input: &'j mut dyn BufRead,
    at: u64,
    told: u64,
    depth: usize,
}

impl<'j> Json<'j> {
    pub(super) fn new(input: &'j mut dyn BufRead) -> Json<'j> {
        Json { input, at: 0, told: 0, depth: 0 }
    }

    fn syntax(&self, expected: &str, found: Option<u8>) -> Fault {
        let found = found.map_or("the end".to_string(), |byte| format!("`{}`", byte.escape_ascii()));
        Fault::new(&fault::SYNTAX).object(format!("byte {}", self.at)).expected(expected).found(found)
    }

    fn chunk(&mut self) -> Result<&[u8]> {
        loop {
            match self.input.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
        self.input.fill_buf().map_err(broken)
    }

    fn consume(&mut self, bytes: usize) {
        self.input.consume(bytes);
        self.at += bytes as u64;
    }

    /// The next byte that is no blank (or byte order mark), not taken.
    pub(super) fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            let start = self.at == 0;
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let blank = |byte: &u8| byte.is_ascii_whitespace() || (start && matches!(byte, 0xef | 0xbb | 0xbf));
            let blanks = chunk.iter().take_while(|byte| blank(byte)).count();
            let found = chunk.get(blanks).copied();
            self.consume(blanks);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    fn expect(&mut self, wanted: u8, name: &str) -> Result<()> {
        match self.peek()? {
            Some(byte) if byte == wanted => {
                self.consume(1);
                Ok(())
            }
            found => Err(self.syntax(name, found)),
        }
    }

    /// Whether another member follows; takes the comma or the closing bracket.
    fn more(&mut self, first: bool, close: u8) -> Result<bool> {
        match self.peek()? {
            Some(byte) if byte == close => {
                self.consume(1);
                Ok(false)
            }
            Some(b',') if !first => {
                self.consume(1);
                Ok(true)
            }
            Some(_) if first => Ok(true),
            found => Err(self.syntax("`,` or the closing bracket", found)),
        }
    }

    fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > OBJECT_DEPTH {
            return Err(self.syntax("less nesting", None));
        }
        Ok(())
    }

    /// Walks an object; `each` must take the value (with any method of this reader) and may tell the meter.
    pub(super) fn object(
        &mut self,
        meter: &mut Meter<'_>,
        each: &mut dyn FnMut(&mut Json<'j>, &mut Meter<'_>, &str) -> Result<()>,
    ) -> Result<()> {
        self.deeper()?;
        self.expect(b'{', "`{`")?;
        let (mut first, mut name) = (true, Vec::new());
        while self.more(first, b'}')? {
            first = false;
            match self.peek()? {
                Some(b'"') => {}
                found => return Err(self.syntax("a name in quotes", found)),
            }
            self.raw(&mut name, NAME_BYTES)?;
            let name: String = serde_json::from_slice(&name).map_err(|_| self.syntax("a name in quotes", None))?;
            self.expect(b':', "`:`")?;
            each(self, meter, &name)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Walks an array; `each` must take the value.
    pub(super) fn array(
        &mut self,
        meter: &mut Meter<'_>,
        each: &mut dyn FnMut(&mut Json<'j>, &mut Meter<'_>) -> Result<()>,
    ) -> Result<()> {
        self.deeper()?;
        self.expect(b'[', "`[`")?;
        let mut first = true;
        while self.more(first, b']')? {
            first = false;
            each(self, meter)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Takes the next value as bytes, at most [`OBJECT_BYTES`]; a value over the limits is counted as bad and is `None`.
    pub(super) fn value<'b>(&mut self, meter: &mut Meter<'_>, buffer: &'b mut Vec<u8>) -> Result<Option<&'b [u8]>> {
        let before = self.at;
        let read = self.raw(buffer, OBJECT_BYTES)?;
        self.tell(meter);
        match read {
            Raw::Whole => Ok(Some(buffer.as_slice())),
            Raw::Over(what) => {
                let fault = Fault::new(&fault::RECORD).expected("a smaller object").found(what);
                meter.bad(fault.object(format!("byte {before}")));
                Ok(None)
            }
        }
    }

    /// Tells the meter how much was read.
    pub(super) fn tell(&mut self, meter: &mut Meter<'_>) {
        meter.read((self.at - self.told) as usize);
        self.told = self.at;
    }

    /// Takes the next value. What is inside is checked by who parses the bytes: here only strings and brackets count.
    fn raw(&mut self, buffer: &mut Vec<u8>, most: usize) -> Result<Raw> {
        buffer.clear();
        let first = match self.peek()? {
            None | Some(b',' | b':' | b'}' | b']') => {
                let found = self.peek()?;
                return Err(self.syntax("a value", found));
            }
            Some(first) => first,
        };
        let scalar = !matches!(first, b'{' | b'[' | b'"');
        let mut scan = Scan::default();
        let mut over = None;
        loop {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return if scalar { Ok(Raw::Whole) } else { Err(self.syntax("the end of a value", None)) };
            }
            let (taken, done) = if scalar { scan_scalar(chunk) } else { scan.walk(chunk) };
            if scan.deepest > OBJECT_DEPTH {
                over = Some("deeper nesting");
            } else if buffer.len() + taken > most {
                over = Some("a larger one");
            }
            if over.is_none() {
                buffer.extend_from_slice(&chunk[..taken]);
            }
            self.consume(taken);
            if done {
                return Ok(over.map_or(Raw::Whole, Raw::Over));
            }
        }
    }
}

fn scan_scalar(chunk: &[u8]) -> (usize, bool) {
    let end = chunk.iter().position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace());
    (end.unwrap_or(chunk.len()), end.is_some())
}

/// Where a walk over the bytes of a value stands.
#[derive(Default)]
struct Scan {
    depth: usize,
    deepest: usize,
    text: bool,
    escaped: bool,
}

impl Scan {
    /// How many bytes of the chunk belong to the value, and whether it ends there.
    fn walk(&mut self, chunk: &[u8]) -> (usize, bool) {
        for (at, byte) in chunk.iter().enumerate() {
            if self.text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.text = false,
                    _ => continue,
                }
            } else {
                match byte {
                    b'"' => self.text = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth -= 1,
                    _ => continue,
                }
                self.deepest = self.deepest.max(self.depth);
            }
            if self.depth == 0 && !self.text {
                return (at + 1, true);
            }
        }
        (chunk.len(), false)
    }
}
