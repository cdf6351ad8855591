//! The baseline: what was accepted of every watched path, and what waits for a decision. One file with a keyed sum,
//! written beside and renamed.
//!
//! The key lies in a file of its own. That a baseline was there is known by the key: one that was removed is told.

use crate::entry::Entry;
use crate::fault;
use crate::limits::{BASELINE_BYTES, PENDING};
use base::{Fault, Micros, Random, Result};
use prost::Message;
use ring::hmac;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const NAME: &str = "baseline";
const KEY: &str = "key";
const SUM_BYTES: usize = 32;

/// A change that was told and that nobody has accepted.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Pending {
    /// As it is now; none when it is gone.
    #[prost(message, optional, tag = "1")]
    pub now: Option<Entry>,
    /// When it was told, µs.
    #[prost(int64, tag = "2")]
    pub told_us: i64,
    /// Command line of who did it, empty when nobody saw it.
    #[prost(string, tag = "3")]
    pub by: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Saved {
    #[prost(btree_map = "string, message", tag = "1")]
    accepted: BTreeMap<String, Entry>,
    #[prost(btree_map = "string, message", tag = "2")]
    pending: BTreeMap<String, Pending>,
    #[prost(int64, tag = "3")]
    made_us: i64,
    #[prost(int64, tag = "4")]
    looked_us: i64,
    #[prost(string, repeated, tag = "5")]
    trees: Vec<String>,
}

/// See the module.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Baseline {
    /// What was accepted, by path.
    pub accepted: BTreeMap<String, Entry>,
    /// What differs from it, by path.
    pub pending: BTreeMap<String, Pending>,
    /// When it was made, µs; 0 while it is not whole.
    pub made_us: Micros,
    /// When everything was last looked at, µs.
    pub looked_us: Micros,
    /// The trees it is about: what is below a tree that was added later is no change.
    pub trees: Vec<String>,
}

impl Baseline {
    /// What the path was when it was last looked at.
    pub fn last(&self, path: &str) -> Option<&Entry> {
        match self.pending.get(path) {
            Some(pending) => pending.now.as_ref(),
            None => self.accepted.get(path),
        }
    }

    /// Notes a change that was told. What is as it was accepted again waits no more; when too many wait they are
    /// accepted, since they were told.
    pub fn tell(&mut self, path: &str, now: Option<Entry>, told_us: Micros, by: String) {
        let as_accepted = match (self.accepted.get(path), &now) {
            (Some(accepted), Some(now)) => accepted.change(now).is_none(),
            (None, None) => true,
            _ => false,
        };
        if as_accepted || (self.pending.len() >= PENDING && !self.pending.contains_key(path)) {
            self.take(path, now);
        } else {
            self.pending.insert(path.to_owned(), Pending { now, told_us, by });
        }
    }

    /// Accepts a state.
    pub fn take(&mut self, path: &str, now: Option<Entry>) {
        self.pending.remove(path);
        match now {
            Some(entry) => {
                self.accepted.insert(path.to_owned(), entry);
            }
            None => {
                self.accepted.remove(path);
            }
        }
    }

    /// Accepts what waits, of one path and all below it, or all; gives how many.
    pub fn accept(&mut self, path: Option<&str>) -> usize {
        let meant = |name: &str| path.is_none_or(|path| Path::new(name).starts_with(path));
        let names: Vec<String> = self.pending.keys().filter(|name| meant(name)).cloned().collect();
        for name in &names {
            let now = self.pending.get(name).and_then(|pending| pending.now.clone());
            self.take(name, now);
        }
        names.len()
    }

    /// Paths that were there when last looked at, that are this one or below it.
    pub fn below(&self, path: &str) -> Vec<String> {
        let within = |name: &&String| Path::new(name.as_str()).starts_with(path);
        let from = |name: &&String| name.as_str() >= path && name.starts_with(path);
        let accepted = self.accepted.range(path.to_owned()..).map(|(name, _)| name).take_while(from).filter(within);
        let pending = self.pending.range(path.to_owned()..).map(|(name, _)| name).take_while(from).filter(within);
        let mut names: Vec<String> = accepted.chain(pending).cloned().collect();
        names.sort();
        names.dedup();
        names.retain(|name| self.last(name).is_some());
        names
    }
}

/// Where baseline and key lie.
pub struct Vault {
    folder: PathBuf,
    key: [u8; 32],
    /// Whether there was none before: then a baseline that is missing was never there.
    pub fresh: bool,
}

