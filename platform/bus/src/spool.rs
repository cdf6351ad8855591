//! What the agent has seen and the server has not yet acknowledged.

use crate::disk::{failed, replace};
use crate::lane::{LaneLog, Stored};
use crate::shed::{self, Tally};
use crate::{Disk, LogConfig, fault};
use base::limits::{BATCH_BYTES, BATCH_EVENTS};
use base::{Clock, Fault, Micros, Result};
use prost::Message;
use record::{AgentId, Alert, Batch, Event, EventId, Frame, Host, Lane, Proc, Receipt, Sample};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// Sizes and ages of a spool.
#[derive(Debug, Clone, Copy)]
pub struct SpoolConfig {
    /// Segments of both lanes.
    pub log: LogConfig,
    /// Most bytes on disk, both lanes; above it the oldest telemetry is shed.
    pub budget_bytes: u64,
    /// Most bytes of sealed batches held in memory while the disk refuses.
    pub memory_bytes: usize,
    /// A telemetry batch is sealed at this many events (at most [`BATCH_EVENTS`]) …
    pub batch_events: usize,
    /// … or about this many bytes before compression …
    pub batch_bytes: usize,
    /// … or this age, µs.
    pub batch_age: Micros,
    /// Telemetry is synced at this age, µs.
    pub sync_age: Micros,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        SpoolConfig {
            log: LogConfig::default(),
            budget_bytes: 512 * 1024 * 1024,
            memory_bytes: 16 * 1024 * 1024,
            batch_events: 4096,
            batch_bytes: 256 * 1024,
            batch_age: 200_000,
            sync_age: 500_000,
        }
    }
}

/// How full a spool is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolStatus {
    /// The start counter.
    pub boot: u64,
    /// Bytes on disk, both lanes.
    pub disk_bytes: u64,
    /// Bytes that wait in memory because the disk refused them.
    pub memory_bytes: usize,
    /// Unacknowledged alert frames.
    pub alert_frames: usize,
    /// Unacknowledged telemetry frames.
    pub telemetry_frames: usize,
    /// Records shed since the start.
    pub shed: u64,
    /// Frames sealed since the start.
    pub sealed: u64,
    /// Whether the last write failed.
    pub failing: bool,
}

/// The telemetry batch that is being filled.
#[derive(Default)]
struct Filling {
    events: Vec<Event>,
    samples: Vec<Sample>,
    seen: HashSet<usize>,
    bytes: usize,
    since: Micros,
}

/// Two lanes of numbered batches on disk. Nothing here waits for the network.
pub struct Spool {
    agent: AgentId,
    host: Host,
    boot: u64,
    config: SpoolConfig,
    clock: Arc<dyn Clock>,
    alert: LaneLog,
    telemetry: LaneLog,
    next: [u64; 2],
    filling: Filling,
    tally: Tally,
    reported: Micros,
    synced: Micros,
    faults: Vec<Fault>,
    status: SpoolStatus,
}

/// Most faults kept for the agent to fetch; the same ones would only repeat.
const MOST_FAULTS: usize = 64;
/// Gaps are reported at most this often, µs.
const REPORT_AGE: Micros = 1_000_000;

