//! `bench integrity`: the baseline of this host's own paths beside sha256sum on the same files, and what an event costs.

use crate::rules::{build, cpu};
use base::{Clock, SystemClock, SystemRandom};
use integrity::baseline::Baseline;
use integrity::{IntegrityConfig, Runner};
use kit::figures::{Row, median, publish};
use record::{Activity, Event, FileActivity, FileId, FileOp, Proc, Process};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

const ROUNDS: usize = 3;
/// Events of one measurement.
const EVENTS: usize = 200_000;
/// Touched files of one measurement.
const TOUCHED: usize = 500;

/// Measures.
pub fn run() -> Result<(), String> {
    let (mut ours, mut cpu_s, mut peer, mut data) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
        let begun = Instant::now();
        let mut made = None;
        let rate = cpu::rate(1, || made = Some(baseline(folder.path())));
        let seconds = begun.elapsed().as_secs_f64();
        let made = made.ok_or("nothing was made")??;
        let files: Vec<&String> =
            made.accepted.iter().filter(|(_, entry)| !entry.sha256.is_empty()).map(|(path, _)| path).collect();
        let bytes: u64 = made.accepted.values().map(|entry| entry.size).sum();
        ours.push(bytes as f64 / 1e6 / seconds);
        cpu_s.push(1.0 / rate);
        if let Some(seconds) = beside(&files) {
            peer.push(bytes as f64 / 1e6 / seconds);
        }
        data = format!("default paths, {} entries, {bytes} bytes, page cache, {} build", made.accepted.len(), build());
    }
    let met = !peer.is_empty() && median(&ours) >= 0.5 * median(&peer);
    let row = |id: &str, what: &str, ours, unit, goal: &str, met, data: &str| Row {
        id: id.into(),
        what: what.into(),
        ours,
        unit,
        peer: Vec::new(),
        peer_name: String::new(),
        goal: goal.into(),
        met,
        data: data.into(),
    };
    let what = "baseline: state, capabilities, SHA-256 and copies of texts; the peer only hashes";
    let speed = row("S5.integrity-baseline", what, ours, "MB/s", ">= 0.5 x sha256sum", met, &data);
    let (idle, hit) = events()?;
    let rows = [
        Row { peer, peer_name: "sha256sum".into(), ..speed },
        row("S5.integrity-cpu", "processor time of the whole baseline; no peer", cpu_s, "s", "-", true, &data),
        row(
            "S5.integrity-event",
            "an event about a file that is not watched; no peer",
            vec![idle],
            "ns",
            "<= 500",
            idle <= 500.0,
            "file events of the default paths' watch, processor time",
        ),
        row(
            "S5.integrity-touch",
            "a watched file of 1 kB that was touched, from the event to the record; no peer",
            vec![hit],
            "us",
            "<= 500",
            hit <= 500.0,
            "processor time, each file changed, with its difference",
        ),
    ];
    publish("integrity", &rows)
}

/// The baseline of the default paths, as fast as it goes.
fn baseline(state: &Path) -> Result<Baseline, String> {
    let config = IntegrityConfig { bytes_per_second: u64::MAX, ..IntegrityConfig::default() };
    let mut runner = runner(config, state)?;
    while runner.baseline().made_us == 0 {
        runner.step(&mut |_| {});
    }
    Ok(runner.baseline().clone())
}

fn runner(config: IntegrityConfig, state: &Path) -> Result<Runner, String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    Runner::new(config, state.to_path_buf(), clock, &SystemRandom::new()).map_err(|fault| fault.inside())
}

/// Seconds of sha256sum over the same files.
fn beside(files: &[&String]) -> Option<f64> {
    let list: String = files.iter().flat_map(|path| [path.as_str(), "\0"]).collect();
    let begun = Instant::now();
    let mut child = Command::new("xargs")
        .args(["-0", "sha256sum"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(list.as_bytes()).ok()?;
    child.wait().ok()?;
    Some(begun.elapsed().as_secs_f64())
}

fn event(path: String) -> Event {
    let file = FileActivity {
        op: FileOp::OpenWrite as i32,
        file: FileId { path, ..FileId::default() },
        ..FileActivity::default()
    };
    let process = Some(Proc::new(Process::default(), None));
    Event { seq: 0, time_us: 0, process, activity: Activity::File(file) }
}

/// Nanoseconds of an event that is none of ours, and microseconds of one that is.
fn events() -> Result<(f64, f64), String> {
    let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    let root = folder.path().canonicalize().map_err(|cause| cause.to_string())?;
    let place = |number: usize| root.join("watched").join(number.to_string());
    let fill = |text: &str| -> std::io::Result<()> {
        std::fs::create_dir_all(root.join("watched"))?;
        (0..TOUCHED).try_for_each(|number| std::fs::write(place(number), text.repeat(64)))
    };
    fill("a line of text\n").map_err(|cause| cause.to_string())?;
    let mut paths = IntegrityConfig::default().paths;
    paths.push(root.join("watched").display().to_string());
    let other = runner(IntegrityConfig { paths, ..IntegrityConfig::default() }, &root.join("a"))?.touches();
    let unwatched = event("/var/lib/postgresql/15/main/base/16384/2619".into());
    let idle = 1e9 / cpu::rate(EVENTS, || (0..EVENTS).for_each(|_| other.see(&unwatched)));
    let paths = vec![root.join("watched").display().to_string()];
    let mut runner = runner(IntegrityConfig { paths, settle_ms: 1, ..IntegrityConfig::default() }, &root.join("b"))?;
    while runner.baseline().made_us == 0 {
        runner.step(&mut |_| {});
    }
    fill("another line\n").map_err(|cause| cause.to_string())?;
    let (touches, mut told) = (runner.touches(), 0);
    let hit = 1e6
        / cpu::rate(TOUCHED, || {
            (0..TOUCHED).for_each(|number| touches.see(&event(place(number).display().to_string())));
            let begun = Instant::now();
            while told < TOUCHED && begun.elapsed().as_secs() < 60 {
                let wait = runner.step(&mut |_| told += 1);
                std::thread::sleep(std::time::Duration::from_micros(wait as u64));
            }
        });
    if told < TOUCHED { Err(format!("{told} of {TOUCHED} changes were told")) } else { Ok((idle, hit)) }
}
