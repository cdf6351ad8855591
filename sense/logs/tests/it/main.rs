//! Tests of the log reader as a whole: recorded lines of every decoder, files under rotation and restart, the journal,
//! and syslog over real sockets.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

mod cases;
mod files;
mod journal;
mod rotation;
mod syslog;

use base::{Fault, Result};
use logs::{Sink, fault};
use record::{Activity, Event, Log};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Keeps what it takes; refuses on demand.
#[derive(Default)]
pub struct Kept {
    events: Mutex<Vec<Event>>,
    came: Condvar,
    /// Whether it refuses.
    pub refuses: AtomicBool,
}

impl Sink for Kept {
    fn take(&self, events: Vec<Event>) -> Result<()> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err(Fault::new(&fault::STATE).object("sink of a test"));
        }
        self.events.lock().unwrap().extend(events);
        self.came.notify_all();
        Ok(())
    }
}

impl Kept {
    /// The records taken so far.
    pub fn logs(&self) -> Vec<Log> {
        let events = self.events.lock().unwrap();
        let log = |event: &Event| match &event.activity {
            Activity::Log(log) => Some(log.clone()),
            _ => None,
        };
        events.iter().filter_map(log).collect()
    }

    /// Their texts.
    pub fn texts(&self) -> Vec<String> {
        self.logs().into_iter().map(|log| log.message).collect()
    }

    /// Everything taken so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// Waits until a condition on the events holds. The bound only ends a test that has failed anyway.
    pub fn wait(&self, what: &str, is_there: impl Fn(&[Event]) -> bool) {
        let events = self.events.lock().unwrap();
        let waited =
            self.came.wait_timeout_while(events, Duration::from_secs(120), |events| !is_there(events)).unwrap();
        assert!(!waited.1.timed_out(), "waited for {what} in vain; there are {} events", waited.0.len());
    }

    /// Waits for a number of events.
    pub fn wait_for(&self, count: usize) {
        self.wait(&format!("{count} events"), |events| events.len() >= count);
    }
}
