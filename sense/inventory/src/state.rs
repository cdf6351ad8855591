//! The inventory that was last delivered, on disk. One file, written beside and renamed.

use crate::fault;
use crate::limits::STATE_BYTES;
use crate::snapshot::Snapshot;
use base::{Fault, Micros, Result};
use prost::Message;
use record::Asset;
use ring::digest::{SHA256, digest};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const NAME: &str = "inventory.state";

#[derive(Clone, PartialEq, prost::Message)]
struct Saved {
    #[prost(int64, tag = "1")]
    whole_us: i64,
    #[prost(message, repeated, tag = "2")]
    assets: Vec<Asset>,
}

/// What was delivered, and when everything was told last.
///
/// # Errors
/// [`fault::STATE`] when it does not read: then everything is told anew.
pub fn load(folder: &Path) -> Result<Option<(Micros, Snapshot)>> {
    let path = folder.join(NAME);
    let failed = |cause: &dyn std::fmt::Display| Fault::new(&fault::STATE).object(path.display()).because(cause);
    let file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(failed(&cause)),
    };
    let mut bytes = Vec::new();
    file.take(STATE_BYTES).read_to_end(&mut bytes).map_err(|cause| failed(&cause))?;
    let (sum, body) = bytes.split_at_checked(32).ok_or_else(|| failed(&"shorter than its sum"))?;
    if digest(&SHA256, body).as_ref() != sum {
        return Err(failed(&"its sum is another"));
    }
    let saved = Saved::decode(body).map_err(|cause| failed(&cause))?;
    let keyed = saved.assets.into_iter().map(|asset| ((asset.kind.clone(), asset.key.clone()), asset));
    Ok(Some((saved.whole_us, Snapshot { assets: keyed.collect(), cut: 0 })))
}

/// Keeps it.
///
/// # Errors
/// [`fault::STATE`] when the disk refuses.
pub fn save(folder: &Path, whole_us: Micros, snapshot: &Snapshot) -> Result<()> {
    let body = Saved { whole_us, assets: snapshot.assets.values().cloned().collect() }.encode_to_vec();
    let (path, beside) = (folder.join(NAME), folder.join(format!("{NAME}.new")));
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(digest(&SHA256, &body).as_ref())?;
        file.write_all(&body)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    };
    write().map_err(|cause| Fault::new(&fault::STATE).object(path.display()).because(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_whole_or_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(folder.path()).unwrap().is_none());
        let asset = crate::asset::asset("user", "root", "root").with("uid", "0").done();
        let key = (asset.kind.clone(), asset.key.clone());
        let snapshot = Snapshot { assets: [(key, asset)].into(), cut: 0 };
        save(folder.path(), 7, &snapshot).unwrap();
        assert_eq!(load(folder.path()).unwrap(), Some((7, snapshot)));
        let path = folder.path().join(NAME);
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(load(folder.path()).unwrap_err().is(&fault::STATE));
    }
}
