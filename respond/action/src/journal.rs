//! The durable memory of orders: what was meant, what was done, how to take it back, what was answered.
//!
//! An append-only file of lines `CRC32C JSON`. A line that is cut short by a crash is dropped at the next start;
//! a damaged line elsewhere is counted and skipped. At every start, and when it has grown, the file is written
//! anew with the orders in force and the newest finished ones; where the disk has no room for that, the old file
//! is gone on with.

use crate::fault;
use base::{Fault, Micros, Result};
use record::{Order, Receipt};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file grows by at most this many bytes before it is written anew.
const GROWTH_BYTES: u64 = 4 << 20;
/// Longest line that is read; a fork bomb of [`crate::tree`]'s limit needs about 3 MB.
const LINE_BYTES: usize = 8 << 20;
/// Bytes of finished orders that are remembered; a receipt of a large tree has about 20 KB.
const FINISHED_BYTES: usize = 8 << 20;
/// Finished orders that are remembered, so that a repeated id is answered and not carried out again.
pub(crate) const FINISHED_MAX: usize = 4096;

/// When a lease began, in the two times that outlive the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Began {
    pub(crate) wall: Micros,
    pub(crate) uptime: Micros,
    pub(crate) boot: String,
}

/// How far an order got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// About to change something, or in the middle of it.
    Intent,
    /// Changed, not read back yet.
    Applied,
    /// In force and read back; it has a lease.
    Live,
    /// Failed, and what was changed could not be taken back yet.
    Owed,
    /// Over: refused, failed, undone, expired, or done for good.
    Finished,
}

/// What is known of one order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Counts up with every new order: the order of carrying out.
    pub(crate) number: u64,
    pub(crate) order: Order,
    pub(crate) stage: Stage,
    pub(crate) record: Value,
    pub(crate) touched: Vec<String>,
    pub(crate) began: Began,
    pub(crate) receipts: Vec<Receipt>,
    /// Whether the last receipt is on its way to the server for sure. Journals of before knew no such mark.
    #[serde(default = "yes")]
    pub(crate) told: bool,
}

fn yes() -> bool {
    true
}

impl Entry {
    /// The newest receipt of this very order: undoing also answers for the order that was undone.
    pub(crate) fn last(&self) -> Option<&Receipt> {
        self.receipts.iter().rev().find(|receipt| receipt.order == self.order.id)
    }
}

/// A line that says no more than that an order's last receipt was told.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    told: String,
}

/// What a line holds.
enum Line {
    Entry(Box<Entry>),
    Told(Told),
}

/// The journal.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    written: u64,
    compact_bytes: u64,
    entries: BTreeMap<String, Entry>,
    next: u64,
    damaged: usize,
}

fn failed(path: &Path, cause: std::io::Error) -> Fault {
    Fault::new(&fault::STORE).object(path.display()).because(cause)
}

fn line(content: &impl Serialize) -> Result<String> {
    let json =
        serde_json::to_string(content).map_err(|cause| Fault::new(&fault::DAMAGED).object("journal").because(cause))?;
    if json.len() > LINE_BYTES - 16 {
        // It would not be read again.
        let fault = Fault::new(&fault::TOO_LARGE).object("journal line");
        return Err(fault.expected(format!("at most {LINE_BYTES} bytes")).found(json.len()));
    }
    Ok(format!("{:08x} {json}\n", crc32c::crc32c(json.as_bytes())))
}

fn parse(line: &[u8]) -> Option<Line> {
    if line.len() > LINE_BYTES || line.get(8) != Some(&b' ') {
        return None;
    }
    let crc = u32::from_str_radix(std::str::from_utf8(&line[..8]).ok()?, 16).ok()?;
    let json = &line[9..];
    if crc32c::crc32c(json) != crc {
        return None;
    }
    let told = || serde_json::from_slice(json).ok().map(Line::Told);
    serde_json::from_slice(json).ok().map(Line::Entry).or_else(told)
}

