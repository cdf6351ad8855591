//! Host metrics: one [`record::Sample`] a second from `/proc` and `/sys`.
//!
//! [`CATALOGUE`] names every metric with id, unit and source. Files are opened once and read again from their start;
//! rates are differences between two samples divided by the time between, so the first sample has gauges only.
//! A value that the host does not have is left out, never given as 0.
//!
//! Bounds: labels per table (cores, disks, interfaces, file systems, control groups) are limited; process states are
//! counted by rounds of a slice of all processes each second, so on a host with many processes they are some seconds old.

mod area;
mod groups;
mod kept;
mod memory;
mod network;
mod processor;
mod storage;
mod tables;
mod tasks;
mod text;

use crate::boottime::clock_ns;
use area::Output;
use base::Micros;
use record::Sample;

/// One metric of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricInfo {
    /// Stable number.
    pub id: u32,
    /// Name, `area.words`.
    pub name: &'static str,
    /// Unit: `percent`, `bytes`, `bytes/s`, `1/s`, `count`, `seconds`, `bits`, `us`, `flag`. Percent of time on cores is
    /// percent of one core.
    pub unit: &'static str,
    /// File or call it comes from.
    pub source: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// The same in Chinese.
    pub help_zh: &'static str,
}

/// How a raw value becomes a metric; the factor brings it to the unit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    Gauge(f64),
    Rate(f64),
}

/// A metric with the place of its raw value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    info: MetricInfo,
    shape: Shape,
    key: &'static str,
}

#[allow(clippy::too_many_arguments, reason = "one line of a table")]
const fn row(
    id: u32,
    name: &'static str,
    unit: &'static str,
    shape: Shape,
    key: &'static str,
    source: &'static str,
    help: &'static str,
    help_zh: &'static str,
) -> Row {
    Row { info: MetricInfo { id, name, unit, source, help, help_zh }, shape, key }
}

const TABLES: &[&[Row]] = &[
    tables::CPU,
    tables::CORE,
    tables::KERNEL,
    tables::SOFTIRQ,
    tables::LOAD,
    tables::UPTIME,
    tables::PRESSURE,
    tables::MEMORY,
    tables::VIRTUAL,
    tables::DISK,
    tables::VOLUME,
    tables::INTERFACE,
    tables::SOCKET,
    tables::PROTOCOL,
    tables::EXTENDED,
    tables::SIXTH,
    tables::BACKLOG,
    tables::TRACKING,
    tables::FILES,
    tables::TASKS,
    tables::GROUP,
    tables::OWN,
];

const COUNT: usize = {
    let (mut total, mut table) = (0, 0);
    while table < TABLES.len() {
        total += TABLES[table].len();
        table += 1;
    }
    total
};

/// Every metric, by id.
pub const CATALOGUE: &[MetricInfo] = &{
    let mut all = [TABLES[0][0].info; COUNT];
    let (mut at, mut table) = (0, 0);
    while table < TABLES.len() {
        let mut line = 0;
        while line < TABLES[table].len() {
            all[at] = TABLES[table][line].info;
            at += 1;
            line += 1;
        }
        table += 1;
    }
    all
};

/// Takes samples. Keeps its files open.
#[derive(Debug)]
pub struct Sampler {
    output: Output,
    processor: processor::Reader,
    memory: memory::Reader,
    storage: storage::Reader,
    network: network::Reader,
    tasks: tasks::Reader,
    groups: groups::Reader,
    before_ns: u64,
    cost_us: u64,
}

impl Default for Sampler {
    fn default() -> Self {
        Sampler::new()
    }
}

impl Sampler {
    /// A sampler. Files that the host does not have are passed over.
    pub fn new() -> Sampler {
        Sampler {
            output: Output::default(),
            processor: processor::Reader::new(),
            memory: memory::Reader::new(),
            storage: storage::Reader::new(),
            network: network::Reader::new(),
            tasks: tasks::Reader::new(),
            groups: groups::Reader::new(),
            before_ns: 0,
            cost_us: 0,
        }
    }

    /// Takes one sample; `now` is its wall time, µs. Rates use the monotonic clock, so that a jump of the wall clock does
    /// not touch them. Call it about once a second, always from the same thread (the cost is that thread's CPU time).
    pub fn sample(&mut self, now: Micros) -> Sample {
        let started = clock_ns(libc::CLOCK_THREAD_CPUTIME_ID);
        let time = clock_ns(libc::CLOCK_MONOTONIC);
        let elapsed = if self.before_ns == 0 { 0.0 } else { time.saturating_sub(self.before_ns) as f64 / 1e9 };
        self.before_ns = time;
        self.output.begin(elapsed);
        self.processor.read(&mut self.output);
        self.memory.read(&mut self.output);
        self.storage.read(&mut self.output, time);
        self.network.read(&mut self.output);
        self.tasks.read(&mut self.output, self.cost_us);
        self.groups.read(&mut self.output, time);
        let metrics = self.output.finish();
        self.cost_us = clock_ns(libc::CLOCK_THREAD_CPUTIME_ID).saturating_sub(started) / 1000;
        Sample { time_us: now, metrics, cost_us: self.cost_us }
    }
}

#[cfg(test)]
mod tests;
