//! Refusing executions: the port that the kernel sensor, the fanotify listener and others implement.

use crate::{FileKey, fault};
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// What must not be executed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Denied {
    /// One file, whatever its names. A copy of it is another file.
    File {
        /// `st_dev` as stat(2) gives it.
        device: u64,
        /// Inode number as stat(2) gives it.
        inode: u64,
        /// What the kernel's own programs see.
        key: FileKey,
        /// Path at which it was found, for people.
        path: PathBuf,
    },
    /// Any file with this content.
    Sha256([u8; 32]),
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denied::File { path, inode, .. } => write!(f, "{} (inode {inode})", path.display()),
            Denied::Sha256(digest) => write!(f, "SHA-256 {}", hex::encode(digest)),
        }
    }
}

impl Denied {
    /// Whether both mean the same: a file may have several names.
    pub fn is_same(&self, other: &Denied) -> bool {
        match (self, other) {
            (Denied::File { key, .. }, Denied::File { key: theirs, .. }) => key == theirs,
            (Denied::Sha256(digest), Denied::Sha256(theirs)) => digest == theirs,
            _ => false,
        }
    }
}

/// A means to refuse executions. All calls are idempotent; what cannot be done is a fault `action.unsupported`.
pub trait Gate: Send + Sync {
    /// Its name in receipts.
    fn name(&self) -> String;
    /// Refuses from now on. `place` is the file itself, or for a content any file or directory of the mount on which
    /// it is refused; opened, perhaps with `O_PATH`, so that no path is followed a second time.
    fn deny(&self, denied: &Denied, place: Option<BorrowedFd<'_>>) -> Result<()>;
    /// Allows again.
    fn allow(&self, denied: &Denied, place: Option<BorrowedFd<'_>>) -> Result<()>;
    /// Reads back from the kernel: `Some` line of evidence when it is refused now.
    fn denies(&self, denied: &Denied) -> Result<Option<String>>;
}

/// No means: every deny is a fault.
#[derive(Debug, Default)]
pub struct NoGate;

impl Gate for NoGate {
    fn name(&self) -> String {
        "none".to_string()
    }

    fn deny(&self, denied: &Denied, _: Option<BorrowedFd<'_>>) -> Result<()> {
        Err(Fault::new(&fault::UNSUPPORTED).object(denied).expected("a kernel hook or fanotify").found("neither"))
    }

    fn allow(&self, _: &Denied, _: Option<BorrowedFd<'_>>) -> Result<()> {
        Ok(())
    }

    fn denies(&self, _: &Denied) -> Result<Option<String>> {
        Ok(None)
    }
}

/// Several means, the preferred one first: the first that can refuse a thing refuses it.
pub struct Gates(pub Vec<Arc<dyn Gate>>);

impl Gate for Gates {
    fn name(&self) -> String {
        self.0.iter().map(|gate| gate.name()).collect::<Vec<_>>().join(", ")
    }

    fn deny(&self, denied: &Denied, place: Option<BorrowedFd<'_>>) -> Result<()> {
        let mut last = NoGate.deny(denied, place);
        for gate in &self.0 {
            last = gate.deny(denied, place);
            if last.is_ok() {
                break;
            }
        }
        last
    }

    fn allow(&self, denied: &Denied, place: Option<BorrowedFd<'_>>) -> Result<()> {
        // Every one is asked, so that nothing stays denied because an earlier one failed.
        let results: Vec<Result<()>> = self.0.iter().map(|gate| gate.allow(denied, place)).collect();
        results.into_iter().collect()
    }

    fn denies(&self, denied: &Denied) -> Result<Option<String>> {
        // One that cannot be asked says nothing about the others.
        let mut silent = None;
        for gate in &self.0 {
            match gate.denies(denied) {
                Ok(Some(line)) => return Ok(Some(line)),
                Ok(None) => {}
                Err(fault) => silent = Some(fault),
            }
        }
        silent.map_or(Ok(None), Err)
    }
}
