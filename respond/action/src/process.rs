//! Processes as `/proc` shows them, and signals that never reach a stranger.

use crate::fault;
use base::{Fault, Result};
use record::ProcessKey;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// `PF_KTHREAD` of `include/linux/sched.h`, as field 9 of `/proc/PID/stat` shows it.
const KERNEL_THREAD: u64 = 0x0020_0000;
/// Most processes looked at in one pass: Linux never gives more pids (`PID_MAX_LIMIT`).
const PROCESSES_MAX: usize = 1 << 22;

/// The part of `/proc/PID/stat` that actions need (proc(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Process id.
    pub pid: u32,
    /// Parent's process id.
    pub parent: u32,
    /// Short name.
    pub comm: String,
    /// State letter: `R`, `S`, `D`, `T`, `Z` …
    pub state: char,
    /// Session id.
    pub session: u32,
    /// Threads, the leader included.
    pub threads: u64,
    /// Start time, ticks of 10 ms since boot.
    pub ticks: u64,
    /// Whether it is a thread of the kernel.
    pub kernel_thread: bool,
}

impl Stat {
    /// Its key.
    pub fn key(&self) -> ProcessKey {
        ProcessKey::from_ticks(self.pid, self.ticks)
    }

    /// Whether nothing of it runs any more. A leader that has ended shows `Z` while its other threads go on.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X') && self.threads <= 1
    }

    /// Whether nothing of it runs now: dead, or stopped. Of a leader that has ended, the other threads are looked at.
    pub fn is_still(&self, proc: &Path) -> bool {
        match self.state {
            'T' | 't' => true,
            'Z' | 'X' if self.threads > 1 => {
                let tasks = std::fs::read_dir(proc.join(self.pid.to_string()).join("task")).into_iter().flatten();
                let states = tasks.flatten().filter_map(|task| {
                    let bytes = std::fs::read(task.path().join("stat")).ok()?;
                    Stat::parse(&String::from_utf8_lossy(&bytes)).map(|stat| stat.state)
                });
                states.into_iter().all(|state| matches!(state, 'T' | 't' | 'Z' | 'X'))
            }
            _ => self.is_dead(),
        }
    }

    /// One line for people: pid, name, key.
    pub fn line(&self) -> String {
        format!("process {} {} ({})", self.pid, self.comm, self.key())
    }

    /// Reads one line of `/proc/PID/stat`. The name may hold spaces and brackets: it ends at the last bracket.
    pub fn parse(text: &str) -> Option<Stat> {
        let (head, tail) = text.rsplit_once(')')?;
        let (pid, comm) = head.split_once(" (")?;
        let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field).and_then(|text| text.parse::<u64>().ok());
        Some(Stat {
            pid: pid.trim().parse().ok()?,
            parent: u32::try_from(number(1)?).ok()?,
            comm: comm.to_string(),
            state: fields.first()?.chars().next()?,
            session: fields.get(3)?.parse::<i64>().ok().and_then(|session| u32::try_from(session).ok()).unwrap_or(0),
            threads: number(17)?,
            ticks: number(19)?,
            kernel_thread: number(6)? & KERNEL_THREAD != 0,
        })
    }
}

/// The process with this pid now.
pub fn stat(proc: &Path, pid: u32) -> Option<Stat> {
    let bytes = std::fs::read(proc.join(pid.to_string()).join("stat")).ok()?;
    Stat::parse(&String::from_utf8_lossy(&bytes))
}

/// The process with this key, or a fault that says it is gone.
pub fn find(proc: &Path, key: ProcessKey) -> Result<Stat> {
    let gone = |found: &str| Fault::new(&fault::GONE).object(format!("process {key}")).found(found);
    let stat = stat(proc, key.pid()).ok_or_else(|| gone("no process with this pid"))?;
    if stat.ticks != key.ticks() {
        return Err(gone("another process with this pid"));
    }
    Ok(stat)
}

/// Every process now, by pid.
pub fn all(proc: &Path) -> BTreeMap<u32, Stat> {
    let entries = std::fs::read_dir(proc).into_iter().flatten().take(PROCESSES_MAX).flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| stat(proc, pid)).map(|stat| (stat.pid, stat)).collect()
}

