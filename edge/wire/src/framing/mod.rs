//! The framing guard: watches the raw bytes of a connection that speaks HTTP/1 before any parser sees them, and refuses
//! what two parsers could read differently (request smuggling, RFC 9112 sections 2, 3, 5, 6, 7 and 11.2).
//!
//! It follows the framing of each request, so it knows at every byte whether a head, a body or a chunk goes past, across
//! keep-alive and pipelining. Heads are read line by line; bodies are skipped in bulk. What is refused here is stricter than
//! the standard demands where leniency was used for attacks: a single Content-Length, a single `chunked`, CRLF only.
//!
//! The caller hands on what was fed when `feed` is content. On a refusal, bytes before [`Refusal::message`] are sound.

pub(crate) mod bytes;
mod head;
mod refusal;
#[cfg(test)]
mod tests;

pub use head::{Body, Head};
pub use refusal::{Kind, Refusal};

use bytes::{VALUE, all, hexadecimal};
use std::collections::VecDeque;

/// Limits of one connection; each stops a way to make a server hold or scan without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest method, bytes.
    pub method_bytes: usize,
    /// Longest request target, bytes.
    pub target_bytes: usize,
    /// Longest line of a head, bytes with its CRLF.
    pub line_bytes: usize,
    /// Largest head, bytes.
    pub head_bytes: usize,
    /// Most fields of a head.
    pub fields: usize,
    /// Most bytes of chunk extensions a body may carry: they cost reading and carry nothing.
    pub extension_bytes: usize,
    /// Largest trailer section, bytes.
    pub trailer_bytes: usize,
    /// Most heads that may wait for [`Guard::take_head`]; 0 keeps none.
    pub heads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            method_bytes: 32,
            target_bytes: 16 * 1024,
            line_bytes: 32 * 1024,
            head_bytes: 64 * 1024,
            fields: 128,
            extension_bytes: 4 * 1024,
            trailer_bytes: 8 * 1024,
            heads: 64,
        }
    }
}

/// Where the connection stands after what was fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Between requests.
    Idle,
    /// In a head that is not complete: the time for heads runs.
    Head,
    /// In a body: the time for bodies runs.
    Body,
    /// Another protocol; nothing is read any more.
    Opaque,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the request line, after an empty line or not.
    Between {
        empty: bool,
    },
    Fields,
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    /// The CR, then the LF behind the data of a chunk.
    ChunkEnd {
        cr: bool,
    },
    Trailers,
    Opaque,
    Refused(Refusal),
}

/// The guard of one connection.
#[derive(Debug)]
pub struct Guard {
    limits: Limits,
    state: State,
    /// Bytes seen.
    at: u64,
    /// Where the message, and where the line began.
    message: u64,
    line_at: u64,
    /// What of a line came in earlier calls.
    partial: Vec<u8>,
    reader: head::Reader,
    extension_bytes: usize,
    trailer_bytes: usize,
    heads: VecDeque<Head>,
}

