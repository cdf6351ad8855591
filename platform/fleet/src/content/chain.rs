//! Content on an agent's disk: a file with the whole, and a file with the changes one behind the other.
//!
//! A record is: length of the head (u32, little endian), CRC-32C of the head (u32), the head, the packed content. The
//! whole is replaced by a rename; changes are appended, and a torn tail is cut off. After a crash between the two the
//! changes that do not fit the whole are passed over.

use super::piece::unpack;
use super::{CONTENT_BYTES, Mark, Name};
use crate::content::wire::digest;
use crate::fault;
use base::{Fault, Result};
use bus::Disk;
use bytes::Bytes;
use prost::Message;
use std::path::{Path, PathBuf};

/// Most bytes of changes on top of a whole; beyond it they are refused until the server sends a whole.
pub(crate) const CHAIN_BYTES: usize = 8 * 1024 * 1024;
/// Largest head.
const HEAD_BYTES: usize = 1024;

/// What is said of a stored piece.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Head {
    #[prost(uint64, tag = "1")]
    pub(crate) version: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) from: u64,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) sha256: Vec<u8>,
    #[prost(uint64, tag = "4")]
    pub(crate) size: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) packed: u64,
}

/// A stored piece.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) head: Head,
    pub(crate) packed: Bytes,
}

impl Stored {
    pub(crate) fn mark(&self) -> Mark {
        Mark { version: self.head.version, sha256: digest(&self.head.sha256) }
    }

    /// Its content, checked.
    pub(crate) fn content(&self, name: Name) -> Result<Vec<u8>> {
        let object = format!("{} {}", name.word(), self.head.version);
        unpack(&object, &self.packed, self.head.size, &self.head.sha256)
    }

    fn record(&self) -> Vec<u8> {
        let head = self.head.encode_to_vec();
        let mut record = Vec::with_capacity(8 + head.len() + self.packed.len());
        record.extend_from_slice(&(head.len() as u32).to_le_bytes());
        record.extend_from_slice(&crc32c::crc32c(&head).to_le_bytes());
        record.extend_from_slice(&head);
        record.extend_from_slice(&self.packed);
        record
    }
}

/// The first record of these bytes and its length; none when it is torn or damaged.
fn record(bytes: &Bytes) -> Option<(Stored, usize)> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (length, sum) = (word(0)? as usize, word(4)?);
    let head = bytes.get(8..8 + length).filter(|_| length <= HEAD_BYTES)?;
    let head = (crc32c::crc32c(head) == sum).then(|| Head::decode(head).ok()).flatten()?;
    let begin = 8 + length;
    let end = begin.checked_add(usize::try_from(head.packed).ok()?)?;
    (end <= bytes.len()).then(|| (Stored { head, packed: bytes.slice(begin..end) }, end))
}

/// The files of one name.
pub(crate) struct Files<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) dir: &'a Path,
    pub(crate) name: Name,
}

impl Files<'_> {
    fn base(&self) -> PathBuf {
        self.dir.join(format!("{}.base", self.name.word()))
    }

    fn chain(&self) -> PathBuf {
        self.dir.join(format!("{}.chain", self.name.word()))
    }

    fn read(&self, path: &Path, most: usize) -> Result<Option<Bytes>> {
        match self.disk.read(path, 0, most) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.damaged(path).because(cause)),
        }
    }

    fn damaged(&self, path: &Path) -> Fault {
        Fault::new(&fault::CONTENT_DAMAGED).object(path.display())
    }

    /// The whole and the changes that fit on it, in order. What is damaged is removed: the server sends it again.
    pub(crate) fn load(&self) -> (Vec<Stored>, Vec<Fault>) {
        let (mut found, mut faults) = (Vec::new(), Vec::new());
        match self.read(&self.base(), CONTENT_BYTES + HEAD_BYTES + 8) {
            Ok(None) => return (found, faults),
            Ok(Some(bytes)) => match record(&bytes) {
                Some((whole, end)) if end == bytes.len() && whole.head.from == 0 => found.push(whole),
                _ => faults.push(self.damaged(&self.base()).found("a torn or foreign record")),
            },
            Err(fault) => faults.push(fault),
        }
        if found.is_empty() {
            self.clear();
            return (found, faults);
        }
        match self.read(&self.chain(), CHAIN_BYTES) {
            Ok(Some(bytes)) => {
                let kept = changes(&bytes, &mut found);
                if kept < bytes.len() {
                    faults.push(self.damaged(&self.chain()).found(format!("{kept} of {} bytes", bytes.len())));
                    // When it cannot be cut the next change finds out.
                    let _ = self.disk.truncate(&self.chain(), kept as u64);
                }
            }
            Ok(None) => {}
            Err(fault) => faults.push(fault),
        }
        (found, faults)
    }

    /// Puts a whole in place, with the changes that go on from it.
    pub(crate) fn put(&self, whole: &Stored, changes: &[Stored]) -> Result<()> {
        bus::replace(self.disk, &self.base(), &whole.record())?;
        let chain: Vec<u8> = changes.iter().flat_map(|change| change.record()).collect();
        // Changes of before would be passed over; they only take room.
        if chain.is_empty() {
            let _ = self.disk.remove(&self.chain());
            return Ok(());
        }
        bus::replace(self.disk, &self.chain(), &chain)
    }

    /// Adds a change.
    pub(crate) fn add(&self, change: &Stored) -> Result<()> {
        let path = self.chain();
        let write = || {
            self.disk.create(&path)?;
            self.disk.append(&path, &change.record())?;
            self.disk.sync(&path)?;
            self.disk.sync_dir(self.dir)
        };
        write().map_err(|cause| self.damaged(&path).because(cause))
    }

    /// Removes everything of the name.
    pub(crate) fn clear(&self) {
        for path in [self.base(), self.chain()] {
            // What cannot be removed is found damaged again at the next start.
            let _ = self.disk.remove(&path);
        }
    }
}

