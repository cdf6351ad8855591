//! systemd's journal, followed through `journalctl`: no library of systemd is linked, and its format is read in one
//! place, by systemd.
//!
//! The arguments are fixed and no shell is involved. The cursor of the last entry that the sink took is kept; after a
//! restart reading goes on behind it. If the journal was rotated past that cursor, reading goes on at its time.

pub mod export;

use crate::config::JournalInput;
use crate::decode::Around;
use crate::decode::syslog::{self, Header};
use crate::limits::{BATCH_EVENTS, JOURNAL_FIELD_BYTES};
use crate::reader::{self, text};
use crate::sink::Sink;
use crate::stats::{Count, Counters};
use crate::wake::Stop;
use crate::zone::Zone;
use crate::{fault, logs};
use base::{Clock, Fault, Micros, Result};
use export::{Export, Field};
use record::Event;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// The program. Its full path, so that no `PATH` decides.
const PROGRAM: &str = "/usr/bin/journalctl";
/// Fields asked for; the cursor and the time come with them.
const FIELDS: &str = "MESSAGE,PRIORITY,SYSLOG_FACILITY,SYSLOG_IDENTIFIER,SYSLOG_PID,_PID,_UID,_COMM,_EXE,_CMDLINE,\
                      _SYSTEMD_UNIT,_HOSTNAME,_TRANSPORT,_AUDIT_LOGINUID,_AUDIT_SESSION,_SYSTEMD_CGROUP,CONTAINER_NAME";
/// First and longest time until another try.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Where reading goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The cursor of the last entry taken.
    pub cursor: String,
    /// Its time, µs.
    pub time_us: Micros,
}

/// One journal and how far it was read.
pub struct Journal {
    input: JournalInput,
    store: PathBuf,
    place: Place,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    zone: Zone,
}

impl Journal {
    /// Reads the kept place. Where there is none, reading begins now.
    pub fn new(
        input: JournalInput,
        store: PathBuf,
        counters: Arc<Counters>,
        clock: Arc<dyn Clock>,
        zone: Zone,
    ) -> Journal {
        let kept = std::fs::read(&store).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let place = kept.unwrap_or_else(|| {
            // The first start ever: from now on, also if the first entry comes only after a restart.
            let place = Place { cursor: String::new(), time_us: clock.wall() };
            logs::keep(&store, &serde_json::to_vec(&place).unwrap_or_default());
            place
        });
        Journal { input, store, place, counters, clock, zone }
    }

    /// The arguments of `journalctl`. `by_time` where the cursor leads nowhere any more.
    pub fn arguments(&self, by_time: bool) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["--output=export", "--follow", "--quiet", "--no-pager"].map(str::to_owned).to_vec();
        arguments.push(format!("--output-fields={FIELDS}"));
        if !self.input.directory.is_empty() {
            arguments.push(format!("--directory={}", self.input.directory));
        }
        arguments.extend(self.input.units.iter().map(|unit| format!("--unit={unit}")));
        arguments.push("--no-tail".to_owned());
        arguments.push(if by_time || self.place.cursor.is_empty() {
            format!("--since=@{}", self.place.time_us / 1_000_000)
        } else {
            format!("--after-cursor={}", self.place.cursor)
        });
        arguments
    }

    /// An entry as an event, and its place.
    fn event(&self, entry: &[Field]) -> (Event, Place) {
        let now = self.clock.wall();
        let (event, known) = event(entry, now, &self.zone);
        self.counters.add(Count::Lines, 1);
        self.counters.add(Count::Events, 1);
        self.counters.add(Count::Undecoded, u64::from(!known));
        self.counters.add(Count::Bytes, entry.iter().map(|(_, value)| value.len() as u64).sum());
        let cursor = get(entry, "__CURSOR").map(|cursor| text(cursor).0.into_owned()).unwrap_or_default();
        let time_us = event.time_us;
        (event, Place { cursor, time_us })
    }

    /// Gives events to the sink and keeps the place behind them.
    fn give(&mut self, events: &mut Vec<Event>, place: &mut Option<Place>, sink: &dyn Sink) -> Result<()> {
        if !events.is_empty() {
            sink.take(std::mem::take(events))?;
        }
        if let Some(place) = place.take().filter(|place| !place.cursor.is_empty()) {
            if let Ok(bytes) = serde_json::to_vec(&place) {
                logs::keep(&self.store, &bytes);
            }
            self.place = place;
        }
        Ok(())
    }
}

fn get<'e>(entry: &'e [Field], name: &str) -> Option<&'e [u8]> {
    entry.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_slice())
}

