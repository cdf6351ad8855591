//! Opening a file by path without following a single symbolic link.
//!
//! The path of an order was resolved by the kernel when the event happened. If a part of it is a symbolic link
//! now, someone changed it since, and following it would let an attacker choose what we take away.

use crate::fault;
use base::limits::PATH_BYTES;
use base::{Fault, Result};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

/// A place in a directory: an open directory and a name in it.
pub(crate) struct Place {
    pub(crate) directory: OwnedFd,
    pub(crate) name: OsString,
    pub(crate) path: PathBuf,
}

/// A fault of a file operation.
pub(crate) fn failed(path: &Path, step: &str, cause: rustix::io::Errno) -> Fault {
    let code = match cause {
        rustix::io::Errno::NOENT => &fault::MISSING,
        rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR => &fault::UNSAFE_PATH,
        rustix::io::Errno::ACCESS | rustix::io::Errno::PERM | rustix::io::Errno::ROFS => &fault::KERNEL,
        _ => &fault::STORE,
    };
    Fault::new(code).object(path.display()).found(format!("{step}: {cause}"))
}

/// Walks to the directory of `path`, one component at a time from `root`, refusing links and `..`.
pub(crate) fn place(root: &Path, path: &Path) -> Result<Place> {
    let unsafe_path =
        |found: &str| Fault::new(&fault::UNSAFE_PATH).object(path.display()).expected("an absolute path").found(found);
    if !path.is_absolute() || path.as_os_str().len() > PATH_BYTES {
        return Err(unsafe_path("a relative or overlong path"));
    }
    let mut names: Vec<&OsStr> = Vec::new();
    for component in path.components() {
        match component {
            Component::RootDir => {}
            Component::Normal(name) => names.push(name),
            _ => return Err(unsafe_path("a path with `..`")),
        }
    }
    let name = names.pop().ok_or_else(|| unsafe_path("the root directory"))?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut directory = openat(CWD, root, flags, Mode::empty()).map_err(|cause| failed(root, "open", cause))?;
    for name in names {
        directory = openat(&directory, name, flags | OFlags::NOFOLLOW, Mode::empty())
            .map_err(|cause| failed(path, &format!("open directory {}", name.to_string_lossy()), cause))?;
    }
    Ok(Place { directory, name: name.to_os_string(), path: path.to_path_buf() })
}

impl Place {
    /// Opens the regular file for reading. `O_NONBLOCK` keeps a named pipe from holding us up, `O_NOATIME` keeps
    /// the time of last access as it was.
    pub(crate) fn open(&self) -> Result<(OwnedFd, Stat)> {
        let before = statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|cause| failed(&self.path, "stat", cause))?;
        regular(&self.path, &before)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = |flags| openat(&self.directory, &self.name, flags, Mode::empty());
        let file = open(flags | OFlags::NOATIME).or_else(|_| open(flags));
        let file = file.map_err(|cause| failed(&self.path, "open", cause))?;
        let after = fstat(&file).map_err(|cause| failed(&self.path, "stat", cause))?;
        regular(&self.path, &after)?;
        if (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino) {
            return Err(Fault::new(&fault::CHANGED).object(self.path.display()).found("exchanged while it was opened"));
        }
        Ok((file, after))
    }
}

impl Place {
    /// Holds on to the regular file without opening it: its inode cannot become another file's while this lives.
    pub(crate) fn pin(&self) -> Result<(OwnedFd, Stat)> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.directory, &self.name, flags, Mode::empty());
        let file = file.map_err(|cause| failed(&self.path, "open", cause))?;
        let stat = fstat(&file).map_err(|cause| failed(&self.path, "stat", cause))?;
        regular(&self.path, &stat)?;
        Ok((file, stat))
    }
}

fn regular(path: &Path, stat: &Stat) -> Result<()> {
    let found = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Symlink => "a symbolic link",
        FileType::Directory => "a directory",
        _ => "a device, pipe or socket",
    };
    Err(Fault::new(&fault::UNSAFE_PATH).object(path.display()).expected("a regular file").found(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_directories_and_dots_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().canonicalize().unwrap();
        std::fs::create_dir(base.join("real")).unwrap();
        std::fs::write(base.join("real/file"), "x").unwrap();
        std::os::unix::fs::symlink(base.join("real"), base.join("link")).unwrap();
        std::os::unix::fs::symlink(base.join("real/file"), base.join("real/other")).unwrap();
        let open = |path: &str| place(Path::new("/"), &base.join(path)).and_then(|place| place.open().map(|_| ()));
        assert!(open("real/file").is_ok());
        assert!(open("link/file").unwrap_err().is(&fault::UNSAFE_PATH));
        assert!(open("real/other").unwrap_err().is(&fault::UNSAFE_PATH));
        let pin = |path: &str| place(Path::new("/"), &base.join(path)).and_then(|place| place.pin().map(|_| ()));
        assert!(pin("real/file").is_ok() && pin("real/other").unwrap_err().is(&fault::UNSAFE_PATH));
        assert!(open("real").unwrap_err().is(&fault::UNSAFE_PATH));
        assert!(open("real/../real/file").unwrap_err().is(&fault::UNSAFE_PATH));
        assert!(open("real/none").unwrap_err().is(&fault::MISSING));
        assert!(place(Path::new("/"), Path::new("real/file")).is_err());
    }
}
