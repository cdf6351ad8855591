//! The few file calls that a log needs.

use crate::fault;
use base::{Fault, Result};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Files by path. A call returns when the kernel has taken it; only `sync` and `sync_dir` make it last.
pub trait Disk: Send + Sync {
    /// Makes a directory with its parents, mode 0700, each lasting in its own parent. No fault when it is there.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes an empty file, mode 0600. No fault when it is there.
    fn create(&self, path: &Path) -> io::Result<()>;
    /// Writes at the end of a file that exists. After a fault any part of the bytes may have been written.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Makes the content last (`fdatasync`).
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory last.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Reads at most `max` bytes from `from`; fewer only at the end.
    fn read(&self, path: &Path, from: u64, max: usize) -> io::Result<Vec<u8>>;
    /// Plain files in a directory with their sizes, sorted by name.
    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Cuts a file to `length` bytes.
    fn truncate(&self, path: &Path, length: u64) -> io::Result<()>;
    /// Renames within one directory, replacing what was there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
}

/// A fault for a failed call on a path.
pub(crate) fn failed(path: &Path, cause: io::Error) -> Fault {
    let code = match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => &fault::FULL,
        _ => &fault::DISK,
    };
    Fault::new(code).object(path.display()).because(cause)
}

/// Writes a small file, mode 0600, so that after a crash either the old or the new content is there, whole.
pub fn replace(disk: &dyn Disk, path: &Path, content: &[u8]) -> Result<()> {
    let fresh = path.with_extension("new");
    let write = || -> io::Result<()> {
        disk.create(&fresh)?;
        disk.truncate(&fresh, 0)?;
        disk.append(&fresh, content)?;
        disk.sync(&fresh)?;
        disk.rename(&fresh, path)?;
        path.parent().map_or(Ok(()), |dir| disk.sync_dir(dir))
    };
    write().map_err(|cause| failed(path, cause))
}

/// Most files kept open for appending.
const OPEN_FILES: usize = 8;

/// The machine's file system.
#[derive(Debug, Default)]
pub struct RealDisk {
    appending: Mutex<HashMap<PathBuf, File>>,
}

impl RealDisk {
    /// The file system.
    pub fn new() -> RealDisk {
        RealDisk::default()
    }

    /// Runs a call on the file, opened for appending at most once.
    fn with_file<T>(&self, path: &Path, call: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
        let mut files = self.appending.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(file) = files.get_mut(path) {
            return call(file);
        }
        if files.len() >= OPEN_FILES {
            files.clear();
        }
        let mut file = OpenOptions::new().append(true).open(path)?;
        let result = call(&mut file);
        files.insert(path.to_path_buf(), file);
        result
    }

    fn forget(&self, path: &Path) {
        self.appending.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(path);
    }
}

impl Disk for RealDisk {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if dir.is_dir() {
            // An earlier start may have ended between making and syncing it. Not ours to demand: others own the parent.
            let _ = self.sync_dir(parent);
            return Ok(());
        }
        if !parent.is_dir() {
            self.make_dir(parent)?;
        }
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(cause),
            _ => self.sync_dir(parent),
        }
    }

    fn create(&self, path: &Path) -> io::Result<()> {
        OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.with_file(path, |file| file.write_all(bytes))
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.with_file(path, |file| file.sync_data())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn read(&self, path: &Path, from: u64, max: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let length = size.saturating_sub(from).min(max as u64);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::with_capacity(length as usize);
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let about = entry.metadata()?;
            if let (true, Some(name)) = (about.is_file(), entry.file_name().to_str()) {
                found.push((name.to_string(), about.len()));
            }
        }
        found.sort();
        Ok(found)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.forget(path);
        fs::remove_file(path)
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        self.with_file(path, |file| file.set_len(length))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.forget(from);
        self.forget(to);
        fs::rename(from, to)
    }
}
