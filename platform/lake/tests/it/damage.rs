//! A damaged file is named and set aside, and the others answer.

use crate::scene::{Scene, count, frame, sql};
use kit::synthetic::synthetic;
use lake::fault;
use port::{Query, QueryLimits};
use std::path::PathBuf;

async fn two_files(scene: &Scene) -> lake::Lake {
    let lake = scene.open().await.unwrap();
    for number in 0..2u64 {
        lake.append(frame(number * 1001 + 1, synthetic(1000, number))).unwrap();
        lake.flush().await.unwrap();
    }
    lake
}

fn first_file(scene: &Scene, table: &str, end: &str) -> PathBuf {
    let entries = std::fs::read_dir(scene.config.dir.join(table)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == end));
    paths.sort();
    paths.remove(0)
}

/// Overwrites a stretch and keeps the size, as a bad sector does.
fn damage(path: &PathBuf, from: f64, to: f64) {
    let mut bytes = std::fs::read(path).unwrap();
    let (from, to) = ((bytes.len() as f64 * from) as usize, (bytes.len() as f64 * to) as usize);
    bytes[from..to].fill(0xa5);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_file_damaged_while_running_is_set_aside_by_the_query_that_meets_it() {
    for (from, to) in [(0.0, 0.6), (0.9, 1.0)] {
        let scene = Scene::new();
        let lake = two_files(&scene).await;
        let all = count(&lake, "SELECT count(*) FROM process").await;
        let path = first_file(&scene, "process", "parquet");
        damage(&path, from, to);
        drop(lake);
        let lake = scene.open().await.unwrap();
        let rows = sql(&lake, "SELECT * FROM process").await.len() as u64;
        assert!(0 < rows && rows < all, "{rows} of {all}");
        let notices = lake.notices();
        let name = format!("process/{}", path.file_name().unwrap().to_str().unwrap());
        assert!(notices.len() == 1 && notices[0].is(&fault::CORRUPT) && notices[0].named() == name, "{notices:?}");
        assert!(!path.exists() && std::fs::read_dir(scene.config.dir.join("aside")).unwrap().count() == 2);
        assert_eq!(sql(&lake, "SELECT * FROM process").await.len() as u64, rows);
        assert!(lake.notices().is_empty(), "said once");
        assert!(count(&lake, "SELECT count(*) FROM file").await > 0);
    }
}

#[tokio::test]
async fn a_file_that_is_gone_or_cut_is_named_at_open() {
    let scene = Scene::new();
    drop(two_files(&scene).await);
    let gone = first_file(&scene, "file", "parquet");
    std::fs::remove_file(&gone).unwrap();
    let cut = first_file(&scene, "process", "images");
    let bytes = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let lake = scene.open().await.unwrap();
    let mut named: Vec<String> = lake.notices().iter().map(|fault| fault.named().to_string()).collect();
    named.sort();
    assert!(named.len() == 2 && named[0].starts_with("file/") && named[1].starts_with("process/"), "{named:?}");
    assert!(count(&lake, "SELECT count(*) FROM events").await > 1000);
    lake.append(frame(3000, synthetic(10, 1))).unwrap();
    lake.flush().await.unwrap();
}

#[tokio::test]
async fn compaction_goes_on_without_a_damaged_file() {
    let scene = Scene::new();
    let lake = two_files(&scene).await;
    damage(&first_file(&scene, "network", "parquet"), 0.0, 0.6);
    let compacted = lake.compact().await.unwrap();
    assert!(compacted.to >= 4, "{compacted:?}");
    assert_eq!(lake.notices().len(), 1);
    assert!(count(&lake, "SELECT count(*) FROM network").await > 0);
}

/// A directory in the file's place stands for every refusal that is not damage: no handles left, no permission, a bad cable.
#[tokio::test]
async fn what_the_disk_refuses_to_read_is_not_damage() {
    let scene = Scene::new();
    let lake = two_files(&scene).await;
    let all = sql(&lake, "SELECT * FROM process").await.len();
    let path = first_file(&scene, "process", "parquet");
    let away = scene.folder.path().join("away");
    std::fs::rename(&path, &away).unwrap();
    std::fs::create_dir(&path).unwrap();
    let fault = lake.sql("SELECT exe, count(*) FROM process GROUP BY exe", QueryLimits::default()).await.unwrap_err();
    assert!(fault.is(&fault::STORAGE), "{fault:?}");
    assert!(lake.compact().await.unwrap_err().is(&fault::STORAGE));
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(&away, &path).unwrap();
    assert_eq!(sql(&lake, "SELECT * FROM process").await.len(), all);
    assert!(lake.notices().is_empty() && std::fs::read_dir(scene.config.dir.join("aside")).unwrap().count() == 0);
}

#[tokio::test]
async fn damaged_images_are_set_aside_by_the_question_that_meets_them() {
    let scene = Scene::new();
    let lake = two_files(&scene).await;
    damage(&first_file(&scene, "process", "images"), 0.2, 0.8);
    let events = lake.events("kind = 'exec'", 10_000).await.unwrap();
    assert!(!events.is_empty());
    assert_eq!(lake.notices().len(), 1);
    let whole = sql(&lake, "SELECT ocsf FROM ocsf WHERE kind = 'exec'").await;
    assert_eq!(whole.len(), events.len());
}
