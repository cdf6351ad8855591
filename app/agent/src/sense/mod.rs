//! Senses beside the kernel: logs, scans of files, the inventory, and what comes after them.
//!
//! A sense is a file here and a line in [`ALL`]. It has threads of its own, hands events to the [`Desk`], and may take
//! content that the server publishes.

mod crossview;
mod integrity;
mod inventory;
mod logs;
mod scan;

use crate::config::Config;
use crate::desk::Desk;
use base::{Clock, Result};
use fleet::content::{Files, Name};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use integrity::FOLDER as INTEGRITY_FOLDER;

/// What a sense is started with.
pub struct Ground<'a> {
    /// The agent's configuration.
    pub config: &'a Config,
    /// Time.
    pub clock: &'a Arc<dyn Clock>,
    /// Where its events go.
    pub desk: &'a Arc<Desk>,
    /// Texts that the server published.
    pub published: &'a BTreeMap<Name, Files>,
}

/// A sense that runs.
pub trait Sense: Send {
    /// Goes over to texts that the server published; those of other senses are none of its business.
    ///
    /// # Errors
    /// When they are of no use: it goes on with what it had.
    fn renew(&mut self, name: Name, files: &Files) -> Result<()>;
    /// What it lost since the start, by kind: `logs.dropped`.
    fn lost(&self) -> Vec<(String, u64)>;
    /// Ends its threads and keeps what it knows.
    fn stop(self: Box<Self>);
}

/// A sense that was started; none when there is nothing to do on this host.
pub type Started = Result<Option<Box<dyn Sense>>>;

/// A kind of sense.
pub struct Kind {
    /// Its name in the agent's log.
    pub name: &'static str,
    /// What it tells of.
    pub tells: record::Kind,
    /// Whether the configuration wants it.
    pub wanted: fn(&Config) -> bool,
    /// Starts it.
    pub start: fn(&Ground<'_>) -> Started,
}

/// Every kind.
pub const ALL: &[Kind] = &[logs::KIND, scan::KIND, inventory::KIND, integrity::KIND, crossview::KIND];

/// What the wanted senses tell of.
pub fn told(config: &Config) -> impl Iterator<Item = record::Kind> {
    ALL.iter().filter(|kind| (kind.wanted)(config)).map(|kind| kind.tells)
}

/// Hands an event of a sense over; one that is not kept is logged.
fn deliver(desk: &Desk, event: record::Event) {
    if let Err(fault) = desk.take(vec![event]) {
        tracing::error!(fault = %fault.inside(), "a finding was not kept");
    }
}

/// Lets everything else go first: the calling thread runs when the host has nothing better to do.
fn step_back() {
    // For Linux "this process" is this thread (setpriority(2)). Without it the work is done all the same.
    let _ = rustix::process::setpriority_process(None, 19);
}

/// Starts every sense. One that does not start is logged; the others and the kernel's sensor go on.
pub fn start(ground: &Ground<'_>) -> Vec<Box<dyn Sense>> {
    let wanted = ALL.iter().filter(|kind| (kind.wanted)(ground.config));
    let started = wanted.filter_map(|kind| match (kind.start)(ground) {
        Ok(sense) => sense,
        Err(fault) => {
            tracing::error!(fault = %fault.inside(), sense = kind.name, "a sense does not start");
            None
        }
    });
    started.collect()
}
