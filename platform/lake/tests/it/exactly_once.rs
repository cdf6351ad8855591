//! After a failure at any point, replay of the log leaves every record present once.

use crate::scene::{AGENT, LyingTables, Scene, alert_frame, count, frame};
use kit::synthetic::synthetic;
use lake::{Arrived, Lake, fault};
use port::Query;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const FRAMES: u64 = 6;
const EVENTS: u64 = 20;

/// What the write-ahead log would hold: telemetry and alerts, some frames twice because an acknowledgement was lost.
fn log() -> Vec<Arrived> {
    let mut log = Vec::new();
    let mut offset = 0;
    for number in 0..FRAMES {
        let telemetry = frame(number * (EVENTS + 1) + 1, synthetic(EVENTS as usize, number));
        let again = (number % 2 == 1).then(|| telemetry.clone());
        for mut entry in [Some(telemetry), again, Some(alert_frame(number + 1, 1, 0))].into_iter().flatten() {
            offset += 100;
            entry.wal_offset = offset;
            log.push(entry);
        }
    }
    log
}

/// One life of a server: replay from the committed offset, flush and compact on the way. Ends at the first fault, as a crash does.
async fn live(scene: &Scene, log: &[Arrived]) -> base::Result<Lake> {
    let lake = scene.open().await?;
    let start = lake.committed_offset();
    for (index, entry) in log.iter().filter(|entry| entry.wal_offset > start).enumerate() {
        lake.append(entry.clone())?;
        if index % 3 == 2 {
            lake.flush().await?;
        }
        if index % 5 == 4 {
            lake.compact().await?;
        }
    }
    lake.flush().await?;
    lake.compact().await?;
    lake.retain().await?;
    Ok(lake)
}

async fn holds_everything_once(lake: &Lake) {
    let rows = "SELECT count(*) FROM events";
    let different = "SELECT count(*) FROM (SELECT DISTINCT agent, boot, lane, seq FROM events)";
    assert_eq!(count(lake, rows).await, FRAMES * EVENTS);
    assert_eq!(count(lake, different).await, FRAMES * EVENTS);
    assert_eq!(count(lake, "SELECT count(*) FROM finding").await, FRAMES);
    assert_eq!(count(lake, "SELECT count(DISTINCT id) FROM finding").await, FRAMES);
    assert_eq!(count(lake, "SELECT count(*) FROM sample").await, FRAMES * 2);
    let lasts: Vec<u64> = lake.positions(AGENT).iter().map(|position| position.last_seq).collect();
    assert_eq!(lasts, [FRAMES * (EVENTS + 1), FRAMES]);
}

fn scene() -> Scene {
    let mut scene = Scene::new();
    // Retention keeps everything: the synthetic events are two days old.
    scene.config.retention_days = 0;
    scene
}

#[tokio::test]
async fn a_failure_of_any_call_of_the_tables_loses_and_doubles_nothing() {
    let log = log();
    let whole = scene();
    whole.tables.inner.trip.fail_at(0);
    holds_everything_once(&live(&whole, &log).await.unwrap()).await;
    let calls = whole.tables.inner.trip.calls();
    assert!(calls > 10, "{calls} calls walk through too little");
    for call in 1..=calls {
        let scene = scene();
        scene.tables.inner.trip.fail_at(call);
        assert!(live(&scene, &log).await.is_err(), "call {call} was never made");
        let lake = live(&scene, &log).await.unwrap();
        holds_everything_once(&lake).await;
    }
}

