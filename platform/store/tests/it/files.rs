//! What only files can show: durability, damage, modes, names.

use bytes::Bytes;
use port::{Blobs, Tables, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use store::{FileBlobs, SqliteTables, fault};

fn put(key: String) -> Vec<Write> {
    vec![Write::Put { table: "t", key, value: vec![1; 500].into() }]
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let tables = SqliteTables::open(&path).await.unwrap();
    tables.commit(put("a".into())).await.unwrap();
    assert_eq!((mode(&path), mode(&folder.path().join("state.db-wal"))), (0o600, 0o600));
    // A crash leaves file and log as they are; a copy of both is what the next start finds.
    let crashed = folder.path().join("crashed");
    std::fs::create_dir(&crashed).unwrap();
    for name in ["state.db", "state.db-wal"] {
        std::fs::copy(folder.path().join(name), crashed.join(name)).unwrap();
    }
    let again = SqliteTables::open(&crashed.join("state.db")).await.unwrap();
    assert_eq!(again.get("t", "a").await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn a_damaged_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    std::fs::write(&path, b"this has never been a database, whatever its name says".repeat(100)).unwrap();
    let fault = SqliteTables::open(&path).await.unwrap_err();
    assert!(fault.is(&fault::CORRUPT) && fault.named().contains("state.db"), "{fault:?}");

    let path = folder.path().join("torn.db");
    let tables = SqliteTables::open(&path).await.unwrap();
    for key in 0..200 {
        tables.commit(put(format!("{key:04}"))).await.unwrap();
    }
    tables.check().await.unwrap();
    tables.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 4096].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let tables = SqliteTables::open(&path).await.unwrap();
    assert!(tables.check().await.unwrap_err().is(&fault::CORRUPT));
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    SqliteTables::open(&path).await.unwrap().close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', TRUE, x'00', 0)";
    sqlx::query(newer).execute(&mut connection).await.unwrap();
    assert!(SqliteTables::open(&path).await.unwrap_err().is(&fault::OTHER_VERSION));
    let nowhere = folder.path().join("no/such/folder/state.db");
    assert!(SqliteTables::open(&nowhere).await.unwrap_err().is(&fault::UNOPENABLE));
}

#[tokio::test]
async fn a_backup_is_whole_and_private() {
    let folder = tempfile::tempdir().unwrap();
    let tables = SqliteTables::open(&folder.path().join("state.db")).await.unwrap();
    tables.commit(put("a".into())).await.unwrap();
    let copy = folder.path().join("copy.db");
    tables.backup(&copy).await.unwrap();
    tables.commit(put("b".into())).await.unwrap();
    assert!(tables.backup(&copy).await.unwrap_err().is(&port::fault::CONFLICT), "an older backup is never overwritten");
    assert_eq!(mode(&copy), 0o600);
    let copy = SqliteTables::open(&copy).await.unwrap();
    copy.check().await.unwrap();
    assert_eq!(copy.scan("t", "", "", 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn writers_wait_for_each_other_and_readers_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let tables = SqliteTables::open(&folder.path().join("state.db")).await.unwrap();
    let writers: Vec<_> = (0..20)
        .map(|number| {
            let tables = tables.clone();
            tokio::spawn(async move { tables.commit(put(format!("{number:02}"))).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(tables.scan("t", "", "", 100).await.unwrap().len(), 20);
}

#[tokio::test]
async fn names_cannot_leave_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(&folder.path().join("in")).unwrap();
    let long = "x".repeat(256);
    let bad =
        ["", "/etc/passwd", "..", "a/../../b", "a//b", "a/", "./a", "a\0b", "a\nb", ".parts/0-0", ".parts", &long];
    for name in bad {
        assert!(blobs.put(name, Bytes::new()).await.unwrap_err().is(&fault::BAD_NAME), "{name:?}");
        assert!(blobs.get(name).await.unwrap_err().is(&fault::BAD_NAME), "{name:?}");
        assert!(blobs.delete(name).await.unwrap_err().is(&fault::BAD_NAME), "{name:?}");
    }
    assert!(blobs.list("../").await.unwrap_err().is(&fault::BAD_NAME));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn half_written_objects_are_never_seen() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(folder.path()).unwrap();
    blobs.put("a/b", Bytes::from_static(b"whole")).await.unwrap();
    assert_eq!((mode(&folder.path().join("a/b")), mode(&folder.path().join("a"))), (0o600, 0o700));
    std::fs::write(folder.path().join(".parts/7-7"), b"ha").unwrap();
    let blobs = FileBlobs::open(folder.path()).unwrap();
    assert_eq!(blobs.list("").await.unwrap(), ["a/b"]);
    assert_eq!(std::fs::read_dir(folder.path().join(".parts")).unwrap().count(), 0);
}
