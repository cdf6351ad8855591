//! The program over its socket, as the agent starts it.

use base::{SystemClock, SystemRandom};
use record::{Activity, Event, Scan};
use scan::child::Patience;
use scan::client::Client;
use scan::config::ScanConfig;
use scan::protocol::{Done, Look, RuleFile, RuleSet};
use scan::{Cause, Hint, Runner, fault};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SHELL: &[u8] = b"<?php system($_GET['c']); ?>";

fn scanner() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_garrison-scanner"))
}

fn client(text: &str) -> Client {
    let files = vec![RuleFile { name: "t.yar".into(), text: text.into() }];
    Client::new(scanner(), RuleSet { builtin: false, files }, Arc::new(SystemClock::default()))
}

fn look(name: &str) -> Look {
    Look { name: name.into(), most_bytes: 1 << 20, urgent: true, ..Look::default() }
}

fn names(done: &Done) -> Vec<&str> {
    done.findings.iter().map(|scan| scan.name.as_str()).collect()
}

#[test]
fn a_descriptor_is_looked_at_and_a_bad_rule_is_told() {
    let mut client = client("rule needle { strings: $a = \"needle\" condition: $a } rule bad { condition: nothing }");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, "a needle").unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let done = client.look(look("f"), Some(file.as_fd())).unwrap();
    assert_eq!((names(&done), done.bytes, done.truncated), (vec!["needle"], 8, false));
    assert_eq!(done.findings[0].file.sha256.len(), 32);
    let faults = client.take_faults();
    assert!(faults.len() == 1 && faults[0].is(&fault::BAD_RULE), "{faults:?}");
    let short = Look { most_bytes: 4, ..look("f") };
    let file = std::fs::File::open(&path).unwrap();
    let done = client.look(short, Some(file.as_fd())).unwrap();
    assert!(done.truncated && done.findings.is_empty());
    let bytes = Look { content: SHELL.to_vec(), ..look("x.php") };
    assert_eq!(names(&client.look(bytes, None).unwrap()), ["request-runs-as-command"]);
    assert_eq!((client.rules(), client.health().started), (1, 1));
}

#[test]
fn what_the_program_gave_up_cannot_be_taken_back() {
    let mut client = client("rule a { condition: true }");
    client.version().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.pid().unwrap())).unwrap();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert_eq!((field("NoNewPrivs:").as_str(), field("Seccomp:").as_str()), ("1", "2"));
    for set in ["CapEff:", "CapPrm:", "CapInh:"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
}

#[test]
fn a_scanner_that_is_killed_costs_one_file() {
    let mut client = client("rule a { condition: true }").patience(Patience { cpu_us: 5_000_000, wall_us: 5_000_000 });
    client.version().unwrap();
    let pid = rustix::process::Pid::from_raw(client.pid().unwrap() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let bytes = || Look { content: b"x".to_vec(), ..look("f") };
    let fault = client.look(bytes(), None).unwrap_err();
    assert!(fault.is(&fault::CRASHED) && fault.named() == "f", "{fault:?}");
    assert!(client.resting() > 0 && client.look(bytes(), None).unwrap_err().is(&fault::RESTING));
    assert_eq!(client.health().crashed, 1);
}

#[test]
fn a_scanner_that_waits_for_nothing_is_stopped() {
    let mut client = client("rule a { condition: true }").patience(Patience { cpu_us: i64::MAX, wall_us: 300_000 });
    let (reader, _writer) = rustix::pipe::pipe().unwrap();
    client.version().unwrap();
    let fault = client.look(look("pipe"), Some(reader.as_fd())).unwrap_err();
    assert!(fault.is(&fault::HUNG), "{fault:?}");
    assert_eq!(client.health().hung, 1);
}

#[test]
fn whoever_stops_the_agent_does_not_wait_for_a_slow_file() {
    let mut client = client("rule a { condition: true }");
    let (reader, _writer) = rustix::pipe::pipe().unwrap();
    client.version().unwrap();
    client.ending().store(true, std::sync::atomic::Ordering::SeqCst);
    let fault = client.look(look("pipe"), Some(reader.as_fd())).unwrap_err();
    assert!(fault.is(&fault::RESTING) && client.health().crashed == 0, "{fault:?}");
}

fn found(events: &[Event]) -> Vec<&Scan> {
    let mut scans = Vec::new();
    for event in events {
        if let Activity::Scan(scan) = &event.activity {
            scans.push(scan);
        }
    }
    scans
}

/// Steps until there is nothing to do.
fn settle(runner: &mut Runner) -> Vec<Event> {
    let mut events = Vec::new();
    while runner.step(&mut |event| events.push(event)) == 0 {}
    events
}

fn runner(tree: &Path, state: &Path) -> Runner {
    let config = ScanConfig {
        program: scanner(),
        rules: Vec::new(),
        roots: vec![tree.to_path_buf()],
        rest_above_percent: u32::MAX,
        bytes_per_second: u64::MAX,
        cpu_percent: 100_000,
        exclude: Vec::new(),
        ..ScanConfig::default()
    };
    Runner::new(config, state.to_path_buf(), Arc::new(SystemClock::default()), &SystemRandom::new())
}

#[test]
fn a_walk_and_hints_become_events_and_an_unchanged_file_is_scanned_once() {
    let (tree, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = tree.path().canonicalize().unwrap();
    let shell = root.join("www/x.php");
    std::fs::create_dir(root.join("www")).unwrap();
    std::fs::write(&shell, SHELL).unwrap();
    std::fs::write(root.join("readme"), "nothing").unwrap();
    let mut one = runner(&root, state.path());
    let events = settle(&mut one);
    let scans = found(&events);
    let engines: Vec<&str> = scans.iter().map(|scan| scan.engine.as_str()).collect();
    assert_eq!(engines, ["yara", "webshell"], "{scans:?}");
    assert!(scans.iter().all(|scan| scan.file.path == shell.display().to_string() && scan.cause == "schedule"));
    assert!(scans.iter().all(|scan| scan.file.inode != 0 && scan.file.sha256.len() == 32));
    assert_eq!(one.stats().files, 2);
    // Started: known, so not scanned again; asked for: scanned all the same.
    one.hints().push(Hint::new(&shell, Cause::Exec));
    assert!(found(&settle(&mut one)).is_empty());
    one.hints().push(Hint::new(&shell, Cause::Order));
    assert_eq!(found(&settle(&mut one)).len(), 2);
    one.hints().push(Hint::new(root.join("absent"), Cause::Exec));
    settle(&mut one);
    let stats = one.stats();
    assert_eq!((stats.files, stats.unchanged, stats.gone, stats.findings), (3, 1, 1, 4));
    // What is known outlives the agent.
    one.run(&std::sync::atomic::AtomicBool::new(true), &mut |_| {});
    let mut again = runner(&root, state.path());
    again.hints().push(Hint::new(&shell, Cause::Exec));
    assert!(found(&settle(&mut again)).is_empty());
    std::fs::write(&shell, [SHELL, b"\n"].concat()).unwrap();
    again.hints().push(Hint::new(&shell, Cause::Exec));
    assert_eq!(found(&settle(&mut again)).len(), 2, "it changed");
}
