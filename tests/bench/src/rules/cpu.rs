//! CPU time of this thread: other work on the machine does not count.

use rustix::time::{ClockId, clock_gettime};

fn seconds() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// Events a second of CPU time, for a deed over so many events.
pub fn rate(events: usize, deed: impl FnOnce()) -> f64 {
    let begun = seconds();
    deed();
    events as f64 / (seconds() - begun).max(1e-9)
}
