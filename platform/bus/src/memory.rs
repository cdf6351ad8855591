//! A disk in memory that loses, tears and fails as real ones do.

use crate::Disk;
use port::Trip;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};

/// How a failed call shows: the error number given to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// `ENOSPC`.
    Full,
    /// `EIO`.
    Broken,
}

/// A file: what the kernel holds, and what a power cut would leave of it.
#[derive(Debug, Default, Clone)]
struct Inode {
    content: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    synced_names: BTreeMap<PathBuf, u64>,
    next: u64,
    last_written: u64,
    capacity: Option<u64>,
}

/// Files in memory, for tests and simulations.
#[derive(Debug, Default)]
pub struct MemoryDisk {
    state: Mutex<State>,
    /// Fails the n-th call. A failed append writes half of its bytes, a failed sync loses what was not synced.
    pub trip: Trip,
    errno: AtomicI32,
}

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// What a tripped call fails with from now on (`EIO` at first).
    pub fn fail_with(&self, mishap: Mishap) {
        self.errno.store(if mishap == Mishap::Full { ENOSPC } else { EIO }, Ordering::SeqCst);
    }

    /// Bounds the content of all files together; `None` for no bound.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// A power cut: everything that was not synced is gone, but for the first `keep` bytes that were appended to
    /// the file written last.
    pub fn crash(&self, keep: usize) {
        let mut state = self.state();
        let torn = state.last_written;
        for (number, inode) in &mut state.inodes {
            let mut left = inode.synced.clone();
            if *number == torn && inode.content.starts_with(&left) {
                left.extend(inode.content[inode.synced.len()..].iter().take(keep));
            }
            *inode = Inode { content: left.clone(), synced: left };
        }
        state.names = state.synced_names.clone();
    }

    /// How many bytes of the file written last are not synced: the range of `keep` in [`MemoryDisk::crash`].
    pub fn unsynced(&self) -> usize {
        let state = self.state();
        let inode = state.inodes.get(&state.last_written);
        inode.map_or(0, |inode| inode.content.len().saturating_sub(inode.synced.len()))
    }

    /// Changes one byte on the platter, as rot would.
    pub fn flip(&self, path: &Path, at: usize) {
        let mut state = self.state();
        let Some(number) = state.names.get(path).copied() else { return };
        if let Some(inode) = state.inodes.get_mut(&number) {
            for bytes in [&mut inode.content, &mut inode.synced] {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 0x10;
                }
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn pass(&self, call: &str) -> io::Result<()> {
        let errno = self.errno.load(Ordering::SeqCst);
        self.trip.pass(call).map_err(|_| io::Error::from_raw_os_error(if errno == 0 { EIO } else { errno }))
    }
}

impl State {
    fn inode(&mut self, path: &Path) -> io::Result<&mut Inode> {
        let number = self.names.get(path).copied().ok_or(io::ErrorKind::NotFound)?;
        self.last_written = number;
        Ok(self.inodes.entry(number).or_default())
    }

    fn used(&self) -> u64 {
        self.names.values().filter_map(|number| self.inodes.get(number)).map(|inode| inode.content.len() as u64).sum()
    }
}

impl Disk for MemoryDisk {
    fn make_dir(&self, _dir: &Path) -> io::Result<()> {
        self.pass("make_dir")
    }

    fn create(&self, path: &Path) -> io::Result<()> {
        self.pass("create")?;
        let mut state = self.state();
        if !state.names.contains_key(path) {
            state.next += 1;
            let number = state.next;
            state.inodes.insert(number, Inode::default());
            state.names.insert(path.to_path_buf(), number);
        }
        Ok(())
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let passed = self.pass("append");
        let mut state = self.state();
        let room = state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used()));
        let written = if passed.is_err() { bytes.len() / 2 } else { bytes.len().min(room as usize) };
        state.inode(path)?.content.extend(&bytes[..written]);
        passed?;
        if written < bytes.len() { Err(io::Error::from_raw_os_error(ENOSPC)) } else { Ok(()) }
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let passed = self.pass("sync");
        let mut state = self.state();
        let inode = state.inode(path)?;
        if passed.is_ok() {
            inode.synced = inode.content.clone();
        }
        passed
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.pass("sync_dir")?;
        let mut state = self.state();
        state.synced_names.retain(|path, _| path.parent() != Some(dir));
        let now: Vec<_> =
            state.names.iter().filter(|(path, _)| path.parent() == Some(dir)).map(|(p, n)| (p.clone(), *n)).collect();
        state.synced_names.extend(now);
        Ok(())
    }

    fn read(&self, path: &Path, from: u64, max: usize) -> io::Result<Vec<u8>> {
        self.pass("read")?;
        let state = self.state();
        let number = state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        let content = state.inodes.get(number).map_or(&[][..], |inode| &inode.content);
        Ok(content.iter().skip(from as usize).take(max).copied().collect())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        self.pass("list")?;
        let state = self.state();
        let here = state.names.iter().filter(|(path, _)| path.parent() == Some(dir));
        let named = here.filter_map(|(path, number)| {
            let size = state.inodes.get(number).map_or(0, |inode| inode.content.len() as u64);
            Some((path.file_name()?.to_str()?.to_string(), size))
        });
        Ok(named.collect())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.pass("remove")?;
        self.state().names.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        self.pass("truncate")?;
        self.state().inode(path)?.content.truncate(length as usize);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass("rename")?;
        let mut state = self.state();
        let number = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_path_buf(), number);
        Ok(())
    }
}