/// The entries of a journal's bytes, newest state of each, and how many lines were damaged. A torn last line is
/// no damage.
fn load(bytes: &[u8]) -> (BTreeMap<String, Entry>, usize) {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut damaged = 0;
    for part in bytes.split_inclusive(|byte| *byte == b'\n') {
        match part.strip_suffix(b"\n").map(parse) {
            Some(Some(Line::Entry(entry))) => {
                entries.insert(entry.order.id.clone(), *entry);
            }
            Some(Some(Line::Told(Told { told }))) => {
                entries.entry(told).and_modify(|entry| entry.told = true);
            }
            Some(None) => damaged += 1,
            None => {}
        }
    }
    (entries, damaged)
}

impl Journal {
    /// Opens it, or begins it.
    pub(crate) fn open(path: PathBuf) -> Result<Journal> {
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(cause) => return Err(failed(&path, cause)),
        };
        let (entries, damaged) = load(&bytes);
        if damaged > 0 {
            tracing::warn!(path = %path.display(), damaged, "journal lines did not check and were skipped");
            // Kept for people: it may name what was in force.
            if let Err(cause) = std::fs::write(path.with_extension("damaged"), &bytes) {
                tracing::warn!(path = %path.display(), %cause, "the damaged journal could not be set aside");
            }
        }
        let mut entries = entries;
        let next = entries.values().map(|entry| entry.number).max().unwrap_or(0) + 1;
        forget(&mut entries)?;
        let (file, written) = rewrite(&path, &entries).or_else(|fault| {
            // On a full disk the hands must start all the same: there may be something to take back.
            tracing::warn!(fault = fault.inside(), "the journal could not be written anew; the old one goes on");
            go_on(&path, &bytes)
        })?;
        let compact_bytes = written + GROWTH_BYTES;
        Ok(Journal { path, file, written, compact_bytes, entries, next, damaged })
    }

    /// Remembers an order until the agent ends, when it could not be written: a repeated id is then still answered.
    pub(crate) fn remember(&mut self, entry: Entry) {
        self.entries.insert(entry.order.id.clone(), slim(entry));
    }

    /// Marks an order's receipt as told. Not durable at once: after a crash it is told twice, never not at all.
    pub(crate) fn told(&mut self, receipt: &Receipt) {
        let Some(entry) = self.entries.get_mut(&receipt.order).filter(|entry| !entry.told) else { return };
        if entry.last().is_none_or(|last| (last.state, last.time_us) != (receipt.state, receipt.time_us)) {
            return;
        }
        entry.told = true;
        let written = line(&Told { told: receipt.order.clone() }).and_then(|text| self.write(&text, false));
        if let Err(fault) = written {
            tracing::warn!(order = receipt.order, fault = fault.inside(), "the journal could not take the mark");
        }
    }

    /// Lines that did not check at the start.
    pub(crate) fn damaged(&self) -> usize {
        self.damaged
    }

    /// The number for a new order.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// What is known of an order.
    pub(crate) fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// The entries that pass, in the order of carrying out.
    pub(crate) fn select(&self, pass: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let mut found: Vec<Entry> = self.entries.values().filter(|entry| pass(entry)).cloned().collect();
        found.sort_by_key(|entry| entry.number);
        found
    }

    /// Writes the newest state of an order, durable before this returns when `durable`. On a fault the state
    /// before stands.
    pub(crate) fn put(&mut self, entry: Entry, durable: bool) -> Result<()> {
        let entry = slim(entry);
        let text = line(&entry)?;
        self.write(&text, durable)?;
        self.entries.insert(entry.order.id.clone(), entry);
        crate::fuse::burn("after a line");
        if self.written > self.compact_bytes
            && let Err(fault) = self.compact()
        {
            // What was put is in the file; it is only longer than it need be.
            tracing::warn!(fault = fault.inside(), "the journal could not be written anew; it grows");
            self.compact_bytes = self.written + GROWTH_BYTES;
        }
        Ok(())
    }

    fn write(&mut self, text: &str, durable: bool) -> Result<()> {
        crate::fuse::burn("before a line");
        if crate::fuse::is_next() {
            // A crash in the middle of writing: half a line.
            let _ = self.file.write_all(&text.as_bytes()[..text.len() / 2]);
        }
        crate::fuse::burn("in a line");
        let start = self.written;
        let written =
            self.file.write_all(text.as_bytes()).and_then(|()| if durable { self.file.sync_data() } else { Ok(()) });
        if let Err(cause) = written {
            // Half a line must not stand before the next one.
            let _ = self.file.set_len(start);
            return Err(failed(&self.path, cause));
        }
        self.written += text.len() as u64;
        Ok(())
    }

    /// Forgets the oldest finished orders and writes the file anew.
    pub(crate) fn compact(&mut self) -> Result<()> {
        forget(&mut self.entries)?;
        let (file, written) = rewrite(&self.path, &self.entries)?;
        self.compact_bytes = written + GROWTH_BYTES;
        (self.file, self.written) = (file, written);
        Ok(())
    }
}

