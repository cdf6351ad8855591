//! Files of the state folder, written whole or not at all.

use crate::fault;
use base::{Fault, Result};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Replaces a file: a new one beside it, synced, renamed over it, and the folder synced. After a crash the old or the
/// new one stands.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let fault = |cause: std::io::Error| Fault::new(&fault::STATE).object(path.display()).because(cause);
    let beside = path.with_extension("new");
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(fault)
}
