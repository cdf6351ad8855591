//! The kernel programs of the sensor: loaded, filtered, read, and asked what they can do here.
//!
//! What it is not: a decoder. Records come out as [`RawEvent`]s; the interpreter makes events of them.
//!
//! Invariants
//! - A group or program that the kernel refuses is left out and named in the [probe table](Programs::probe); what
//!   remains works.
//! - Dropping [`Programs`] detaches everything. Our own process is never reported.
//! - Every record that found the ring full is counted by kind.
//!
//! ```no_run
//! use sensor::programs::{Programs, ProgramsConfig};
//! let mut programs = Programs::load(&ProgramsConfig::default())?;
//! println!("{}", programs.probe()?);
//! programs.poll(std::time::Duration::from_millis(20), 0, &mut |event| println!("{event:?}"))?;
//! # Ok::<(), base::Fault>(())
//! ```

mod calls;
mod deny;
mod file_key;
mod filters;
mod groups;
mod maps;
mod probe;

pub use file_key::FileKey;
pub use filters::{Filters, Scope};
use filters::{Levels, number_of};
pub use kernel::{Hook, ProbeRow, ProbeTable, Refusal};

use crate::raw::RawEvent;
use base::{Fault, Result};
use deny::Denials;
use kernel::{Loaded, Plan, Ring, SharedMaps, load};
use maps::Maps;
use record::{Kind, ProcessKey};
use std::collections::VecDeque;
use std::time::Duration;

/// How the programs are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramsConfig {
    /// Bytes of the ring; rounded up to a power of two, at least 64 KiB.
    pub ring_bytes: u32,
    /// The reader is woken when so many bytes wait; before that it reads when its wait is over.
    pub wake_bytes: u64,
    /// What is reported.
    pub filters: Filters,
}

impl Default for ProgramsConfig {
    fn default() -> ProgramsConfig {
        ProgramsConfig { ring_bytes: 8 << 20, wake_bytes: 256 << 10, filters: Filters::default() }
    }
}

/// Counts of one kind since the programs were loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// The kind.
    pub kind: Kind,
    /// Records written to the ring.
    pub produced: u64,
    /// Records that found it full.
    pub lost: u64,
    /// Records that a filter dropped.
    pub filtered: u64,
}

/// The loaded programs.
pub struct Programs {
    // Dropped first: no hook may be left attached while its tables go.
    dispatch: Option<Loaded>,
    groups: Vec<Loaded>,
    denials: Denials,
    ring: Ring,
    maps: Maps,
    filters: Filters,
    levels: Levels,
    held: VecDeque<Vec<u8>>,
    bad: u64,
    refused: Vec<(String, String)>,
    refusals: Vec<Refusal>,
}

impl Programs {
    /// Loads and attaches what this kernel accepts.
    ///
    /// # Errors
    /// `kernel.load-refused` when nothing loads: not root, no BTF, too old; `kernel.ring` without memory for the ring.
    pub fn load(config: &ProgramsConfig) -> Result<Programs> {
        let ring_bytes = config.ring_bytes.clamp(64 << 10, 1 << 30).next_power_of_two();
        let sizes = [("ring", ring_bytes), ("scratches", maps::processors()?)];
        let mut shared = SharedMaps::default();
        let mut refused = Vec::new();
        let load_group = |group: &groups::Group, shared: &mut SharedMaps| {
            let plan = Plan { name: group.name, bytes: group.bytes, wanted: &|_| true, sizes: &sizes };
            load(&plan, shared)
        };
        let dispatch = load_group(&groups::DISPATCH, &mut shared)?;
        let mut loaded = Vec::new();
        for group in groups::GROUPS {
            match load_group(group, &mut shared) {
                Ok(group) => {
                    refused.extend(group.refused.iter().cloned());
                    loaded.push(group);
                }
                Err(fault) => refused.push(refusal(group.name, &fault)),
            }
        }
        let maps = Maps::new(shared)?;
        let ring = Ring::open(maps.ring(), maps.bell())?;
        let ring_bytes = u64::from(ring_bytes);
        let mut programs = Programs {
            dispatch: Some(dispatch),
            groups: loaded,
            denials: Denials::default(),
            ring,
            maps,
            filters: config.filters.clone(),
            // A quarter is kept for processes and for what reaches for more rights.
            levels: Levels { wake_bytes: config.wake_bytes.min(ring_bytes / 2), bulk_bytes: ring_bytes / 4 * 3 },
            held: VecDeque::new(),
            bad: 0,
            refused: Vec::new(),
            refusals: refused,
        };
        programs.connect_handlers()?;
        programs.maps.apply(None, &config.filters, programs.levels, false)?;
        programs.set_filters(&config.filters)?;
        programs.attach_all();
        let pair = |no: &Refusal| (no.program.clone(), no.reason.clone());
        programs.refused = programs.refusals.iter().map(pair).collect();
        Ok(programs)
    }

