//! What outlives the agent: the memory of scanned files and how far the walk is. One file, written beside and renamed.

use crate::fault;
use crate::limits::REMEMBERED;
use crate::memory::Memory;
use crate::scheduler::Progress;
use base::{Fault, Random, Result};
use prost::Message;
use ring::digest::{SHA256, digest};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Name of the file within the agent's folder.
const NAME: &str = "scan.state";
/// Largest file taken: the fingerprints and a path.
const BYTES: u64 = REMEMBERED as u64 * 8 + 64 * 1024;

#[derive(Clone, PartialEq, prost::Message)]
struct Saved {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(string, tag = "2")]
    version: String,
    #[prost(fixed64, repeated, tag = "3")]
    seen: Vec<u64>,
    #[prost(int64, tag = "4")]
    begun: i64,
    #[prost(bytes = "vec", optional, tag = "5")]
    last: Option<Vec<u8>>,
    #[prost(bool, tag = "6")]
    open: bool,
}

/// What was known, or nothing.
///
/// # Errors
/// None ends the agent: what does not read is a fault beside an empty memory.
pub fn load(folder: &Path, random: &dyn Random) -> (Memory, Progress, Option<Fault>) {
    match read(&folder.join(NAME)) {
        Ok(Some((memory, progress))) => (memory, progress, None),
        Ok(None) => (Memory::new(REMEMBERED, random), Progress::default(), None),
        Err(fault) => (Memory::new(REMEMBERED, random), Progress::default(), Some(fault)),
    }
}

/// Keeps it.
///
/// # Errors
/// [`fault::STATE`] when the disk refuses.
pub fn save(folder: &Path, memory: &Memory, progress: &Progress) -> Result<()> {
    let (key, version, seen) = memory.parts();
    let saved = Saved {
        key: key.to_vec(),
        version: version.to_owned(),
        seen,
        begun: progress.begun,
        last: progress.last.as_ref().map(|path| path.as_os_str().as_bytes().to_vec()),
        open: progress.open,
    };
    let body = saved.encode_to_vec();
    let (path, beside) = (folder.join(NAME), folder.join(format!("{NAME}.new")));
    let failed = |cause: std::io::Error| Fault::new(&fault::STATE).object(path.display()).because(cause);
    // Who can read the key can make files that look as if they had been scanned.
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let mut file = opened.map_err(failed)?;
    file.write_all(digest(&SHA256, &body).as_ref()).map_err(failed)?;
    file.write_all(&body).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&beside, &path).map_err(failed)
}

fn read(path: &Path) -> Result<Option<(Memory, Progress)>> {
    let failed = |cause: &dyn std::fmt::Display| Fault::new(&fault::STATE).object(path.display()).because(cause);
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(failed(&cause)),
    };
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes).map_err(|cause| failed(&cause))?;
    let (sum, body) = bytes.split_at_checked(32).ok_or_else(|| failed(&"too short"))?;
    if digest(&SHA256, body).as_ref() != sum {
        return Err(failed(&"the sum differs"));
    }
    let saved = Saved::decode(body).map_err(|cause| failed(&cause))?;
    let key: [u8; 32] = saved.key.as_slice().try_into().map_err(|_| failed(&"no key"))?;
    let memory = Memory::restored(REMEMBERED, key, saved.version, saved.seen);
    let last = saved.last.map(|path| PathBuf::from(std::ffi::OsString::from_vec(path)));
    Ok(Some((memory, Progress { begun: saved.begun, last, open: saved.open })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Facts;
    use base::SeededRandom;

    #[test]
    fn it_reads_back_and_a_damaged_one_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let random = SeededRandom::new(1);
        let (mut memory, none, fault) = load(folder.path(), &random);
        assert!(memory.is_empty() && none == Progress::default() && fault.is_none());
        let facts = Facts { device: 1, inode: 2, size: 3, modified_ns: 4, changed_ns: 5 };
        memory.set_version("v");
        memory.learn(&facts);
        let progress = Progress { begun: 7, last: Some("/a/b".into()), open: true };
        save(folder.path(), &memory, &progress).unwrap();
        let (mut again, back, fault) = load(folder.path(), &random);
        again.set_version("v");
        assert!(again.knows(&facts) && back == progress && fault.is_none());
        let path = folder.path().join(NAME);
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (memory, _, fault) = load(folder.path(), &random);
            assert!(memory.is_empty() && fault.is_some_and(|fault| fault.is(&fault::STATE)), "{cut}");
        }
    }
}
