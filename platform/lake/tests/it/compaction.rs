//! Compaction keeps every row; retention drops what it says.

use crate::scene::{NOW_US, Scene, alert_frame, count, frame, sql};
use kit::synthetic::synthetic;
use lake::{Family, Reason, fault};
use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

const DAY_US: i64 = 86_400_000_000;

#[tokio::test]
async fn the_same_rows_before_and_after() {
    let scene = Scene::new();
    let lake = scene.open().await.unwrap();
    for number in 0..8u64 {
        lake.append(frame(number * 301 + 1, synthetic(300, number))).unwrap();
        lake.append(alert_frame(number + 1, 1, 0)).unwrap();
        lake.flush().await.unwrap();
    }
    let mut before = Vec::new();
    let questions: Vec<String> = Family::ALL
        .iter()
        .map(|family| match family {
            Family::Finding | Family::Sample => format!("SELECT * FROM {} ORDER BY lane, seq, time, 7", family.word()),
            family => {
                let columns = lake_columns(&lake_tables(), family.word());
                format!("SELECT {columns} FROM {} ORDER BY seq", family.word())
            }
        })
        .collect();
    for question in &questions {
        before.push(sql(&lake, question).await);
    }
    let files = lake.status().files;
    let compacted = lake.compact().await.unwrap();
    assert_eq!((compacted.from, compacted.to, files), (56, 7, 56));
    assert_eq!((lake.status().files, lake.status().bytes), (7, compacted.bytes_after));
    for (question, rows) in questions.iter().zip(&before) {
        assert_eq!(&sql(&lake, question).await, rows, "{question}");
    }
    assert_eq!(lake.compact().await.unwrap(), Default::default(), "once is enough");
    let on_disk = std::fs::read_dir(scene.config.dir.join("process")).unwrap().count();
    assert_eq!(on_disk, 2, "replaced files are deleted: rows and images remain");
}

/// Columns that do not tell where a row lies.
fn lake_columns(tables: &[(String, Vec<port::Column>)], table: &str) -> String {
    let (_, columns) = tables.iter().find(|(name, _)| name == table).unwrap();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).filter(|name| *name != "image").collect();
    names.join(", ")
}

fn lake_tables() -> Vec<(String, Vec<port::Column>)> {
    let runtime = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { port::Query::tables(&Scene::new().open().await.unwrap()).await.unwrap() })
    });
    runtime.join().unwrap()
}

#[tokio::test]
async fn retention_counts_what_it_drops_and_keeps_findings() {
    let mut scene = Scene::new();
    scene.config.retention_days = 3;
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(100, 1))).unwrap();
    lake.append(alert_frame(1, 3, 0)).unwrap();
    lake.flush().await.unwrap();
    assert_eq!(lake.retain().await.unwrap(), []);
    scene.clock.advance(2 * DAY_US);
    let retired = lake.retain().await.unwrap();
    assert_eq!(retired.iter().map(|one| one.rows).sum::<u64>(), 102);
    assert!(retired.iter().all(|one| one.reason == Reason::Age && one.family != Family::Finding), "{retired:?}");
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 0);
    assert_eq!(count(&lake, "SELECT count(*) FROM finding").await, 3);
    assert_eq!(std::fs::read_dir(scene.config.dir.join("process")).unwrap().count(), 0, "and the files are gone");
    lake.append(frame(1, synthetic(100, 1))).unwrap();
    assert_eq!(count(&lake, "SELECT count(*) FROM events").await, 0, "a late repeat does not bring them back");
}

#[tokio::test]
async fn bytes_are_bounded() {
    let mut scene = Scene::new();
    scene.config.retention_bytes = 1;
    let lake = scene.open().await.unwrap();
    lake.append(frame(1, synthetic(100, 1))).unwrap();
    lake.append(alert_frame(1, 1, 0)).unwrap();
    lake.flush().await.unwrap();
    let retired = lake.retain().await.unwrap();
    assert!(retired.iter().all(|one| one.reason == Reason::Bytes) && retired.len() >= 5, "{retired:?}");
    assert_eq!(lake.status().files, 1, "the finding stays");
    let told = lake.notices();
    assert!(told.len() == retired.len() && told.iter().all(|notice| notice.is(&fault::RETIRED)), "{told:?}");
    let rows = retired.iter().map(|one| one.rows).sum::<u64>();
    let counted: Vec<(&str, u64)> = lake.status().retired.iter().map(|(reason, rows, _)| (*reason, *rows)).collect();
    assert_eq!(counted, [("age", 0), ("bytes", rows), ("disk", 0)]);
}

#[tokio::test]
async fn what_was_set_aside_goes_when_the_retention_would_have_dropped_it() {
    let mut scene = Scene::new();
    scene.config.retention_days = 3;
    let lake = scene.open().await.unwrap();
    let aside = |name: &str| scene.config.dir.join("aside").join(name);
    let written = |name: &str, days_ago: i64| {
        let at = UNIX_EPOCH + Duration::from_micros((NOW_US - days_ago * DAY_US) as u64);
        File::create(aside(name)).unwrap().set_modified(at).unwrap();
    };
    written("process-000000000001.parquet", 4);
    written("process-000000000002.parquet", 2);
    written("finding-000000000003.parquet", 4);
    written("notes of the operator", 4);
    lake.retain().await.unwrap();
    assert!(!aside("process-000000000001.parquet").exists());
    for kept in ["process-000000000002.parquet", "finding-000000000003.parquet", "notes of the operator"] {
        assert!(aside(kept).exists(), "{kept}");
    }
}
