//! The sensor: kernel programs, interpreter and losses in one loop.

use crate::config::SensorConfig;
use crate::health::Health;
use crate::interpreter::Interpreter;
use crate::loss::{KindStat, LossWatch};
use crate::procfs;
use crate::programs::{Counter, FileKey, Filters, ProbeTable, Programs, ProgramsConfig, Scope};
use crate::table::ProcessTable;
use base::{Clock, Result};
use record::{Event, Kind, ProcessKey};
use std::sync::Arc;
use std::time::Duration;

/// Most records read in one poll, so that upkeep and losses come in time under any load.
const RECORDS_MAX: usize = 4096;
/// Name of the server's program.
const SERVER: &str = "garrison";
/// Longest wait of one poll: losses are to be told within a second.
const WAIT_MAX: Duration = Duration::from_millis(400);

/// A running sensor. Dropping it detaches the kernel programs.
pub struct Sensor {
    programs: Programs,
    interpreter: Interpreter,
    losses: LossWatch,
    counters: Vec<Counter>,
    renewed: bool,
    probed: ProbeTable,
    delivered: [u64; Kind::ALL.len()],
}

impl Sensor {
    /// Loads the kernel programs, then reads the processes that run already. Needs root (`CAP_BPF`, `CAP_PERFMON`,
    /// `CAP_SYS_PTRACE`, `CAP_DAC_READ_SEARCH`).
    ///
    /// # Errors
    /// `config.invalid` for an unknown kind; `kernel.*` when nothing loads.
    pub fn start(config: SensorConfig, clock: Arc<dyn Clock>) -> Result<Sensor> {
        let mut programs = Programs::load(&programs_config(&config)?)?;
        // An attached hook that never fires is worse than none: it must be known from the start.
        let probed = programs.probe().unwrap_or_else(|fault| {
            tracing::warn!(fault = %fault.inside(), "the hooks could not be tried");
            ProbeTable::default()
        });
        let interpreter = Interpreter::new(clock, config.table_limits(), config.hash_max_bytes);
        let mut interpreter = interpreter.ignoring(config.ignore_paths);
        let known = interpreter.bootstrap();
        let silent = probed.rows.iter().filter(|row| !row.fired).map(|row| row.event.as_str()).collect::<Vec<_>>();
        tracing::info!(processes = known, refused = programs.refused().len(), ?silent, "sensor started");
        Ok(Sensor {
            programs,
            interpreter,
            losses: LossWatch::new(),
            counters: Vec::new(),
            renewed: false,
            probed,
            delivered: [0; Kind::ALL.len()],
        })
    }

    /// Which events this host delivers, as a canary found out at the start.
    pub fn probed(&self) -> &ProbeTable {
        &self.probed
    }

    /// Waits at most `timeout` (and never longer than 0.4 s) and hands events to `sink` in the order in which the kernel
    /// wrote them; events of different processors may stand a little out of order of their times. Returns how many.
    /// New losses are told as [`record::Lost`] events.
    ///
    /// # Errors
    /// `kernel.ring` or `kernel.map` when the programs are gone, `kernel.receiver` when the sink panicked.
    pub fn poll(&mut self, timeout: Duration, sink: &mut dyn FnMut(Event)) -> Result<usize> {
        let Sensor { programs, interpreter, losses, delivered, counters, renewed, .. } = self;
        interpreter.upkeep();
        let mut given = 0;
        let own = programs.filters().own.clone();
        let mut executed: Vec<ProcessKey> = Vec::new();
        let mut give = |event: Event| {
            delivered[event.kind() as usize] += 1;
            given += 1;
            sink(event);
        };
        programs.poll(timeout.min(WAIT_MAX), RECORDS_MAX, &mut |raw| {
            let Some(event) = interpreter.event(&raw) else { return };
            let key = event.process.as_ref().map(|process| process.info.key());
            // From now on it runs something else, and works for us no more.
            executed.extend(key.filter(|key| event.kind() == Kind::Exec && own.contains(key)));
            give(event);
        })?;
        *renewed = losses.is_due(interpreter.monotonic());
        if *renewed {
            *counters = programs.counters()?;
            let lost = counters.iter().map(|counter| (counter.kind, counter.lost));
            losses.tell(lost, interpreter.wall_now()).into_iter().for_each(&mut give);
        }
        for group in interpreter.missed_groups() {
            programs.forget_group(group);
        }
        for process in executed {
            programs.disown(process)?;
        }
        if self.renewed {
            self.health().publish();
        }
        Ok(given)
    }

