//! Counters of each input.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of an input, written by its thread and read by anyone.
#[derive(Debug, Default)]
pub struct Counters {
    lines: AtomicU64,
    bytes: AtomicU64,
    events: AtomicU64,
    undecoded: AtomicU64,
    cut: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
    open: AtomicU64,
    failures: AtomicU64,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Records read: lines, journal entries, messages.
    Lines,
    /// Their bytes.
    Bytes,
    /// Events given to the sink.
    Events,
    /// Records that their decoder could not read; they went to the sink with their text alone.
    Undecoded,
    /// Records longer than [`base::limits::LOG_RECORD_BYTES`], whose end was skipped.
    Cut,
    /// Records dropped by a rate or because the sink refused for too long.
    Dropped,
    /// Files or connections refused: no permission, no regular file, too many, a broken framing.
    Refused,
    /// Failures of the sink or the source, each followed by another try.
    Failures,
}

impl Counters {
    fn of(&self, count: Count) -> &AtomicU64 {
        match count {
            Count::Lines => &self.lines,
            Count::Bytes => &self.bytes,
            Count::Events => &self.events,
            Count::Undecoded => &self.undecoded,
            Count::Cut => &self.cut,
            Count::Dropped => &self.dropped,
            Count::Refused => &self.refused,
            Count::Failures => &self.failures,
        }
    }

    /// Adds to a count.
    pub fn add(&self, count: Count, by: u64) {
        self.of(count).fetch_add(by, Ordering::Relaxed);
    }

    /// Sets how many files, connections or children are open.
    pub fn set_open(&self, open: usize) {
        self.open.store(open as u64, Ordering::Relaxed);
    }

    /// The counts now.
    pub fn stats(&self, name: &str) -> InputStats {
        let get = |count: Count| self.of(count).load(Ordering::Relaxed);
        InputStats {
            name: name.to_owned(),
            lines: get(Count::Lines),
            bytes: get(Count::Bytes),
            events: get(Count::Events),
            undecoded: get(Count::Undecoded),
            cut: get(Count::Cut),
            dropped: get(Count::Dropped),
            refused: get(Count::Refused),
            failures: get(Count::Failures),
            open: self.open.load(Ordering::Relaxed),
            senders: Vec::new(),
        }
    }
}

/// Counts of one input at a moment; each is explained at [`Count`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the count of the same name")]
pub struct InputStats {
    /// Its patterns, `journal`, or address and transport.
    pub name: String,
    pub lines: u64,
    pub bytes: u64,
    pub events: u64,
    pub undecoded: u64,
    pub cut: u64,
    pub dropped: u64,
    pub refused: u64,
    pub failures: u64,
    /// Files, connections or children open now.
    pub open: u64,
    /// For syslog: each sender.
    pub senders: Vec<SenderStats>,
}

/// Counts of one sender of syslog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SenderStats {
    /// Its address; `other` stands for those past [`crate::limits::SENDERS`].
    pub address: String,
    /// Messages taken.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Messages dropped by its rate.
    pub dropped: u64,
}

/// Counts of all inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// In the order of the configuration, built-in inputs first.
    pub inputs: Vec<InputStats>,
}

impl Stats {
    /// One count over all inputs.
    pub fn total(&self, of: impl Fn(&InputStats) -> u64) -> u64 {
        self.inputs.iter().map(of).sum()
    }
}
