//! Opening the file that a hint is about: regular files only, no link followed, access time untouched.

use crate::fault;
use crate::hint::{Cause, Hint};
use crate::memory::Facts;
use base::{Fault, Result};
use record::FileId;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, major, minor, openat2, statat};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A file to scan.
#[derive(Debug)]
pub struct Opened {
    /// Its descriptor, for reading.
    pub descriptor: OwnedFd,
    /// What tells its content apart.
    pub facts: Facts,
    /// Its name and place; no hash yet.
    pub file: FileId,
}

const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Opens the file of a hint. A program that runs is taken from its process, so that one that was deleted or came from
/// memory is scanned too; a path of another mount namespace (`mount_namespace` is ours) is looked up there.
///
/// # Errors
/// [`fault::NO_FILE`] when it is gone, is no regular file, or its path leads over a link.
pub fn open(hint: &Hint, mount_namespace: u32) -> Result<Opened> {
    let failed = |cause: Errno| Fault::new(&fault::NO_FILE).object(hint.path.display()).because(cause);
    let process = hint.process.as_ref().map(|process| &process.info);
    let place = process.map(|info| (info.pid(), info.namespaces.mnt)).filter(|(pid, _)| *pid != 0);
    if let (Cause::Exec, Some(info), Some((pid, _))) = (hint.cause, process, place)
        && Path::new(&info.exe.path) == hint.path
        && let Some(opened) = running(pid, &info.exe)
    {
        return Ok(opened);
    }
    let descriptor = match place {
        Some((pid, namespace)) if namespace != 0 && namespace != mount_namespace => {
            let root = PathBuf::from(format!("/proc/{pid}/root"));
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let root = rustix::fs::openat(CWD, root, flags, Mode::empty()).map_err(failed)?;
            let below = hint.path.strip_prefix("/").unwrap_or(&hint.path);
            regular(&root, below, ResolveFlags::IN_ROOT).map_err(failed)?
        }
        _ => regular(CWD, &hint.path, ResolveFlags::empty()).map_err(failed)?,
    };
    let stat = fstat(&descriptor).map_err(failed)?;
    let opened = described(descriptor, &stat, hint.path.display().to_string());
    opened.ok_or_else(|| Fault::new(&fault::NO_FILE).object(hint.path.display()).expected("a regular file"))
}

/// The program of a process, if it is still the one that the event named.
fn running(pid: u32, exe: &FileId) -> Option<Opened> {
    let descriptor = rustix::fs::openat(CWD, format!("/proc/{pid}/exe"), READ, Mode::empty()).ok()?;
    let stat = fstat(&descriptor).ok()?;
    let same = exe.inode == 0 || (exe.inode, exe.device) == (stat.st_ino, kernel_device(&stat));
    let unlinked = exe.unlinked || stat.st_nlink == 0;
    let opened = described(descriptor, &stat, exe.path.clone()).filter(|_| same)?;
    Some(Opened { file: FileId { unlinked, ..opened.file }, ..opened })
}

fn regular(root: impl AsFd, path: &Path, more: ResolveFlags) -> std::result::Result<OwnedFd, Errno> {
    // Opening a device may do something; what is no file is not opened at all.
    let stat = statat(root.as_fd(), path, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Errno::INVAL);
    }
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | more;
    let flags = READ | OFlags::NOFOLLOW;
    match openat2(root.as_fd(), path, flags | OFlags::NOATIME, Mode::empty(), resolve) {
        // Only the owner of a file, and root, may leave its access time alone.
        Err(Errno::PERM) => openat2(root, path, flags, Mode::empty(), resolve),
        opened => opened,
    }
}

fn described(descriptor: OwnedFd, stat: &Stat, path: String) -> Option<Opened> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    let time = |seconds: i64, ns: u64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
    let facts = Facts {
        device: stat.st_dev,
        inode: stat.st_ino,
        size: stat.st_size as u64,
        modified_ns: time(stat.st_mtime, stat.st_mtime_nsec),
        changed_ns: time(stat.st_ctime, stat.st_ctime_nsec),
    };
    let file = FileId { path, inode: stat.st_ino, device: kernel_device(stat), ..FileId::default() };
    Some(Opened { descriptor, facts, file })
}

/// The kernel's own encoding of a device number (`include/linux/kdev_t.h`).
fn kernel_device(stat: &Stat) -> u32 {
    major(stat.st_dev) << 20 | (minor(stat.st_dev) & 0xf_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Proc, Process, ProcessKey};

    fn hint(path: &Path) -> Hint {
        Hint::new(path, Cause::Write)
    }

    #[test]
    fn a_regular_file_is_opened_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        std::fs::write(folder.join("f"), "x").unwrap();
        std::os::unix::fs::symlink("f", folder.join("link")).unwrap();
        std::os::unix::fs::symlink(&folder, folder.join("way")).unwrap();
        rustix::fs::mknodat(CWD, folder.join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let opened = open(&hint(&folder.join("f")), 0).unwrap();
        assert_eq!((opened.facts.size, opened.facts.inode), (1, opened.file.inode));
        for name in ["link", "way/f", "pipe", "absent", "."] {
            assert!(open(&hint(&folder.join(name)), 0).unwrap_err().is(&fault::NO_FILE), "{name}");
        }
        assert!(open(&hint(Path::new("/dev/null")), 0).is_err());
    }

    #[test]
    fn a_running_program_is_taken_from_its_process() {
        let exe = std::env::current_exe().unwrap();
        let stat = rustix::fs::stat(&exe).unwrap();
        let key = ProcessKey::from_ticks(std::process::id(), 1).0;
        let file =
            |inode| FileId { path: "/gone/program".into(), inode, device: kernel_device(&stat), ..FileId::default() };
        let process = |inode| Proc::new(Process { key, exe: file(inode), ..Process::default() }, None);
        let hint = |inode| Hint { process: Some(process(inode)), ..Hint::new("/gone/program", Cause::Exec) };
        let opened = open(&hint(stat.st_ino), 0).unwrap();
        assert_eq!((opened.facts.inode, opened.file.path.as_str()), (stat.st_ino, "/gone/program"));
        assert!(open(&hint(stat.st_ino + 1), 0).is_err(), "another program by now");
    }
}
