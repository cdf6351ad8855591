//! What `port::Tables` and `port::Blobs` promise, asked of each implementation alike.

use bytes::Bytes;
use port::{Blobs, MemoryBlobs, MemoryTables, Tables, Write};
use store::{FileBlobs, SqliteTables};

fn put(key: &str, value: &'static str) -> Write {
    Write::Put { table: "t", key: key.into(), value: value.into() }
}

fn put_if(key: &str, version: u64) -> Write {
    Write::PutIf { table: "t", key: key.into(), value: "if".into(), version }
}

fn delete(key: &str) -> Write {
    Write::Delete { table: "t", key: key.into() }
}

async fn keys_of(tables: &dyn Tables, prefix: &str, after: &str, limit: usize) -> Vec<String> {
    tables.scan("t", prefix, after, limit).await.unwrap().into_iter().map(|item| item.key).collect()
}

async fn keys_back(tables: &dyn Tables, prefix: &str, before: &str, limit: usize) -> Vec<String> {
    tables.scan_back("t", prefix, before, limit).await.unwrap().into_iter().map(|item| item.key).collect()
}

/// Versions, conditions, and all or nothing.
async fn tables_change_together(tables: &dyn Tables) {
    assert_eq!(tables.get("t", "a").await.unwrap(), None);
    tables.commit(vec![put("a", "1"), put("b", "1")]).await.unwrap();
    tables.commit(vec![put("a", "2"), delete("b"), delete("never there")]).await.unwrap();
    let item = tables.get("t", "a").await.unwrap().unwrap();
    assert_eq!((item.key.as_str(), &item.value[..], item.version), ("a", &b"2"[..], 2));
    assert_eq!(tables.get("t", "b").await.unwrap(), None);
    assert_eq!(tables.get("other", "a").await.unwrap(), None, "tables are apart");

    let conflict = tables.commit(vec![put("c", "lost"), put_if("a", 1)]).await.unwrap_err();
    assert!(conflict.is(&port::fault::CONFLICT) && conflict.named() == "t/a", "{conflict:?}");
    assert_eq!(tables.get("t", "c").await.unwrap(), None, "nothing of a refused transaction stays");
    assert!(tables.commit(vec![put_if("a", 0)]).await.unwrap_err().is(&port::fault::CONFLICT));
    assert!(tables.commit(vec![put_if("new", 1)]).await.unwrap_err().is(&port::fault::CONFLICT));
    tables.commit(vec![put_if("a", 2), put_if("new", 0), put_if("new", 1)]).await.unwrap();
    assert_eq!(tables.get("t", "a").await.unwrap().unwrap().version, 3);
    assert_eq!(tables.get("t", "new").await.unwrap().unwrap().version, 2);
    tables.commit(vec![delete("a"), put("a", "again")]).await.unwrap();
    assert_eq!(tables.get("t", "a").await.unwrap().unwrap().version, 1, "a deleted key starts again");
    tables.commit(Vec::new()).await.unwrap();
}

/// Order, prefixes and pages, in both directions.
async fn tables_scan_in_byte_order(tables: &dyn Tables) {
    let keys = ["", "p", "p/1", "p/10", "p/2", "p/é", "p/\u{10ffff}x", "p0", "q", "\u{10ffff}", "\u{10ffff}z", "P/1"];
    tables.commit(keys.iter().map(|key| put(key, "v")).collect()).await.unwrap();
    let mut sorted = keys.to_vec();
    sorted.sort();
    assert_eq!(keys_of(tables, "", "", 100).await, sorted[1..], "the empty key is not after the empty text");
    assert_eq!(keys_of(tables, "p/", "", 100).await, ["p/1", "p/10", "p/2", "p/é", "p/\u{10ffff}x"]);
    assert_eq!(keys_of(tables, "p/", "p/10", 2).await, ["p/2", "p/é"]);
    assert_eq!(keys_of(tables, "p/", "a", 1).await, ["p/1"]);
    assert_eq!(keys_of(tables, "p/", "z", 9).await, [""; 0]);
    assert_eq!(keys_of(tables, "\u{10ffff}", "", 9).await, ["\u{10ffff}", "\u{10ffff}z"]);
    assert_eq!(keys_of(tables, "p", "", 0).await, [""; 0]);
    assert_eq!(keys_back(tables, "p/", "", 2).await, ["p/\u{10ffff}x", "p/é"]);
    assert_eq!(keys_back(tables, "p/", "p/2", 9).await, ["p/10", "p/1"]);
    sorted.reverse();
    assert_eq!(keys_back(tables, "", "", 100).await, sorted);
}

async fn blobs_keep_their_promises(blobs: &dyn Blobs) {
    assert!(blobs.get("a/none").await.unwrap_err().is(&port::fault::MISSING));
    for name in ["a/b/2", "a/b/1", "a/c", "ab"] {
        blobs.put(name, Bytes::from(name.to_string())).await.unwrap();
    }
    blobs.put("a/c", Bytes::from_static(b"second")).await.unwrap();
    assert_eq!(blobs.get("a/c").await.unwrap(), "second");
    assert_eq!(blobs.list("").await.unwrap(), ["a/b/1", "a/b/2", "a/c", "ab"]);
    assert_eq!(blobs.list("a/").await.unwrap(), ["a/b/1", "a/b/2", "a/c"]);
    assert_eq!(blobs.list("a/b/1").await.unwrap(), ["a/b/1"]);
    assert_eq!(blobs.list("a").await.unwrap().len(), 4);
    assert_eq!(blobs.list("z/z").await.unwrap(), [""; 0]);
    blobs.delete("a/b/1").await.unwrap();
    blobs.delete("a/b/1").await.unwrap();
    assert_eq!(blobs.list("a/b").await.unwrap(), ["a/b/2"]);
    blobs.put("empty", Bytes::new()).await.unwrap();
    assert_eq!(blobs.get("empty").await.unwrap(), "");
}

#[tokio::test]
async fn memory_keeps_the_promises() {
    tables_change_together(&MemoryTables::default()).await;
    tables_scan_in_byte_order(&MemoryTables::default()).await;
    blobs_keep_their_promises(&MemoryBlobs::default()).await;
}

#[tokio::test]
async fn files_keep_the_promises() {
    let folder = tempfile::tempdir().unwrap();
    let tables = SqliteTables::open(&folder.path().join("one.db")).await.unwrap();
    tables_change_together(&tables).await;
    let tables = SqliteTables::open(&folder.path().join("two.db")).await.unwrap();
    tables_scan_in_byte_order(&tables).await;
    blobs_keep_their_promises(&FileBlobs::open(&folder.path().join("blobs")).unwrap()).await;
}