impl Spool {
    /// Opens the spool of an agent in its own directory and begins a new numbering. It always opens: what the disk
    /// refuses or what was repaired is found in [`Spool::take_faults`].
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        agent: AgentId,
        host: Host,
        config: SpoolConfig,
        clock: Arc<dyn Clock>,
    ) -> Spool {
        let mut tally = Tally::default();
        let (alert, mut faults) = LaneLog::open(Lane::Alert, disk.clone(), dir, config.log, &mut tally);
        let (telemetry, more) = LaneLog::open(Lane::Telemetry, disk.clone(), dir, config.log, &mut tally);
        faults.extend(more);
        let stored = alert.greatest_boot().max(telemetry.greatest_boot());
        let boot = begin(disk.as_ref(), &dir.join("boot"), stored, clock.as_ref(), &mut faults);
        let status = SpoolStatus { boot, ..SpoolStatus::default() };
        let (synced, reported) = (clock.monotonic(), clock.monotonic() - REPORT_AGE);
        let filling = Filling::default();
        Spool {
            agent,
            host,
            boot,
            config,
            clock,
            alert,
            telemetry,
            next: [1; 2],
            filling,
            tally,
            reported,
            synced,
            faults,
            status,
        }
    }

    /// The start counter: numbers of this start begin at 1 in each lane.
    pub fn boot(&self) -> u64 {
        self.boot
    }

    /// The agent it belongs to.
    pub fn agent(&self) -> AgentId {
        self.agent
    }

    /// Changes the description of the host in batches sealed from now on.
    pub fn set_host(&mut self, host: Host) {
        self.seal_telemetry();
        self.host = host;
    }

    /// Takes events into the telemetry lane.
    pub fn push_telemetry(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.filling.add(event, self.clock.monotonic());
            self.seal_when_full();
        }
    }

    /// Takes a sample into the telemetry lane.
    pub fn push_sample(&mut self, sample: Sample) {
        self.filling.begin(self.clock.monotonic());
        self.filling.bytes += sample.encoded_len();
        self.filling.samples.push(sample);
        self.seal_when_full();
    }

    /// Takes an alert into the alert lane, sealed and synced on return as far as the disk allows. Gives it its id and
    /// agent. A fault only when it cannot be sealed at all.
    pub fn push_alert(&mut self, mut alert: Alert) -> Result<EventId> {
        let id = self.next_id(Lane::Alert);
        alert.id = id.to_string();
        alert.agent = self.agent.to_string();
        self.seal(Lane::Alert, Batch { alerts: vec![alert], ..self.batch() })?;
        Ok(id)
    }

    /// Takes a receipt into the alert lane, as [`Spool::push_alert`] does.
    pub fn push_receipt(&mut self, mut receipt: Receipt) -> Result<EventId> {
        let id = self.next_id(Lane::Alert);
        receipt.agent = self.agent.to_string();
        self.seal(Lane::Alert, Batch { receipts: vec![receipt], ..self.batch() })?;
        Ok(id)
    }

    /// Does what is due: seals an old batch, syncs, retries a disk that failed, reports gaps. Call it about every
    /// 50 ms ([`crate::SharedSpool`] does).
    pub fn tick(&mut self) {
        let now = self.clock.monotonic();
        if !self.filling.is_empty() && now - self.filling.since >= self.config.batch_age {
            self.seal_telemetry();
        }
        if now - self.synced >= self.config.sync_age {
            self.synced = now;
            self.write_both();
        }
        if self.tally.records() > 0 && now - self.reported >= REPORT_AGE {
            self.report();
        }
    }

    /// Seals and syncs everything, before the agent ends.
    pub fn flush(&mut self) {
        self.seal_telemetry();
        if self.tally.records() > 0 {
            self.report();
        }
        self.write_both();
    }

    /// Frames of a lane after (start, number), oldest first, about `bytes` of payload but at least one if there is one.
    pub fn unsent(&mut self, lane: Lane, after: (u64, u64), bytes: usize) -> Vec<Frame> {
        let log = if lane == Lane::Alert { &mut self.alert } else { &mut self.telemetry };
        let (frames, faults) = log.unsent(after, bytes, &mut self.tally);
        self.note(faults);
        frames
    }

    /// The server holds everything of this start and lane up to this number. Whole segments are removed.
    pub fn ack(&mut self, boot: u64, lane: Lane, seq: u64) {
        let done = self.lane(lane).ack(boot, seq);
        self.note(done.err());
    }

    /// The server will never take these numbers: they are counted as lost, reported, and not sent again.
    pub fn refused(&mut self, boot: u64, lane: Lane, first: u64, last: u64) {
        self.tally.add(boot, lane, first, last, &[]);
        self.ack(boot, lane, last);
    }

    /// How full it is.
    pub fn status(&self) -> SpoolStatus {
        SpoolStatus {
            disk_bytes: self.alert.bytes() + self.telemetry.bytes(),
            memory_bytes: self.alert.memory_bytes() + self.telemetry.memory_bytes(),
            alert_frames: self.alert.frames(),
            telemetry_frames: self.telemetry.frames(),
            ..self.status
        }
    }

    /// Faults since the last call, at most 64.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    pub(crate) fn status_sealed(&self) -> u64 {
        self.status.sealed
    }

    fn lane(&mut self, lane: Lane) -> &mut LaneLog {
        if lane == Lane::Alert { &mut self.alert } else { &mut self.telemetry }
    }

    fn batch(&self) -> Batch {
        Batch { host: self.host.clone(), ..Batch::default() }
    }

    fn next_id(&self, lane: Lane) -> EventId {
        EventId { agent: self.agent, boot: self.boot, lane, seq: self.next[lane as usize] }
    }

    fn seal_when_full(&mut self) {
        let most = self.config.batch_events.min(BATCH_EVENTS);
        if self.filling.records() >= most || self.filling.bytes >= self.config.batch_bytes {
            self.seal_telemetry();
        }
    }

    fn seal_telemetry(&mut self) {
        if self.filling.is_empty() {
            return;
        }
        let filling = std::mem::take(&mut self.filling);
        let mut batch = Batch::pack(self.host.clone(), &filling.events);
        batch.samples = filling.samples;
        let done = self.seal(Lane::Telemetry, batch);
        self.note(done.err());
    }

    /// Numbers, seals and stores a batch, and keeps to the budget.
    fn seal(&mut self, lane: Lane, batch: Batch) -> Result<()> {
        let first = self.next[lane as usize];
        let records = batch.records() as u64;
        self.next[lane as usize] += records;
        let sealed = if batch.encoded_len() > BATCH_BYTES {
            Err(Fault::new(&fault::OVERSIZE).object("batch").expected(BATCH_BYTES).found(batch.encoded_len()))
        } else {
            Frame::seal(self.agent, self.boot, lane, first, &batch)
        };
        let counts = shed::count(&batch);
        let frame = match sealed {
            Ok(frame) => frame,
            Err(fault) => {
                // The numbers are used: the gap is reported like any other.
                self.tally.add(self.boot, lane, first, first + records - 1, &counts);
                return Err(fault);
            }
        };
        self.status.sealed += 1;
        self.store(lane, Stored { frame, counts });
        self.keep_to_budget();
        Ok(())
    }

    fn store(&mut self, lane: Lane, stored: Stored) {
        let log = if lane == Lane::Alert { &mut self.alert } else { &mut self.telemetry };
        let mut done = log.store(stored, lane == Lane::Alert, &mut self.tally);
        // An alert is worth more than telemetry: on a full disk it takes its place.
        let mut tries = 0;
        while lane == Lane::Alert && tries < 4 && matches!(&done, Err(fault) if fault.is(&fault::FULL)) {
            let Some(end) = self.telemetry.count_oldest(&mut self.tally) else { break };
            let freed = self.telemetry.remove_oldest(end);
            self.note(freed.err());
            done = self.alert.write(&mut self.tally).and_then(|()| self.alert.sync());
            tries += 1;
        }
        self.disk_said(done);
        if tries > 0 {
            // At once, for the memory of what was shed ends with the agent. Bounded: each round sheds a segment.
            self.report();
        }
    }

    fn write_both(&mut self) {
        for lane in [Lane::Alert, Lane::Telemetry] {
            let log = if lane == Lane::Alert { &mut self.alert } else { &mut self.telemetry };
            let done = log.write(&mut self.tally).and_then(|()| log.sync());
            self.disk_said(done);
        }
    }

    /// Notes the first fault of a run of failures, and bounds what waits in memory.
    fn disk_said(&mut self, done: Result<()>) {
        let waiting = self.alert.memory_bytes() + self.telemetry.memory_bytes() > 0;
        match done {
            Ok(()) => self.status.failing = self.status.failing && waiting,
            Err(fault) => {
                if !self.status.failing {
                    self.note([fault]);
                }
                self.status.failing = true;
            }
        }
        while self.alert.memory_bytes() + self.telemetry.memory_bytes() > self.config.memory_bytes {
            if !self.telemetry.shed_from_memory(&mut self.tally) && !self.alert.shed_from_memory(&mut self.tally) {
                break;
            }
        }
    }

    /// Sheds the oldest telemetry while both lanes together are over the budget. The report is stored before the
    /// segment is removed, so that a crash between the two leaves no silent gap.
    fn keep_to_budget(&mut self) {
        while self.alert.bytes() + self.telemetry.bytes() > self.config.budget_bytes {
            let Some(end) = self.telemetry.count_oldest(&mut self.tally) else { return };
            self.report();
            let done = self.telemetry.remove_oldest(end);
            let failed = done.is_err();
            self.note(done.err());
            if failed {
                return;
            }
        }
    }

    /// Puts what was shed into the alert lane as events.
    fn report(&mut self) {
        self.reported = self.clock.monotonic();
        let records = self.tally.records();
        if records == 0 {
            return;
        }
        let events = self.tally.report(self.boot, self.clock.wall());
        self.status.shed += records;
        self.note([Fault::new(&fault::SHED).object("spool").found(format!("{records} records"))]);
        let batch = Batch::pack(self.host.clone(), &events);
        let (first, records) = (self.next[Lane::Alert as usize], batch.records() as u64);
        self.next[Lane::Alert as usize] += records;
        match Frame::seal(self.agent, self.boot, Lane::Alert, first, &batch) {
            Ok(frame) => {
                self.status.sealed += 1;
                let counts = shed::count(&batch);
                self.store(Lane::Alert, Stored { frame, counts });
            }
            Err(fault) => self.note([fault]),
        }
    }

    fn note(&mut self, faults: impl IntoIterator<Item = Fault>) {
        let room = MOST_FAULTS.saturating_sub(self.faults.len());
        self.faults.extend(faults.into_iter().take(room));
    }
}

