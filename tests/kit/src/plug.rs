//! The plug of a simulated machine: every call on its disk and its tables is a step, and any step can be its last.
//!
//! A test runs a script once for each step, with the power cut before or after it, or with the call failing once. When the
//! script ends without reaching the step, every point of failure has been walked through.

use async_trait::async_trait;
use base::{Fault, Result};
use bus::{Disk, MemoryDisk};
use port::{Item, MemoryTables, Tables, Write};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What happens at the chosen step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The power goes before the call has an effect (an append leaves half of its bytes), and stays away.
    CutBefore,
    /// The call happens, its answer is never heard, the power stays away.
    CutAfter,
    /// The call fails once, the next ones work.
    FailOnce,
}

/// Counts steps and makes trouble at one of them.
#[derive(Debug, Default)]
pub struct Plug {
    steps: AtomicU64,
    off: AtomicBool,
    trouble: Mutex<Option<(u64, Trouble)>>,
}

/// How a call goes on.
enum Course {
    Works,
    WorksUnheard,
    Fails,
}

impl Plug {
    /// Makes trouble at the `n`-th step from now (1 is the next).
    pub fn trouble_at(&self, n: u64, trouble: Trouble) {
        let at = self.steps.load(Ordering::SeqCst) + n;
        *self.trouble.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some((at, trouble));
    }

    /// Whether the trouble has not come yet.
    pub fn waits(&self) -> bool {
        self.trouble.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).is_some()
    }

    /// Steps since the machine was made.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::SeqCst)
    }

    /// Whether the power is away: every call fails and has no effect.
    pub fn is_off(&self) -> bool {
        self.off.load(Ordering::SeqCst)
    }

    /// The power is back; trouble that has not come yet will not come.
    pub fn restore(&self) {
        self.off.store(false, Ordering::SeqCst);
        *self.trouble.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = None;
    }

    fn step(&self) -> Course {
        if self.is_off() {
            return Course::Fails;
        }
        let n = self.steps.fetch_add(1, Ordering::SeqCst) + 1;
        let mut waiting = self.trouble.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some((_, trouble)) = waiting.take_if(|(at, _)| *at == n) else { return Course::Works };
        self.off.store(trouble != Trouble::FailOnce, Ordering::SeqCst);
        if trouble == Trouble::CutAfter { Course::WorksUnheard } else { Course::Fails }
    }

    fn file_call<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        // EIO: what a disk that is going away answers.
        let failed = || io::Error::from_raw_os_error(5);
        match self.step() {
            Course::Works => call(),
            Course::WorksUnheard => call().and_then(|_| Err(failed())),
            Course::Fails => Err(failed()),
        }
    }
}

/// A disk behind a plug.
pub struct PluggedDisk {
    /// What holds the files.
    pub disk: Arc<MemoryDisk>,
    /// The plug.
    pub plug: Arc<Plug>,
}

impl Disk for PluggedDisk {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.plug.file_call(|| self.disk.make_dir(dir))
    }

    fn create(&self, path: &Path) -> io::Result<()> {
        self.plug.file_call(|| self.disk.create(path))
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let was_on = !self.plug.is_off();
        let mut reached = false;
        let done = self.plug.file_call(|| {
            reached = true;
            self.disk.append(path, bytes)
        });
        if was_on && !reached {
            // A failing write tears: the caller must not count on any part of it.
            self.disk.append(path, &bytes[..bytes.len() / 2])?;
        }
        done
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.plug.file_call(|| self.disk.sync(path))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.plug.file_call(|| self.disk.sync_dir(dir))
    }

    fn read(&self, path: &Path, from: u64, max: usize) -> io::Result<Vec<u8>> {
        self.plug.file_call(|| self.disk.read(path, from, max))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        self.plug.file_call(|| self.disk.list(dir))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.plug.file_call(|| self.disk.remove(path))
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        self.plug.file_call(|| self.disk.truncate(path, length))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.plug.file_call(|| self.disk.rename(from, to))
    }
}

/// Tables behind a plug.
pub struct PluggedTables {
    /// What holds the documents.
    pub tables: Arc<MemoryTables>,
    /// The plug.
    pub plug: Arc<Plug>,
}

impl PluggedTables {
    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let failed = || Fault::new(&port::fault::FAILED).object("tables").because("made to fail");
        match self.plug.step() {
            Course::Works => call.await,
            Course::WorksUnheard => call.await.and_then(|_| Err(failed())),
            Course::Fails => Err(failed()),
        }
    }
}

#[async_trait]
impl Tables for PluggedTables {
    async fn get(&self, table: &'static str, key: &str) -> Result<Option<Item>> {
        self.call(self.tables.get(table, key)).await
    }

    async fn scan(&self, table: &'static str, prefix: &str, after: &str, limit: usize) -> Result<Vec<Item>> {
        self.call(self.tables.scan(table, prefix, after, limit)).await
    }

    async fn scan_back(&self, table: &'static str, prefix: &str, before: &str, limit: usize) -> Result<Vec<Item>> {
        self.call(self.tables.scan_back(table, prefix, before, limit)).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        self.call(self.tables.commit(writes)).await
    }
}