#[tokio::test]
async fn a_commit_that_happened_but_was_reported_failed_doubles_nothing() {
    let log = log();
    for commit in 1..=6 {
        // Once with a crash after the report, once going on in the same life.
        let crashing = scene();
        crashing.tables.lies_at.store(commit, Ordering::SeqCst);
        assert!(live(&crashing, &log).await.is_err());
        holds_everything_once(&live(&crashing, &log).await.unwrap()).await;

        let going_on = scene();
        let lake = going_on.open().await.unwrap();
        let tables: &LyingTables = &going_on.tables;
        tables.lies_at.store(commit, Ordering::SeqCst);
        for entry in &log {
            lake.append(entry.clone()).unwrap();
            if lake.flush().await.is_err() {
                assert_eq!(lake.committed_offset() % 100, 0);
                lake.flush().await.unwrap();
            }
        }
        holds_everything_once(&lake).await;
        drop(lake);
        holds_everything_once(&going_on.open().await.unwrap()).await;
    }
}

#[tokio::test]
async fn rows_of_a_lake_that_was_never_flushed_come_back_by_replay() {
    let log = log();
    let scene = scene();
    let lake = scene.open().await.unwrap();
    for entry in &log[..4] {
        lake.append(entry.clone()).unwrap();
    }
    assert_eq!(lake.committed_offset(), 0);
    drop(lake);
    let lake = live(&scene, &log).await.unwrap();
    holds_everything_once(&lake).await;
    drop(lake);
    holds_everything_once(&scene.open().await.unwrap()).await;
}

#[tokio::test]
async fn files_of_an_interrupted_write_are_removed_at_open() {
    let scene = scene();
    let lake = live(&scene, &log()).await.unwrap();
    drop(lake);
    let stray = ["process/000000009999.parquet", "process/000000009999.images", "file/000000009998.part"];
    for name in stray {
        std::fs::write(scene.config.dir.join(name), b"half").unwrap();
    }
    let lake = scene.open().await.unwrap();
    for name in stray {
        assert!(!scene.config.dir.join(name).exists(), "{name}");
    }
    holds_everything_once(&lake).await;
    assert!(scene.open().await.unwrap_err().is(&fault::IN_USE), "one process at a time");
}

#[tokio::test]
async fn a_disk_that_refuses_keeps_the_rows_in_memory() {
    let scene = scene();
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(50, 1))).unwrap();
    // A plain file where the folder should be stands for any refusal of the file system.
    let folder = scene.config.dir.join("process");
    std::fs::rename(&folder, scene.folder.path().join("away")).unwrap();
    std::fs::write(&folder, b"").unwrap();
    let fault = lake.flush().await.unwrap_err();
    assert!(fault.is(&fault::STORAGE), "{fault:?}");
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 50);
    lake.append(frame(52, synthetic(5, 2))).unwrap();
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(scene.folder.path().join("away"), &folder).unwrap();
    assert_eq!(lake.flush().await.unwrap().rows, 50 + 2 + 5 + 2);
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 55);
    assert_eq!(lake.status().rows_in_memory, 0);
}

#[tokio::test]
async fn overlapping_frames_are_taken_once_and_gaps_are_allowed() {
    let scene = scene();
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(9, 1))).unwrap();
    let mut longer = synthetic(14, 1);
    longer.truncate(14);
    let appended = lake.append(frame(1, longer)).unwrap();
    assert_eq!(
        (appended.rows, appended.repeated),
        (4 + 2, 10),
        "numbers 11 to 14 are new, and the sample is number 15"
    );
    lake.append(frame(100, synthetic(1, 2))).unwrap();
    assert_eq!(count(&lake, "SELECT count(DISTINCT seq) FROM events").await, 9 + 4 + 1);
}

#[tokio::test]
async fn what_does_not_fit_into_memory_is_refused_and_can_come_again() {
    let mut scene = scene();
    scene.config.flush_rows = 10;
    let lake = Arc::new(scene.open().await.unwrap());
    lake.append(frame(1, synthetic(45, 1))).unwrap();
    let more = frame(47, synthetic(5, 2));
    assert!(lake.append(more.clone()).unwrap_err().is(&fault::BEHIND));
    assert!(lake.tick().await.unwrap().is_some());
    lake.append(more).unwrap();
    assert_eq!(lake.tables().await.unwrap().len(), 8);
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 50);
}
