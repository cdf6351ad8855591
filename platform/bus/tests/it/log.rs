//! The log against a model.

use bus::{Disk, Log, LogConfig, MemoryDisk, Mishap, Offset, fault};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "/log";
const SMALL: LogConfig = LogConfig { segment_bytes: 200, record_bytes: 1000 };

fn open(disk: &Arc<MemoryDisk>) -> (Log, Vec<base::Fault>) {
    Log::open(disk.clone(), Path::new(DIR), SMALL).unwrap()
}

fn all(log: &Log) -> Vec<(Offset, Vec<u8>)> {
    let mut found: Vec<(Offset, Vec<u8>)> = Vec::new();
    loop {
        let from = found.last().map_or(0, |(offset, _)| offset + 1);
        let read = log.read(from, 3, 100).or_else(|_| log.read(from, 3, 100)).unwrap();
        if read.is_empty() {
            return found;
        }
        found.extend(read.into_iter().map(|(offset, bytes)| (offset, bytes.to_vec())));
    }
}

fn payload(n: u64, length: usize) -> Vec<u8> {
    n.to_le_bytes().into_iter().cycle().take(length).collect()
}

#[test]
fn every_prefix_of_the_last_record_recovers() {
    let length = 50;
    for keep in 0..=length + 8 {
        let disk = Arc::new(MemoryDisk::new());
        let (mut log, _) = open(&disk);
        for n in 0..3 {
            log.append(&payload(n, length)).unwrap();
            log.sync().unwrap();
        }
        log.append(&payload(3, length)).unwrap();
        disk.crash(keep);
        let (mut log, faults) = open(&disk);
        let whole = keep == length + 8;
        let torn = keep > 0 && !whole;
        assert_eq!(all(&log).len(), if whole { 4 } else { 3 }, "prefix of {keep} bytes");
        assert_eq!(
            faults.iter().map(|fault| fault.code().id).collect::<Vec<_>>(),
            if torn { vec![fault::TORN_TAIL.id] } else { vec![] }
        );
        let next = log.append(b"next").unwrap();
        assert_eq!(all(&log).last().unwrap(), &(next, b"next".to_vec()));
        log.sync().unwrap();
        let (log, faults) = open(&disk);
        assert!(faults.is_empty() && all(&log).len() as u64 == next + 1);
    }
}

fn three_segments(disk: &Arc<MemoryDisk>) {
    let (mut log, _) = open(disk);
    for n in 0..12 {
        log.append(&payload(n, 40)).unwrap();
    }
    log.sync().unwrap();
}

#[test]
fn a_damaged_middle_segment_is_set_aside_with_its_range_named() {
    for at in 0..192 {
        let disk = Arc::new(MemoryDisk::new());
        three_segments(&disk);
        disk.flip(&Path::new(DIR).join("00000000000000000004.log"), at);
        let (log, faults) = open(&disk);
        let bad = 4 + at as u64 / 48;
        assert_eq!(faults.len(), 1, "byte {at}");
        assert!(faults[0].is(&fault::CORRUPT_SEGMENT) && faults[0].named().contains("00000000000000000004"));
        assert!(faults[0].named().contains(&format!("offsets {bad} to 7 ")), "{}", faults[0]);
        let kept: Vec<u64> = all(&log).into_iter().map(|(offset, _)| offset).collect();
        assert_eq!(kept, (0..bad).chain(8..12).collect::<Vec<_>>());
        assert!(disk.list(Path::new(DIR)).unwrap().iter().any(|(name, _)| name == "00000000000000000004.corrupt"));
        disk.crash(0);
        let (log, faults) = open(&disk);
        assert!(faults.is_empty() && all(&log).len() == kept.len(), "the repair is not repeated");
    }
}

#[test]
fn a_damaged_last_segment_never_gives_a_number_twice() {
    let disk = Arc::new(MemoryDisk::new());
    three_segments(&disk);
    disk.flip(&Path::new(DIR).join("00000000000000000008.log"), 60);
    let (log, faults) = open(&disk);
    assert!(faults[0].is(&fault::CORRUPT_SEGMENT) && log.next_offset() >= 12);
    disk.crash(0);
    let (mut log, faults) = open(&disk);
    assert!(faults.is_empty());
    let next = log.append(b"after").unwrap();
    assert!(next >= 12);
    assert_eq!(all(&log).last().unwrap().0, next);
}

#[test]
fn a_missing_segment_is_a_fault() {
    let disk = Arc::new(MemoryDisk::new());
    three_segments(&disk);
    disk.remove(&Path::new(DIR).join("00000000000000000004.log")).unwrap();
    let (log, faults) = open(&disk);
    assert!(faults[0].is(&fault::MISSING_SEGMENT) && faults[0].named().contains("offsets 4 to 7"), "{:?}", faults);
    assert_eq!(all(&log).len(), 8);
}

#[test]
fn removal_keeps_what_is_not_passed_and_empties_when_all_is() {
    let disk = Arc::new(MemoryDisk::new());
    three_segments(&disk);
    let (mut log, _) = open(&disk);
    log.truncate_before(7).unwrap();
    assert_eq!(log.first_offset(), 4);
    log.truncate_before(12).unwrap();
    assert_eq!((log.first_offset(), log.bytes()), (12, 0));
    let (log, faults) = open(&disk);
    assert!(faults.is_empty());
    assert_eq!(log.next_offset(), 12, "numbers go on after everything was removed");
}