    /// Whether the last poll looked at the kernel's counters, so that [`Sensor::stats`] tells something new.
    pub fn renewed(&self) -> bool {
        self.renewed
    }

    /// The process table.
    pub fn processes(&self) -> &ProcessTable {
        self.interpreter.table()
    }

    /// Counts by kind since the start, the kernel's part as the last look found it (twice a second while polled).
    pub fn stats(&self) -> Vec<KindStat> {
        let stat = |counter: &Counter| KindStat {
            kind: counter.kind,
            produced: counter.produced,
            lost: counter.lost,
            filtered: counter.filtered + if counter.kind == Kind::File { self.interpreter.filtered() } else { 0 },
            delivered: self.delivered[counter.kind as usize],
        };
        self.counters.iter().map(stat).collect()
    }

    /// How the sensor itself is; the metrics `agent.*` tell the same.
    pub fn health(&self) -> Health {
        let sum = |of: fn(&Counter) -> u64| self.counters.iter().map(of).sum::<u64>();
        Health {
            lost: sum(|counter| counter.lost),
            filtered: sum(|counter| counter.filtered) + self.interpreter.filtered(),
            unreadable: self.programs.unreadable(),
            strangers: self.interpreter.strangers(),
            refused: self.interpreter.table().refused(),
        }
    }

    /// How many events named a process that neither the table nor `/proc` knew any more.
    pub fn strangers(&self) -> u64 {
        self.interpreter.strangers()
    }

    /// Programs and groups that this kernel refused, with the reason.
    pub fn refused(&self) -> &[(String, String)] {
        self.programs.refused()
    }

    /// Refuses the execution of a file, by device (`major << 20 | minor` of the file system) and inode. Where no hook can
    /// refuse, the process is killed before its first instruction.
    ///
    /// # Errors
    /// `kernel.map` when the list is full.
    pub fn deny(&mut self, device: u32, inode: u64) -> Result<()> {
        self.programs.deny(FileKey { inode, device })
    }

    /// Allows it again.
    ///
    /// # Errors
    /// `kernel.map` when the list cannot be changed.
    pub fn allow(&mut self, device: u32, inode: u64) -> Result<()> {
        self.programs.allow(FileKey { inode, device })
    }

    /// Whether the kernel refuses it now, read back from the kernel's own list.
    ///
    /// # Errors
    /// `kernel.map` when the list cannot be read.
    pub fn denies(&self, device: u32, inode: u64) -> Result<bool> {
        self.programs.denies(FileKey { inode, device })
    }

    /// Fires a canary through every hook and tells which deliver. Events that come meanwhile are not lost.
    ///
    /// # Errors
    /// `kernel.*` when the programs cannot be asked.
    pub fn probe(&mut self) -> Result<ProbeTable> {
        self.programs.probe()
    }
}

/// Loads every kernel program, fires a canary through each hook, and tells which events this host delivers.
///
/// # Errors
/// `kernel.*` when nothing loads.
pub fn probe() -> Result<ProbeTable> {
    Programs::load(&ProgramsConfig::default())?.probe()
}

fn programs_config(config: &SensorConfig) -> Result<ProgramsConfig> {
    let filters = Filters {
        kinds: config.kinds()?,
        read_opens: config.read_opens,
        executable_memory: config.executable_memory,
        ignore_paths: config.ignore_paths.clone(),
        ignore_comms: config.ignore_comms.clone(),
        scope: config.scope.map(|pid| Scope::Tree(vec![pid])),
        guarded: None,
        own: own_processes(&config.own),
    };
    Ok(ProgramsConfig { ring_bytes: config.ring_bytes, filters, ..ProgramsConfig::default() })
}

/// The processes named, and the server of our own folder when it started us: its disk and network work follows from our
/// own events and would be told back to it for ever.
fn own_processes(named: &[u32]) -> Vec<ProcessKey> {
    let mut reader = procfs::Reader::new();
    let parent = reader.parent(std::process::id()).filter(|parent| {
        let ours = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.join(SERVER)));
        ours.is_some_and(|server| std::path::Path::new(&reader.executable(*parent).path) == server)
    });
    let all = named.iter().copied().chain(parent);
    let mut keys: Vec<ProcessKey> = all.filter_map(|pid| reader.key(pid)).collect();
    keys.dedup();
    keys
}