/// The roots and everything below them among `processes`.
pub fn below(processes: &BTreeMap<u32, Stat>, roots: &BTreeSet<u32>) -> Vec<Stat> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for stat in processes.values() {
        children.entry(stat.parent).or_default().push(stat.pid);
    }
    let mut seen = BTreeSet::new();
    let mut queue: Vec<u32> = roots.iter().copied().collect();
    while let Some(pid) = queue.pop() {
        if seen.insert(pid) {
            queue.extend(children.get(&pid).into_iter().flatten());
        }
    }
    seen.iter().filter_map(|pid| processes.get(pid).cloned()).collect()
}

/// The process and its ancestors up to pid 1, nearest first.
pub fn chain(processes: &BTreeMap<u32, Stat>, pid: u32) -> Vec<Stat> {
    let mut chain = Vec::new();
    let mut next = pid;
    while let Some(stat) = processes.get(&next) {
        if chain.len() >= processes.len() {
            break;
        }
        chain.push(stat.clone());
        next = stat.parent;
    }
    chain
}

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It was delivered to the process that was meant.
    Delivered,
    /// That process is gone; nobody got a signal.
    Gone,
}

/// A handle that stays with the process even when its pid is given to another one, or `None` when it is gone.
///
/// The handle is opened first and the start time compared after, so that a process that took over the pid in
/// between is seen (pidfd_open(2)).
fn handle(proc: &Path, key: ProcessKey) -> Result<Option<OwnedFd>> {
    let Some(pid) = i32::try_from(key.pid()).ok().and_then(Pid::from_raw) else { return Ok(None) };
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(rustix::io::Errno::SRCH) => return Ok(None),
        Err(cause) => {
            return Err(Fault::new(&fault::KERNEL).object(format!("pidfd_open of process {key}")).found(cause));
        }
    };
    let same = stat(proc, key.pid()).is_some_and(|stat| stat.ticks == key.ticks());
    Ok(same.then_some(handle))
}

/// Sends a signal to exactly this process.
pub fn signal(proc: &Path, key: ProcessKey, signal: Signal) -> Result<Sent> {
    let Some(handle) = handle(proc, key)? else { return Ok(Sent::Gone) };
    match pidfd_send_signal(&handle, signal) {
        Ok(()) => Ok(Sent::Delivered),
        Err(rustix::io::Errno::SRCH) => Ok(Sent::Gone),
        Err(cause) => Err(Fault::new(&fault::KERNEL).object(format!("signal to process {key}")).found(cause)),
    }
}

/// Waits at most `patience` for the process to end. True when it has ended: gone, or dead and not yet collected
/// by its parent. A pidfd becomes readable when the last thread has ended.
pub fn ended(proc: &Path, key: ProcessKey, patience: Duration) -> Result<bool> {
    let until = Instant::now() + patience;
    let Some(handle) = handle(proc, key)? else { return Ok(true) };
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let wait = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&wait)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => continue,
            Err(cause) => return Err(Fault::new(&fault::KERNEL).object(format!("process {key}")).found(cause)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let text = "42 (a) b (c) S 7 42 41 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 991 0 0";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.pid, stat.parent, stat.comm.as_str(), stat.state), (42, 7, "a) b (c", 'S'));
        assert_eq!((stat.session, stat.ticks, stat.kernel_thread), (41, 991, false));
    }

    #[test]
    fn a_leader_that_ended_before_its_threads_is_not_dead() {
        let text = |threads: u32| format!("42 (a) Z 7 42 41 0 -1 4 1 2 3 4 5 6 7 8 20 0 {threads} 0 991 0 0");
        assert!(Stat::parse(&text(1)).unwrap().is_dead());
        assert!(!Stat::parse(&text(2)).unwrap().is_dead());
    }

    #[test]
    fn a_reused_pid_gets_no_signal() {
        let proc = Path::new("/proc");
        let own = stat(proc, std::process::id()).unwrap();
        let other = ProcessKey::from_ticks(own.pid, own.ticks.wrapping_sub(1));
        assert_eq!(signal(proc, other, Signal::KILL).unwrap(), Sent::Gone);
        assert!(ended(proc, other, Duration::ZERO).unwrap());
        assert!(!ended(proc, own.key(), Duration::ZERO).unwrap());
        assert!(find(proc, other).unwrap_err().is(&fault::GONE));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = Stat::parse(&text);
        }
    }
}
