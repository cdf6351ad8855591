//! Refusing executions: the port that the kernel sensor, the fanotify listener and others implement.

use crate::fault;
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What must not be executed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Denied {
    /// One file, whatever its names. A copy of it is another file.
    File {
        /// `st_dev` as stat(2) gives it; [`kernel_device`] turns it into the kernel's own coding.
        device: u64,
        /// Inode number.
        inode: u64,
        /// Path at which it was found, for means that mark files by path.
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

/// A device number in the kernel's coding, `major << 20 | minor`, as [`record::FileId`] and kernel programs have it.
pub fn kernel_device(device: u64) -> u32 {
    rustix::fs::major(device) << 20 | rustix::fs::minor(device) & 0xf_ffff
}

/// A means to refuse executions. All calls are idempotent; what cannot be done is a fault `action.unsupported`.
pub trait Gate: Send + Sync {
    /// Its name in receipts.
    fn name(&self) -> String;
    /// Refuses from now on.
    fn deny(&self, denied: &Denied) -> Result<()>;
    /// Allows again.
    fn allow(&self, denied: &Denied) -> Result<()>;
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

    fn deny(&self, denied: &Denied) -> Result<()> {
        Err(Fault::new(&fault::UNSUPPORTED).object(denied).expected("a kernel hook or fanotify").found("neither"))
    }

    fn allow(&self, _: &Denied) -> Result<()> {
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

    fn deny(&self, denied: &Denied) -> Result<()> {
        let mut last = NoGate.deny(denied);
        for gate in &self.0 {
            last = gate.deny(denied);
            if last.is_ok() {
                break;
            }
        }
        last
    }

    fn allow(&self, denied: &Denied) -> Result<()> {
        // Every one is asked, so that nothing stays denied because an earlier one failed.
        let results: Vec<Result<()>> = self.0.iter().map(|gate| gate.allow(denied)).collect();
        results.into_iter().collect()
    }

    fn denies(&self, denied: &Denied) -> Result<Option<String>> {
        for gate in &self.0 {
            if let Some(line) = gate.denies(denied)? {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }
}
