//! Processes, files, limits, and the agent itself.

use super::area::{Area, Output};
use super::kept::Kept;
use super::{tables, text};
use crate::procfs;

/// Fewest and most processes looked at in one sample.
const SLICE: std::ops::RangeInclusive<usize> = 32..=256;
/// Seconds a round over all processes should take at most.
const ROUND: usize = 30;

/// Counts of process states: processes, running, sleeping, waiting for a disk, stopped, zombies, threads of the kernel.
type States = [f64; 7];

#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    reader: procfs::Reader,
    round: Vec<u32>,
    slice: usize,
    counting: States,
    states: Option<States>,
    single: Vec<(usize, Kept)>,
    inodes: Kept,
    names: Kept,
    open: Kept,
    files: Area,
    tasks: Area,
    own: Area,
    page: f64,
}

impl Reader {
    pub(super) fn new() -> Reader {
        let limits = [
            (7, "/proc/sys/kernel/pid_max"),
            (8, "/proc/sys/kernel/threads-max"),
            (9, "/proc/sys/kernel/pty/nr"),
            (10, "/proc/sys/kernel/random/entropy_avail"),
        ];
        Reader {
            buffer: Vec::new(),
            reader: procfs::Reader::new(),
            round: Vec::new(),
            slice: *SLICE.start(),
            counting: States::default(),
            states: None,
            single: limits.into_iter().map(|(row, path)| (row, Kept::new(path))).collect(),
            inodes: Kept::new("/proc/sys/fs/inode-nr"),
            names: Kept::new("/proc/sys/fs/dentry-state"),
            open: Kept::new("/proc/sys/fs/file-nr"),
            files: Area::new(tables::FILES),
            tasks: Area::new(tables::TASKS),
            own: Area::new(tables::OWN),
            page: rustix::param::page_size() as f64,
        }
    }

    pub(super) fn read(&mut self, output: &mut Output, cost_us: u64) {
        self.read_files(output);
        self.count_states();
        self.tasks.clear();
        if let Some(states) = self.states {
            self.tasks.set_columns(states.into_iter());
        }
        for (row, file) in &self.single {
            self.tasks.set(*row, file.read(&mut self.buffer).map_or(f64::NAN, text::first));
        }
        self.tasks.emit(output, "");
        self.read_own(output, cost_us);
    }

    fn read_files(&mut self, output: &mut Output) {
        let mut numbers = |file: &Kept| -> [f64; 5] {
            let mut found = [f64::NAN; 5];
            if let Some(content) = file.read(&mut self.buffer) {
                found.iter_mut().zip(text::words(content)).for_each(|(place, word)| *place = text::value(word));
            }
            found
        };
        let (open, inodes, names) = (numbers(&self.open), numbers(&self.inodes), numbers(&self.names));
        let asynchronous = Kept::new("/proc/sys/fs/aio-nr").read(&mut self.buffer).map_or(f64::NAN, text::first);
        let share = open[0] * 100.0 / open[2];
        self.files.clear();
        let values = [open[0], open[2], share, inodes[0], inodes[1], names[0], names[1], names[4], asynchronous];
        self.files.set_columns(values.into_iter());
        self.files.emit(output, "");
    }

    /// Looks at the next slice of processes; a finished round becomes the counts that are told.
    fn count_states(&mut self) {
        if self.round.is_empty() {
            self.round = procfs::every_pid();
            self.slice = (self.round.len() / ROUND).clamp(*SLICE.start(), *SLICE.end());
            self.counting = States::default();
        }
        for _ in 0..self.slice {
            let Some(pid) = self.round.pop() else { break };
            if let Some(stat) = self.reader.read(pid, "stat", 1024).and_then(procfs::parse_stat) {
                count(&mut self.counting, &stat);
            }
        }
        if self.round.is_empty() {
            self.states = Some(self.counting);
        }
    }

    fn read_own(&mut self, output: &mut Output, cost_us: u64) {
        let pid = std::process::id();
        self.own.clear();
        if let Some(content) = self.reader.read(pid, "stat", 1024) {
            let (jiffies, threads, pages) = own_numbers(content);
            self.own.set_columns([jiffies, pages * self.page, threads].into_iter());
        }
        let open = std::fs::read_dir("/proc/self/fd").map_or(f64::NAN, |folder| folder.count() as f64);
        self.own.set(3, open);
        self.own.set(4, cost_us as f64);
        for (column, count) in (5..).zip(crate::health::published()) {
            self.own.set(column, count.map_or(f64::NAN, |count| count as f64));
        }
        self.own.emit(output, "");
    }
}

fn count(states: &mut States, stat: &procfs::Stat<'_>) {
    states[0] += 1.0;
    let place = match stat.state {
        b'R' => 1,
        b'D' => 3,
        b'T' | b't' => 4,
        b'Z' | b'X' => 5,
        _ => 2,
    };
    states[place] += 1.0;
    if stat.is_kernel() {
        states[6] += 1.0;
    }
}

/// CPU time in jiffies, threads and resident pages out of a process's `stat`.
fn own_numbers(content: &[u8]) -> (f64, f64, f64) {
    let close = content.iter().rposition(|byte| *byte == b')').map_or(content.len(), |close| close + 1);
    let words: Vec<f64> = text::words(&content[close..]).take(22).map(text::value).collect();
    let at = |place: usize| words.get(place).copied().unwrap_or(f64::NAN);
    (at(11) + at(12), at(17), at(21))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_numbers_are_found_by_place() {
        let text = b"9 (a b) S 1 9 9 0 -1 0 1 2 3 4 50 7 8 9 20 0 4 0 214368 3133440 388 18446744073709551615";
        assert_eq!(own_numbers(text), (57.0, 4.0, 388.0));
        assert!(own_numbers(b"junk").0.is_nan());
    }

    #[test]
    fn states_are_counted() {
        let mut states = States::default();
        for state in *b"RSDTZI" {
            let stat = procfs::Stat {
                pid: 1,
                comm: b"x",
                state,
                parent: 0,
                session: 0,
                terminal: 0,
                flags: 0x20_0000,
                start_ticks: 0,
            };
            count(&mut states, &stat);
        }
        assert_eq!(states, [6.0, 1.0, 2.0, 1.0, 1.0, 1.0, 6.0]);
    }
}