/// A finished order needs no undo record any more, and its receipts say what was touched.
fn slim(mut entry: Entry) -> Entry {
    if entry.stage == Stage::Finished {
        (entry.record, entry.touched) = (Value::Null, Vec::new());
    }
    entry
}

/// Forgets the oldest finished orders above the limits.
fn forget(entries: &mut BTreeMap<String, Entry>) -> Result<()> {
    let mut finished: Vec<(u64, String)> = Vec::new();
    for entry in entries.values().filter(|entry| entry.stage == Stage::Finished) {
        finished.push((entry.number, entry.order.id.clone()));
    }
    finished.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
    let mut bytes = 0;
    for (place, (_, id)) in finished.iter().enumerate() {
        bytes += entries.get(id).map(line).transpose()?.map_or(0, |text| text.len());
        if place >= FINISHED_MAX || bytes > FINISHED_BYTES {
            entries.remove(id);
        }
    }
    Ok(())
}

/// Opens the old file for more lines, without the torn one at its end.
fn go_on(path: &Path, bytes: &[u8]) -> Result<(File, u64)> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1) as u64;
    let mut options = OpenOptions::new();
    let file = options.append(true).create(true).mode(0o600).open(path).map_err(|cause| failed(path, cause))?;
    file.set_len(whole).map_err(|cause| failed(path, cause))?;
    Ok((file, whole))
}