    /// Fills the dispatcher's table of handlers.
    fn connect_handlers(&mut self) -> Result<()> {
        for row in calls::all() {
            let descriptor = self.groups.iter().find_map(|group| group.descriptor(row.program));
            if let Some(descriptor) = descriptor {
                self.maps.set_handler(row.word, descriptor)?;
            }
        }
        Ok(())
    }

    fn attach_all(&mut self) {
        let direct = groups::GROUPS.iter().flat_map(|group| group.attached);
        for program in direct.filter(|program| !groups::URING.contains(program)) {
            self.attach(program);
        }
        // Only one fits a kernel; the others would read its arguments wrongly.
        let _ = groups::URING.iter().any(|program| self.attach(program));
    }

    fn attach(&mut self, program: &str) -> bool {
        let Some(group) = self.groups.iter_mut().find(|group| group.has(program)) else { return false };
        let attached = group.attach(program);
        if let Err(fault) = &attached {
            self.refusals.push(refusal(program, fault));
        }
        attached.is_ok()
    }

    /// Changes what is reported, at once and without a gap.
    ///
    /// # Errors
    /// `kernel.map` when a table is full, `kernel.attach-refused` when the dispatcher cannot be attached.
    pub fn set_filters(&mut self, filters: &Filters) -> Result<()> {
        self.maps.apply(Some(&self.filters), filters, self.levels, !self.denials.is_empty())?;
        let watches = calls::all().any(|row| filters.has(row.kind));
        self.filters = filters.clone();
        if let Some(dispatch) = self.dispatch.as_mut() {
            if watches {
                dispatch.attach(groups::DISPATCHER)?;
            } else {
                // Without a watched call there is no program at the end of system calls, and no cost there.
                dispatch.detach(groups::DISPATCHER);
            }
        }
        Ok(())
    }

    /// This process works for us no more.
    ///
    /// # Errors
    /// `kernel.map` when the settings cannot be written.
    pub fn disown(&mut self, process: ProcessKey) -> Result<()> {
        self.filters.own.retain(|own| *own != process);
        self.maps.set(&self.filters, self.levels, !self.denials.is_empty())
    }

    /// The filters in force.
    pub fn filters(&self) -> &Filters {
        &self.filters
    }

    /// Waits at most `wait` for an urgent record or for many, and hands those that are there to the receiver, about `most`
    /// of them (all when 0). Returns how many.
    ///
    /// # Errors
    /// `kernel.ring` when the ring is broken, `kernel.receiver` when the receiver panicked.
    pub fn poll(&mut self, wait: Duration, most: usize, receiver: &mut dyn FnMut(RawEvent<'_>)) -> Result<usize> {
        let mut bad = 0;
        let filters = &self.filters;
        let asked = |kind: u16| filters.kinds.iter().any(|asked| number_of(*asked) == Some(u32::from(kind)));
        let waiting = self.held.len();
        let mut give = |bytes: &[u8]| match RawEvent::parse(bytes) {
            Ok(event) => receiver(event),
            Err(_) => bad += 1,
        };
        for bytes in self.held.drain(..) {
            // While a probe ran, kinds came that nobody asked for.
            if bytes.get(4..6).is_some_and(|kind| asked(u16::from_ne_bytes([kind[0], kind[1]]))) {
                give(&bytes);
            }
        }
        let wait = if waiting > 0 { Duration::ZERO } else { wait };
        let taken = self.ring.poll(wait, most, &mut give)?;
        self.bad += bad;
        Ok(waiting + taken)
    }

    /// Records that did not read: always 0 unless agent and programs are of different builds.
    pub fn unreadable(&self) -> u64 {
        self.bad
    }

    /// Counts by kind since loading, summed over processors.
    ///
    /// # Errors
    /// `kernel.map` when the table cannot be read.
    pub fn counters(&self) -> Result<Vec<Counter>> {
        self.maps.counters()
    }

    /// Has the path of this control group told once more; see [`crate::raw::ExecHead::group`].
    pub fn forget_group(&self, key: u64) {
        self.maps.forget_group(key);
    }

    /// Programs and groups that this kernel refused, with the reason.
    pub fn refused(&self) -> &[(String, String)] {
        &self.refused
    }

    /// The same with all that the verifier said.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }
}

fn refusal(name: &str, fault: &Fault) -> Refusal {
    Refusal { program: name.to_owned(), reason: fault.to_string(), log: fault.inside() }
}

#[cfg(test)]
mod tests;
