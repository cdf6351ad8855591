//! What is in memory: rows not yet in a file, the numbers taken, the manifest as last committed.

use crate::config::{Arrived, LakeConfig};
use crate::manifest::{Change, FileEntry, Manifest, Numbering};
use crate::rows::{self, Chunk};
use crate::{Family, fault};
use base::{Fault, Micros, Result};
use record::EventId;
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
    pub(crate) taken: HashMap<Numbering, u64>,
    pub(crate) offset: u64,
    pub(crate) manifest: Manifest,
    /// Files out of the manifest that a running query may still read.
    pub(crate) garbage: Vec<Arc<FileEntry>>,
    pub(crate) notices: Vec<Fault>,
    next_number: u64,
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

    /// Takes a frame. All or nothing.
    pub(crate) fn append(&mut self, mut arrived: Arrived, config: &LakeConfig, now: Micros) -> Result<Appended> {
        if self.rows >= config.flush_rows.saturating_mul(BEHIND_FACTOR)
            || self.bytes >= config.flush_bytes.saturating_mul(BEHIND_FACTOR)
        {
            let limit = format!("at most {} rows in memory", config.flush_rows.saturating_mul(BEHIND_FACTOR));
            return Err(Fault::new(&fault::BEHIND).object("memory of the lake").expected(limit).found(self.rows));
        }
        let numbering = (arrived.agent, arrived.boot, arrived.lane);
        let last_taken = self.taken.get(&numbering).copied().unwrap_or(0);
        number_alerts(&mut arrived);
        let repeated = drop_repeated(&mut arrived, last_taken);
        let number = self.number();
        let chunks = rows::chunks(&arrived, number)?;
        let mut appended = Appended { rows: 0, repeated };
        for (index, (family, chunk)) in chunks.into_iter().enumerate() {
            appended.rows += chunk.rows.num_rows();
            self.bytes +=
                chunk.rows.get_array_memory_size() + if index == 0 { chunk.images.len() * PROC_BYTES } else { 0 };
            self.memory.entry(family).or_default().active.push(chunk);
        }
        self.rows += appended.rows;
        if appended.rows > 0 {
            self.oldest.get_or_insert(now);
        }
        if arrived.count > 0 && arrived.last_seq() > last_taken {
            self.taken.insert(numbering, arrived.last_seq());
        }
        self.offset = self.offset.max(arrived.wal_offset);
        Ok(appended)
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
        let positions = self.taken.iter().filter(|(numbering, last)| known.get(numbering) != Some(last));
        let change = Change {
            positions: positions.map(|(numbering, last)| (*numbering, *last)).collect(),
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

/// Gives an id to alerts that came without a fitting one: their numbers follow those of the events.
fn number_alerts(arrived: &mut Arrived) {
    let seqs: Vec<u64> = (0..arrived.alerts.len()).map(|index| rows::alert_seq(arrived, index)).collect();
    for (alert, seq) in arrived.alerts.iter_mut().zip(seqs) {
        if alert.id.is_empty() {
            alert.id = EventId { agent: arrived.agent, boot: arrived.boot, lane: arrived.lane, seq }.to_string();
        }
    }
}

/// Drops records whose number was taken before; answers how many.
fn drop_repeated(arrived: &mut Arrived, last_taken: u64) -> usize {
    if arrived.first_seq > last_taken {
        return 0;
    }
    let before = arrived.events.len() + arrived.alerts.len() + arrived.samples.len();
    let alerts: Vec<bool> =
        (0..arrived.alerts.len()).map(|index| rows::alert_seq(arrived, index) > last_taken).collect();
    let samples: Vec<bool> =
        (0..arrived.samples.len()).map(|index| rows::sample_seq(arrived, index) > last_taken).collect();
    let (mut alerts, mut samples) = (alerts.into_iter(), samples.into_iter());
    arrived.events.retain(|event| event.seq > last_taken);
    arrived.alerts.retain(|_| alerts.next().unwrap_or(false));
    arrived.samples.retain(|_| samples.next().unwrap_or(false));
    before - arrived.events.len() - arrived.alerts.len() - arrived.samples.len()
}