/// An entry as an event; `false` where it has no message.
pub fn event(entry: &[Field], now: Micros, zone: &Zone) -> (Event, bool) {
    let owned = |name: &str| get(entry, name).map(|value| text(value).0.into_owned()).unwrap_or_default();
    let or = |first: &str, second: &str| Some(owned(first)).filter(|text| !text.is_empty()).unwrap_or(owned(second));
    let (app, pid) = (or("SYSLOG_IDENTIFIER", "_COMM"), or("_PID", "SYSLOG_PID"));
    let (message, host) = (owned("MESSAGE"), owned("_HOSTNAME"));
    let number = |name: &str| owned(name).parse::<u8>().ok();
    let priority = number("PRIORITY")
        .map(|severity| number("SYSLOG_FACILITY").filter(|facility| *facility < 24).unwrap_or(1) << 3 | (severity & 7));
    let time_us = owned("__REALTIME_TIMESTAMP").parse().ok();
    let header =
        Header { priority, time_us, host: &host, app: &app, pid: &pid, message: &message, ..Header::default() };
    let mut found = syslog::found(&message, &header, &Around { now, zone, word: "" });
    // The kernel says who wrote; the names are those of the journal, in lower case and without their underscore.
    for (field, name) in [
        ("_UID", "uid"),
        ("_EXE", "exe"),
        ("_CMDLINE", "cmdline"),
        ("_SYSTEMD_UNIT", "unit"),
        ("_TRANSPORT", "transport"),
        ("_AUDIT_LOGINUID", "loginuid"),
        ("_AUDIT_SESSION", "session_id"),
        ("CONTAINER_NAME", "container"),
    ] {
        if found.fields.get(name).is_none() {
            found.fields.some(name, &owned(field));
        }
    }
    let unit = owned("_SYSTEMD_UNIT");
    let origin = if unit.is_empty() { "journal" } else { &unit };
    (reader::event(found, origin, false, now), !message.is_empty())
}

/// Why a child ended.
enum End {
    /// A stop was said.
    Stop,
    /// It gave nothing at all.
    Silent,
    /// It gave entries, then ended.
    Over,
}

/// Follows a journal until the stop; a child that ends is started again, later each time it gives nothing.
pub fn run(mut journal: Journal, sink: &dyn Sink, stop: &Stop) {
    let mut by_time = false;
    let mut pause = RETRY.0;
    while !stop.is_set() {
        let end = follow(&mut journal, by_time, sink, stop);
        journal.counters.set_open(0);
        match end {
            Ok(End::Stop) => return,
            Ok(End::Silent) => by_time = !by_time,
            Ok(End::Over) => (by_time, pause) = (false, RETRY.0),
            Err(fault) => {
                journal.counters.add(Count::Failures, 1);
                tracing::warn!(fault = fault.inside(), "journal");
            }
        }
        stop.wait(&[], pause);
        pause = (pause * 2).min(RETRY.1);
    }
}

/// A child that is ended with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is reaped.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn follow(journal: &mut Journal, by_time: bool, sink: &dyn Sink, stop: &Stop) -> Result<End> {
    let fault = |cause: std::io::Error| Fault::new(&fault::JOURNAL).object(PROGRAM).because(cause);
    let mut command = Command::new(PROGRAM);
    command.args(journal.arguments(by_time)).env_clear().env("LC_ALL", "C.UTF-8");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(fault)?;
    let mut child = Running(child);
    let Some(mut output) = child.0.stdout.take() else { return Ok(End::Silent) };
    journal.counters.set_open(1);
    let mut export = Export::default();
    let mut buffer = vec![0; 64 * 1024];
    let (mut events, mut place, mut is_silent, mut skipped) = (Vec::new(), None, true, 0);
    loop {
        // While entries wait, only what is there at once is read with them.
        let wait = if events.is_empty() { Duration::from_secs(600) } else { Duration::ZERO };
        let ready = stop.wait(&[output.as_fd()], wait) == [true];
        if stop.is_set() {
            journal.give(&mut events, &mut place, sink)?;
            return Ok(End::Stop);
        }
        if !ready {
            journal.give(&mut events, &mut place, sink)?;
            continue;
        }
        let count = output.read(&mut buffer).map_err(fault)?;
        if count == 0 {
            journal.give(&mut events, &mut place, sink)?;
            return Ok(if is_silent { End::Silent } else { End::Over });
        }
        let mut entries = Vec::new();
        export.feed(&buffer[..count], &mut |entry| entries.push(entry));
        for entry in entries {
            is_silent = false;
            let (event, behind) = journal.event(&entry);
            events.push(event);
            place = Some(behind);
        }
        journal.counters.add(Count::Cut, export.skipped() - skipped);
        skipped = export.skipped();
        if events.len() >= BATCH_EVENTS {
            journal.give(&mut events, &mut place, sink)?;
        }
    }
}

// The parser's own bound and the record's must not drift apart.
const _: () = assert!(JOURNAL_FIELD_BYTES >= base::limits::LOG_LINE_BYTES);
