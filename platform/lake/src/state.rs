//! What is in memory: rows not yet in a file, the numbers taken, the manifest as last committed.

use crate::config::{Arrived, LakeConfig};
use crate::manifest::{Change, FileEntry, Manifest, Numbering};
use crate::retain::Totals;
use crate::rows::{Chunk, Numbered};
use crate::{Family, fault};
use base::{Fault, Micros, Result};
use record::Runs;
use std::collections::HashMap;
use std::sync::Arc;

/// How many times the flush thresholds memory may reach while flushing fails or is slow.
const BEHIND_FACTOR: usize = 4;
/// What a process of a chunk takes in memory, roughly, bytes.
const PROC_BYTES: usize = 700;

/// Rows of one family in memory.
#[derive(Debug, Default, Clone)]
pub(crate) struct Memory {
    /// Being written; still answered from here until committed.
    pub(crate) flushing: Vec<Chunk>,
    pub(crate) active: Vec<Chunk>,
}

/// The whole.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) memory: HashMap<Family, Memory>,
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    /// Monotonic time of the oldest row that is not being flushed.
    pub(crate) oldest: Option<Micros>,
    pub(crate) taken: HashMap<Numbering, Runs>,
    pub(crate) offset: u64,
    pub(crate) manifest: Manifest,
    /// Files out of the manifest that a running query may still read.
    pub(crate) garbage: Vec<Arc<FileEntry>>,
    pub(crate) notices: Vec<Fault>,
    /// What retention dropped since the start.
    pub(crate) retired: Totals,
    /// Whether it was said that other files fill the disk.
    pub(crate) crowded: bool,
    next_number: u64,
}

/// Which numbers a frame has, and where the write-ahead log goes on behind it.
pub(crate) struct Place {
    numbering: Numbering,
    first: u64,
    last: u64,
    wal_offset: u64,
}

impl Place {
    pub(crate) fn of(arrived: &Arrived) -> Place {
        let numbering = (arrived.agent, arrived.boot, arrived.lane);
        // The last number of an empty frame would be the one before its first, which another frame may have.
        let (first, last) = if arrived.count == 0 { (1, 0) } else { (arrived.first_seq, arrived.last_seq()) };
        Place { numbering, first, last, wal_offset: arrived.wal_offset }
    }
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Appended {
    /// Rows taken (one an event, alert and metric).
    pub rows: usize,
    /// Records that were taken before.
    pub repeated: usize,
}

impl State {
    pub(crate) fn new(manifest: Manifest, greatest_number: u64) -> State {
        let greatest = manifest.files.keys().next_back().copied().unwrap_or(0).max(greatest_number);
        State {
            taken: manifest.positions.clone(),
            offset: manifest.offset,
            manifest,
            next_number: greatest + 1,
            ..State::default()
        }
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// Says whether there is room, drops what of a frame was taken before, and gives a number for its chunks.
    pub(crate) fn admit(&mut self, place: &Place, frame: &mut Numbered, config: &LakeConfig) -> Result<(u64, usize)> {
        if self.rows >= config.flush_rows.saturating_mul(BEHIND_FACTOR)
            || self.bytes >= config.flush_bytes.saturating_mul(BEHIND_FACTOR)
        {
            let limit = format!("at most {} rows in memory", config.flush_rows.saturating_mul(BEHIND_FACTOR));
            return Err(Fault::new(&fault::BEHIND).object("memory of the lake").expected(limit).found(self.rows));
        }
        let taken = self.taken.get(&place.numbering).filter(|taken| taken.meets(place.first, place.last));
        let repeated = taken.map_or(0, |taken| frame.drop_taken(taken));
        Ok((self.number(), repeated))
    }

    /// Takes the chunks of a frame that was admitted: rows, numbers and offset together, so that a flush commits all or none.
    pub(crate) fn take(&mut self, place: &Place, chunks: Vec<(Family, Chunk)>, now: Micros) -> usize {
        let mut rows = 0;
        for (index, (family, chunk)) in chunks.into_iter().enumerate() {
            rows += chunk.rows.num_rows();
            self.bytes +=
                chunk.rows.get_array_memory_size() + if index == 0 { chunk.images.len() * PROC_BYTES } else { 0 };
            self.memory.entry(family).or_default().active.push(chunk);
        }
        self.rows += rows;
        if rows > 0 {
            self.oldest.get_or_insert(now);
        }
        if place.first <= place.last {
            self.taken.entry(place.numbering).or_default().add(place.first, place.last);
        }
        self.offset = self.offset.max(place.wal_offset);
        rows
    }

    /// Whether [`crate::Lake::tick`] should flush.
    pub(crate) fn is_due(&self, config: &LakeConfig, now: Micros) -> bool {
        let patience = Micros::try_from(config.flush_seconds).unwrap_or(Micros::MAX).saturating_mul(1_000_000);
        self.rows >= config.flush_rows
            || self.bytes >= config.flush_bytes
            || self.oldest.is_some_and(|oldest| now.saturating_sub(oldest) >= patience)
    }

    /// Moves everything to `flushing` and says what must be committed with it. What an interrupted flush left there comes along.
    pub(crate) fn begin_flush(&mut self) -> (Vec<(Family, Vec<Chunk>)>, Change) {
        let mut taken = Vec::new();
        for family in Family::ALL {
            let Some(memory) = self.memory.get_mut(family) else { continue };
            memory.flushing.append(&mut memory.active);
            if !memory.flushing.is_empty() {
                taken.push((*family, memory.flushing.clone()));
            }
        }
        self.oldest = None;
        let known = &self.manifest.positions;
        let positions = self.taken.iter().filter(|(numbering, runs)| known.get(numbering) != Some(runs));
        let change = Change {
            positions: positions.map(|(numbering, runs)| (*numbering, runs.clone())).collect(),
            offset: (self.offset != self.manifest.offset).then_some(self.offset),
            ..Change::default()
        };
        (taken, change)
    }

    /// A flush that failed: the rows wait for the next.
    pub(crate) fn end_flush_failed(&mut self, now: Micros) {
        self.oldest.get_or_insert(now);
    }

    /// A flush that was committed: its rows are in files now.
    pub(crate) fn end_flush(&mut self) {
        self.rows = 0;
        self.bytes = 0;
        for memory in self.memory.values_mut() {
            memory.flushing.clear();
            self.rows += memory.active.iter().map(|chunk| chunk.rows.num_rows()).sum::<usize>();
            self.bytes += memory.active.iter().map(|chunk| chunk.rows.get_array_memory_size()).sum::<usize>();
        }
    }

    /// A change that was committed.
    pub(crate) fn apply(&mut self, change: &Change) {
        self.manifest.apply(change);
        self.garbage.extend(change.remove.iter().cloned());
    }

    /// Removed files that nobody reads any more.
    pub(crate) fn take_garbage(&mut self) -> Vec<Arc<FileEntry>> {
        // One count is the list's own; a snapshot of a query would hold another.
        let (free, held) = self.garbage.drain(..).partition(|file| Arc::strong_count(file) == 1);
        self.garbage = held;
        free
    }
}
