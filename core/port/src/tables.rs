//! State: small documents in named tables, changed together or not at all.

use crate::{Trip, fault};
use async_trait::async_trait;
use base::{Fault, Result};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A document with its version (1 for the first write, one more for each change).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Key within the table; keys sort as bytes.
    pub key: String,
    /// The document, usually JSON.
    pub value: Bytes,
    /// Version.
    pub version: u64,
}

/// One change of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Writes, whatever was there.
    Put {
        /// Table.
        table: &'static str,
        /// Key.
        key: String,
        /// Document.
        value: Bytes,
    },
    /// Writes only if the version is still this one (0: only if absent); otherwise the whole transaction is a conflict.
    PutIf {
        /// Table.
        table: &'static str,
        /// Key.
        key: String,
        /// Document.
        value: Bytes,
        /// Version that must stand.
        version: u64,
    },
    /// Deletes; no fault when absent.
    Delete {
        /// Table.
        table: &'static str,
        /// Key.
        key: String,
    },
}

/// State. Table names are fixed words of our own, keys and values come from anywhere.
#[async_trait]
pub trait Tables: Send + Sync {
    /// One document.
    async fn get(&self, table: &'static str, key: &str) -> Result<Option<Item>>;

    /// Many documents of a table; those that are absent are left out, the order is not said.
    async fn get_many(&self, table: &'static str, keys: &[String]) -> Result<Vec<Item>> {
        let mut found = Vec::new();
        for key in keys {
            found.extend(self.get(table, key).await?);
        }
        Ok(found)
    }

    /// Documents whose key starts with `prefix` and is greater than `after`, in key order, at most `limit`.
    async fn scan(&self, table: &'static str, prefix: &str, after: &str, limit: usize) -> Result<Vec<Item>>;

    /// The same backwards: keys smaller than `before` (an empty `before` starts at the end), greatest first.
    async fn scan_back(&self, table: &'static str, prefix: &str, before: &str, limit: usize) -> Result<Vec<Item>>;

    /// All or nothing; durable on return.
    async fn commit(&self, writes: Vec<Write>) -> Result<()>;
}

type Documents = BTreeMap<(&'static str, String), (Bytes, u64)>;

/// Tables in memory, for tests and simulations.
#[derive(Debug, Default)]
pub struct MemoryTables {
    documents: Mutex<Documents>,
    /// Fails the n-th call.
    pub trip: Trip,
}

impl MemoryTables {
    fn documents(&self) -> std::sync::MutexGuard<'_, Documents> {
        self.documents.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn matching(&self, table: &'static str, prefix: &str, keep: impl Fn(&str) -> bool) -> Vec<Item> {
        let documents = self.documents();
        let rows = documents.range((table, prefix.to_string())..);
        let rows = rows.take_while(|((name, key), _)| *name == table && key.starts_with(prefix));
        rows.filter(|((_, key), _)| keep(key))
            .map(|((_, key), (value, version))| Item { key: key.clone(), value: value.clone(), version: *version })
            .collect()
    }
}

#[async_trait]
impl Tables for MemoryTables {
    async fn get(&self, table: &'static str, key: &str) -> Result<Option<Item>> {
        self.trip.pass("tables.get")?;
        let documents = self.documents();
        let found = documents.get(&(table, key.to_string()));
        Ok(found.map(|(value, version)| Item { key: key.to_string(), value: value.clone(), version: *version }))
    }

    async fn scan(&self, table: &'static str, prefix: &str, after: &str, limit: usize) -> Result<Vec<Item>> {
        self.trip.pass("tables.scan")?;
        let mut items = self.matching(table, prefix, |key| key > after);
        items.truncate(limit);
        Ok(items)
    }

    async fn scan_back(&self, table: &'static str, prefix: &str, before: &str, limit: usize) -> Result<Vec<Item>> {
        self.trip.pass("tables.scan_back")?;
        let mut items = self.matching(table, prefix, |key| before.is_empty() || key < before);
        items.reverse();
        items.truncate(limit);
        Ok(items)
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        self.trip.pass("tables.commit")?;
        let mut documents = self.documents();
        let mut next = documents.clone();
        for write in writes {
            match write {
                Write::Put { table, key, value } => put(&mut next, table, key, value),
                Write::PutIf { table, key, value, version } => {
                    let stands = next.get(&(table, key.clone())).map_or(0, |(_, version)| *version);
                    if stands != version {
                        let fault = Fault::new(&fault::CONFLICT).object(format!("{table}/{key}"));
                        return Err(fault.expected(format!("version {version}")).found(stands));
                    }
                    put(&mut next, table, key, value);
                }
                Write::Delete { table, key } => {
                    next.remove(&(table, key));
                }
            }
        }
        *documents = next;
        Ok(())
    }
}

fn put(documents: &mut Documents, table: &'static str, key: String, value: Bytes) {
    let place = documents.entry((table, key)).or_default();
    *place = (value, place.1 + 1);
}
