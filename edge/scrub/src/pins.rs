//! The folder of pins: what lets filtering go on when the controller dies, and lets the next one find it.

use crate::layout::Settings;
use crate::object::{LINK_PIN, Maps, PROGRAM_PIN};
use crate::{fault, system};
use base::{Fault, Result};
use libbpf_rs::Link;
use rustix::fs::{FlockOperation, Mode, OFlags};
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

fn refused(path: &Path, cause: impl std::fmt::Display) -> Fault {
    Fault::new(&fault::PIN).object(path.display()).because(cause)
}

/// Holds the folder against everyone else who locks it, until it is dropped.
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its lock, which ends with the descriptor")] OwnedFd);

/// Locks a folder; `None` when there is none.
pub(crate) fn lock(folder: &Path) -> Result<Option<Lock>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = match rustix::fs::open(folder, flags, Mode::empty()) {
        Ok(opened) => opened,
        Err(cause) if cause == rustix::io::Errno::NOENT => return Ok(None),
        Err(cause) => return Err(refused(folder, cause)),
    };
    rustix::fs::flock(&opened, FlockOperation::LockExclusive).map_err(|cause| refused(folder, cause))?;
    // Whoever had it before us may have removed it.
    Ok(folder.exists().then_some(Lock(opened)))
}

/// Makes the folder, on a BPF file system.
pub(crate) fn make(folder: &Path) -> Result<()> {
    // Where nothing can be pinned nothing is made.
    let there = folder.ancestors().find(|place| place.exists());
    if !there.is_some_and(system::is_bpffs) {
        return Err(Fault::new(&fault::NOT_BPFFS).object(folder.display()));
    }
    std::fs::create_dir_all(folder).map_err(|cause| refused(folder, cause))
}

/// Whether a link is pinned there.
pub(crate) fn attached(folder: &Path) -> bool {
    folder.join(LINK_PIN).exists()
}

/// Pins what a filter is made of; the link comes last, so that what is attached can be found.
pub(crate) fn pin(folder: &Path, program: &OwnedFd, maps: &mut Maps, link: &OwnedFd) -> Result<()> {
    maps.pin(folder)?;
    for (object, name) in [(program, PROGRAM_PIN), (link, LINK_PIN)] {
        let path = folder.join(name);
        system::pin(object.as_fd(), &path).map_err(|cause| refused(&path, cause))?;
    }
    Ok(())
}

/// The link pinned there.
pub(crate) fn link(folder: &Path) -> Result<Link> {
    let path = folder.join(LINK_PIN);
    Link::open(&path).map_err(|cause| refused(&path, cause))
}

/// What the settings pinned there say; `None` when there are none.
pub(crate) fn settings(folder: &Path) -> Result<Option<Settings>> {
    if !folder.join("settings").exists() {
        return Ok(None);
    }
    Maps::pinned_settings(folder)?.get(&0_u32)
}

/// Detaches what is attached there and removes every pin and the folder. Nothing happens when there is none. The folder
/// must be locked.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    if attached(folder) {
        // Also when somebody still holds the link: its lease is over.
        link(folder)?.detach().map_err(|cause| refused(folder, cause))?;
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(refused(folder, cause)),
    };
    for entry in entries.flatten() {
        std::fs::remove_file(entry.path()).map_err(|cause| refused(&entry.path(), cause))?;
    }
    std::fs::remove_dir(folder).map_err(|cause| refused(folder, cause))
}
