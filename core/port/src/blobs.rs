//! Objects: whole files by name.

use crate::{Trip, fault};
use async_trait::async_trait;
use base::{Fault, Result};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Objects. Names are relative paths of our own making (`lake/process/…`), never taken from outside.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Writes an object whole; durable and visible under its name only when complete.
    async fn put(&self, name: &str, content: Bytes) -> Result<()>;
    /// Reads an object whole; a missing one is a fault.
    async fn get(&self, name: &str) -> Result<Bytes>;
    /// Names that start with `prefix`, sorted.
    async fn list(&self, prefix: &str) -> Result<Vec<String>>;
    /// Deletes; no fault when absent.
    async fn delete(&self, name: &str) -> Result<()>;
}

/// Objects in memory, for tests and simulations.
#[derive(Debug, Default)]
pub struct MemoryBlobs {
    objects: Mutex<BTreeMap<String, Bytes>>,
    /// Fails the n-th call.
    pub trip: Trip,
}

impl MemoryBlobs {
    fn objects(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.objects.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn put(&self, name: &str, content: Bytes) -> Result<()> {
        self.trip.pass("blobs.put")?;
        self.objects().insert(name.to_string(), content);
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Bytes> {
        self.trip.pass("blobs.get")?;
        self.objects().get(name).cloned().ok_or_else(|| Fault::new(&fault::MISSING).object(name))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.trip.pass("blobs.list")?;
        Ok(self.objects().keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }

    async fn delete(&self, name: &str) -> Result<()> {
        self.trip.pass("blobs.delete")?;
        self.objects().remove(name);
        Ok(())
    }
}
