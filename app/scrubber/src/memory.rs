//! What outlives the controller: what is usual for each destination. Orders live on in the journal of the hands.

use crate::fault;
use base::{Fault, Micros, Result};
use ddos::{Baseline, Prefix};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

/// Largest file that is read back, bytes: 4,096 destinations after a week.
const BYTES: u64 = 256 << 20;
/// It is kept once in so long, µs.
const KEEP_US: Micros = 600_000_000;

/// See the module.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// What is usual, by destination.
    pub baselines: BTreeMap<Prefix, Baseline>,
    #[serde(skip)]
    path: PathBuf,
}

impl Memory {
    /// Reads what was kept in a directory; a file that cannot be read is told and forgotten, for all of it can be learned anew.
    pub fn open(state: &Path) -> Memory {
        let path = state.join("memory.json");
        let memory = match read(&path) {
            Ok(memory) => memory,
            Err(fault) => {
                tracing::warn!(fault = %fault.inside(), "what was learned is forgotten");
                Memory::default()
            }
        };
        Memory { path, ..memory }
    }

    /// With other things to keep, in the same place.
    pub fn with(&self, baselines: BTreeMap<Prefix, Baseline>) -> Memory {
        Memory { baselines, path: self.path.clone() }
    }

    /// Keeps it, whole or not at all.
    ///
    /// # Errors
    /// [`fault::STATE_FILE`].
    pub fn keep(&self) -> Result<()> {
        let failed = |cause: String| Fault::new(&fault::STATE_FILE).object(self.path.display()).because(cause);
        let bytes = serde_json::to_vec(self).map_err(|cause| failed(cause.to_string()))?;
        let fresh = self.path.with_extension("new");
        let kept = write(&fresh, &bytes).and_then(|()| std::fs::rename(&fresh, &self.path));
        kept.map_err(|cause| {
            // Half of it is of no use, and takes room on a disk that may have none.
            let _ = std::fs::remove_file(&fresh);
            failed(cause.to_string())
        })
    }
}

/// On the disk, not only in its cache: after a power cut the file is the old or the new one.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Keeps the memory now and then, on a thread of its own: a slow disk must not cost the filter its lease.
pub struct Keeper {
    memory: Memory,
    writing: Option<JoinHandle<()>>,
    next_us: Micros,
}

impl Keeper {
    /// From now on, in the place of this memory.
    pub fn new(memory: Memory, now: Micros) -> Keeper {
        Keeper { memory, writing: None, next_us: now + KEEP_US }
    }

    /// One second: what is usual is asked for when it is time.
    pub fn second(&mut self, now: Micros, usual: impl FnOnce() -> BTreeMap<Prefix, Baseline>) {
        if now < self.next_us {
            return;
        }
        self.next_us = now + KEEP_US;
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            return;
        }
        let memory = self.memory.with(usual());
        let keep = move || {
            if let Err(fault) = memory.keep() {
                tracing::warn!(fault = %fault.inside(), "what was learned is not kept");
            }
        };
        self.writing = std::thread::Builder::new().name("memory".into()).spawn(keep).ok();
    }

    /// Keeps it a last time and waits for that.
    pub fn end(&mut self, now: Micros, usual: impl FnOnce() -> BTreeMap<Prefix, Baseline>) {
        self.wait();
        self.next_us = now;
        self.second(now, usual);
        self.wait();
    }

    fn wait(&mut self) {
        // An error is a panic, which has told itself.
        let _ = self.writing.take().map(JoinHandle::join);
    }
}

fn read(path: &Path) -> Result<Memory> {
    let failed = |cause: String| Fault::new(&fault::STATE_FILE).object(path.display()).because(cause);
    match std::fs::metadata(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Memory::default()),
        Err(cause) => return Err(failed(cause.to_string())),
        Ok(found) if found.len() > BYTES => return Err(failed(format!("{} bytes", found.len()))),
        Ok(_) => {}
    }
    let bytes = std::fs::read(path).map_err(|cause| failed(cause.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|cause| failed(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_damage_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut memory = Memory::open(folder.path());
        memory.baselines.insert("192.0.2.7".parse().unwrap(), Baseline::default());
        memory.keep().unwrap();
        assert_eq!(Memory::open(folder.path()).baselines.len(), 1);
        std::fs::write(folder.path().join("memory.json"), "{").unwrap();
        assert!(Memory::open(folder.path()).baselines.is_empty());
    }

    #[test]
    fn a_disk_that_takes_nothing_leaves_what_was_kept_before_and_no_rest() {
        let folder = tempfile::tempdir().unwrap();
        let usual = || BTreeMap::from([("192.0.2.7".parse().unwrap(), Baseline::default())]);
        Keeper::new(Memory::open(folder.path()), 0).end(0, usual);
        assert_eq!(Memory::open(folder.path()).baselines.len(), 1);
        // The device that is always full.
        std::os::unix::fs::symlink("/dev/full", folder.path().join("memory.new")).unwrap();
        let failed = Memory::open(folder.path()).with(BTreeMap::new()).keep().unwrap_err();
        assert!(failed.is(&fault::STATE_FILE));
        assert_eq!(Memory::open(folder.path()).baselines.len(), 1);
        assert!(!folder.path().join("memory.new").is_symlink());
    }

    #[test]
    fn it_is_kept_now_and_then() {
        let folder = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::new(Memory::open(folder.path()), 0);
        let mut asked = 0;
        for second in 0..=1_300 {
            keeper.wait();
            keeper.second(second * 1_000_000, || {
                asked += 1;
                BTreeMap::new()
            });
        }
        assert_eq!(asked, 2);
    }
}
