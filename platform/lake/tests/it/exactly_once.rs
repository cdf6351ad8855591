//! After a failure at any point, replay of the log leaves every record present once.

use crate::scene::{AGENT, LyingTables, Scene, alert_frame, count, frame};
use base::{Random, SeededRandom};
use kit::synthetic::synthetic;
use lake::{Arrived, Lake, fault};
use port::Query;
use std::collections::BTreeSet;
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

/// A crash leaves such files, but so does a state database that was lost or restored: then they are all that is left.
#[tokio::test]
async fn files_that_the_manifest_does_not_know_are_set_aside_and_half_written_ones_deleted() {
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
    assert_eq!(aside(&scene), ["process-000000009999.images", "process-000000009999.parquet"]);
    let notices = lake.notices();
    assert!(notices.len() == 1 && notices[0].is(&fault::UNKNOWN_FILES), "{notices:?}");
    holds_everything_once(&lake).await;
    assert!(scene.open().await.unwrap_err().is(&fault::IN_USE), "one process at a time");
}

fn aside(scene: &Scene) -> Vec<String> {
    let entries = std::fs::read_dir(scene.config.dir.join("aside")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_lost_manifest_costs_no_file_and_no_number_comes_twice() {
    let scene = scene();
    let files = live(&scene, &log()).await.unwrap().status().files;
    let lost = Scene { tables: Arc::default(), folder: scene.folder, clock: scene.clock, config: scene.config };
    let lake = live(&lost, &log()).await.unwrap();
    holds_everything_once(&lake).await;
    assert!(lake.notices().iter().any(|notice| notice.is(&fault::UNKNOWN_FILES)));
    drop(lake);
    let before = aside(&lost);
    assert!(before.len() >= files, "{before:?}");
    let lost = Scene { tables: Arc::default(), ..lost };
    drop(lost.open().await.unwrap());
    let after = aside(&lost);
    assert!(before.iter().all(|name| after.contains(name)) && after.len() > before.len(), "{after:?}");
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

/// The last table's folder refuses when the files of all others are written.
#[tokio::test]
async fn a_flush_that_failed_leaves_no_file() {
    let scene = scene();
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(200, 1))).unwrap();
    let folder = scene.config.dir.join("sample");
    std::fs::remove_dir(&folder).unwrap();
    std::fs::write(&folder, b"").unwrap();
    for _ in 0..3 {
        assert!(lake.flush().await.is_err());
    }
    for table in ["process", "file", "network", "dns", "system"] {
        assert_eq!(std::fs::read_dir(scene.config.dir.join(table)).unwrap().count(), 0, "{table}");
    }
    std::fs::remove_file(&folder).unwrap();
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(lake.flush().await.unwrap().rows, 202);
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 200);
}

/// The write-ahead log failed a frame, took the next one of the lane, and then the first when it came again.
#[tokio::test]
async fn a_frame_that_comes_again_behind_a_later_one_is_taken() {
    let scene = scene();
    let lake = scene.open().await.unwrap();
    let (first, second) = (frame(1, synthetic(9, 1)), frame(11, synthetic(9, 2)));
    lake.append(second.clone()).unwrap();
    lake.flush().await.unwrap();
    assert_eq!(lake.append(first.clone()).unwrap().repeated, 0);
    lake.flush().await.unwrap();
    for again in [&first, &second] {
        assert_eq!(lake.append(again.clone()).unwrap().rows, 0);
    }
    drop(lake);
    let lake = scene.open().await.unwrap();
    for again in [&first, &second] {
        assert_eq!(lake.append(again.clone()).unwrap().rows, 0, "after a start");
    }
    assert_eq!(count(&lake, "SELECT count(DISTINCT seq) FROM events").await, 18);
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 18);
}

/// Frames in any order, repeated, overlapping, with flushes and starts between them: each number is there once.
#[tokio::test]
async fn frames_in_any_order_agree_with_the_set_of_their_numbers() {
    for seed in 1..=8 {
        let random = SeededRandom::new(seed);
        let scene = scene();
        let mut lake = scene.open().await.unwrap();
        let (mut flushed, mut model): (Vec<Arrived>, BTreeSet<u64>) = Default::default();
        for step in 1..=40 {
            let (first, events) = (random.below(60) + 1, random.below(6) as usize);
            let mut frame = frame(first, synthetic(events, seed));
            frame.wal_offset = step;
            let numbers = first..=first + events as u64;
            let repeated = numbers.clone().filter(|number| model.contains(number)).count();
            assert_eq!(lake.append(frame.clone()).unwrap().repeated, repeated, "seed {seed}, step {step}");
            model.extend(numbers);
            flushed.push(frame);
            match random.below(8) {
                0 => drop(lake.flush().await.unwrap()),
                1 => {
                    drop(lake);
                    lake = scene.open().await.unwrap();
                    let start = lake.committed_offset();
                    for frame in flushed.iter().filter(|frame| frame.wal_offset > start) {
                        lake.append(frame.clone()).unwrap();
                    }
                }
                _ => {}
            }
        }
        lake.flush().await.unwrap();
        let held = lake.positions(AGENT).into_iter().flat_map(|run| run.first_seq..=run.last_seq);
        assert_eq!(held.collect::<BTreeSet<u64>>(), model, "seed {seed}");
        let numbers = "SELECT seq FROM events UNION ALL SELECT DISTINCT seq FROM sample";
        let distinct = count(&lake, &format!("SELECT count(DISTINCT seq) FROM ({numbers})")).await;
        let rows = count(&lake, &format!("SELECT count(*) FROM ({numbers})")).await;
        assert_eq!((distinct, rows), (model.len() as u64, model.len() as u64), "seed {seed}");
    }
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
    assert_eq!(lake.tables().await.unwrap().len(), 12);
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 50);
}
