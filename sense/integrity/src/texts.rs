//! Redacted copies of watched texts, so that a change can be told line by line. Each lies under the hash of the original
//! with a sum of its own, and is dropped when nothing names it any more.

use crate::baseline::write;
use crate::diff;
use crate::entry::Seen;
use crate::limits::TEXTS_BYTES;
use crate::secret::{self, Redactor};
use ring::digest::{SHA256, digest};
use std::collections::HashSet;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// See the module.
pub struct Texts {
    folder: PathBuf,
    redactor: Redactor,
    bytes: u64,
    wanted: bool,
}

impl Texts {
    /// Opens the folder; `wanted`: whether texts are kept at all.
    pub fn open(state: &Path, key: &[u8; 32], wanted: bool) -> Texts {
        let folder = state.join("texts");
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let bytes = entries.filter_map(|entry| entry.metadata().ok()).map(|found| found.len()).sum();
        Texts { folder, redactor: Redactor::new(key), bytes, wanted: wanted && made.is_ok() }
    }

    /// Keeps a copy of a text that is no secret, while there is room.
    pub fn keep(&mut self, path: &str, seen: &Seen) {
        let secret = || secret::closed(path, seen.entry.mode) || secret::file(path, &seen.text);
        if !self.wanted || seen.text.is_empty() || self.bytes >= TEXTS_BYTES || secret() {
            return;
        }
        let place = self.place(&seen.entry.sha256);
        if place.exists() {
            return;
        }
        let Some(text) = self.redactor.text(&seen.text) else { return };
        let sum = digest(&SHA256, text.as_bytes());
        // A copy that is not there costs a difference, nothing else.
        if write(&place, &[sum.as_ref(), text.as_bytes()]).is_ok() {
            self.bytes += text.len() as u64 + 32;
        }
    }

    /// The difference between what was and what is; empty when either is no text, is secret or was not kept.
    pub fn difference(&self, path: &str, before: Option<&[u8]>, now: Option<&Seen>) -> String {
        let secret = |seen: &Seen| secret::closed(path, seen.entry.mode) || secret::file(path, &seen.text);
        if !self.wanted || now.is_some_and(secret) || secret::file(path, b"") {
            return String::new();
        }
        let old = match before {
            Some(sha256) => match self.kept(sha256) {
                Some(text) => text,
                None => return String::new(),
            },
            None => String::new(),
        };
        let new = match now {
            Some(seen) if !seen.text.is_empty() || seen.entry.size == 0 => self.redactor.text(&seen.text),
            Some(_) => None,
            None => Some(String::new()),
        };
        new.map_or_else(String::new, |new| diff::unified(&old, &new))
    }

    /// The kept copy of an original with this hash.
    pub fn kept(&self, sha256: &[u8]) -> Option<String> {
        // The hash of nothing.
        if digest(&SHA256, b"").as_ref() == sha256 {
            return Some(String::new());
        }
        let bytes = std::fs::read(self.place(sha256)).ok()?;
        let (sum, text) = bytes.split_at_checked(32)?;
        (digest(&SHA256, text).as_ref() == sum).then(|| String::from_utf8_lossy(text).into_owned())
    }

    /// Drops copies of what nothing names any more.
    pub fn clean<'h>(&mut self, named: impl Iterator<Item = &'h [u8]>) {
        let named: HashSet<PathBuf> = named.map(|sha256| self.place(sha256)).collect();
        self.bytes = 0;
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if named.contains(&path) {
                self.bytes += entry.metadata().map_or(0, |found| found.len());
            } else {
                // It goes next time.
                let _ = std::fs::remove_file(path);
            }
        }
    }

    fn place(&self, sha256: &[u8]) -> PathBuf {
        self.folder.join(hex::encode(sha256))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::look;

    #[test]
    fn a_change_is_told_line_by_line_and_a_secret_never_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let mut texts = Texts::open(&root, &[1; 32], true);
        let path = root.join("f.conf");
        let mut step = |name: &str, old: &str, new: &str| {
            std::fs::write(&path, old).unwrap();
            let before = look(&path, 1000).unwrap();
            texts.keep(name, &before);
            std::fs::write(&path, new).unwrap();
            texts.difference(name, Some(&before.entry.sha256), look(&path, 1000).as_ref())
        };
        assert_eq!(step("/etc/a", "x\ny\n", "x\nz\n"), "@@ -1,2 +1,2 @@\n x\n-y\n+z\n");
        assert_eq!(step("/etc/shadow", "root:abc\n", "root:def\n"), "");
        assert_eq!(step("/etc/b", "ok\n", "-----BEGIN PRIVATE KEY-----\n"), "");
        let told = step("/etc/c", "password=one\n", "password=two\n");
        assert!(told.contains("-password=[redacted ") && !told.contains("two"), "{told}");
        assert_eq!(step("/etc/d", "", "new\n"), "@@ -1,0 +1,1 @@\n+new\n");
        texts.clean(std::iter::empty());
        assert_eq!((texts.bytes, std::fs::read_dir(root.join("texts")).unwrap().count()), (0, 0));
    }
}
