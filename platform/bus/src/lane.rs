//! One lane of the spool: a log of sealed frames, an index of their numbers, and the frames that the disk refused.

use crate::shed::Tally;
use crate::{Disk, Log, LogConfig, Offset, fault};
use base::{Fault, Result};
use prost::Message;
use record::{Frame, Lane};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A frame as it lies on disk, with the number of records of each class (see `shed`).
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Stored {
    #[prost(message, required, tag = "1")]
    pub(crate) frame: Frame,
    #[prost(uint32, repeated, tag = "2")]
    pub(crate) counts: Vec<u32>,
}

/// Where a frame lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: Offset,
    boot: u64,
    first: u64,
    last: u64,
    acked: bool,
}

/// A lane on disk, or in memory as far as the disk refuses.
pub(crate) struct LaneLog {
    lane: Lane,
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    config: LogConfig,
    /// None while the directory cannot be opened.
    log: Option<Log>,
    index: VecDeque<Place>,
    /// Copies of the frames that a failed sync would take back.
    unsynced: VecDeque<(Offset, Stored)>,
    memory: VecDeque<Stored>,
    memory_bytes: usize,
}

impl LaneLog {
    /// Opens the lane. It works without its disk, too: then everything stays in memory and each write tries again.
    pub(crate) fn open(
        lane: Lane,
        disk: Arc<dyn Disk>,
        dir: &Path,
        config: LogConfig,
        tally: &mut Tally,
    ) -> (LaneLog, Vec<Fault>) {
        let (index, unsynced, memory) = Default::default();
        let dir = dir.join(if lane == Lane::Alert { "alert" } else { "telemetry" });
        let mut lane = LaneLog { lane, disk, dir, config, log: None, index, unsynced, memory, memory_bytes: 0 };
        let faults = lane.reopen(tally).unwrap_or_else(|fault| vec![fault]);
        (lane, faults)
    }