/// Writes all entries beside the file and gives them its name when they are durable.
fn rewrite(path: &Path, entries: &BTreeMap<String, Entry>) -> Result<(File, u64)> {
    let fresh = path.with_extension("new");
    let _ = std::fs::remove_file(&fresh);
    let mut options = OpenOptions::new();
    let mut file =
        options.append(true).create_new(true).mode(0o600).open(&fresh).map_err(|cause| failed(&fresh, cause))?;
    let mut text = String::new();
    for entry in entries.values() {
        text.push_str(&line(entry)?);
    }
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let named = written.and_then(|()| std::fs::rename(&fresh, path));
    if let Err(cause) = named {
        // Half a file only takes room.
        let _ = std::fs::remove_file(&fresh);
        return Err(failed(path, cause));
    }
    if let Some(directory) = path.parent().and_then(|parent| File::open(parent).ok()) {
        let _ = directory.sync_all();
    }
    Ok((file, text.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(id: &str, number: u64, stage: Stage) -> Entry {
        let order = Order { id: id.to_string(), ..Order::default() };
        let began = Began { wall: 1, uptime: 2, boot: "b".into() };
        Entry {
            number,
            order,
            stage,
            record: Value::Null,
            touched: Vec::new(),
            began,
            receipts: Vec::new(),
            told: false,
        }
    }

    #[test]
    fn a_torn_tail_is_dropped_and_damage_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let mut journal = Journal::open(path.clone()).unwrap();
        journal.put(entry("a", 1, Stage::Intent), true).unwrap();
        journal.put(entry("b", 2, Stage::Live), true).unwrap();
        journal.put(entry("a", 1, Stage::Live), true).unwrap();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        let last = line(&entry("a", 1, Stage::Live)).unwrap().len();
        for cut in 1..last {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let journal = Journal::open(path.clone()).unwrap();
            assert_eq!((journal.get("a").unwrap().stage, journal.damaged()), (Stage::Intent, 0));
            assert_eq!(journal.get("b").unwrap().stage, Stage::Live);
        }
        let mut bent = whole.clone();
        bent[20] ^= 1;
        std::fs::write(&path, &bent).unwrap();
        let journal = Journal::open(path.clone()).unwrap();
        assert_eq!((journal.get("a").unwrap().stage, journal.damaged()), (Stage::Live, 1));
    }

    #[test]
    fn finished_orders_are_forgotten_oldest_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let mut journal = Journal::open(path.clone()).unwrap();
        for number in 0..FINISHED_MAX as u64 + 5 {
            journal.put(entry(&format!("o{number}"), number, Stage::Finished), false).unwrap();
        }
        journal.put(entry("live", 3, Stage::Live), true).unwrap();
        journal.compact().unwrap();
        let journal = Journal::open(path).unwrap();
        assert!(journal.get("o4").is_none() && journal.get("o5").is_some() && journal.get("live").is_some());
    }

    #[test]
    fn without_room_for_a_new_file_the_old_one_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let mut journal = Journal::open(path.clone()).unwrap();
        journal.put(entry("a", 1, Stage::Live), true).unwrap();
        // A directory that is not empty stands where the new file would go: it can be neither removed nor made.
        std::fs::create_dir_all(path.with_extension("new").join("full")).unwrap();
        journal.compact_bytes = 0;
        journal.put(entry("b", 2, Stage::Live), true).unwrap();
        drop(journal);
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend_from_slice(b"0123 half a li");
        std::fs::write(&path, &torn).unwrap();
        let mut journal = Journal::open(path.clone()).unwrap();
        journal.put(entry("c", 3, Stage::Live), true).unwrap();
        drop(journal);
        let journal = Journal::open(path).unwrap();
        assert!(["a", "b", "c"].iter().all(|id| journal.get(id).is_some()) && journal.damaged() == 0);
    }

    #[test]
    fn told_receipts_are_marked_and_newer_ones_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let receipt = |time_us| Receipt { order: "a".into(), time_us, ..Receipt::default() };
        let mut journal = Journal::open(path.clone()).unwrap();
        journal.put(Entry { receipts: vec![receipt(1)], ..entry("a", 1, Stage::Live) }, true).unwrap();
        journal.told(&receipt(2));
        assert!(!journal.get("a").unwrap().told, "another receipt was told");
        journal.told(&receipt(1));
        let mut journal = Journal::open(path.clone()).unwrap();
        assert!(journal.get("a").unwrap().told);
        journal.put(Entry { receipts: vec![receipt(2)], ..entry("a", 1, Stage::Finished) }, true).unwrap();
        assert!(!Journal::open(path).unwrap().get("a").unwrap().told);
    }

    #[test]
    fn large_finished_orders_are_forgotten_by_their_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(directory.path().join("journal")).unwrap();
        let touched = vec!["x".repeat(1 << 20)];
        for number in 0..12 {
            let id = format!("o{number}");
            let receipts = vec![Receipt { order: id.clone(), touched: touched.clone(), ..Receipt::default() }];
            journal.put(Entry { receipts, ..entry(&id, number, Stage::Finished) }, false).unwrap();
        }
        journal.compact().unwrap();
        assert!(journal.get("o11").is_some() && journal.get("o5").is_some() && journal.get("o4").is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_load(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = load(&bytes);
        }
    }
}
