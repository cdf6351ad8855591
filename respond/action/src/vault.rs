//! The coding of quarantined content: what lies in the store neither runs nor matches a scanner's signature.
//!
//! A keystream of SHA-256(key ‖ counter) is laid over the content; the random key stands in the metadata beside
//! it. This hides content from programs, not from people: secrecy is not its purpose.

use crate::fault;
use base::{Fault, Result};
use ring::digest::{Context, SHA256};
use std::io::{Read, Write};

/// First bytes of a stored file.
pub(crate) const MAGIC: &[u8] = b"garrison quarantine 1\n";
const CHUNK: usize = 64 * 1024;

struct Keystream {
    key: [u8; 32],
    counter: u64,
}

impl Keystream {
    /// Lays the stream over the next bytes; only the last call may have a length that is no multiple of 32.
    fn lay_over(&mut self, bytes: &mut [u8]) {
        for block in bytes.chunks_mut(32) {
            let mut context = Context::new(&SHA256);
            context.update(&self.key);
            context.update(&self.counter.to_le_bytes());
            self.counter += 1;
            let stream = context.finish();
            block.iter_mut().zip(stream.as_ref()).for_each(|(byte, stream)| *byte ^= stream);
        }
    }
}

/// What went through.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// SHA-256 of the plain content, hexadecimal.
    pub(crate) sha256: String,
    /// Bytes of plain content.
    pub(crate) bytes: u64,
}

fn failed(cause: std::io::Error) -> Fault {
    Fault::new(&fault::STORE).object("quarantined content").because(cause)
}

/// Encodes plain content, at most `limit` bytes.
pub(crate) fn seal(from: &mut dyn Read, to: &mut dyn Write, key: [u8; 32], limit: u64) -> Result<Passed> {
    to.write_all(MAGIC).map_err(failed)?;
    pass(from, to, key, limit, true)
}

/// Decodes stored content.
pub(crate) fn unseal(from: &mut dyn Read, to: &mut dyn Write, key: [u8; 32]) -> Result<Passed> {
    let mut magic = [0; MAGIC.len()];
    from.read_exact(&mut magic).map_err(failed)?;
    if magic != MAGIC {
        return Err(Fault::new(&fault::DAMAGED)
            .object("quarantined content")
            .expected("our header")
            .found("other bytes"));
    }
    pass(from, to, key, u64::MAX, false)
}

fn pass(from: &mut dyn Read, to: &mut dyn Write, key: [u8; 32], limit: u64, plain_in: bool) -> Result<Passed> {
    let mut stream = Keystream { key, counter: 0 };
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; CHUNK];
    let mut bytes = 0u64;
    loop {
        let filled = fill(from, &mut buffer).map_err(failed)?;
        let part = &mut buffer[..filled];
        bytes += filled as u64;
        if bytes > limit {
            return Err(Fault::new(&fault::TOO_LARGE)
                .object("file")
                .expected(format!("at most {limit} bytes"))
                .found("more"));
        }
        if plain_in {
            hash.update(part);
        }
        stream.lay_over(part);
        if !plain_in {
            hash.update(part);
        }
        to.write_all(part).map_err(failed)?;
        if filled < CHUNK {
            return Ok(Passed { sha256: hex::encode(hash.finish()), bytes });
        }
    }
}

/// Reads until the buffer is full or the end is reached.
fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_comes_back_and_is_hidden_in_between() {
        for size in [0, 1, 31, 32, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let plain: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
            let (mut stored, mut back) = (Vec::new(), Vec::new());
            let sealed = seal(&mut plain.as_slice(), &mut stored, [7; 32], u64::MAX).unwrap();
            assert!(size < 64 || !stored.windows(16).any(|part| part == &plain[..16]));
            assert_eq!(unseal(&mut stored.as_slice(), &mut back, [7; 32]).unwrap(), sealed);
            assert_eq!(back, plain);
        }
        assert!(seal(&mut [0u8; 100].as_slice(), &mut Vec::new(), [0; 32], 99).unwrap_err().is(&fault::TOO_LARGE));
        assert!(unseal(&mut b"short".as_slice(), &mut Vec::new(), [0; 32]).is_err());
    }
}
