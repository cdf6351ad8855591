//! Scanning, wired: hints and the walk in, events out. One thread of the agent runs it.

use crate::client::{Client, Health};
use crate::config::ScanConfig;
use crate::fault;
use crate::hint::{self, Cause, Hint};
use crate::limits::LANE;
use crate::memory::Memory;
use crate::open::{Opened, open};
use crate::protocol::{Done, Look};
use crate::rules;
use crate::scheduler::{Moment, Scheduler, Step};
use crate::state;
use crate::walk::{HostTree, Tree};
use base::{Clock, Micros, Random};
use record::{Activity, Event, FileId, Kind, Lost};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// How often what is known goes to the disk, µs.
const SAVE: Micros = 60_000_000;
/// How often what was dropped is told, µs.
const TELL: Micros = 10_000_000;
/// How often a file is looked at that goes on being written; then it is a log, and the walk comes by.
const AGAIN: u8 = 6;

/// Our programs, beside one another.
const OWN: [&str; 4] = ["garrison", "garrison-agent", "garrison-gateway", "garrison-scanner"];

/// What scanning did since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files scanned.
    pub files: u64,
    /// Files not scanned because they had not changed.
    pub unchanged: u64,
    /// Files that were gone, or were none, when their turn came.
    pub gone: u64,
    /// Files that were looked at in part, because they are too long.
    pub truncated: u64,
    /// Files left out because the scanner failed on them.
    pub failed: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Processor time of the scanner, µs.
    pub cpu_us: u64,
    /// Findings.
    pub findings: u64,
    /// Members of archives left out.
    pub members_left_out: u64,
    /// Hints dropped because too many waited.
    pub dropped: u64,
    /// Names the walk left out because of a limit.
    pub walk_left_out: u64,
    /// Rules in force.
    pub rules: u32,
    /// Scanners started, crashed, stopped.
    pub health: Health,
}

#[derive(Default)]
struct Inbox {
    hints: Vec<Hint>,
    dropped: u64,
    reload: bool,
    stats: Stats,
}

/// The way in, for any thread: never waits for a scan.
#[derive(Clone, Default)]
pub struct Hints(Arc<(Mutex<Inbox>, Condvar)>, Arc<AtomicBool>);

impl Hints {
    /// An event of the sensor: what it says about files is noted.
    pub fn see(&self, event: &Event) {
        for hint in hint::of(event) {
            self.push(hint);
        }
    }

    /// A file to look at.
    pub fn push(&self, hint: Hint) {
        let mut inbox = self.lock();
        if inbox.hints.len() >= LANE {
            inbox.dropped += 1;
        } else {
            inbox.hints.push(hint);
        }
        self.0.1.notify_one();
    }

    /// Reads the rules again.
    pub fn reload(&self) {
        self.lock().reload = true;
        self.0.1.notify_one();
    }

    /// Ends a wait for hints or for the scanner, so that a stop is seen.
    pub fn wake(&self) {
        self.1.store(true, Ordering::SeqCst);
        drop(self.lock());
        self.0.1.notify_one();
    }