/// A step of a random walk.
#[derive(Debug, Clone)]
enum Step {
    Append(usize),
    Sync,
    Remove(u64),
    Reopen,
    Crash(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0usize..120).prop_map(Step::Append),
        3 => Just(Step::Sync),
        1 => (0u64..12).prop_map(Step::Remove),
        1 => Just(Step::Reopen),
        1 => (0usize..200).prop_map(Step::Crash),
    ];
    proptest::collection::vec(step, 1..40)
}

/// What must and what may be in the log.
#[derive(Default)]
struct Model {
    /// Synced and not removed.
    must: BTreeMap<Offset, Vec<u8>>,
    /// Appended since the last sync.
    open: BTreeMap<Offset, Vec<u8>>,
    /// Everything ever appended under a number.
    may: BTreeMap<Offset, Vec<Vec<u8>>>,
    appended: u64,
}

impl Model {
    fn check(&self, log: &Log) {
        let found = all(log);
        for (offset, bytes) in &found {
            assert!(
                self.may.get(offset).is_some_and(|tried| tried.contains(bytes)),
                "record {offset} was never written so"
            );
        }
        let found: BTreeMap<Offset, Vec<u8>> = found.into_iter().collect();
        for (offset, bytes) in &self.must {
            assert_eq!(found.get(offset), Some(bytes), "synced record {offset} is gone");
        }
        assert!(self.must.keys().next_back().is_none_or(|last| log.next_offset() > *last));
    }
}

fn reopen(disk: &Arc<MemoryDisk>) -> Log {
    let open = || Log::open(disk.clone(), Path::new(DIR), SMALL);
    open().or_else(|_| open()).unwrap().0
}

impl Model {
    fn append(&mut self, log: &mut Log, length: usize) -> base::Result<()> {
        self.appended += 1;
        let bytes = payload(self.appended, length);
        // Even a failed write may be found after a crash.
        self.may.entry(log.next_offset()).or_default().push(bytes.clone());
        let before = log.next_offset();
        let done = log.append(&bytes);
        if let Ok(offset) = done {
            self.open.insert(offset, bytes);
        } else if log.next_offset() < before {
            self.open.clear();
        }
        // A new segment begins with a sync of the old one.
        self.synced(log);
        done.map(drop)
    }

    fn sync(&mut self, log: &mut Log) -> base::Result<()> {
        let done = log.sync();
        match done {
            Ok(()) => self.must.append(&mut self.open),
            Err(_) => self.open.clear(),
        }
        done
    }

    fn remove(&mut self, log: &mut Log, back: u64) -> base::Result<()> {
        let before = log.next_offset().saturating_sub(back);
        let done = log.truncate_before(before);
        self.synced(log);
        if done.is_err() {
            self.open.retain(|offset, _| *offset < log.next_offset());
        }
        self.must.retain(|offset, _| *offset >= before);
        done
    }

    /// What the log says is lasting must be there from now on.
    fn synced(&mut self, log: &Log) {
        let rest = self.open.split_off(&log.synced_offset());
        self.must.append(&mut self.open);
        self.open = rest;
    }
}

/// Walks; stops after the first fault when `cut`. Returns the number of calls to the disk.
fn walk(steps: &[Step], disk: &Arc<MemoryDisk>, cut: bool, keep: usize) -> u64 {
    let mut model = Model::default();
    let mut log = match Log::open(disk.clone(), Path::new(DIR), SMALL) {
        Ok((log, _)) => log,
        Err(_) if cut => return disk.trip.calls(),
        Err(_) => reopen(disk),
    };
    for step in steps {
        let done = match step {
            Step::Append(length) => model.append(&mut log, *length),
            Step::Sync => model.sync(&mut log),
            Step::Remove(back) => model.remove(&mut log, *back),
            Step::Reopen | Step::Crash(_) => {
                if let Step::Crash(keep) = step {
                    disk.crash(*keep);
                    model.open.clear();
                }
                log = reopen(disk);
                Ok(())
            }
        };
        if done.is_err() && cut {
            break;
        }
        model.check(&log);
    }
    let calls = disk.trip.calls();
    disk.trip.fail_at(0);
    disk.crash(keep);
    model.check(&open(disk).0);
    calls
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_log_agrees_with_its_model(steps in steps(), keep in 0usize..300) {
        walk(&steps, &Arc::new(MemoryDisk::new()), false, keep);
    }

    #[test]
    fn a_crash_or_failure_at_any_call_loses_nothing_synced(steps in steps(), keep in 0usize..300, full in any::<bool>()) {
        for cut in [false, true] {
            for n in 1.. {
                let disk = Arc::new(MemoryDisk::new());
                disk.fail_with(if full { Mishap::Full } else { Mishap::Broken });
                disk.trip.fail_at(n);
                if walk(&steps, &disk, cut, keep) < n {
                    break;
                }
            }
        }
    }
}
