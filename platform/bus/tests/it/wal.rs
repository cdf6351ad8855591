//! The write-ahead log: one sync for many, and no answer before it.

use bus::{Disk, LogConfig, MemoryDisk, Wal, WalRecord, fault};
use record::{AgentId, Batch, Event, Frame, Lane};
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "/wal";
const SMALL: LogConfig = LogConfig { segment_bytes: 2000, record_bytes: 100_000 };

fn record(n: u64) -> WalRecord {
    let events: Vec<Event> = Vec::new();
    let batch = Batch::pack(record::Host::default(), &events);
    let mut frame = Frame::seal(AgentId([1; 16]), 1, Lane::Alert, n, &batch).unwrap();
    frame.first_seq = n;
    WalRecord { received_us: n as i64, frame }
}

async fn held(wal: &Wal) -> Vec<i64> {
    let mut found: Vec<i64> = Vec::new();
    let mut at = wal.first_offset();
    loop {
        let (records, faults) = wal.replay(at, 7, 1 << 20).await.unwrap();
        assert!(faults.is_empty());
        let Some((last, _)) = records.last() else { return found };
        at = last + 1;
        found.extend(records.iter().map(|(_, record)| record.received_us));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_share_syncs_and_all_is_durable_when_they_return() {
    let disk = Arc::new(MemoryDisk::new());
    let (wal, _) = Wal::open(disk.clone(), Path::new(DIR), LogConfig::default()).unwrap();
    let before = disk.trip.calls();
    let writers: Vec<_> = (0..200u64)
        .map(|n| {
            let wal = wal.clone();
            tokio::spawn(async move { wal.append(&record(n)).await.unwrap() })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(*wal.durable().borrow(), 200);
    assert!(disk.trip.calls() - before < 2 * 200, "fewer calls than one write and one sync each");
    wal.close().await;
    assert!(wal.append(&record(1)).await.unwrap_err().is(&bus::fault::CLOSED));
    disk.crash(0);
    let (wal, faults) = Wal::open(disk, Path::new(DIR), LogConfig::default()).unwrap();
    let mut found = held(&wal).await;
    found.sort_unstable();
    assert!(faults.is_empty());
    assert_eq!(found, (0..200).collect::<Vec<_>>());
    wal.truncate_before(200).await.unwrap();
}

#[tokio::test]
async fn what_was_answered_with_ok_survives_a_failure_of_any_call() {
    for n in 1..200 {
        let disk = Arc::new(MemoryDisk::new());
        let (wal, _) = Wal::open(disk.clone(), Path::new(DIR), SMALL).unwrap();
        disk.trip.fail_at(n);
        let mut durable = Vec::new();
        for round in 0..6u64 {
            let group: Vec<WalRecord> = (0..5).map(|each| record(round * 5 + each)).collect();
            let done = futures(&wal, &group).await;
            durable.extend(group.iter().zip(done).filter(|(_, done)| *done).map(|(record, _)| record.received_us));
        }
        wal.close().await;
        disk.trip.fail_at(0);
        disk.crash(0);
        let (wal, _) = Wal::open(disk, Path::new(DIR), SMALL).unwrap();
        let found = held(&wal).await;
        assert!(durable.iter().all(|each| found.contains(each)), "call {n}: {durable:?} in {found:?}");
        assert!(durable.len() >= 20, "one failure costs at most the group it met");
    }
}

async fn futures(wal: &Wal, group: &[WalRecord]) -> Vec<bool> {
    let calls: Vec<_> = group
        .iter()
        .map(|record| {
            let (wal, record) = (wal.clone(), record.clone());
            tokio::spawn(async move { wal.append(&record).await.is_ok() })
        })
        .collect();
    let mut done = Vec::new();
    for call in calls {
        done.push(call.await.unwrap());
    }
    done
}

/// A record that was acknowledged must not be stepped over because the disk failed a call once.
#[tokio::test]
async fn a_disk_that_fails_a_read_once_costs_no_record() {
    let disk = Arc::new(MemoryDisk::new());
    let (wal, _) = Wal::open(disk.clone(), Path::new(DIR), SMALL).unwrap();
    for n in 0..10 {
        wal.append(&record(n)).await.unwrap();
    }
    disk.trip.fail_at(0);
    wal.replay(0, 3, 1 << 20).await.unwrap();
    for n in 1..=disk.trip.calls() {
        disk.trip.fail_at(n);
        assert!(wal.replay(0, 3, 1 << 20).await.is_err_and(|met| met.is(&fault::DISK)), "call {n}");
        disk.trip.fail_at(0);
        assert_eq!(held(&wal).await, (0..10).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_damaged_record_is_skipped_by_name_and_the_next_are_read() {
    let disk = Arc::new(MemoryDisk::new());
    let (wal, _) = Wal::open(disk.clone(), Path::new(DIR), LogConfig::default()).unwrap();
    for n in 0..4 {
        wal.append(&record(n)).await.unwrap();
    }
    disk.flip(&Path::new(DIR).join(format!("{:020}.log", 0)), 12);
    let (records, faults) = wal.replay(0, 10, 1 << 20).await.unwrap();
    assert!(faults.len() == 1 && faults[0].is(&fault::UNREADABLE), "{faults:?}");
    assert_eq!(records.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [1, 2, 3]);
}

/// The reader has committed up to 1000 and the directory is gone: a record numbered 0 would never be read.
#[tokio::test]
async fn a_lost_log_goes_on_behind_what_was_committed() {
    let disk = Arc::new(MemoryDisk::new());
    let (wal, faults) = Wal::open_from(disk.clone(), Path::new(DIR), SMALL, 1000).unwrap();
    assert!(faults.len() == 1 && faults[0].is(&fault::BEHIND), "{faults:?}");
    assert_eq!((wal.first_offset(), wal.start(1000), *wal.durable().borrow()), (1000, 1000, 1000));
    assert_eq!(wal.append(&record(5)).await.unwrap(), 1000);
    wal.close().await;
    disk.crash(0);
    let (wal, faults) = Wal::open_from(disk.clone(), Path::new(DIR), SMALL, 1000).unwrap();
    assert!(faults.is_empty(), "said once: {faults:?}");
    assert_eq!((held(&wal).await, wal.start(1001)), (vec![5], 1001));
}

#[tokio::test]
async fn an_older_copy_of_the_log_is_read_whole() {
    let disk = Arc::new(MemoryDisk::new());
    let (wal, _) = Wal::open(disk.clone(), Path::new(DIR), SMALL).unwrap();
    for n in 0..3 {
        wal.append(&record(n)).await.unwrap();
    }
    wal.close().await;
    let (wal, faults) = Wal::open_from(disk.clone(), Path::new(DIR), SMALL, 500).unwrap();
    assert!(faults.iter().any(|fault| fault.is(&fault::BEHIND)));
    assert_eq!((wal.start(500), wal.start(501)), (0, 501));
    assert_eq!(wal.append(&record(3)).await.unwrap(), 500);
    assert_eq!(held(&wal).await, [0, 1, 2, 3]);
    assert!(disk.list(Path::new(DIR)).unwrap().len() >= 2);
}
