//! Files, followed over rotation, truncation and restart.
//!
//! A file is its device and inode, whatever its name. When a path leads to another file, the old one is read to its end
//! (it is held open) and until its writer is done with it; files that rotation made between two looks are found beside
//! the path and read from their beginning; what was truncated is read to its end from its copy, found by its first
//! bytes. Positions move only after the sink has taken the events, so every line is given at least once, and exactly
//! once as long as every stop is a clean one.
//!
//! Memory does not grow with lines: a half line is not kept but read again when its end is there.

pub mod follow;
pub mod glob;
mod look;
pub mod position;
mod turn;
pub mod watch;

use crate::config::FileInput;
use crate::decode::{self, Decoder};
use crate::limits::{BATCH_BYTES, BATCH_EVENTS, FINISHED, HEAD_BYTES, POLL_BYTES};
use crate::reader::Reader;
use crate::sink::Sink;
use crate::stats::Counters;
use crate::zone::Zone;
use base::{Clock, Micros, Result};
use follow::Follow;
use position::{Head, Key, Position};
use record::Event;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How often positions are written while lines flow, µs.
const SAVE_US: Micros = 1_000_000;

/// Files of one input.
pub struct Source {
    /// What is configured.
    pub input: FileInput,
    /// Its counts.
    pub counters: Arc<Counters>,
}

impl Source {
    fn decoder(&self) -> &'static dyn Decoder {
        // The word was checked with the configuration; plain text is the honest fallback.
        decode::of(&self.input.decoder).unwrap_or(&decode::syslog::Syslog)
    }
}

/// What the follower is given at start.
pub struct Settings {
    /// The inputs.
    pub sources: Vec<Source>,
    /// File of the positions.
    pub store: PathBuf,
    /// Whether logs that stand at the very first start are read from their beginning.
    pub backlog: bool,
    /// How long a rotated file is read after its last line, µs.
    pub rotated_us: Micros,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The host's zone.
    pub zone: Zone,
}

/// Events that wait for the sink.
#[derive(Default)]
struct Batch {
    events: Vec<Event>,
    bytes: usize,
}

/// Follows files. It does not wait: [`Tailer::poll`] reads what there is.
pub struct Tailer {
    settings: Settings,
    files: Vec<Follow>,
    /// Files that are not followed now: finished ones, so that they are not read again, and those of the last run that
    /// were not found yet.
    past: Vec<Position>,
    /// No look was taken yet.
    is_new: bool,
    /// Inputs that are looked at for the first time ever: what stands then is not read unless a backlog is asked for.
    first: Vec<bool>,
    batch: Batch,
    chunk: Vec<u8>,
    is_dirty: bool,
    saved_at: Micros,
}

impl Tailer {
    /// Reads the positions; opens nothing yet.
    pub fn new(settings: Settings) -> Result<Tailer> {
        let kept = position::read(&settings.store)?;
        let is_first = |source: &Source| match &kept.patterns {
            Some(known) => source.input.paths.iter().any(|pattern| !known.contains(pattern)),
            None => false,
        };
        Ok(Tailer {
            first: settings.sources.iter().map(is_first).collect(),
            past: kept.files,
            saved_at: settings.clock.monotonic(),
            settings,
            files: Vec::new(),
            is_new: true,
            batch: Batch::default(),
            chunk: Vec::new(),
            is_dirty: true,
        })
    }

    /// Reads what there is, each file in its turn, and gives it to the sink. `look` says to look for new and rotated
    /// files first. Gives whether more waits than one call takes. After a fault nothing is lost: the next call reads
    /// the same again.
    pub fn poll(&mut self, sink: &dyn Sink, look: bool) -> Result<bool> {
        let is_new = self.is_new;
        if look || is_new {
            self.look();
        }
        if is_new {
            // What stands now is the past from here on, whenever this run ends.
            self.save()?;
        }
        let mut budget = POLL_BYTES;
        let mut more = true;
        while more && budget > 0 {
            more = false;
            // Copies that a truncation brings in are appended and have their turn too.
            let mut index = 0;
            while index < self.files.len() {
                let read = self.turn(index, sink)?;
                more |= read > 0;
                budget = budget.saturating_sub(read);
                index += 1;
            }
        }
        self.flush(sink)?;
        self.finish(sink)?;
        if self.is_dirty && self.settings.clock.monotonic() - self.saved_at >= SAVE_US {
            self.save()?;
        }
        Ok(more)
    }

