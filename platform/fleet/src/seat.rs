//! One program for one state directory, and none without the server that started it.

use crate::fault;
use base::{Fault, Result};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Takes the state directory for as long as the file is held. Two programs on one spool would give numbers twice.
pub fn lock(state: &Path) -> Result<File> {
    let path = state.join("lock");
    let failed = |cause: std::io::Error| Fault::new(&fault::STATE).object(path.display()).because(cause);
    DirBuilder::new().recursive(true).mode(0o700).create(state).map_err(failed)?;
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Fault::new(&fault::IN_USE).object(state.display())),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

/// Asks the kernel for SIGTERM when the parent ends, however it ends. A fault when it is gone already.
pub fn follow_parent() -> Result<()> {
    let lost = || Fault::new(&fault::ORPHAN).object("--follow-parent");
    set_parent_process_death_signal(Some(Signal::TERM)).map_err(|cause| lost().because(cause))?;
    // The parent may have ended before the kernel was asked.
    match getppid() {
        Some(parent) if parent.as_raw_nonzero().get() != 1 => Ok(()),
        _ => Err(lost()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_belongs_to_one_program() {
        let state = std::env::temp_dir().join(format!("garrison-seat.{}", std::process::id()));
        let held = lock(&state).unwrap();
        assert!(lock(&state).unwrap_err().is(&fault::IN_USE));
        drop(held);
        drop(lock(&state).unwrap());
        std::fs::remove_dir_all(state).unwrap();
    }
}
