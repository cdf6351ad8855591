//! The lake: opening, taking what arrives, flushing.

use crate::config::{Arrived, LakeConfig, Position};
use crate::image::{Home, ImageSet};
use crate::manifest::{Change, FileEntry, Manifest};
use crate::query::Engine;
use crate::rows::{self, Chunk, Numbered};
use crate::state::{Appended, Place, State};
use crate::{Family, back, fault, files};
use base::{Clock, Fault, Result};
use port::Tables;
use record::AgentId;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

/// The event lake: a handle, cheap to clone; all clones are one lake.
#[derive(Clone, Debug)]
pub struct Lake {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: LakeConfig,
    pub(crate) tables: Arc<dyn Tables>,
    pub(crate) clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Held while a frame becomes columns: one frame at a time, so that none is taken twice, but not under the lock of the
    /// state, so that queries and flushes go on.
    appending: Mutex<()>,
    /// Held while files and manifest change: one flush, compaction or retention at a time.
    writer: tokio::sync::Mutex<Writer>,
    pub(crate) engine: Engine,
    /// Locked as long as the lake is open.
    _lock: File,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").field("dir", &self.config.dir).finish_non_exhaustive()
    }
}

/// A change whose commit was tried and may or may not have happened.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    unsure: Option<(Change, bool)>,
}

/// What a flush wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flushed {
    /// Rows.
    pub rows: u64,
    /// Files, images not counted.
    pub files: usize,
    /// Bytes of rows and images.
    pub bytes: u64,
}

