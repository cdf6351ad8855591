//! Objects of JSON one after the other: a line each, an array, or one alone. Damage in one does not reach the next.

use crate::limits::ENTRY_BYTES;
use std::io::{BufRead, Result};

/// What stands at a place.
pub(super) enum Entry {
    /// An object, whole.
    Whole(Vec<u8>),
    /// One that does not end, or is too large.
    Bad(&'static str),
}

/// Bytes read at once.
const PIECE: usize = 64 << 10;

/// Cuts objects out of what is read.
pub(super) struct Entries<'i> {
    input: &'i mut dyn BufRead,
    piece: Vec<u8>,
    at: usize,
    held: Vec<u8>,
    depth: usize,
    text: bool,
    escaped: bool,
    newline: bool,
    large: bool,
}

impl<'i> Entries<'i> {
    pub(super) fn new(input: &'i mut dyn BufRead) -> Entries<'i> {
        let (piece, held) = (Vec::new(), Vec::new());
        Entries { input, piece, at: 0, held, depth: 0, text: false, escaped: false, newline: true, large: false }
    }

    /// The next one; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Entry>> {
        loop {
            while let Some(byte) = self.piece.get(self.at).copied() {
                // An object that begins a line while another is open: that one was cut off.
                if byte == b'{' && self.newline && self.depth > 0 {
                    self.begin();
                    return Ok(Some(Entry::Bad("it does not end")));
                }
                self.at += 1;
                if let Some(found) = self.byte(byte) {
                    return Ok(Some(found));
                }
            }
            self.piece.resize(PIECE, 0);
            let length = self.input.read(&mut self.piece)?;
            self.piece.truncate(length);
            self.at = 0;
            if length == 0 {
                let open = self.depth > 0;
                self.begin();
                return Ok(open.then_some(Entry::Bad("it does not end")));
            }
        }
    }

    fn begin(&mut self) {
        self.held = Vec::new();
        (self.depth, self.text, self.escaped, self.large) = (0, false, false, false);
    }

    fn byte(&mut self, byte: u8) -> Option<Entry> {
        self.newline = byte == b'\n';
        if self.depth > 0 {
            if self.held.len() < ENTRY_BYTES { self.held.push(byte) } else { self.large = true }
        }
        match byte {
            // A line's end within a text is not allowed (RFC 8259 §7): the text was not closed.
            b'\n' if self.text => {
                self.begin();
                return Some(Entry::Bad("a text does not end"));
            }
            _ if self.escaped => self.escaped = false,
            b'\\' if self.text => self.escaped = true,
            b'"' if self.depth > 0 => self.text = !self.text,
            b'{' if !self.text => {
                if self.depth == 0 {
                    self.held.push(byte);
                }
                self.depth += 1;
            }
            b'}' if !self.text && self.depth > 0 => {
                self.depth -= 1;
                if self.depth == 0 {
                    let (held, large) = (std::mem::take(&mut self.held), self.large);
                    self.begin();
                    return Some(if large { Entry::Bad("it is too large") } else { Entry::Whole(held) });
                }
            }
            _ => {}
        }
        None
    }
}
