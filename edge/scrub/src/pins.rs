//! The folder of pins: what lets filtering go on when the controller dies, and lets the next one find it.

use crate::layout::Settings;
use crate::object::{LINK_PIN, Maps, PROGRAM_PIN};
use crate::{fault, system};
use base::{Fault, Result};
use libbpf_rs::Link;
use rustix::fs::{FlockOperation, Mode, OFlags, Stat};
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

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

/// Part of the folder that the controller holds.
pub(crate) const OWNER: &str = "owner";
/// Part of the folder that its watchdog holds.
pub(crate) const WATCHDOG: &str = "watchdog";

/// A part of the folder that this process holds alone. However the process ends, the kernel lets go of it then, so that nobody
/// has to judge whether a holder is dead.
pub(crate) struct Hold {
    descriptor: OwnedFd,
    path: PathBuf,
}

/// Who holds a part of the folder.
pub(crate) enum Holder {
    /// We do from now on.
    We(Hold),
    /// Another process, by its number where the kernel tells it.
    Other(Option<u32>),
}

impl Hold {
    /// Takes a part of the folder, which must be locked.
    pub(crate) fn take(folder: &Path, part: &str) -> Result<Holder> {
        // A file system for BPF has no regular files; folders can be locked as well.
        let path = folder.join(part);
        match rustix::fs::mkdir(&path, Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(cause) => return Err(refused(&path, cause)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor = rustix::fs::open(&path, flags, Mode::empty()).map_err(|cause| refused(&path, cause))?;
        match rustix::fs::flock(&descriptor, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Holder::We(Hold { descriptor, path })),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let found = rustix::fs::fstat(&descriptor).map_err(|cause| refused(&path, cause))?;
                let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
                Ok(Holder::Other(holder(&locks, &found)))
            }
            Err(cause) => Err(refused(&path, cause)),
        }
    }

    /// Whether what is held is still there: somebody may have removed the folder, and made it anew.
    pub(crate) fn stands(&self) -> bool {
        let (ours, there) = (rustix::fs::fstat(&self.descriptor), rustix::fs::stat(&self.path));
        ours.is_ok_and(|ours| there.is_ok_and(|there| (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)))
    }
}

/// The process that holds the lock of a file, by what `/proc/locks` says (proc(5)): `1: FLOCK ADVISORY WRITE PID
/// MAJOR:MINOR:INODE 0 EOF`, the device in hexadecimal.
fn holder(locks: &str, file: &Stat) -> Option<u32> {
    let (major, minor) = (rustix::fs::major(file.st_dev), rustix::fs::minor(file.st_dev));
    let place = format!("{major:02x}:{minor:02x}:{}", file.st_ino);
    let line = locks.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let mut held = line.filter(|words| words.get(1) == Some(&"FLOCK") && words.get(5) == Some(&place.as_str()));
    // 0 and below stand for a process that is not seen from here.
    held.find_map(|words| words.get(4)?.parse().ok().filter(|pid| *pid > 0))
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

/// Pins another link in the place of the one that is pinned there.
pub(crate) fn replace_link(folder: &Path, link: &OwnedFd) -> Result<()> {
    let path = folder.join(LINK_PIN);
    match std::fs::remove_file(&path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(refused(&path, cause)),
        _ => {}
    }
    system::pin(link.as_fd(), &path).map_err(|cause| refused(&path, cause))
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
        let path = entry.path();
        let removed = if path.is_dir() { std::fs::remove_dir(&path) } else { std::fs::remove_file(&path) };
        removed.map_err(|cause| refused(&path, cause))?;
    }
    std::fs::remove_dir(folder).map_err(|cause| refused(folder, cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(folder: &Path) -> Holder {
        let _lock = lock(folder).unwrap().unwrap();
        Hold::take(folder, OWNER).unwrap()
    }

    #[test]
    fn one_holds_it_and_the_next_after_it() {
        let folder = std::env::temp_dir().join(format!("garrison-pins.{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let Holder::We(first) = take(&folder) else { panic!("free") };
        let Holder::Other(pid) = take(&folder) else { panic!("taken") };
        assert_eq!(pid, Some(std::process::id()));
        assert!(first.stands());
        std::fs::remove_dir(folder.join(OWNER)).unwrap();
        let Holder::We(second) = take(&folder) else { panic!("removed") };
        assert!(!first.stands() && second.stands());
        drop(second);
        assert!(matches!(take(&folder), Holder::We(_)));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn locks_of_other_files_and_unseen_processes_name_nobody() {
        let file = rustix::fs::stat("/").unwrap();
        let place =
            format!("{:02x}:{:02x}:{}", rustix::fs::major(file.st_dev), rustix::fs::minor(file.st_dev), file.st_ino);
        let line = |kind: &str, pid: &str, place: &str| format!("1: {kind}  ADVISORY  WRITE {pid} {place} 0 EOF\n");
        assert_eq!(holder(&line("FLOCK", "42", &place), &file), Some(42));
        for other in [line("POSIX", "42", &place), line("FLOCK", "0", &place), line("FLOCK", "-1", &place)] {
            assert_eq!(holder(&other, &file), None);
        }
        assert_eq!(holder(&line("FLOCK", "42", "00:00:1"), &file), None);
        assert_eq!(holder("1: -> FLOCK\n\n:::\n", &file), None);
    }
}