impl Vault {
    /// Opens the folder, and makes it with a key when it is not there.
    ///
    /// # Errors
    /// [`fault::STATE`] when the disk refuses.
    pub fn open(folder: &Path, random: &dyn Random) -> Result<Vault> {
        let path = folder.join(KEY);
        let failed = |cause: std::io::Error| Fault::new(&fault::STATE).object(path.display()).because(cause);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let (mut key, mut fresh) = ([0; 32], false);
        match std::fs::read(&path) {
            Ok(bytes) if bytes.len() == key.len() => key.copy_from_slice(&bytes),
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(failed(cause)),
            _ => {
                random.fill(&mut key);
                write(&path, &[&key]).map_err(failed)?;
                fresh = true;
            }
        }
        Ok(Vault { folder: folder.to_path_buf(), key, fresh })
    }

    /// A key for marks of secrets, of this host alone.
    pub fn mark_key(&self) -> [u8; 32] {
        let own = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        let mut key = [0; 32];
        key.copy_from_slice(hmac::sign(&own, b"marks of secrets").as_ref());
        key
    }

    /// The baseline's file.
    pub fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// The baseline, `None` when there is none.
    ///
    /// # Errors
    /// [`fault::BASELINE`] when it was changed by anyone else.
    pub fn load(&self) -> Result<Option<Baseline>> {
        let path = self.path();
        let failed = |cause: &dyn std::fmt::Display| Fault::new(&fault::BASELINE).object(path.display()).because(cause);
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(failed(&cause)),
        };
        let mut bytes = Vec::new();
        file.take(BASELINE_BYTES).read_to_end(&mut bytes).map_err(|cause| failed(&cause))?;
        let (sum, body) = bytes.split_at_checked(SUM_BYTES).ok_or_else(|| failed(&"too short"))?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        hmac::verify(&key, body, sum).map_err(|_| failed(&"the sum differs"))?;
        let saved = Saved::decode(body).map_err(|cause| failed(&cause))?;
        let Saved { accepted, pending, made_us, looked_us, trees } = saved;
        Ok(Some(Baseline { accepted, pending, made_us, looked_us, trees }))
    }

    /// Keeps it.
    ///
    /// # Errors
    /// [`fault::STATE`] when the disk refuses.
    pub fn save(&self, baseline: &Baseline) -> Result<()> {
        let Baseline { accepted, pending, made_us, looked_us, trees } = baseline.clone();
        let body = Saved { accepted, pending, made_us, looked_us, trees }.encode_to_vec();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        let path = self.path();
        let failed = |cause: std::io::Error| Fault::new(&fault::STATE).object(path.display()).because(cause);
        write(&path, &[hmac::sign(&key, &body).as_ref(), &body]).map_err(failed)
    }
}

/// Writes a file whole or not at all.
pub fn write(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SeededRandom;

    fn entry(size: u64) -> Entry {
        Entry { mode: 0o100_644, size, sha256: vec![size as u8; 32], ..Entry::default() }
    }

    #[test]
    fn it_reads_back_and_any_edit_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path(), &SeededRandom::new(1)).unwrap();
        assert_eq!(vault.load().unwrap(), None);
        let mut baseline = Baseline { made_us: 5, trees: vec!["/etc".into()], ..Baseline::default() };
        baseline.take("/etc/a", Some(entry(1)));
        baseline.tell("/etc/b", Some(entry(2)), 9, "sh -c x".into());
        vault.save(&baseline).unwrap();
        let again = Vault::open(folder.path(), &SeededRandom::new(2)).unwrap();
        assert_eq!(again.load().unwrap().as_ref(), Some(&baseline));
        let whole = std::fs::read(vault.path()).unwrap();
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            std::fs::write(vault.path(), bytes).unwrap();
            assert!(again.load().unwrap_err().is(&fault::BASELINE), "{place}");
        }
    }

    #[test]
    fn what_waits_is_accepted_or_comes_back_by_itself() {
        let mut baseline = Baseline::default();
        baseline.take("/etc/a", Some(entry(1)));
        baseline.tell("/etc/a", Some(entry(2)), 1, String::new());
        baseline.tell("/etc/c", None, 1, String::new());
        assert_eq!((baseline.pending.len(), baseline.last("/etc/a")), (1, Some(&entry(2))));
        baseline.tell("/etc/a", Some(entry(1)), 2, String::new());
        assert!(baseline.pending.is_empty(), "as accepted");
        baseline.tell("/etc/a", None, 3, String::new());
        baseline.tell("/etc/ab", Some(entry(3)), 3, String::new());
        assert_eq!(baseline.below("/etc/a"), Vec::<String>::new(), "it is gone, and /etc/ab is not below it");
        assert_eq!(baseline.accept(Some("/etc/a")), 1);
        assert_eq!((baseline.accepted.get("/etc/a"), baseline.pending.len()), (None, 1));
        assert_eq!(baseline.accept(None), 1);
        assert_eq!(baseline.below("/etc"), ["/etc/ab"]);
    }
}
