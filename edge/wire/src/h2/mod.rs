//! The first frames of an HTTP/2 connection (RFC 9113), watched on their way to the server: what a client's library settles
//! before its first request tells which library it is, whatever the request says.
//!
//! The fingerprint has the form that Akamai published (Black Hat Europe 2017, "Passive Fingerprinting of HTTP/2 Clients"):
//! `SETTINGS|WINDOW_UPDATE|PRIORITY|order of pseudo-header fields`, such as `1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p`.

mod hpack;
#[cfg(test)]
mod tests;

use base::{Fault, Result};
use std::fmt::Write;

/// What every client sends first (RFC 9113 section 3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Longest frame content before the first request is complete, bytes: the least that a server must take.
const FRAME_BYTES: usize = 16 * 1024;
/// Most frames before the first request is complete.
const FRAMES: usize = 64;
/// Most settings and priorities kept.
const ITEMS: usize = 64;
/// Most bytes of the first header block that are kept: pseudo-header fields stand at its beginning.
const BLOCK_BYTES: usize = 4 * 1024;

/// Types of frames.
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
/// Flags of HEADERS and SETTINGS.
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const WITH_PRIORITY: u8 = 0x20;

/// What a client settled before its first request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    /// SETTINGS, in the order of sending.
    pub settings: Vec<(u16, u32)>,
    /// The first WINDOW_UPDATE of the connection, or 0.
    pub window: u32,
    /// PRIORITY frames: stream, exclusive, stream it depends on, weight (1 to 256).
    pub priorities: Vec<(u32, bool, u32, u16)>,
    /// First letters of the pseudo-header fields of the first request: `m`, `a`, `s`, `p`.
    pub pseudo: Vec<u8>,
}

impl Opening {
    /// The fingerprint in Akamai's form.
    pub fn fingerprint(&self) -> String {
        let settings: Vec<String> = self.settings.iter().map(|(id, value)| format!("{id}:{value}")).collect();
        let mut text = settings.join(";");
        let _ = match self.window {
            0 => write!(text, "|00|"),
            window => write!(text, "|{window}|"),
        };
        let priorities = self
            .priorities
            .iter()
            .map(|(stream, exclusive, parent, weight)| format!("{stream}:{}:{parent}:{weight}", u8::from(*exclusive)));
        let priorities: Vec<String> = priorities.collect();
        text.push_str(if priorities.is_empty() { "0" } else { "" });
        text.push_str(&priorities.join(","));
        let pseudo: Vec<String> = self.pseudo.iter().map(|letter| (*letter as char).to_string()).collect();
        text.push('|');
        text.push_str(&pseudo.join(","));
        text
    }
}

/// Watches the bytes of a connection until its first request.
#[derive(Debug, Default)]
pub struct Watcher {
    opening: Opening,
    /// Bytes of the preface seen.
    preface: usize,
    /// Header of the frame that arrives, then its content.
    header: Vec<u8>,
    content: Vec<u8>,
    frames: usize,
    /// The header block as far as it came, once HEADERS was seen.
    block: Option<Vec<u8>>,
    done: bool,
}

impl Watcher {
    /// A watcher at the beginning of a connection.
    pub fn new() -> Watcher {
        Watcher::default()
    }

    /// Looks at the next bytes; what the client settled, once, when its first request is there. Later bytes are not looked at.
    /// Faults with [`crate::fault::PREFACE`] when this is not HTTP/2 or takes too long to become a request.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<Opening>> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.done {
            if self.preface < PREFACE.len() {
                let (now, later) = rest.split_at(rest.len().min(PREFACE.len() - self.preface));
                if *now != PREFACE[self.preface..][..now.len()] {
                    return Err(strange("the client preface", "other bytes"));
                }
                self.preface += now.len();
                rest = later;
                continue;
            }
            let (now, later) = rest.split_at(rest.len().min(9 - self.header.len()));
            self.header.extend_from_slice(now);
            rest = later;
            if self.header.len() < 9 {
                break;
            }
            let length = self.length()?;
            let (now, later) = rest.split_at(rest.len().min(length - self.content.len()));
            self.content.extend_from_slice(now);
            rest = later;
            if self.content.len() == length {
                self.done = self.frame()?;
                self.header.clear();
                self.content.clear();
                if self.done {
                    return Ok(Some(std::mem::take(&mut self.opening)));
                }
            }
        }
        Ok(None)
    }

    /// Length of the frame that arrives.
    fn length(&self) -> Result<usize> {
        let length = usize::from(self.header[0]) << 16 | usize::from(self.header[1]) << 8 | usize::from(self.header[2]);
        if length > FRAME_BYTES || self.frames >= FRAMES {
            return Err(strange("a request within 64 frames of at most 16 KiB", "more"));
        }
        Ok(length)
    }

    /// Reads a whole frame; whether the first request is complete with it.
    fn frame(&mut self) -> Result<bool> {
        self.frames += 1;
        let (kind, flags) = (self.header[3], self.header[4]);
        let stream = number(&self.header[5..9]) & 0x7fff_ffff;
        if self.block.is_some() && kind != CONTINUATION {
            return Err(strange("CONTINUATION", format!("a frame of type {kind}")));
        }
        if self.frames == 1 && kind != SETTINGS {
            return Err(strange("SETTINGS", format!("a frame of type {kind}")));
        }
        match kind {
            SETTINGS if flags & ACK == 0 => {
                let room = ITEMS.saturating_sub(self.opening.settings.len());
                let pairs = self.content.chunks_exact(6).take(room);
                let pairs = pairs.map(|pair| (u16::from_be_bytes([pair[0], pair[1]]), number(&pair[2..])));
                self.opening.settings.extend(pairs);
            }
            WINDOW_UPDATE if stream == 0 && self.content.len() == 4 && self.opening.window == 0 => {
                self.opening.window = number(&self.content) & 0x7fff_ffff;
            }
            PRIORITY if self.content.len() == 5 && self.opening.priorities.len() < ITEMS => {
                let parent = number(&self.content);
                let weight = u16::from(self.content[4]) + 1;
                self.opening.priorities.push((stream, parent >> 31 == 1, parent & 0x7fff_ffff, weight));
            }
            HEADERS => {
                let block =
                    fragment(&self.content, flags).ok_or_else(|| strange("padding within the frame", "more"))?;
                self.block = Some(block[..block.len().min(BLOCK_BYTES)].to_vec());
            }
            CONTINUATION => {
                let block = self.block.as_mut().ok_or_else(|| strange("HEADERS first", "CONTINUATION"))?;
                let room = BLOCK_BYTES.saturating_sub(block.len()).min(self.content.len());
                block.extend_from_slice(&self.content[..room]);
            }
            _ => {}
        }
        let ended = matches!(kind, HEADERS | CONTINUATION) && flags & END_HEADERS != 0;
        if ended {
            self.opening.pseudo = hpack::pseudo(&self.block.take().unwrap_or_default());
        }
        Ok(ended)
    }
}

/// A big-endian number of 32 bits.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |value, byte| value << 8 | u32::from(*byte))
}

/// The header block of a HEADERS frame, without padding and priority.
fn fragment(content: &[u8], flags: u8) -> Option<&[u8]> {
    let (padding, mut rest) = match flags & PADDED {
        0 => (0, content),
        _ => content.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
    };
    if flags & WITH_PRIORITY != 0 {
        rest = rest.get(5..)?;
    }
    rest.get(..rest.len().checked_sub(padding)?)
}

fn strange(expected: &str, found: impl std::fmt::Display) -> Fault {
    Fault::new(&crate::fault::PREFACE).expected(expected).found(found)
}
