//! Answers of HTTP/1: where their heads end, what they say, and where their bodies end (RFC 9112 sections 4 to 7).
//!
//! The other direction of [`crate::framing`], and less strict: an origin is ours, so a line may end with LF alone. What would
//! let two readers see different answers is refused all the same.
//!
//! What it is not: a connection. The caller keeps the bytes that came and asks what they are; nothing is copied here.

mod body;
mod head;
#[cfg(test)]
mod tests;

pub use body::{Body, Step};
pub use head::{Field, Head, end};

/// Limits of one answer; each stops a way to make a gateway hold or read without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest head, bytes.
    pub head_bytes: usize,
    /// Most fields of a head.
    pub fields: usize,
    /// Longest line with the size of a chunk and its extensions, bytes.
    pub chunk_line_bytes: usize,
    /// Largest trailer section, bytes.
    pub trailer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { head_bytes: 64 * 1024, fields: 256, chunk_line_bytes: 4 * 1024, trailer_bytes: 8 * 1024 }
    }
}

/// Why an answer cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The first line is no status line of HTTP/1.0 or 1.1.
    StatusLine,
    /// A line of the head is no field.
    Field,
    /// A field goes on in the next line.
    Fold,
    /// The head is too large.
    HeadTooLarge,
    /// The head has too many fields.
    Fields,
    /// `Content-Length` is no number, or two of them differ.
    Length,
    /// `Transfer-Encoding` is something else than `chunked`, which nobody asked for.
    Coding,
    /// The size of a chunk is no number, or its line is too long.
    Chunk,
    /// Something else than a line end stands behind a chunk.
    ChunkEnd,
    /// The trailers are too large, or one is no field.
    Trailer,
}

impl Broken {
    /// What is wrong, for logs.
    pub fn text(self) -> &'static str {
        match self {
            Broken::StatusLine => "no status line of HTTP/1",
            Broken::Field => "a line of the head is no field",
            Broken::Fold => "a field goes on in the next line",
            Broken::HeadTooLarge => "the head is too large",
            Broken::Fields => "the head has too many fields",
            Broken::Length => "Content-Length is no number or stands twice",
            Broken::Coding => "Transfer-Encoding is not chunked",
            Broken::Chunk => "the size of a chunk is no number",
            Broken::ChunkEnd => "no line end behind a chunk",
            Broken::Trailer => "the trailers cannot be read",
        }
    }
}
