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

/// Things that are read and judged together, as a sensor's batch is.
const BATCH: usize = 64;

/// Events a second of CPU time. Each batch is read once, untimed, before it is judged: an engine gets events that were
/// decoded a moment ago, not ones that lay in memory since the benchmark began.
pub fn rate_of_fresh<T>(events: &[T], read: impl Fn(&T), mut judge: impl FnMut(&T)) -> f64 {
    let mut spent = 0.0;
    for batch in events.chunks(BATCH) {
        batch.iter().for_each(&read);
        let begun = seconds();
        batch.iter().for_each(&mut judge);
        spent += seconds() - begun;
    }
    events.len() as f64 / spent.max(1e-9)
}
