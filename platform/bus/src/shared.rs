//! The spool between the threads that fill it and the link that empties it.

use crate::{Spool, SpoolStatus, fault};
use base::{Fault, Result};
use record::{Alert, Event, EventId, Frame, Lane, Receipt, Sample};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// How often the spool's own thread does what is due.
const TICK: Duration = Duration::from_millis(50);

struct Inner {
    spool: Mutex<Spool>,
    changed: Notify,
}

/// A spool that many threads share; clones are the same spool. Its thread ends with the last clone.
#[derive(Clone)]
pub struct SharedSpool(Arc<Inner>);

impl SharedSpool {
    /// Shares a spool and starts the thread that seals, syncs and retries.
    pub fn start(spool: Spool) -> Result<SharedSpool> {
        let inner = Arc::new(Inner { spool: Mutex::new(spool), changed: Notify::new() });
        let weak = Arc::downgrade(&inner);
        let body = move || {
            while let Some(inner) = weak.upgrade() {
                SharedSpool(inner).with(Spool::tick);
                std::thread::sleep(TICK);
            }
        };
        let started = std::thread::Builder::new().name("spool".into()).spawn(body);
        started.map_err(|cause| Fault::new(&fault::DISK).object("thread spool").because(cause))?;
        Ok(SharedSpool(inner))
    }

    /// Runs a call on the spool alone, and wakes the link when a batch was sealed by it.
    pub fn with<T>(&self, call: impl FnOnce(&mut Spool) -> T) -> T {
        let mut spool = self.lock();
        let before = spool.status_sealed();
        let result = call(&mut spool);
        if spool.status_sealed() != before {
            self.0.changed.notify_one();
        }
        result
    }

    /// See [`Spool::push_telemetry`].
    pub fn push_telemetry(&self, events: impl IntoIterator<Item = Event>) {
        self.with(|spool| spool.push_telemetry(events));
    }

    /// See [`Spool::push_sample`].
    pub fn push_sample(&self, sample: Sample) {
        self.with(|spool| spool.push_sample(sample));
    }

    /// See [`Spool::push_alert`].
    pub fn push_alert(&self, alert: Alert) -> Result<EventId> {
        self.with(|spool| spool.push_alert(alert))
    }

    /// See [`Spool::push_receipt`].
    pub fn push_receipt(&self, receipt: Receipt) -> Result<EventId> {
        self.with(|spool| spool.push_receipt(receipt))
    }

    /// See [`Spool::unsent`]; the disk is read outside the async threads.
    pub async fn unsent(&self, lane: Lane, after: (u64, u64), bytes: usize) -> Vec<Frame> {
        let spool = self.clone();
        let read = tokio::task::spawn_blocking(move || spool.with(|spool| spool.unsent(lane, after, bytes)));
        read.await.unwrap_or_default()
    }

    /// See [`Spool::ack`].
    pub async fn ack(&self, boot: u64, lane: Lane, seq: u64) {
        let spool = self.clone();
        // It fails only when the program is ending; the frames are then sent and acknowledged again.
        let _ = tokio::task::spawn_blocking(move || spool.with(|spool| spool.ack(boot, lane, seq))).await;
    }

    /// See [`Spool::status`].
    pub fn status(&self) -> SpoolStatus {
        self.lock().status()
    }

    /// See [`Spool::take_faults`].
    pub fn take_faults(&self) -> Vec<Fault> {
        self.lock().take_faults()
    }

    /// Returns when a batch was sealed since the last call (one waiter).
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Spool> {
        self.0.spool.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
