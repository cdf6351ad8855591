//! The body of an answer: which of the bytes that came are its data, and where it ends.

use super::head::field;
use super::{Broken, Field, Limits};
use crate::framing::bytes::hexadecimal;

/// Where a body stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    state: State,
    chunk_line_bytes: usize,
    trailer_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many bytes are left; none is the end.
    Length(u64),
    Size,
    Data(u64),
    DataEnd,
    Trailers,
    Close,
}

/// What the next bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// So many of them are data.
    Data(usize),
    /// So many of them are framing.
    Skip(usize),
    /// A trailer, and how many bytes it takes.
    Trailer(Field, usize),
    /// Too few to say.
    More,
    /// The body has ended, before these bytes.
    End,
}

impl Body {
    /// So many bytes.
    pub fn length(length: u64) -> Body {
        Body { state: State::Length(length), chunk_line_bytes: 0, trailer_bytes: 0 }
    }

    /// Chunks (RFC 9112 section 7.1).
    pub fn chunked(limits: &Limits) -> Body {
        let Limits { chunk_line_bytes, trailer_bytes, .. } = *limits;
        Body { state: State::Size, chunk_line_bytes, trailer_bytes }
    }

    /// All that comes.
    pub fn until_close() -> Body {
        Body { state: State::Close, chunk_line_bytes: 0, trailer_bytes: 0 }
    }

    /// Whether it has ended.
    pub fn ended(&self) -> bool {
        self.state == State::Length(0)
    }

    /// Whether the end of the connection is its end.
    pub fn ends_with_connection(&self) -> bool {
        self.state == State::Close
    }

    /// Bytes of data that are left, where that is known.
    pub fn left(&self) -> Option<u64> {
        match self.state {
            State::Length(left) => Some(left),
            _ => None,
        }
    }

    /// What the next bytes are; the caller takes away what it is told of before it asks again.
    ///
    /// # Errors
    /// When they are no chunks.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Step, Broken> {
        match self.state {
            State::Length(0) => Ok(Step::End),
            _ if bytes.is_empty() => Ok(Step::More),
            State::Close => Ok(Step::Data(bytes.len())),
            State::Length(left) => Ok(Step::Data(self.data(left, bytes.len(), State::Length))),
            State::Data(left) => {
                let used = self.data(left, bytes.len(), State::Data);
                if used as u64 == left {
                    self.state = State::DataEnd;
                }
                Ok(Step::Data(used))
            }
            State::DataEnd => match bytes {
                [b'\n', ..] => Ok(self.skip(1, State::Size)),
                [b'\r', b'\n', ..] => Ok(self.skip(2, State::Size)),
                [b'\r'] => Ok(Step::More),
                _ => Err(Broken::ChunkEnd),
            },
            State::Size => self.size(bytes),
            State::Trailers => self.trailer(bytes),
        }
    }

    fn data(&mut self, left: u64, offered: usize, state: fn(u64) -> State) -> usize {
        let used = left.min(offered as u64);
        self.state = state(left - used);
        used as usize
    }

    fn skip(&mut self, used: usize, state: State) -> Step {
        self.state = state;
        Step::Skip(used)
    }

    fn size(&mut self, bytes: &[u8]) -> Result<Step, Broken> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            return if bytes.len() > self.chunk_line_bytes { Err(Broken::Chunk) } else { Ok(Step::More) };
        };
        if end > self.chunk_line_bytes {
            return Err(Broken::Chunk);
        }
        let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
        let size = &line[..memchr::memchr(b';', line).unwrap_or(line.len())];
        let size = hexadecimal(size.trim_ascii_end()).ok_or(Broken::Chunk)?;
        Ok(self.skip(end + 1, if size == 0 { State::Trailers } else { State::Data(size) }))
    }

    fn trailer(&mut self, bytes: &[u8]) -> Result<Step, Broken> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            return if bytes.len() > self.trailer_bytes { Err(Broken::Trailer) } else { Ok(Step::More) };
        };
        let used = end + 1;
        self.trailer_bytes = self.trailer_bytes.checked_sub(used).ok_or(Broken::Trailer)?;
        let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
        if line.is_empty() {
            return Ok(self.skip(used, State::Length(0)));
        }
        let field = field(bytes, 0..line.len()).map_err(|_| Broken::Trailer)?;
        Ok(Step::Trailer(field, used))
    }
}