    /// What was done so far.
    pub fn stats(&self) -> Stats {
        self.lock().stats
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.0.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// See the module.
pub struct Runner {
    config: ScanConfig,
    state: PathBuf,
    clock: Arc<dyn Clock>,
    hints: Hints,
    scheduler: Scheduler,
    tree: Box<dyn Tree>,
    client: Client,
    memory: Memory,
    mount_namespace: u32,
    stats: Stats,
    saved: Micros,
    told: Micros,
    dropped_told: u64,
}

impl Runner {
    /// Ready to run. `state` is a folder of the agent that others cannot write to.
    pub fn new(mut config: ScanConfig, state: PathBuf, clock: Arc<dyn Clock>, random: &dyn Random) -> Runner {
        // Our own programs carry rules that are full of what they look for.
        let own = std::env::current_exe().unwrap_or_default();
        config.exclude.extend(OWN.iter().map(|name| own.with_file_name(name)));
        let (memory, progress, fault) = state::load(&state, random);
        if let Some(fault) = fault {
            tracing::warn!(fault = %fault.inside(), "scanning begins anew");
        }
        let (set, faults) = rules::read(&config);
        for fault in faults {
            tracing::warn!(fault = %fault.inside(), "a file of YARA rules was left out");
        }
        let client = Client::new(config.scanner(), set, clock.clone());
        let now = clock.monotonic();
        Runner {
            scheduler: Scheduler::new(config.clone(), progress),
            config,
            state,
            hints: Hints(Arc::default(), client.ending()),
            tree: Box::new(HostTree::default()),
            client,
            memory,
            mount_namespace: mount_namespace(),
            stats: Stats::default(),
            saved: now,
            told: now,
            dropped_told: 0,
            clock,
        }
    }

    /// The way in.
    pub fn hints(&self) -> Hints {
        self.hints.clone()
    }

    /// What was done so far.
    pub fn stats(&self) -> Stats {
        Stats { health: self.client.health(), rules: self.client.rules(), ..self.stats }
    }

    /// Runs until told to stop ([`Hints::wake`] makes it look), then keeps what is known. Events of findings and of what
    /// was dropped go to `deliver`.
    pub fn run(mut self, stop: &AtomicBool, deliver: &mut dyn FnMut(Event)) {
        while !stop.load(Ordering::Relaxed) {
            // Whoever wakes has stopped before: a mark that is taken away here is seen as a stop there.
            self.hints.1.store(false, Ordering::SeqCst);
            if stop.load(Ordering::SeqCst) {
                break;
            }
            let wait = self.step(deliver);
            if wait > 0 {
                let inbox = self.hints.lock();
                if inbox.hints.is_empty() && !inbox.reload && !stop.load(Ordering::Relaxed) {
                    // Waking early, by a hint or by chance, only means to look again.
                    let _ = self.hints.0.1.wait_timeout(inbox, Duration::from_micros(wait as u64));
                }
            }
        }
        self.save();
    }

    /// Does one thing and says how long there is nothing to do, µs.
    pub fn step(&mut self, deliver: &mut dyn FnMut(Event)) -> Micros {
        let now = self.clock.monotonic();
        self.take_in(now);
        self.keep(now, deliver);
        // While the scanner rests, files keep their places.
        let resting = self.client.resting();
        if resting > 0 {
            return resting;
        }
        let moment = Moment { now, wall: self.clock.wall(), busy_percent: busy_percent() };
        match self.scheduler.next(moment, &mut *self.tree) {
            Step::Wait(wait) => wait,
            Step::Scan(hint) => {
                self.scan(&hint, deliver);
                0
            }
        }
    }

    fn take_in(&mut self, now: Micros) {
        let (hints, reload) = {
            let mut inbox = self.hints.lock();
            self.stats.dropped += std::mem::take(&mut inbox.dropped);
            inbox.stats = self.stats();
            (std::mem::take(&mut inbox.hints), std::mem::take(&mut inbox.reload))
        };
        for hint in hints {
            self.scheduler.hint(hint, now);
        }
        if reload {
            let (set, faults) = rules::read(&self.config);
            for fault in faults {
                tracing::warn!(fault = %fault.inside(), "a file of YARA rules was left out");
            }
            self.client.set_rules(set);
            self.scheduler.restart_walk();
        }
    }

    /// What is due beside scanning: telling of losses, writing down.
    fn keep(&mut self, now: Micros, deliver: &mut dyn FnMut(Event)) {
        if now - self.told >= TELL {
            self.told = now;
            let (dropped, left_out) = self.scheduler.take_left_out();
            self.stats.walk_left_out += left_out;
            self.stats.dropped += dropped;
            let count = self.stats.dropped - std::mem::replace(&mut self.dropped_told, self.stats.dropped);
            if count > 0 {
                let lost = Lost { class: Kind::Scan.word().into(), place: "queue".into(), count, ..Lost::default() };
                deliver(Event { seq: 0, time_us: self.clock.wall(), process: None, activity: Activity::Lost(lost) });
            }
        }
        if now - self.saved >= SAVE {
            self.saved = now;
            self.save();
        }
    }

    fn save(&self) {
        if let Err(fault) = state::save(&self.state, &self.memory, self.scheduler.progress()) {
            tracing::warn!(fault = %fault.inside(), "scanned files will be scanned again after a restart");
        }
    }

    fn scan(&mut self, hint: &Hint, deliver: &mut dyn FnMut(Event)) {
        let opened = match open(hint, self.mount_namespace) {
            Ok(opened) => opened,
            Err(_) => {
                self.stats.gone += 1;
                return;
            }
        };
        match self.client.version().map(str::to_owned) {
            Ok(version) => self.memory.set_version(&version),
            Err(fault) => {
                tracing::warn!(fault = %fault.inside(), "the scanner is not there");
                return self.scheduler.hint(hint.clone(), self.clock.monotonic());
            }
        }
        for fault in self.client.take_faults() {
            tracing::warn!(fault = %fault.inside(), "a YARA rule was left out");
        }
        if hint.cause != Cause::Order && self.memory.knows(&opened.facts) {
            self.stats.unchanged += 1;
            return;
        }
        let look = Look {
            name: opened.file.path.clone(),
            content: Vec::new(),
            most_bytes: self.config.file_bytes,
            urgent: hint.cause != Cause::Schedule,
        };
        let looked = self.client.look(look, Some(opened.descriptor.as_fd()));
        if looked.as_ref().is_err_and(|fault| fault.is(&fault::RESTING)) {
            return;
        }
        // A file that the scanner failed on is left alone until it changes.
        self.memory.learn(&opened.facts);
        self.look_again(hint, &opened);
        match looked {
            Ok(done) => self.found(hint, &opened, done, deliver),
            Err(fault) => {
                self.stats.failed += 1;
                tracing::warn!(fault = %fault.inside(), "a file was not scanned");
            }
        }
    }

    /// A written file is heard of when it is opened: one that was written to just now is not done yet.
    fn look_again(&mut self, hint: &Hint, opened: &Opened) {
        let since_us = self.clock.wall() - (opened.facts.modified_ns / 1000) as Micros;
        let settle_us = Micros::from(self.config.settle_ms) * 1000;
        if hint.cause == Cause::Write && hint.again < AGAIN && since_us < settle_us {
            let again = Hint { again: hint.again + 1, ..hint.clone() };
            self.scheduler.hint(again, self.clock.monotonic());
        }
    }

    fn found(&mut self, hint: &Hint, opened: &Opened, done: Done, deliver: &mut dyn FnMut(Event)) {
        self.scheduler.charge(hint.cause, done.bytes, done.cpu_us);
        self.stats.files += 1;
        self.stats.bytes += done.bytes;
        self.stats.cpu_us += done.cpu_us;
        self.stats.truncated += u64::from(done.truncated);
        self.stats.members_left_out += u64::from(done.members_left_out);
        self.stats.findings += done.findings.len() as u64;
        for fault in &done.faults {
            tracing::warn!(fault = %fault.fault().inside(), file = opened.file.path, "a check of a file failed");
        }
        let process = hint.process.as_ref();
        let runs = process.filter(|_| hint.cause == Cause::Exec).map_or(0, |process| process.info.pid());
        for mut scan in done.findings {
            scan.file = FileId { sha256: std::mem::take(&mut scan.file.sha256), ..opened.file.clone() };
            (scan.pid, scan.cause) = (runs, hint.cause.word().to_owned());
            let time_us = self.clock.wall();
            deliver(Event { seq: 0, time_us, process: process.cloned(), activity: Activity::Scan(scan) });
        }
    }
}

/// Inode of our mount namespace, 0 when unknown.
fn mount_namespace() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self/ns/mnt").map_or(0, |namespace| namespace.ino() as u32)
}

/// Processors wanted in the last minute, percent of those there are.
fn busy_percent() -> u32 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    (load / cores * 100.0) as u32
}
