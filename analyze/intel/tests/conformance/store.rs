//! A store of TAXII collections in memory, and a way to run what never waits.

use async_trait::async_trait;
use base::Result;
use intel::format::taxii::server::{Addition, Collection, Row, Store};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

pub const OPEN: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
pub const SECRET: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26117";

/// Runs a future that never waits for anything.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// Rows by collection, and what was added.
#[derive(Default)]
pub struct Memory {
    pub rows: Mutex<BTreeMap<String, Vec<Row>>>,
    pub statuses: Mutex<BTreeMap<String, String>>,
    /// Longest read asked for, and how many.
    pub reads: Mutex<(usize, usize)>,
}

impl Memory {
    /// So many indicators in the open collection, all added at the same microsecond.
    pub fn with(count: usize, added_us: i64) -> Memory {
        let memory = Memory::default();
        for at in 0..count {
            let id = format!("indicator--{:08x}-0000-4000-8000-000000000000", at);
            let value = format!("198.{}.{}.{}", 18 + at / 65536, at / 256 % 256, at % 256);
            let text = format!(
                "{{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"{id}\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"pattern\":\"[ipv4-addr:value = '{value}']\",\"pattern_type\":\"stix\",\"valid_from\":\"2026-01-01T00:00:00Z\"}}"
            );
            memory.put(OPEN, "indicator", &id, 1_767_225_600_000_000, added_us, text);
        }
        memory
    }

    pub fn put(&self, collection: &str, kind: &str, id: &str, version_us: i64, added_us: i64, text: String) {
        let mut all = self.rows.lock().unwrap();
        let rows = all.entry(collection.to_string()).or_default();
        let seq = rows.last().map_or(1, |row| row.seq + 1);
        let (id, kind, spec) = (id.to_string(), kind.to_string(), "2.1".to_string());
        rows.push(Row { seq, added_us, id: id.clone(), kind, version_us, spec, first: false, last: false, text });
        // The oldest and the newest of its versions.
        let same = || rows.iter().filter(|row| row.id == id).map(|row| row.version_us);
        let (oldest, newest) = (same().min().unwrap(), same().max().unwrap());
        for row in rows.iter_mut().filter(|row| row.id == id) {
            (row.first, row.last) = (row.version_us == oldest, row.version_us == newest);
        }
    }
}

#[async_trait]
impl Store for Memory {
    async fn collections(&self) -> Result<Vec<Collection>> {
        let collection = |id: &str, alias: &str, can_read, can_write| Collection {
            id: id.to_string(),
            title: alias.to_string(),
            description: "a test".to_string(),
            alias: alias.to_string(),
            can_read,
            can_write,
        };
        Ok(vec![collection(OPEN, "open", true, true), collection(SECRET, "inbox", false, true)])
    }

    async fn until(&self, collection: &str, time_us: i64) -> Result<u64> {
        let all = self.rows.lock().unwrap();
        let rows = all.get(collection).map_or(&[][..], Vec::as_slice);
        let end = rows.partition_point(|row| row.added_us <= time_us);
        Ok(end.checked_sub(1).map_or(0, |at| rows[at].seq))
    }

    async fn after(&self, collection: &str, seq: u64, most: usize) -> Result<Vec<Row>> {
        let mut reads = self.reads.lock().unwrap();
        *reads = (reads.0.max(most), reads.1 + 1);
        let all = self.rows.lock().unwrap();
        let rows = all.get(collection).map_or(&[][..], Vec::as_slice);
        let from = rows.partition_point(|row| row.seq <= seq);
        Ok(rows[from..].iter().take(most).cloned().collect())
    }

    async fn versions(&self, collection: &str, id: &str, most: usize) -> Result<Vec<Row>> {
        let all = self.rows.lock().unwrap();
        let rows = all.get(collection).map_or(&[][..], Vec::as_slice);
        Ok(rows.iter().filter(|row| row.id == id).take(most).cloned().collect())
    }

    async fn add(&self, collection: &str, objects: Vec<Addition>) -> Result<Vec<Option<String>>> {
        Ok(objects
            .into_iter()
            .map(|object| {
                if object.kind == "note" {
                    return Some("notes are not taken".to_string());
                }
                let added_us = 1_780_000_001_000_000;
                let version_us = if object.version_us == 0 { added_us } else { object.version_us };
                self.put(collection, &object.kind, &object.id, version_us, added_us, object.text);
                None
            })
            .collect())
    }

    async fn remove(&self, collection: &str, gone: &[u64]) -> Result<()> {
        let mut all = self.rows.lock().unwrap();
        all.entry(collection.to_string()).or_default().retain(|row| !gone.contains(&row.seq));
        Ok(())
    }

    async fn keep_status(&self, id: &str, text: String) -> Result<()> {
        self.statuses.lock().unwrap().insert(id.to_string(), text);
        Ok(())
    }

    async fn status(&self, id: &str) -> Result<Option<String>> {
        Ok(self.statuses.lock().unwrap().get(id).cloned())
    }
}