    fn reopen(&mut self, tally: &mut Tally) -> Result<Vec<Fault>> {
        let (log, mut faults) = Log::open(self.disk.clone(), &self.dir, self.config)?;
        let mut index: VecDeque<Place> = VecDeque::new();
        let damaged = !faults.is_empty();
        let mut at = log.first_offset();
        while at < log.next_offset() {
            let read = match log.read(at, 1024, 1024 * 1024) {
                Ok(read) => read,
                Err(fault) if fault.is(&fault::UNREADABLE) => {
                    faults.push(fault);
                    at += 1;
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            let Some((last, _)) = read.last() else { break };
            at = last + 1;
            for (offset, content) in read {
                let Ok(stored) = Stored::decode(content) else {
                    faults.push(
                        Fault::new(&fault::UNREADABLE).object(format!("record {offset} in {}", self.dir.display())),
                    );
                    continue;
                };
                let (boot, first, last) = (stored.frame.boot, stored.frame.first_seq, stored.frame.last_seq());
                let before = index.back().filter(|before| before.boot == boot && before.last + 1 < first);
                if let Some(before) = before.filter(|_| damaged) {
                    tally.add(boot, self.lane, before.last + 1, first - 1, &[]);
                }
                index.push_back(Place { offset, boot, first, last, acked: false });
            }
        }
        self.index = index;
        self.log = Some(log);
        Ok(faults)
    }

    /// The greatest start number that was stored.
    pub(crate) fn greatest_boot(&self) -> u64 {
        self.index.iter().map(|place| place.boot).max().unwrap_or(0)
    }

    /// Stores a frame behind those before it; with `lasting` it is synced. After a fault it waits in memory.
    pub(crate) fn store(&mut self, stored: Stored, lasting: bool, tally: &mut Tally) -> Result<()> {
        self.memory_bytes += size(&stored);
        self.memory.push_back(stored);
        self.write(tally)?;
        if lasting { self.sync() } else { Ok(()) }
    }

    /// Writes what waits in memory.
    pub(crate) fn write(&mut self, tally: &mut Tally) -> Result<()> {
        if self.log.is_none() {
            let faults = self.reopen(tally)?;
            faults.iter().for_each(|fault| tracing::warn!("{}", fault.inside()));
        }
        while let (Some(stored), Some(log)) = (self.memory.front(), &mut self.log) {
            match log.append(&stored.encode_to_vec()) {
                Ok(offset) => {
                    let frame = &stored.frame;
                    let (boot, first, last) = (frame.boot, frame.first_seq, frame.last_seq());
                    self.index.push_back(Place { offset, boot, first, last, acked: false });
                    self.memory_bytes = self.memory_bytes.saturating_sub(size(stored));
                    self.unsynced.extend(self.memory.pop_front().map(|stored| (offset, stored)));
                    let synced = log.synced_offset();
                    while self.unsynced.front().is_some_and(|(offset, _)| *offset < synced) {
                        self.unsynced.pop_front();
                    }
                }
                Err(fault) => {
                    self.take_back();
                    return Err(fault);
                }
            }
        }
        Ok(())
    }

    /// Makes everything written last. After a fault what was not yet lasting waits in memory again.
    pub(crate) fn sync(&mut self) -> Result<()> {
        let Some(log) = &mut self.log else { return Ok(()) };
        match log.sync() {
            Ok(()) => {
                self.unsynced.clear();
                Ok(())
            }
            Err(fault) => {
                self.take_back();
                Err(fault)
            }
        }
    }

    /// Moves frames that the log took back to the front of the memory queue.
    fn take_back(&mut self) {
        let Some(log) = &self.log else { return };
        let next = log.next_offset();
        while let Some((offset, stored)) = self.unsynced.pop_back_if(|(offset, _)| *offset >= next) {
            let place = self.index.pop_back_if(|place| place.offset == offset);
            if place.is_some_and(|place| !place.acked) {
                self.memory_bytes += size(&stored);
                self.memory.push_front(stored);
            }
        }
    }

    /// Frames after (start, number) in order, about `bytes` of them, at least one when there is one.
    pub(crate) fn unsent(&mut self, after: (u64, u64), bytes: usize, tally: &mut Tally) -> (Vec<Frame>, Vec<Fault>) {
        let (mut frames, mut faults) = (Vec::new(), Vec::new());
        let mut room = bytes;
        let mut at = self.index.partition_point(|place| (place.boot, place.last) <= after);
        while let (Some(place), Some(log)) = (self.index.get(at).copied(), &self.log) {
            if place.acked {
                at += 1;
                continue;
            }
            match log.read(place.offset, 1, usize::MAX).and_then(|read| decode(place.offset, read)) {
                Ok(stored) => {
                    if !fits(&stored.frame, &frames, &mut room) {
                        return (frames, faults);
                    }
                    frames.push(stored.frame);
                    at += 1;
                }
                Err(fault) if fault.is(&fault::UNREADABLE) => {
                    tally.add(place.boot, self.lane, place.first, place.last, &[]);
                    self.index.remove(at);
                    faults.push(fault);
                }
                Err(fault) => {
                    faults.push(fault);
                    return (frames, faults);
                }
            }
        }
        for stored in self.memory.iter().filter(|stored| (stored.frame.boot, stored.frame.last_seq()) > after) {
            if !fits(&stored.frame, &frames, &mut room) {
                break;
            }
            frames.push(stored.frame.clone());
        }
        (frames, faults)
    }

    /// Forgets the frames of a start up to a number.
    pub(crate) fn ack(&mut self, boot: u64, seq: u64) -> Result<()> {
        let first = self.index.partition_point(|place| place.boot < boot);
        for place in self.index.range_mut(first..).take_while(|place| place.boot == boot && place.last <= seq) {
            place.acked = true;
        }
        while self.memory.front().is_some_and(|stored| stored.frame.boot == boot && stored.frame.last_seq() <= seq) {
            self.drop_from_memory();
        }
        while self.index.pop_front_if(|place| place.acked).is_some() {}
        let Some(log) = &mut self.log else { return Ok(()) };
        let kept = self.index.front().map_or(log.next_offset(), |place| place.offset);
        let done = log.truncate_before(kept);
        if done.is_err() {
            self.take_back();
        }
        done
    }

    /// Counts what the oldest segment holds, to be reported before [`LaneLog::remove_oldest`] removes it.
    pub(crate) fn count_oldest(&self, tally: &mut Tally) -> Option<Offset> {
        let log = self.log.as_ref()?;
        let (_, end) = log.oldest_segment()?;
        for place in self.index.iter().take_while(|place| place.offset < end).filter(|place| !place.acked) {
            let read = log.read(place.offset, 1, usize::MAX).and_then(|read| decode(place.offset, read));
            let counts = read.map(|stored| stored.counts).unwrap_or_default();
            tally.add(place.boot, self.lane, place.first, place.last, &counts);
        }
        Some(end)
    }

    /// Removes the segments that end at `end`.
    pub(crate) fn remove_oldest(&mut self, end: Offset) -> Result<()> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let mut done = Ok(());
        if end >= log.next_offset() {
            done = log.roll();
        }
        let done = done.and_then(|()| log.truncate_before(end));
        if done.is_err() {
            self.take_back();
        }
        while self.index.pop_front_if(|place| place.offset < end).is_some() {}
        done
    }

    /// Sheds the oldest frame that waits in memory. Says whether there was one.
    pub(crate) fn shed_from_memory(&mut self, tally: &mut Tally) -> bool {
        let Some(stored) = self.memory.front() else { return false };
        tally.add(stored.frame.boot, self.lane, stored.frame.first_seq, stored.frame.last_seq(), &stored.counts);
        self.drop_from_memory();
        true
    }

    fn drop_from_memory(&mut self) {
        if let Some(stored) = self.memory.pop_front() {
            self.memory_bytes = self.memory_bytes.saturating_sub(size(&stored));
        }
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.log.as_ref().map_or(0, Log::bytes)
    }

    /// Bytes that wait in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Frames not yet acknowledged.
    pub(crate) fn frames(&self) -> usize {
        self.index.iter().filter(|place| !place.acked).count() + self.memory.len()
    }
}

fn size(stored: &Stored) -> usize {
    stored.frame.payload.len() + 128
}

fn fits(frame: &Frame, frames: &[Frame], room: &mut usize) -> bool {
    let size = frame.payload.len();
    if size > *room && !frames.is_empty() {
        return false;
    }
    *room = room.saturating_sub(size);
    true
}

fn decode(offset: Offset, read: Vec<(Offset, bytes::Bytes)>) -> Result<Stored> {
    let wrong = || Fault::new(&fault::UNREADABLE).object(format!("spool record {offset}"));
    let (_, content) = read.into_iter().next().filter(|(found, _)| *found == offset).ok_or_else(wrong)?;
    Stored::decode(content).map_err(|cause| wrong().because(cause))
}
