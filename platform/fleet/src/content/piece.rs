//! One piece of content, packed once for all agents.

use super::wire::Content;
use super::{CHUNK, CONTENT_BYTES, Mark, Name};
use crate::fault;
use crate::token::sha256;
use base::{Fault, Result};
use bytes::Bytes;

/// Level of zstd: the bulk of content is a filter, which does not shrink at any level.
const LEVEL: i32 = 3;

/// Whole content, or a change from one version to another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) name: Name,
    pub(crate) version: u64,
    /// Version that it changes; 0 when it is whole.
    pub(crate) from: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) size: u64,
    pub(crate) packed: Bytes,
    pub(crate) packed_sha256: [u8; 32],
}

impl Piece {
    pub(crate) fn pack(name: Name, from: u64, version: u64, content: &[u8]) -> Result<Piece> {
        let object = || format!("{} {version}", name.word());
        if version == 0 || from >= version {
            let fault = Fault::new(&fault::CONTENT_STALE).object(object());
            return Err(fault.expected("versions from 1 on, a change from a lower to a higher one").found(from));
        }
        let packed = zstd::bulk::compress(content, LEVEL)
            .map_err(|cause| Fault::new(&fault::CONTENT_MALFORMED).object(object()).because(cause))?;
        if content.len() > CONTENT_BYTES || packed.len() > CONTENT_BYTES {
            let fault = Fault::new(&fault::CONTENT_SIZE).object(object());
            return Err(fault.expected(format!("at most {CONTENT_BYTES} bytes")).found(content.len()));
        }
        let (whole, part) = (sha256(content), sha256(&packed));
        let size = content.len() as u64;
        Ok(Piece { name, version, from, sha256: whole, size, packed: packed.into(), packed_sha256: part })
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { version: self.version, sha256: self.sha256 }
    }

    /// The part that begins at an offset.
    pub(crate) fn part(&self, offset: usize) -> Content {
        let end = (offset + CHUNK).min(self.packed.len());
        Content {
            name: self.name.word().into(),
            version: self.version,
            delta_from: self.from,
            sha256: self.sha256.to_vec(),
            size: self.size,
            packed_sha256: self.packed_sha256.to_vec(),
            total: self.packed.len() as u64,
            offset: offset as u64,
            bytes: self.packed.slice(offset.min(end)..end),
        }
    }
}

/// Unpacks what says to be `size` bytes with this SHA-256.
pub(crate) fn unpack(object: &str, packed: &[u8], size: u64, digest: &[u8]) -> Result<Vec<u8>> {
    let wrong = |code| Fault::new(code).object(object);
    let size = usize::try_from(size).ok().filter(|size| *size <= CONTENT_BYTES);
    let size = size.ok_or_else(|| wrong(&fault::CONTENT_SIZE).expected(format!("at most {CONTENT_BYTES} bytes")))?;
    let content = zstd::bulk::decompress(packed, size).map_err(|cause| wrong(&fault::CONTENT_HASH).because(cause))?;
    let found = sha256(&content);
    if content.len() != size || found[..] != *digest {
        return Err(wrong(&fault::CONTENT_HASH).expected(hex::encode(digest)).found(hex::encode(found)));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks_and_nothing_else_does() {
        let content = b"title: t".repeat(40_000);
        let piece = Piece::pack(Name::Rules, 0, 3, &content).unwrap();
        let mut offset = 0;
        let mut packed = Vec::new();
        while offset < piece.packed.len() {
            let part = piece.part(offset);
            packed.extend_from_slice(&part.bytes);
            offset += part.bytes.len();
        }
        assert_eq!(unpack("x", &packed, piece.size, &piece.sha256).unwrap(), content);
        let hash = |packed: &[u8], size, digest: &[u8]| unpack("x", packed, size, digest).unwrap_err();
        assert!(hash(&packed, piece.size - 1, &piece.sha256).is(&fault::CONTENT_HASH));
        assert!(hash(&packed, piece.size + 1, &piece.sha256).is(&fault::CONTENT_HASH));
        assert!(hash(&packed, piece.size, &[0; 32]).is(&fault::CONTENT_HASH));
        assert!(hash(&packed[1..], piece.size, &piece.sha256).is(&fault::CONTENT_HASH));
        assert!(hash(&packed, u64::MAX, &piece.sha256).is(&fault::CONTENT_SIZE));
        assert!(Piece::pack(Name::Rules, 3, 3, b"").unwrap_err().is(&fault::CONTENT_STALE));
        let huge = vec![0; CONTENT_BYTES + 1];
        assert!(Piece::pack(Name::Rules, 0, 3, &huge).unwrap_err().is(&fault::CONTENT_SIZE));
    }
}