/// Adds the changes that fit to what was found, and says how many bytes of the file are sound.
fn changes(bytes: &Bytes, found: &mut Vec<Stored>) -> usize {
    let mut at = 0;
    while let Some((change, length)) = record(&bytes.slice(at..)) {
        at += length;
        if found.last().is_some_and(|last| change.head.from > 0 && last.head.version == change.head.from) {
            found.push(change);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::piece::Piece;
    use bus::MemoryDisk;

    fn stored(from: u64, version: u64) -> Stored {
        let piece = Piece::pack(Name::Rules, from, version, format!("{from}-{version}").as_bytes()).unwrap();
        let head =
            Head { version, from, sha256: piece.sha256.to_vec(), size: piece.size, packed: piece.packed.len() as u64 };
        Stored { head, packed: piece.packed }
    }

    fn versions(files: &Files<'_>) -> (Vec<u64>, usize) {
        let (found, faults) = files.load();
        assert!(found.iter().all(|one| one.content(Name::Rules).is_ok()));
        (found.iter().map(|one| one.head.version).collect(), faults.len())
    }

    #[test]
    fn what_was_stored_is_found_and_what_is_torn_is_cut() {
        let (disk, dir) = (MemoryDisk::new(), Path::new("/content"));
        disk.make_dir(dir).unwrap();
        let files = Files { disk: &disk, dir, name: Name::Rules };
        assert_eq!(versions(&files), (vec![], 0));
        files.put(&stored(0, 5), &[]).unwrap();
        (5..8).for_each(|from| files.add(&stored(from, from + 1)).unwrap());
        assert_eq!(versions(&files), (vec![5, 6, 7, 8], 0));
        let chain = dir.join("rules.chain");
        let length = disk.read(&chain, 0, usize::MAX).unwrap().len() as u64;
        disk.truncate(&chain, length - 1).unwrap();
        assert_eq!(versions(&files), (vec![5, 6, 7], 1));
        files.add(&stored(7, 8)).unwrap();
        assert_eq!(versions(&files), (vec![5, 6, 7, 8], 0), "it goes on behind the cut");
        // A new whole with the changes that go on from it; and a crash before the old changes were removed.
        files.put(&stored(0, 7), &[stored(7, 8)]).unwrap();
        assert_eq!(versions(&files), (vec![7, 8], 0));
        bus::replace(&disk, &dir.join("rules.base"), &stored(0, 20).record()).unwrap();
        assert_eq!(versions(&files), (vec![20], 0));
    }

    #[test]
    fn hostile_bytes_are_cut_off_and_never_a_panic() {
        let good = [stored(0, 5).record(), stored(5, 6).record()].concat();
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x41;
            let mut found = vec![stored(0, 5)];
            changes(&bytes.clone().into(), &mut found);
            let _ = record(&Bytes::from(bytes[at..].to_vec()));
            found.iter().for_each(|one| drop(one.content(Name::Rules)));
        }
        let mut huge = (HEAD_BYTES as u32 + 1).to_le_bytes().to_vec();
        huge.resize(4096, 0);
        assert!(record(&huge.into()).is_none());
    }
}
