//! The sensor: kernel programs, interpreter and losses in one loop.

use crate::config::SensorConfig;
use crate::interpreter::Interpreter;
use crate::loss::{KindStat, LossWatch};
use crate::programs::{FileKey, Filters, ProbeTable, Programs, ProgramsConfig, Scope};
use crate::table::ProcessTable;
use base::{Clock, Result};
use record::{Event, Kind};
use std::sync::Arc;
use std::time::Duration;

/// Most records read in one poll, so that upkeep and losses come in time under any load.
const RECORDS_MAX: usize = 4096;
/// Longest wait of one poll: losses are to be told within a second.
const WAIT_MAX: Duration = Duration::from_millis(400);

/// A running sensor. Dropping it detaches the kernel programs.
pub struct Sensor {
    programs: Programs,
    interpreter: Interpreter,
    losses: LossWatch,
    delivered: [u64; Kind::ALL.len()],
}

impl Sensor {
    /// Loads the kernel programs, then reads the processes that run already. Needs root (`CAP_BPF`, `CAP_PERFMON`,
    /// `CAP_SYS_PTRACE`, `CAP_DAC_READ_SEARCH`).
    ///
    /// # Errors
    /// `config.invalid` for an unknown kind; `kernel.*` when nothing loads.
    pub fn start(config: SensorConfig, clock: Arc<dyn Clock>) -> Result<Sensor> {
        let programs = Programs::load(&programs_config(&config)?)?;
        let mut interpreter = Interpreter::new(clock, config.table_limits(), config.hash_max_bytes);
        let known = interpreter.bootstrap();
        tracing::info!(processes = known, refused = programs.refused().len(), "sensor started");
        Ok(Sensor { programs, interpreter, losses: LossWatch::new(), delivered: [0; Kind::ALL.len()] })
    }

    /// Waits at most `timeout` (and never longer than 0.4 s) and hands events to `sink` in the order in which the kernel
    /// wrote them; events of different processors may stand a little out of order of their times. Returns how many.
    /// New losses are told as [`record::Lost`] events. The sink must not panic.
    ///
    /// # Errors
    /// `kernel.ring` or `kernel.map` when the programs are gone.
    pub fn poll(&mut self, timeout: Duration, sink: &mut dyn FnMut(Event)) -> Result<usize> {
        let Sensor { programs, interpreter, losses, delivered } = self;
        interpreter.upkeep();
        let mut given = 0;
        let mut give = |event: Event| {
            delivered[event.kind() as usize] += 1;
            given += 1;
            sink(event);
        };
        programs.poll(timeout.min(WAIT_MAX), RECORDS_MAX, &mut |raw| {
            if let Some(event) = interpreter.event(&raw) {
                give(event);
            }
        })?;
        if losses.is_due(interpreter.monotonic()) {
            let counters = programs.counters()?;
            let lost = counters.iter().map(|counter| (counter.kind, counter.lost));
            losses.tell(lost, interpreter.wall_now()).into_iter().for_each(&mut give);
        }
        Ok(given)
    }

    /// The process table.
    pub fn processes(&self) -> &ProcessTable {
        self.interpreter.table()
    }

    /// Counts by kind since the start. Empty when the kernel programs cannot be asked.
    pub fn stats(&self) -> Vec<KindStat> {
        let counters = self.programs.counters().unwrap_or_default();
        let stat = |counter: &crate::programs::Counter| KindStat {
            kind: counter.kind,
            produced: counter.produced,
            lost: counter.lost,
            delivered: self.delivered[counter.kind as usize],
        };
        counters.iter().map(stat).collect()
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
    };
    Ok(ProgramsConfig { ring_bytes: config.ring_bytes, filters, ..ProgramsConfig::default() })
}