/// Trailers that frame, route, authorise or describe the message: acting on them after the body is unsound (RFC 9110 section 6.5.1).
const NO_TRAILER: [&str; 20] = [
    "content-length",
    "transfer-encoding",
    "host",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "proxy-connection",
    "authorization",
    "proxy-authorization",
    "cookie",
    "expect",
    "content-type",
    "content-encoding",
    "content-range",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

impl Guard {
    /// A guard at the beginning of a connection.
    pub fn new(limits: Limits) -> Guard {
        Guard {
            limits,
            state: State::Between { empty: false },
            at: 0,
            message: 0,
            line_at: 0,
            partial: Vec::new(),
            reader: head::Reader::default(),
            extension_bytes: 0,
            trailer_bytes: 0,
            heads: VecDeque::new(),
        }
    }

    /// Looks at the next bytes of the connection. A refusal is final: every later call gives it again.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Progress, Refusal> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let used = match self.state {
                State::Refused(refusal) => return Err(refusal),
                State::Opaque => rest.len(),
                State::Length(left) => self.skip(left, rest.len(), State::Length),
                State::ChunkData(left) => self.skip(left, rest.len(), State::ChunkData),
                State::ChunkEnd { cr } => self.chunk_end(cr, rest[0])?,
                State::Between { .. } | State::Fields | State::ChunkSize | State::Trailers => self.line(rest)?,
            };
            self.at += used as u64;
            rest = &rest[used..];
        }
        self.progress()
    }

    fn progress(&self) -> Result<Progress, Refusal> {
        match self.state {
            State::Refused(refusal) => Err(refusal),
            State::Opaque => Ok(Progress::Opaque),
            State::Between { empty } => {
                Ok(if empty || !self.partial.is_empty() { Progress::Head } else { Progress::Idle })
            }
            State::Fields => Ok(Progress::Head),
            _ => Ok(Progress::Body),
        }
    }

    /// The oldest head that went past and was not taken yet. Heads come in the order of the requests.
    pub fn take_head(&mut self) -> Option<Head> {
        self.heads.pop_front()
    }

    /// From here on heads are not kept: whoever had one to see has seen it.
    pub fn forget_heads(&mut self) {
        self.limits.heads = 0;
        self.heads = VecDeque::new();
    }

    /// The other end accepted `Upgrade` or `CONNECT`: what follows is another protocol and no longer looked at.
    pub fn upgraded(&mut self) {
        if !matches!(self.state, State::Refused(_)) {
            self.state = State::Opaque;
            self.partial = Vec::new();
        }
    }

    /// Bytes seen since the beginning of the connection.
    pub fn seen(&self) -> u64 {
        self.at
    }

    fn refuse(&mut self, kind: Kind, at: u64) -> Refusal {
        let refusal = Refusal { kind, message: self.message, at };
        self.state = State::Refused(refusal);
        self.partial = Vec::new();
        refusal
    }

    /// Skips data of a body; how many bytes were used.
    fn skip(&mut self, left: u64, offered: usize, state: fn(u64) -> State) -> usize {
        let used = left.min(offered as u64);
        self.state = match left - used {
            0 if matches!(self.state, State::ChunkData(_)) => State::ChunkEnd { cr: false },
            0 => self.next_message(used),
            left => state(left),
        };
        used as usize
    }

    /// The next message begins behind `used` more bytes.
    fn next_message(&mut self, used: u64) -> State {
        self.message = self.at + used;
        State::Between { empty: false }
    }

    fn chunk_end(&mut self, cr: bool, byte: u8) -> Result<usize, Refusal> {
        if byte != if cr { b'\n' } else { b'\r' } {
            return Err(self.refuse(Kind::ChunkEnd, self.at));
        }
        self.state = if cr { State::ChunkSize } else { State::ChunkEnd { cr: true } };
        Ok(1)
    }

    /// Takes bytes up to the end of a line, if it is there; how many were used.
    fn line(&mut self, rest: &[u8]) -> Result<usize, Refusal> {
        if self.partial.is_empty() {
            self.line_at = self.at;
        }
        let end = memchr::memchr(b'\n', rest).map(|end| end + 1);
        let used = end.unwrap_or(rest.len());
        let length = self.partial.len() + used;
        let (allowed, kind) = self.allowed();
        if length > allowed {
            return Err(self.refuse(kind, self.line_at));
        }
        if end.is_none() {
            self.partial.extend_from_slice(rest);
            return Ok(used);
        }
        let done = if self.partial.is_empty() {
            self.complete(&rest[..used], used)
        } else {
            let mut line = std::mem::take(&mut self.partial);
            line.extend_from_slice(&rest[..used]);
            let done = self.complete(&line, used);
            line.clear();
            self.partial = line;
            done
        };
        match done {
            Ok(state) => self.state = state,
            Err(kind) => return Err(self.refuse(kind, self.line_at)),
        }
        Ok(used)
    }

    /// How long the present line may get, and what it is when it gets longer.
    fn allowed(&self) -> (usize, Kind) {
        let limits = &self.limits;
        let (room, kind) = match self.state {
            // Size, extension and CRLF: whatever is longer can only be extension.
            State::ChunkSize => {
                return (18 + limits.extension_bytes.saturating_sub(self.extension_bytes), Kind::ChunkExtension);
            }
            State::Trailers => (limits.trailer_bytes.saturating_sub(self.trailer_bytes), Kind::Trailer),
            _ => {
                let used = usize::try_from(self.line_at - self.message).unwrap_or(usize::MAX);
                (limits.head_bytes.saturating_sub(used), Kind::HeadTooLarge)
            }
        };
        if limits.line_bytes <= room { (limits.line_bytes, Kind::LineTooLong) } else { (room, kind) }
    }

    /// Reads a whole line with its line feed, the last `used` bytes of which were not counted yet; the state behind it.
    fn complete(&mut self, line: &[u8], used: usize) -> Result<State, Kind> {
        let text = line.strip_suffix(b"\r\n").ok_or(Kind::BareLf)?;
        if memchr::memchr(b'\r', text).is_some() {
            return Err(Kind::BareCr);
        }
        match self.state {
            State::ChunkSize => self.chunk_size(text),
            State::Trailers if text.is_empty() => Ok(self.next_message(used as u64)),
            State::Trailers => {
                self.trailer_bytes += line.len();
                let (name, _) = head::field(text)?;
                if head::named(name, &NO_TRAILER) { Err(Kind::Trailer) } else { Ok(State::Trailers) }
            }
            State::Between { empty } if text.is_empty() => {
                // One is allowed: old clients send it behind a body (RFC 9112 section 2.2).
                if empty { Err(Kind::EmptyLines) } else { Ok(State::Between { empty: true }) }
            }
            _ if !self.reader.started() => {
                self.reader.request_line(text, &self.limits)?;
                Ok(State::Fields)
            }
            _ if text.is_empty() => self.head_end(used as u64),
            _ => {
                self.reader.field(text, &self.limits)?;
                Ok(State::Fields)
            }
        }
    }

    fn head_end(&mut self, used: u64) -> Result<State, Kind> {
        let end = self.at + used;
        let (body, head) = self.reader.end(self.message..end, self.limits.heads > 0)?;
        if let Some(head) = head {
            if self.heads.len() >= self.limits.heads {
                return Err(Kind::Pipeline);
            }
            self.heads.push_back(head);
        }
        Ok(match body {
            Body::None => self.next_message(used),
            Body::Length(length) => State::Length(length),
            Body::Chunked => {
                (self.extension_bytes, self.trailer_bytes) = (0, 0);
                State::ChunkSize
            }
        })
    }

    fn chunk_size(&mut self, text: &[u8]) -> Result<State, Kind> {
        let end = memchr::memchr(b';', text).unwrap_or(text.len());
        let (size, extension) = text.split_at(end);
        let size = hexadecimal(size).ok_or(Kind::ChunkSize)?;
        if !all(extension, VALUE) {
            return Err(Kind::ChunkExtension);
        }
        self.extension_bytes += extension.len();
        if self.extension_bytes > self.limits.extension_bytes {
            return Err(Kind::ChunkExtension);
        }
        Ok(if size == 0 { State::Trailers } else { State::ChunkData(size) })
    }
}