/// How the lake stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct LakeStatus {
    /// Rows in memory, not yet in a file (but in the write-ahead log).
    pub rows_in_memory: usize,
    /// Their size, bytes.
    pub bytes_in_memory: usize,
    /// Files of the manifest.
    pub files: usize,
    /// Rows in files.
    pub rows: u64,
    /// Bytes of files, images included.
    pub bytes: u64,
    /// (table, rows in files, bytes of files) of each table.
    pub tables: Vec<(&'static str, u64, u64)>,
    /// Oldest and newest time in files, µs; `None` when there are none.
    pub times_us: Option<(i64, i64)>,
    /// Where replay of the write-ahead log starts.
    pub committed_offset: u64,
    /// (reason, rows, bytes) that retention dropped since the start.
    pub retired: Vec<(&'static str, u64, u64)>,
}

impl Lake {
    /// Opens the lake: locks the directory, reads the manifest, sets aside damaged files and those
    /// that the manifest does not know. Faults: `lake.in-use`, `lake.storage`, `lake.corrupt` (the manifest itself), and those of `tables`.
    pub async fn open(config: LakeConfig, tables: Arc<dyn Tables>, clock: Arc<dyn Clock>) -> Result<Lake> {
        files::make_folders(&config.dir)?;
        let lock = lock(&config)?;
        let mut manifest = Manifest::load(tables.as_ref()).await?;
        let mut notices = Vec::new();
        let mut change = Change::default();
        for file in manifest.files.values() {
            if let Err(fault) = files::check(&config.dir, file) {
                if !fault.is(&fault::CORRUPT) {
                    return Err(fault);
                }
                files::set_aside(&config.dir, file);
                notices.push(fault);
                change.remove.push(file.clone());
            }
        }
        if !change.is_empty() {
            change.commit(tables.as_ref()).await?;
            manifest.apply(&change);
        }
        let paths = |file: &Arc<FileEntry>| [file.rows_path(&config.dir), file.images_path(&config.dir)];
        let known: HashSet<PathBuf> = manifest.files.values().flat_map(paths).collect();
        let orphans = files::set_orphans_aside(&config.dir, &known)?;
        notices.extend(orphans.fault(&config.dir));
        let engine = Engine::new(&config)?;
        let mut state = State::new(manifest, orphans.greatest_number);
        state.notices = notices;
        let writer = tokio::sync::Mutex::new(Writer::default());
        let (state, appending) = (Mutex::new(state), Mutex::default());
        let inner = Inner { config, tables, clock, state, appending, writer, engine, _lock: lock };
        Ok(Lake { inner: Arc::new(inner) })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves counters at worst; rows and manifest are changed by whole assignments.
        self.inner.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes one frame: all of it or, on a fault, nothing. At once visible to queries; durable in the lake after the next
    /// flush, until then only in the caller's write-ahead log. Records taken before are dropped, whatever their number of
    /// copies. Faults: `lake.behind` when flushing does not keep up (keep the frame, try again later).
    pub fn append(&self, arrived: Arrived) -> Result<Appended> {
        let now = self.inner.clock.monotonic();
        let place = Place::of(&arrived);
        let mut frame = Numbered::of(arrived);
        let _one = self.inner.appending.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (number, repeated) = self.state().admit(&place, &mut frame, &self.inner.config)?;
        let chunks = rows::chunks(frame, number)?;
        Ok(Appended { rows: self.state().take(&place, chunks, now), repeated })
    }

    /// Writes everything in memory to files and commits files, positions and write-ahead-log offset in one transaction.
    ///
    /// On a fault nothing is lost: rows stay in memory and answer queries, and the next flush goes on where this one failed.
    /// Faults: `lake.full`, `lake.storage`, and those of the tables.
    pub async fn flush(&self) -> Result<Flushed> {
        let mut writer = self.inner.writer.lock().await;
        self.settle(&mut writer).await?;
        let (taken, mut change, numbers) = {
            let mut state = self.state();
            let (taken, change) = state.begin_flush();
            let numbers: Vec<u64> = taken.iter().map(|_| state.number()).collect();
            (taken, change, numbers)
        };
        if taken.is_empty() && change.is_empty() {
            return Ok(Flushed::default());
        }
        let config = self.inner.config.clone();
        match blocking(move || write_all(&config, &taken, &numbers)).await {
            Ok(files) => change.add = files.into_iter().map(Arc::new).collect(),
            Err(fault) => {
                let now = self.inner.clock.monotonic();
                self.state().end_flush_failed(now);
                return Err(fault);
            }
        }
        let flushed = Flushed {
            rows: change.add.iter().map(|file| file.rows).sum(),
            files: change.add.len(),
            bytes: change.add.iter().map(|file| file.total_bytes()).sum(),
        };
        writer.unsure = Some((change, true));
        self.settle(&mut writer).await.map(|()| flushed)
    }

    /// Commits the change that waits. A commit that failed may have happened all the same, so nothing that depends on it
    /// is taken back: the same commit is made again until it succeeds.
    async fn settle(&self, writer: &mut Writer) -> Result<()> {
        let Some((change, is_flush)) = &writer.unsure else { return Ok(()) };
        if let Err(fault) = change.commit(self.inner.tables.as_ref()).await {
            let now = self.inner.clock.monotonic();
            self.state().end_flush_failed(now);
            return Err(fault);
        }
        {
            let mut state = self.state();
            state.apply(change);
            if *is_flush {
                state.end_flush();
            }
        }
        writer.unsure = None;
        Ok(())
    }

    /// Makes one change of the manifest that is not a flush; `plan` writes files and says what changes.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        plan: impl FnOnce(&mut State) -> Option<(T, Change)>,
    ) -> Result<Option<T>> {
        let mut writer = self.inner.writer.lock().await;
        self.settle(&mut writer).await?;
        let Some((answer, change)) = plan(&mut self.state()) else { return Ok(None) };
        if !change.is_empty() {
            writer.unsure = Some((change, false));
            self.settle(&mut writer).await?;
        }
        Ok(Some(answer))
    }

    /// Upkeep, to be called about once a second: flushes when rows, bytes or age ask for it and deletes files that were
    /// replaced and are read by nobody any more. `None` when there was nothing to flush.
    pub async fn tick(&self) -> Result<Option<Flushed>> {
        let now = self.inner.clock.monotonic();
        let due = self.state().is_due(&self.inner.config, now);
        let flushed = if due { Some(self.flush().await?) } else { None };
        self.sweep().await?;
        Ok(flushed)
    }

    /// Deletes replaced files that no query reads any more.
    pub(crate) async fn sweep(&self) -> Result<()> {
        let free = self.state().take_garbage();
        if free.is_empty() {
            return Ok(());
        }
        let dir = self.inner.config.dir.clone();
        blocking(move || free.iter().try_for_each(|file| files::delete(&dir, file))).await
    }

    /// Where replay of the write-ahead log must start so that nothing is missing: what is repeated is dropped.
    pub fn committed_offset(&self) -> u64 {
        self.state().manifest.offset
    }

    /// Which numbers of an agent are committed to files, in order: one position a run without gaps.
    pub fn positions(&self, agent: AgentId) -> Vec<Position> {
        let state = self.state();
        let positions = state.manifest.positions.iter().filter(|((of, _, _), _)| *of == agent);
        let runs = positions.flat_map(|((_, boot, lane), runs)| {
            runs.iter().map(|(first_seq, last_seq)| Position { boot: *boot, lane: *lane, first_seq, last_seq })
        });
        let mut positions: Vec<Position> = runs.collect();
        positions.sort();
        positions
    }

    /// How the lake stands.
    pub fn status(&self) -> LakeStatus {
        let state = self.state();
        let files = || state.manifest.files.values();
        let of = |family: &Family| {
            let mine = || files().filter(|file| file.family == family.word());
            (family.word(), mine().map(|file| file.rows).sum(), mine().map(|file| file.total_bytes()).sum())
        };
        LakeStatus {
            rows_in_memory: state.rows,
            bytes_in_memory: state.bytes,
            files: files().count(),
            rows: files().map(|file| file.rows).sum(),
            bytes: files().map(|file| file.total_bytes()).sum(),
            tables: Family::ALL.iter().map(of).collect(),
            times_us: files().map(|file| file.min_us).min().zip(files().map(|file| file.max_us).max()),
            committed_offset: state.manifest.offset,
            retired: state.retired.list(),
        }
    }

    /// What happened to the lake's files since the last call, each a fault for the caller to report: files found damaged or
    /// unknown and set aside, telemetry dropped for want of room.
    pub fn notices(&self) -> Vec<Fault> {
        std::mem::take(&mut self.state().notices)
    }
}

fn lock(config: &LakeConfig) -> Result<File> {
    let path = config.dir.join("lock");
    let named = |error: std::io::Error| fault::of_file(path.display(), &error);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(named)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Fault::new(&fault::IN_USE).object(config.dir.display())),
        Err(std::fs::TryLockError::Error(error)) => Err(named(error)),
    }
}

