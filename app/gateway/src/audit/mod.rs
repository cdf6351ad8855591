//! Audit records: a request whole, with its answer and every rule that held, where a site wants it.
//!
//! Kept on this machine alone, as lines of JSON in files of a bounded folder (0700, files 0600), and shown by
//! `garrison-gateway audit`. What the site's policy names is not in them, nor what cannot be told apart from it.

mod files;
mod line;
mod read;

pub use files::Files;
pub use read::{Filter, show};

use crate::tell::Manners;
use gateway::{Captured, Exchange};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Requests that may wait to be written.
const WAITING: usize = 1024;
/// Name of the folder below the state directory.
pub const FOLDER: &str = "audit";

/// A request to be kept.
pub type Kept = (Exchange, Captured);

/// Where requests go in; never waits.
pub struct Desk {
    sender: SyncSender<Kept>,
    shed: AtomicU64,
}

impl Desk {
    /// A desk, and where requests come out.
    pub fn new() -> (Arc<Desk>, Receiver<Kept>) {
        let (sender, receiver) = sync_channel(WAITING);
        (Arc::new(Desk { sender, shed: AtomicU64::new(0) }), receiver)
    }

    /// Takes a request, or counts it.
    pub fn take(&self, exchange: Exchange, captured: Captured) {
        if self.sender.try_send((exchange, captured)).is_err() {
            self.shed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many did not fit since the start.
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }
}

/// Writes what comes, until the desk is gone. A disk that takes nothing is said once in a row, and records are lost meanwhile.
pub fn write(requests: &Receiver<Kept>, mut files: Files, manners: &Manners) {
    let mut well = true;
    while let Ok((exchange, captured)) = requests.recv() {
        let line = {
            let manners = manners.read().unwrap_or_else(|poisoned| poisoned.into_inner());
            // Of a site that is gone nobody knows what must not be told.
            let Some(manner) = exchange.site.as_deref().and_then(|site| manners.get(site)) else { continue };
            line::of(&exchange, &captured, &manner.redact)
        };
        let written = files.append(&line.to_string());
        if let Err(fault) = &written
            && well
        {
            tracing::error!(fault = %fault.inside(), "audit records are not kept");
        }
        well = written.is_ok();
    }
}
