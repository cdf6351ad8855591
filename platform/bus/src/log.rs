//! A segmented append-only log of numbered records.

use crate::disk::failed;
use crate::scan::{self, Ending, Found, HEADER_BYTES, Scan};
use crate::{Disk, fault};
use base::limits::BATCH_WIRE_BYTES;
use base::{Fault, Result};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Place of a record in a log, from 0, one more for each record. After damage numbers are skipped, never reused.
pub type Offset = u64;

/// Sizes of a log.
#[derive(Debug, Clone, Copy)]
pub struct LogConfig {
    /// A segment is closed when the next record would make it larger than this, bytes.
    pub segment_bytes: u64,
    /// Largest record, bytes.
    pub record_bytes: usize,
}

impl Default for LogConfig {
    fn default() -> Self {
        // A frame on the wire with room for its header and for what spool and log add.
        LogConfig { segment_bytes: 16 * 1024 * 1024, record_bytes: BATCH_WIRE_BYTES + 64 * 1024 }
    }
}

/// A read-through log is emptied by starting a new segment once the old one holds this much, bytes.
const WORTH_REMOVING: u64 = 1024 * 1024;

/// One file of records.
#[derive(Debug)]
struct Segment {
    base: Offset,
    positions: Vec<u32>,
    bytes: u64,
}

impl Segment {
    fn end(&self) -> Offset {
        self.base + self.positions.len() as u64
    }
}

/// A log on a disk. One owner writes; the directory belongs to it alone.
pub struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    config: LogConfig,
    segments: VecDeque<Segment>,
    next: Offset,
    /// Records of the last segment that are known to last.
    synced: usize,
    /// The next record goes to a new segment: there is none, or the last one cannot be trusted with more.
    closed: bool,
    rollbacks: u64,
}

