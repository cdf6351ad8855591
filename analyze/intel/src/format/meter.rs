//! Counts an import and passes on what it finds.

use super::{RECORDS, Settings, Sink, fault};
use crate::{Claim, Indicator, Kind, Sightings, canonical, guess};
use base::{Fault, Result};
use std::collections::BTreeMap;

/// What an import did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Name of the format.
    pub format: &'static str,
    /// Bytes read.
    pub bytes: u64,
    /// Lines or objects seen.
    pub records: u64,
    /// Indicators taken.
    pub taken: u64,
    /// Records that are no indicators for us, by reason. No fault of the feed.
    pub passed: BTreeMap<&'static str, u64>,
    /// Records that are wrong.
    pub bad: u64,
    /// The first of them, at most [`Meter::EXAMPLES`].
    pub examples: Vec<Fault>,
    /// Why it ended before the end of the feed.
    pub fault: Option<Fault>,
}

/// Counts, and holds settings and sink of one import.
pub struct Meter<'m> {
    /// The settings of the feed.
    pub settings: &'m Settings,
    sink: &'m mut dyn Sink,
    report: Report,
}

impl<'m> Meter<'m> {
    /// Bad records named in the report.
    pub const EXAMPLES: usize = 20;
    /// Records between two calls of [`Sink::progress`].
    pub const STEP: u64 = 10_000;

    pub(super) fn new(settings: &'m Settings, sink: &'m mut dyn Sink) -> Meter<'m> {
        Meter { settings, sink, report: Report::default() }
    }

    pub(super) fn format(&mut self, name: &'static str) {
        self.report.format = name;
    }

    pub(super) fn end(mut self, outcome: Result<()>) -> Report {
        let told = self.sink.progress(&self.report);
        self.report.fault = outcome.and(told).err();
        self.report
    }

    /// Bytes read since the last call.
    pub(super) fn read(&mut self, bytes: usize) {
        self.report.bytes += bytes as u64;
    }

    /// Another record begins.
    pub(super) fn record(&mut self) -> Result<()> {
        if self.report.records >= RECORDS {
            return Err(Fault::new(&fault::LIMIT).expected(format!("at most {RECORDS} records")).found("more"));
        }
        self.report.records += 1;
        if self.report.records.is_multiple_of(Meter::STEP) { self.sink.progress(&self.report) } else { Ok(()) }
    }

    /// Records seen so far; the number of the current one.
    pub(super) fn number(&self) -> u64 {
        self.report.records
    }

    /// The record is none for us.
    pub(super) fn pass(&mut self, reason: &'static str) {
        *self.report.passed.entry(reason).or_default() += 1;
    }

    /// The record is wrong; it is named by its number and by what the fault names.
    pub(super) fn bad(&mut self, fault: Fault) {
        let name = match fault.named() {
            "" => format!("record {}", self.report.records),
            object => format!("record {}: {object}", self.report.records),
        };
        self.bad_named(fault, &name);
    }

    /// A record is wrong, by a name of its own.
    pub(super) fn bad_named(&mut self, fault: Fault, name: &str) {
        self.report.bad += 1;
        if self.report.examples.len() < Meter::EXAMPLES {
            self.report.examples.push(fault.object(name));
        }
    }

    /// The record is wrong: what was wanted and what stood there.
    pub(super) fn wrong(&mut self, expected: &str, found: &str) {
        let shown: String = found.chars().take(80).collect();
        self.bad(Fault::new(&fault::RECORD).expected(expected).found(format!("`{shown}`")));
    }

    /// Takes a value, or counts it as bad. `None` as kind looks at its form. Says whether it was taken.
    pub(super) fn take(&mut self, kind: Option<Kind>, text: &str, claim: Claim) -> Result<bool> {
        let found = match kind {
            Some(kind) => canonical(kind, text).map(|value| (kind, value)),
            None => guess(text),
        };
        match found {
            Ok((kind, value)) => {
                self.give(kind, value, claim)?;
                Ok(true)
            }
            Err(fault) => {
                self.bad(fault);
                Ok(false)
            }
        }
    }

    /// Passes on a canonical value.
    pub(super) fn give(&mut self, kind: Kind, value: String, claim: Claim) -> Result<()> {
        self.report.taken += 1;
        let claims = vec![claim.bounded()];
        self.sink.indicator(Indicator { kind, value, claims, sightings: Sightings::default() })
    }

    pub(super) fn object(&mut self, id: &str, kind: &str, text: &str) -> Result<()> {
        self.sink.object(id, kind, text)
    }

    pub(super) fn withdrawn(&mut self, id: &str) -> Result<()> {
        self.sink.withdrawn(id)
    }
}