/// A file of each table; on a fault none.
fn write_all(config: &LakeConfig, taken: &[(Family, Vec<Chunk>)], numbers: &[u64]) -> Result<Vec<FileEntry>> {
    let mut written: Vec<FileEntry> = Vec::with_capacity(taken.len());
    for ((family, chunks), number) in taken.iter().zip(numbers) {
        match write_chunks(config, *family, *number, chunks) {
            Ok(file) => written.push(file),
            Err(fault) => {
                // The next flush writes other ones: kept, a disk that is full would fill up for good.
                let failed = written.iter().filter_map(|file| files::delete(&config.dir, file).err());
                failed.for_each(|fault| tracing::warn!(fault = %fault.inside(), "a file of a failed flush stays"));
                return Err(fault);
            }
        }
    }
    Ok(written)
}

/// One file of the chunks, their images gathered and renumbered.
fn write_chunks(config: &LakeConfig, family: Family, number: u64, chunks: &[Chunk]) -> Result<FileEntry> {
    let home = Home { in_memory: false, number };
    let mut images = ImageSet::default();
    // The chunks of a frame share their images, but a family needs only those that its own rows point at.
    let mut batches = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let used = back::places_used(&chunk.rows);
        let places: HashMap<u64, u64> = used
            .into_iter()
            .filter_map(|place| {
                let (host, proc) = chunk.images.get(crate::image::split(place).1)?;
                Some((place, home.place(images.place(host, proc.as_ref()))))
            })
            .collect();
        batches.push(back::renumber(&chunk.rows, &places)?);
    }
    files::write(&config.dir, (family, number, 0), &batches, &images, config.flush_rows)
}

/// Runs file work off the threads that serve requests.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| fault::of_bug("file work", error))?
}