impl Filling {
    fn records(&self) -> usize {
        self.events.len() + self.samples.len()
    }

    fn is_empty(&self) -> bool {
        self.records() == 0
    }

    fn begin(&mut self, now: Micros) {
        if self.is_empty() {
            self.since = now;
        }
    }

    fn add(&mut self, event: Event, now: Micros) {
        self.begin(now);
        let mut proc = event.process.as_ref();
        while let Some(new) = proc.filter(|proc| self.seen.insert(Arc::as_ptr(proc).addr())) {
            self.bytes += weigh(new);
            proc = new.parent.as_ref();
        }
        self.bytes += event_bytes(&event);
        self.events.push(event);
    }
}

/// About what an event weighs before compression, bytes.
fn event_bytes(event: &Event) -> usize {
    16 + event.activity.encoded_len()
}

fn weigh(proc: &Proc) -> usize {
    8 + proc.info.encoded_len()
}

/// Counts this start: durable before the first number is given. The number is never below the clock's (ms since the Unix
/// epoch): after the directory was cleared or a machine was set back to a snapshot the counter begins where it was before,
/// and new records would be acknowledged as ones that the server has long had.
fn begin(disk: &dyn Disk, path: &Path, stored: u64, clock: &dyn Clock, faults: &mut Vec<Fault>) -> u64 {
    let wrong = |cause: &str| Fault::new(&fault::BOOT_COUNTER).object(path.display()).because(cause);
    let by_clock = (clock.wall() / 1_000).max(0) as u64;
    let counted = match disk.read(path, 0, 64) {
        Ok(text) => {
            let number = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
            if number.is_none() {
                faults.push(wrong("the content is not a number"));
            }
            number.unwrap_or(0)
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => 0,
        Err(cause) => {
            faults.push(failed(path, cause));
            0
        }
    };
    let boot = counted.max(stored).saturating_add(1).max(by_clock);
    if let Err(fault) = replace(disk, path, boot.to_string().as_bytes()) {
        faults.push(wrong(&fault.inside()));
    }
    boot
}
