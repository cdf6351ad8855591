//! Durable positions: how far each file was read and taken by the sink.

use crate::limits::{HEAD_BYTES, POSITIONS_BYTES};
use crate::{fault, state};
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What a file is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
}

impl Key {
    /// Of these metadata.
    pub fn of(meta: &std::fs::Metadata) -> Key {
        Key { device: meta.dev(), inode: meta.ino() }
    }
}

/// The first bytes of a file as a number: tells a file from a later one with the same inode, and finds its copy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many bytes, at most [`HEAD_BYTES`].
    pub bytes: u64,
    /// Their FNV-1a sum.
    pub sum: u64,
}

impl Head {
    /// Of the first `bytes` of a file; `None` where it has fewer.
    pub fn read(file: &File, bytes: u64) -> Option<Head> {
        let bytes = bytes.min(HEAD_BYTES as u64);
        let mut buffer = [0; HEAD_BYTES];
        let slice = &mut buffer[..bytes as usize];
        file.read_exact_at(slice, 0).ok()?;
        Some(Head { bytes, sum: slice.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| fnv(sum, *byte)) })
    }

    /// Whether a file begins so. An empty head says nothing.
    pub fn is_of(&self, file: &File) -> bool {
        self.bytes > 0 && Head::read(file, self.bytes) == Some(*self)
    }
}

fn fnv(sum: u64, byte: u8) -> u64 {
    (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// A file and how far it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The path it is read under; a rotated file keeps the one it had.
    pub path: PathBuf,
    /// Which file.
    pub key: Key,
    /// Everything before this byte was taken by the sink.
    pub offset: u64,
    /// Its first bytes.
    pub head: Head,
    /// Whether it was rotated away and read to its end.
    #[serde(default)]
    pub finished: bool,
}

/// What is kept of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Every file.
    pub files: Vec<Position>,
    /// Patterns that were looked at in the last run; `None` where that is not known any more.
    pub patterns: Option<Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Form {
    version: u32,
    patterns: Vec<String>,
    files: Vec<Position>,
}

const VERSION: u32 = 1;

/// Reads the positions; none where there is no file yet. A file that does not read is put aside and told; every log is
/// then read from its beginning, since twice is better than never.
pub fn read(path: &Path) -> Result<Kept> {
    let size = match std::fs::metadata(path) {
        Ok(meta) => meta.len(),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Kept { files: Vec::new(), patterns: Some(Vec::new()) });
        }
        Err(cause) => return Err(Fault::new(&fault::STATE).object(path.display()).because(cause)),
    };
    let form = || {
        let text = (size <= POSITIONS_BYTES).then(|| std::fs::read(path).ok())??;
        serde_json::from_slice::<Form>(&text).ok().filter(|form| form.version == VERSION)
    };
    if let Some(form) = form() {
        return Ok(Kept { files: form.files, patterns: Some(form.patterns) });
    }
    let aside = path.with_extension("broken");
    let moved = std::fs::rename(path, &aside);
    let fault = Fault::new(&fault::POSITIONS).object(path.display()).found(format!("put aside as {}", aside.display()));
    tracing::error!(fault = fault.inside(), moved = moved.is_ok(), "positions");
    Ok(Kept::default())
}

/// Writes the positions.
pub fn write(path: &Path, files: Vec<Position>, patterns: Vec<String>) -> Result<()> {
    let fault = |cause: serde_json::Error| Fault::new(&fault::STATE).object(path.display()).because(cause);
    let text = serde_json::to_vec(&Form { version: VERSION, patterns, files }).map_err(fault)?;
    state::write(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn positions_survive_and_a_broken_file_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs.positions");
        let nothing = Kept { files: Vec::new(), patterns: Some(Vec::new()) };
        assert_eq!(read(&path).unwrap(), nothing);
        let position = Position {
            path: "/var/log/x".into(),
            key: Key { device: 1, inode: 2 },
            offset: 3,
            head: Head { bytes: 3, sum: 4 },
            finished: false,
        };
        write(&path, vec![position.clone()], vec!["/var/log/x".into()]).unwrap();
        let kept = Kept { files: vec![position], patterns: Some(vec!["/var/log/x".into()]) };
        assert_eq!(read(&path).unwrap(), kept);
        for broken in ["", "{", "{\"version\":9,\"files\":[]}", "[1]"] {
            std::fs::write(&path, broken).unwrap();
            assert_eq!(read(&path).unwrap(), Kept::default(), "{broken}");
            assert!(!path.exists() && path.with_extension("broken").exists());
        }
    }

    #[test]
    fn a_head_tells_files_apart() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"first line\n").unwrap();
        let head = Head::read(&file, 6).unwrap();
        assert!(head.is_of(&file) && !Head::default().is_of(&file));
        assert_eq!(Head::read(&file, 12), None);
        file.write_at(b"F", 0).unwrap();
        assert!(!head.is_of(&file));
    }
}