impl Log {
    /// Opens and repairs a log. The faults tell what was cut back, set aside or found missing; the log works anyway.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, config: LogConfig) -> Result<(Log, Vec<Fault>)> {
        disk.make_dir(dir).map_err(|cause| failed(dir, cause))?;
        let mut log = Log {
            disk,
            dir: dir.to_path_buf(),
            config,
            segments: VecDeque::new(),
            next: 0,
            synced: 0,
            closed: true,
            rollbacks: 0,
        };
        let mut faults = Vec::new();
        let (bases, aside) = log.survey()?;
        for (place, base) in bases.iter().enumerate() {
            log.recover(*base, bases.get(place + 1).copied(), aside.get(base).copied(), &mut faults)?;
        }
        Ok((log, faults))
    }

    /// Opens and repairs a log whose next record must not be numbered below `least`: a reader has committed that far. The
    /// directory may have been lost, or be an older copy; its records would be taken for ones that were read long ago.
    pub fn open_from(disk: Arc<dyn Disk>, dir: &Path, config: LogConfig, least: Offset) -> Result<(Log, Vec<Fault>)> {
        let (mut log, mut faults) = Log::open(disk, dir, config)?;
        if log.next < least {
            let fault = Fault::new(&fault::BEHIND).object(dir.display());
            faults.push(fault.expected(format!("records up to {least}")).found(log.next));
            log.sync()?;
            log.next = least;
            log.roll()?;
        }
        Ok((log, faults))
    }

    /// Adds a record; it lasts after the next [`Log::sync`]. After a fault nothing was added.
    pub fn append(&mut self, payload: &[u8]) -> Result<Offset> {
        if payload.len() > self.config.record_bytes {
            let fault = Fault::new(&fault::OVERSIZE).object(self.dir.display());
            return Err(fault.expected(format!("at most {} bytes", self.config.record_bytes)).found(payload.len()));
        }
        let record = scan::encode(self.next, payload);
        let full = self.segments.back().is_none_or(|last| {
            !last.positions.is_empty() && last.bytes + record.len() as u64 > self.config.segment_bytes
        });
        if self.closed || full {
            self.roll()?;
        }
        let Some(last) = self.segments.back_mut() else { return Err(Fault::new(&fault::CLOSED)) };
        let path = segment_path(&self.dir, last.base);
        if let Err(cause) = self.disk.append(&path, &record) {
            // Whatever part was written must not stand before the next record.
            self.closed = self.disk.truncate(&path, last.bytes).is_err();
            return Err(failed(&path, cause));
        }
        last.positions.push(last.bytes as u32);
        last.bytes += record.len() as u64;
        self.next += 1;
        Ok(self.next - 1)
    }

    /// Makes every record last. After a fault the records since the last successful call are gone from the log
    /// (the kernel may have dropped their pages), and [`Log::next_offset`] has fallen back.
    pub fn sync(&mut self) -> Result<()> {
        let Some(last) = self.segments.back_mut().filter(|last| last.positions.len() > self.synced) else {
            return Ok(());
        };
        let path = segment_path(&self.dir, last.base);
        if let Err(cause) = self.disk.sync(&path) {
            last.bytes = last.positions.get(self.synced).map_or(last.bytes, |at| u64::from(*at));
            last.positions.truncate(self.synced);
            self.next = last.end();
            self.closed = true;
            self.rollbacks += 1;
            return Err(failed(&path, cause));
        }
        self.synced = last.positions.len();
        Ok(())
    }

    /// Records from `from` on, at most `records` of them and (but for the first) at most `bytes` of payload.
    /// A record that does not check is a fault when it is the first; otherwise the answer ends before it.
    pub fn read(&self, from: Offset, records: usize, bytes: usize) -> Result<Vec<(Offset, Bytes)>> {
        let mut found: Vec<(Offset, Bytes)> = Vec::new();
        let mut room = bytes;
        let first = self.segments.partition_point(|segment| segment.end() <= from);
        for segment in self.segments.iter().skip(first) {
            let start = from.max(segment.base);
            let left = records - found.len();
            if left == 0 {
                break;
            }
            let before = found.len();
            let wanted = self.read_segment(segment, start, left, &mut room, &mut found)?;
            if found.len() - before < wanted || room == 0 {
                break;
            }
        }
        Ok(found)
    }

    /// Reads within one segment; says how many records it held that were asked for.
    fn read_segment(
        &self,
        segment: &Segment,
        start: Offset,
        most: usize,
        room: &mut usize,
        found: &mut Vec<(Offset, Bytes)>,
    ) -> Result<usize> {
        let first = (start - segment.base) as usize;
        let wanted = most.min(segment.positions.len() - first);
        let ends = segment.positions.iter().skip(1).map(|at| u64::from(*at)).chain([segment.bytes]);
        let places = segment.positions.iter().map(|at| u64::from(*at)).zip(ends).skip(first).take(wanted);
        let mut take = Vec::new();
        for (begin, end) in places {
            let size = (end - begin) as usize - HEADER_BYTES;
            if size > *room && !(found.is_empty() && take.is_empty()) {
                *room = 0;
                break;
            }
            *room = room.saturating_sub(size);
            take.push((begin, end));
        }
        let (Some((begin, _)), Some((_, end))) = (take.first().copied(), take.last().copied()) else {
            return Ok(wanted);
        };
        let path = segment_path(&self.dir, segment.base);
        let content = self.disk.read(&path, begin, (end - begin) as usize).map_err(|cause| failed(&path, cause))?;
        let content = Bytes::from(content);
        for (offset, (from, to)) in (start..).zip(take) {
            let (from, to) = ((from - begin) as usize, (to - begin) as usize);
            let record = content.get(from..to).map(|bytes| scan::look(bytes, offset, self.config.record_bytes));
            match record {
                Some(Found::Record(_)) => found.push((offset, content.slice(from + HEADER_BYTES..to))),
                _ if found.is_empty() => {
                    return Err(Fault::new(&fault::UNREADABLE).object(format!("record {offset} in {}", path.display())));
                }
                _ => break,
            }
        }
        Ok(wanted)
    }

    /// Removes the segments whose records all lie before `offset`.
    pub fn truncate_before(&mut self, offset: Offset) -> Result<()> {
        let worth = WORTH_REMOVING.min(self.config.segment_bytes / 4);
        if offset >= self.next && self.segments.back().is_some_and(|last| last.bytes >= worth) {
            self.roll()?;
        }
        let mut removed = false;
        while self.segments.get(1).is_some_and(|second| second.base <= offset) {
            let Some(first) = self.segments.front() else { break };
            let path = segment_path(&self.dir, first.base);
            self.disk.remove(&path).map_err(|cause| failed(&path, cause))?;
            self.segments.pop_front();
            removed = true;
        }
        if removed {
            self.disk.sync_dir(&self.dir).map_err(|cause| failed(&self.dir, cause))?;
        }
        Ok(())
    }

    /// Closes the last segment and begins a new one, so that the old one can be removed.
    pub fn roll(&mut self) -> Result<()> {
        self.sync()?;
        let path = segment_path(&self.dir, self.next);
        // From here on the new file may exist, and the old segment must not grow past its first number.
        self.closed = true;
        if let Some(last) = self.segments.back().filter(|last| last.base == self.next) {
            // An empty segment of this name is there, perhaps with the remains of a failed write in it.
            self.disk.truncate(&path, last.bytes).map_err(|cause| failed(&path, cause))?;
        } else {
            self.disk.create(&path).map_err(|cause| failed(&path, cause))?;
            self.disk.sync_dir(&self.dir).map_err(|cause| failed(&path, cause))?;
            self.segments.push_back(Segment { base: self.next, positions: Vec::new(), bytes: 0 });
        }
        self.synced = 0;
        self.closed = false;
        Ok(())
    }

    /// Offset of the first record still held (or of the next one when none is).
    pub fn first_offset(&self) -> Offset {
        let held = self.segments.iter().find(|segment| !segment.positions.is_empty());
        held.map_or(self.next, |segment| segment.base)
    }

    /// Offset that the next record gets.
    pub fn next_offset(&self) -> Offset {
        self.next
    }

    /// Offset from which records are not yet known to last.
    pub fn synced_offset(&self) -> Offset {
        self.segments.back().map_or(self.next, |last| last.base + self.synced as u64)
    }

    /// How often a failed sync took back records. An offset given before a rollback may be given again after it.
    pub(crate) fn rollbacks(&self) -> u64 {
        self.rollbacks
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// First offset and the offset after the last one of the oldest segment that holds records.
    pub fn oldest_segment(&self) -> Option<(Offset, Offset)> {
        let held = self.segments.iter().find(|segment| !segment.positions.is_empty())?;
        Some((held.base, held.end()))
    }

    /// Lists the segments, finishes or undoes a repair that was cut short, and says which were set aside before
    /// and how large they were.
    fn survey(&mut self) -> Result<(Vec<Offset>, BTreeMap<Offset, u64>)> {
        let files = self.disk.list(&self.dir).map_err(|cause| failed(&self.dir, cause))?;
        let of = |ending: &str| -> BTreeMap<Offset, u64> {
            let stems = files.iter().filter_map(|(name, size)| Some((name.strip_suffix(ending)?, *size)));
            let stems = stems.filter(|(stem, _)| stem.len() == NAME_DIGITS);
            stems.filter_map(|(stem, size)| Some((stem.parse().ok()?, size))).collect()
        };
        let aside = of(".corrupt");
        let mut bases: Vec<Offset> = of(".log").into_keys().collect();
        for base in of(".new").into_keys() {
            let from = segment_path(&self.dir, base).with_extension("new");
            let done = if aside.contains_key(&base) && !bases.contains(&base) {
                bases.push(base);
                self.disk.rename(&from, &segment_path(&self.dir, base))
            } else {
                self.disk.remove(&from)
            };
            done.map_err(|cause| failed(&from, cause))?;
        }
        bases.sort_unstable();
        Ok((bases, aside))
    }

    /// Takes in one segment. `until` is the base of the next one, which tells how many records this one must hold;
    /// `aside` is the size of its damaged twin, if it was repaired before.
    fn recover(
        &mut self,
        base: Offset,
        until: Option<Offset>,
        aside: Option<u64>,
        faults: &mut Vec<Fault>,
    ) -> Result<()> {
        let path = segment_path(&self.dir, base);
        let content = self.disk.read(&path, 0, usize::MAX).map_err(|cause| failed(&path, cause))?;
        let mut found = scan::scan(&content, base, self.config.record_bytes);
        if let Some(most) = until.map(|until| (until - base) as usize).filter(|most| *most < found.positions.len()) {
            // A later segment took over from here: the rest was never synced and its writer was told so.
            found.good_bytes = u64::from(found.positions[most]);
            found.positions.truncate(most);
        }
        let end = base + found.positions.len() as u64;
        // Every lost record took at least a header: no number that may have been given is given again.
        let after = |size: u64| end + size.saturating_sub(found.good_bytes) / HEADER_BYTES as u64 + 1;
        let size = content.len() as u64;
        let damaged = (found.ending == Ending::Damaged).then_some(size);
        let next = until.unwrap_or_else(|| damaged.or(aside).map_or(end, after));
        let short = end < next;
        if short && aside.is_none() {
            faults.push(match found.ending {
                Ending::Clean => Fault::new(&fault::MISSING_SEGMENT).object(format!(
                    "offsets {end} to {} after {}",
                    next - 1,
                    path.display()
                )),
                _ => self.set_aside(&path, &content, &found, end, until)?,
            });
        } else if found.good_bytes < size {
            if until.is_none() {
                let fault = Fault::new(&fault::TORN_TAIL).object(path.display());
                faults.push(fault.found(format!("{} bytes after record {end}", size - found.good_bytes)));
            }
            self.disk.truncate(&path, found.good_bytes).map_err(|cause| failed(&path, cause))?;
            self.disk.sync(&path).map_err(|cause| failed(&path, cause))?;
        }
        if until.is_none() {
            // A program that was killed may have left records and names that only the kernel holds.
            self.disk.sync(&path).map_err(|cause| failed(&path, cause))?;
            self.disk.sync_dir(&self.dir).map_err(|cause| failed(&self.dir, cause))?;
        }
        self.synced = found.positions.len();
        self.segments.push_back(Segment { base, positions: found.positions, bytes: found.good_bytes });
        self.next = next;
        self.closed = false;
        if until.is_none() && short { self.roll() } else { Ok(()) }
    }

    /// Keeps the good beginning of a damaged segment and renames the whole of it to `*.corrupt`.
    fn set_aside(
        &self,
        path: &Path,
        content: &[u8],
        found: &Scan,
        end: Offset,
        until: Option<Offset>,
    ) -> Result<Fault> {
        let fresh = path.with_extension("new");
        let salvage = || -> std::io::Result<()> {
            self.disk.create(&fresh)?;
            self.disk.append(&fresh, &content[..found.good_bytes as usize])?;
            self.disk.sync(&fresh)?;
            self.disk.sync_dir(&self.dir)?;
            self.disk.rename(path, &path.with_extension("corrupt"))?;
            self.disk.rename(&fresh, path)?;
            self.disk.sync_dir(&self.dir)
        };
        salvage().map_err(|cause| failed(path, cause))?;
        let lost = match until {
            Some(until) => format!("offsets {end} to {}", until - 1),
            None => format!("offsets from {end} to the end"),
        };
        Ok(Fault::new(&fault::CORRUPT_SEGMENT).object(format!("{lost} of {}", path.display())))
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "log {} [{}..{})", self.dir.display(), self.first_offset(), self.next)
    }
}

/// Digits of an offset in a file name, so that names sort as offsets do.
const NAME_DIGITS: usize = 20;

fn segment_path(dir: &Path, base: Offset) -> PathBuf {
    dir.join(format!("{base:020}.log"))
}
