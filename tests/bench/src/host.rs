//! What watching costs: CPU an exec and an open, ours beside auditd with equal rules, memory, and events at no loss.

use crate::figures::{Row, median, publish};
use crate::watcher::{Running, Watcher, resident};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Runs of each watcher, in turn.
const RUNS: usize = 5;
/// Execs a run.
const EXECS: u32 = 4000;
/// Opens a run.
const OPENS: u32 = 100_000;

/// CPU seconds of the children of this process so far.
fn children_cpu() -> f64 {
    // SAFETY: getrusage fills the structure, which is valid and of its layout.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Runs the load once; CPU microseconds an operation of load and watcher together.
fn cost(watcher: &Running, arguments: &[&str], operations: u32) -> Result<f64, String> {
    let own = std::env::current_exe().map_err(|cause| cause.to_string())?;
    watcher.settle();
    let (load_before, watcher_before) = (children_cpu(), watcher.cpu());
    let status = Command::new(own).args(arguments).status().map_err(|cause| cause.to_string())?;
    if !status.success() {
        return Err("the load failed".into());
    }
    watcher.settle();
    let spent = (children_cpu() - load_before) + (watcher.cpu() - watcher_before);
    Ok(spent * 1e6 / f64::from(operations))
}

/// Costs of one load under each watcher, over all runs: nobody, ours, auditd.
fn compare(
    agent: &Path,
    rules: &[&str],
    arguments: &[&str],
    operations: u32,
    memory: &mut Vec<f64>,
) -> Result<[Vec<f64>; 3], String> {
    let mut costs = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..RUNS {
        for (place, watcher) in [Watcher::Nobody, Watcher::Ours, Watcher::Auditd].into_iter().enumerate() {
            let running = Running::start(watcher, agent, rules)?;
            costs[place].push(cost(&running, arguments, operations)?);
            if watcher == Watcher::Ours {
                memory.push(resident(running.pid()) as f64 / 1e6);
            }
        }
    }
    Ok(costs)
}

/// What a watcher adds over nobody, run by run.
fn added(costs: &[f64], base: &[f64]) -> Vec<f64> {
    let base = median(base);
    costs.iter().map(|cost| (cost - base).max(0.0)).collect()
}

/// Measures and publishes.
pub fn run(agent: &Path) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: host figures (need root)");
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    let place = folder.path().display().to_string();
    let mut memory = Vec::new();
    let execs = EXECS.to_string();
    let exec = compare(
        agent,
        &["-a always,exit -F arch=b64 -S execve,execveat -k exec"],
        &["spin", "exec", &execs],
        EXECS,
        &mut memory,
    )?;
    let opens = OPENS.to_string();
    let rule = format!("-a always,exit -F arch=b64 -S open,openat,openat2,creat -F dir={place} -F perm=wa -k open");
    let open = compare(agent, &[&rule], &["spin", "open", &opens, &place], OPENS, &mut memory)?;
    let version = "auditd 3.0.9".to_string();
    let build = if cfg!(debug_assertions) { "dev profile" } else { "release profile" };
    let mut rows = Vec::new();
    for (id, what, costs) in [
        ("S2.exec-cpu", format!("CPU added an exec of /bin/true over {:.1} µs alone", median(&exec[0])), &exec),
        ("S2.open-cpu", format!("CPU added an open for writing over {:.2} µs alone", median(&open[0])), &open),
    ] {
        let (ours, peer) = (added(&costs[1], &costs[0]), added(&costs[2], &costs[0]));
        let met = median(&ours) <= 0.25 * median(&peer);
        let data = format!(
            "{EXECS} execs / {OPENS} opens a run, load and watcher together; all kinds and rules on; agent in {build}"
        );
        rows.push(Row {
            id,
            what,
            ours,
            unit: "us",
            peer,
            peer_name: version.clone(),
            goal: "<= 0.25 of auditd",
            met,
            data,
        });
    }
    rows.push(Row {
        id: "S2.agent-rss",
        what: "resident memory of the agent after the loads".into(),
        met: median(&memory) <= 60.0,
        ours: memory,
        unit: "MB",
        peer: Vec::new(),
        peer_name: String::new(),
        goal: "<= 60 MB",
        data: "all kinds and rules on".into(),
    });
    rows.push(flood(agent)?);
    publish("host", &rows)
}

/// Events a second that arrive with none lost, under opens from every core.
fn flood(agent: &Path) -> Result<Row, String> {
    let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    let own = std::env::current_exe().map_err(|cause| cause.to_string())?;
    let (mut rates, mut lost) = (Vec::new(), 0);
    for _ in 0..RUNS {
        let running = Running::start(Watcher::Ours, agent, &[])?;
        let begun = Instant::now();
        let mut children = Vec::new();
        for core in 0..2 {
            let place = folder.path().join(core.to_string());
            std::fs::create_dir_all(&place).map_err(|cause| cause.to_string())?;
            let mut command = Command::new(&own);
            command.args(["spin", "open", "300000"]).arg(&place);
            children.push(command.spawn().map_err(|cause| cause.to_string())?);
        }
        for mut child in children {
            child.wait().map_err(|cause| cause.to_string())?;
        }
        rates.push(600_000.0 / begun.elapsed().as_secs_f64());
        running.settle();
        lost += lost_events(running.folder());
    }
    Ok(Row {
        id: "S2.events-at-no-loss",
        what: format!("opens a second from two processes; {lost} events lost over {RUNS} runs"),
        met: lost == 0 && median(&rates) >= 100_000.0,
        ours: rates,
        unit: "events/s",
        peer: Vec::new(),
        peer_name: String::new(),
        goal: ">= 100000 at 0 lost",
        data: "load, agent and spool share the same two cores".into(),
    })
}

/// What the agent says was lost since its start (`run --standalone` writes it when asked to).
fn lost_events(folder: &Path) -> u64 {
    let text = std::fs::read_to_string(folder.join("state/stats.json")).unwrap_or_default();
    let stats: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    stats["lost"].as_u64().unwrap_or(u64::MAX)
}