    /// Writes the positions now: before a stop.
    pub fn save(&mut self) -> Result<()> {
        let live = self.files.iter().map(Follow::position);
        let files = live.chain(self.past.iter().cloned()).collect();
        let patterns = self.settings.sources.iter().flat_map(|source| source.input.paths.iter().cloned()).collect();
        position::write(&self.settings.store, files, patterns)?;
        self.is_dirty = false;
        self.saved_at = self.settings.clock.monotonic();
        Ok(())
    }

    /// Folders in which something may happen that [`Tailer::poll`] should see.
    pub fn folders(&self) -> Vec<PathBuf> {
        let patterns = self.settings.sources.iter().flat_map(|source| &source.input.paths);
        let named = patterns.filter_map(|pattern| {
            let fixed = pattern.find(['*', '?']).map_or(pattern.as_str(), |star| &pattern[..star]);
            Some(PathBuf::from(&fixed[..fixed.rfind('/')?]))
        });
        let open = self.files.iter().filter_map(|file| file.path.parent().map(Path::to_path_buf));
        let mut folders: Vec<PathBuf> = named.chain(open).filter(|folder| folder.is_dir()).collect();
        folders.sort();
        folders.dedup();
        folders
    }

    /// How many files are followed now.
    pub fn open(&self) -> usize {
        self.files.len()
    }

    /// Decodes a record of a file into the batch.
    fn emit(&mut self, index: usize, line: &[u8], cut: bool) {
        let file = &self.files[index];
        let source = &self.settings.sources[file.source];
        let reader = Reader {
            decoder: source.decoder(),
            word: &source.input.source,
            now: self.settings.clock.wall(),
            zone: &self.settings.zone,
            counters: &source.counters,
        };
        reader.read(line, cut, &file.origin, &mut self.batch.events);
        self.batch.bytes += line.len();
    }

    fn is_full(&self) -> bool {
        self.batch.events.len() >= BATCH_EVENTS || self.batch.bytes >= BATCH_BYTES
    }

    /// Gives the batch to the sink. Taken: the positions move. Refused: reading goes back to where they stand.
    fn flush(&mut self, sink: &dyn Sink) -> Result<()> {
        let events = std::mem::take(&mut self.batch.events);
        self.batch.bytes = 0;
        if !events.is_empty()
            && let Err(fault) = sink.take(events)
        {
            self.files.iter_mut().for_each(Follow::step_back);
            return Err(fault);
        }
        for file in self.files.iter_mut().filter(|file| file.taken != file.next) {
            file.taken = file.next;
            self.is_dirty = true;
            if file.head.bytes < HEAD_BYTES as u64 && file.taken > file.head.bytes {
                file.head = Head::read(&file.file, file.taken).unwrap_or(file.head);
            }
        }
        Ok(())
    }

    /// Lets go of rotated files whose writer is done, and takes JSON that ends without a line feed.
    fn finish(&mut self, sink: &dyn Sink) -> Result<()> {
        let now = self.settings.clock.monotonic();
        for index in (0..self.files.len()).rev() {
            let file = &self.files[index];
            let idle = now - file.changed_at.max(file.rotated_at.unwrap_or(file.changed_at));
            let is_over = file.rotated_at.is_some() && idle >= self.settings.rotated_us && file.is_caught_up();
            let decoder = self.settings.sources[file.source].decoder();
            let is_whole = file.has_half() && idle >= SAVE_US && decoder.is_whole(&file.end());
            if (is_over && file.has_half()) || is_whole {
                self.take_half(index);
                self.flush(sink)?;
            }
            if is_over {
                let file = self.files.swap_remove(index);
                self.settings.sources[file.source].counters.set_open(self.open_of(file.source));
                self.remember(Position { finished: true, ..file.position() });
            }
        }
        Ok(())
    }

    fn open_of(&self, source: usize) -> usize {
        self.files.iter().filter(|file| file.source == source).count()
    }

    /// Keeps that a file was read; the oldest of too many of a path goes.
    fn remember(&mut self, position: Position) {
        self.past.retain(|past| past.key != position.key);
        let of_path = |past: &Position| past.finished && past.path == position.path;
        if self.past.iter().filter(|past| of_path(past)).count() >= FINISHED
            && let Some(oldest) = self.past.iter().position(of_path)
        {
            self.past.remove(oldest);
        }
        self.past.push(position);
        self.is_dirty = true;
    }

    fn is_followed(&self, key: Key) -> bool {
        self.files.iter().any(|file| file.key == key)
    }
}
