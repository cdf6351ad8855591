//! Time of the processor, not of the wall: this thread's, the softirqs that ran on its back, and those that were left to
//! the kernel's own thread of this processor.

use rustix::thread::CpuSet;
use rustix::time::{ClockId, clock_gettime};
use std::io;
use std::path::PathBuf;

/// Bound to one processor while it is used.
pub(crate) struct Clock {
    /// `/proc/PID/schedstat` of `ksoftirqd` of that processor.
    softirqs: Option<PathBuf>,
}

impl Clock {
    /// Binds the calling thread to a processor.
    pub(crate) fn bind(processor: usize) -> io::Result<Clock> {
        let mut set = CpuSet::new();
        set.set(processor);
        rustix::thread::sched_setaffinity(None, &set)?;
        let name = format!("ksoftirqd/{processor}\n");
        let mut found = std::fs::read_dir("/proc")?.flatten().map(|entry| entry.path());
        let softirqs = found.find(|path| std::fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm == name));
        Ok(Clock { softirqs: softirqs.map(|path| path.join("schedstat")) })
    }

    /// Nanoseconds so far.
    pub(crate) fn now(&self) -> u64 {
        let own = clock_gettime(ClockId::ThreadCPUTime);
        let own = u64::try_from(own.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(own.tv_nsec).unwrap_or(0);
        let text = self.softirqs.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        own + text.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or(0)
    }
}
