//! `bench logs`: lines decoded and followed a second and core.

use base::{Clock, SeededRandom, SystemClock};
use kit::figures::{Row, publish};
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;

/// Lines of each decoder in one round.
const LINES: usize = 100_000;
const ROUNDS: usize = 5;
/// The sources that the requirement names, and the id of each one's row.
const SOURCES: &[(&str, &str)] = &[
    ("syslog", "S3.decode-syslog"),
    ("nginx", "S3.decode-nginx"),
    ("auditd", "S3.decode-auditd"),
    ("kubernetes.audit", "S3.decode-kubernetes"),
    ("cloudtrail", "S3.decode-cloudtrail"),
];

/// Seconds of CPU of the whole process.
fn cpu() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// Measures every source and prints.
pub fn run() -> Result<(), String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let mut rows = Vec::new();
    for (word, id) in SOURCES {
        let lines = logs::workload::lines(word, LINES, &SeededRandom::new(7)).ok_or("no such decoder")?;
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            let begun = cpu();
            let (events, unread) = logs::workload::decode(word, &lines, &*clock);
            rates.push(LINES as f64 / (cpu() - begun));
            if events < LINES as u64 || unread > 0 {
                return Err(format!("{word}: {events} events of {LINES} lines, {unread} not read"));
            }
        }
        rows.push(row(id, format!("{word} lines decoded into records"), rates, "generated lines"));
    }
    rows.push(follow(&clock)?);
    publish("logs", &rows)
}

/// A file followed from its beginning to its end, places kept.
fn follow(clock: &Arc<dyn Clock>) -> Result<Row, String> {
    let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    let lines = logs::workload::lines("nginx", LINES, &SeededRandom::new(7)).ok_or("no such decoder")?;
    let file = folder.path().join("access.log");
    std::fs::write(&file, lines.join("\n") + "\n").map_err(|cause| cause.to_string())?;
    let mut rates = Vec::new();
    for round in 0..ROUNDS {
        let state = folder.path().join(format!("state{round}"));
        std::fs::create_dir(&state).map_err(|cause| cause.to_string())?;
        let begun = cpu();
        let events = logs::workload::follow("nginx", &file, &state, clock.clone()).map_err(|fault| fault.inside())?;
        rates.push(events as f64 / (cpu() - begun));
        if events != LINES as u64 {
            return Err(format!("{events} events of {LINES} lines"));
        }
    }
    Ok(row("S3.follow-nginx", "nginx lines read from a file, decoded, places kept".into(), rates, "generated file"))
}

fn row(id: &'static str, what: String, ours: Vec<f64>, data: &str) -> Row {
    let met = kit::figures::median(&ours) >= 200_000.0;
    let data = format!("{data}, {LINES} lines, {} build", crate::rules::build());
    Row {
        id: id.into(),
        what,
        ours,
        unit: "lines/s/core",
        peer: Vec::new(),
        peer_name: String::new(),
        goal: ">= 200000".into(),
        met,
        data,
    }
}
