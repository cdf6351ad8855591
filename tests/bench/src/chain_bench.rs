//! The correlator with joins over hosts: alerts and telemetry of 5,000 hosts, a worm among them, ordinary logins around.
//! Speed at two sizes shows that the cost of one alert does not grow with their number.

use base::{Random, SeededRandom};
use correlate::{Correlator, Limits};
use kit::figures::{Row, publish};
use record::{
    Activity, Alert, Batch, Event, Exec, Host, NetActivity, NetOp, Proc, Process, ProcessKey, Severity, Technique, User,
};
use std::sync::Arc;
use std::time::Instant;

const HOSTS: u32 = 5_000;
const ALERTS: usize = 100_000;
/// Connections between hosts told for each alert.
const CONNECTIONS: usize = 4;

/// Prints and writes the rows.
pub fn run() -> Result<(), String> {
    let before = resident();
    let (mut full, mut small, mut memory, mut joined) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for round in 0..3 {
        small.push(speed(ALERTS / 10, round)?.0);
        let (speed, correlator) = speed(ALERTS, round)?;
        full.push(speed);
        joined = correlator.open().map(|id| correlator.joins(id).len()).sum::<usize>();
        memory.push(resident().saturating_sub(before) as f64 / 1e6);
    }
    let growth: Vec<f64> = small.iter().zip(&full).map(|(small, full)| small / full).collect();
    let data = format!(
        "{ALERTS} generated alerts, {} connections of {HOSTS} hosts, a worm over 64 of them ({joined} joins kept), everyday build, one thread",
        ALERTS * CONNECTIONS
    );
    let row = |id: &str, what: &str, ours: Vec<f64>, unit, goal: &str, met| Row {
        id: id.into(),
        what: what.into(),
        ours,
        unit,
        peer: Vec::new(),
        peer_name: String::new(),
        goal: goal.into(),
        met,
        data: data.clone(),
    };
    let middle = kit::figures::median;
    let (fast, flat, light) = (middle(&full) >= 5_000.0, middle(&growth) <= 2.0, middle(&memory) <= 512.0);
    publish(
        "chain",
        &[
            row(
                "A5.chain-alerts",
                "alerts a second through the correlator with their connections (no peer runs here)",
                full,
                "1/s",
                ">= 5000",
                fast,
            ),
            row("A5.chain-growth", "time an alert at 100,000 alerts over that at 10,000", growth, "", "<= 2", flat),
            row(
                "A5.chain-memory",
                "memory that the correlator added, generated records included",
                memory,
                "MB",
                "<= 512",
                light,
            ),
        ],
    )
}

fn host(number: u32) -> Host {
    let [_, a, b, c] = number.to_be_bytes();
    Host {
        name: format!("h{number}"),
        boot_id: format!("b{number}"),
        addresses: vec![format!("10.{a}.{b}.{c}")],
        ..Host::default()
    }
}

fn process(pid: u32, user: u32, parent: Option<Arc<Proc>>) -> Arc<Proc> {
    let user = User { uid: user, name: format!("u{user}"), loginuid: u32::MAX, ..User::default() };
    let info = Process {
        key: ProcessKey::from_ticks(pid, u64::from(pid)).0,
        user,
        started_us: i64::from(pid) * 1000,
        ..Process::default()
    };
    Proc::new(info, parent)
}

fn net(op: NetOp, from: u32, to: u32, port: u32) -> Activity {
    let ip = |number: u32| {
        let [_, a, b, c] = number.to_be_bytes();
        vec![10, a, b, c]
    };
    let (local, remote) = if op == NetOp::Connect { ((from, port), (to, 22)) } else { ((to, 22), (from, port)) };
    Activity::Net(NetActivity {
        op: op as i32,
        protocol: 6,
        local_ip: ip(local.0),
        local_port: local.1,
        remote_ip: ip(remote.0),
        remote_port: remote.1,
        ..NetActivity::default()
    })
}

/// Alerts a second, generation left out, and the correlator at the end.
fn speed(alerts: usize, seed: u64) -> Result<(f64, Correlator), String> {
    let random = SeededRandom::new(seed);
    let mut correlator = Correlator::new(Limits::default());
    let hosts: Vec<Host> = (0..HOSTS).map(host).collect();
    hosts.iter().enumerate().for_each(|(number, host)| correlator.host(&format!("a{number}"), host));
    let mut spent = 0.0;
    let mut time_us = 1_767_225_600_000_000_i64;
    for number in 0..alerts {
        time_us += 200_000;
        // One alert in fifty is of the worm, which goes from host to host among 64.
        let worm = number % 50 == 0;
        let at = if worm { (number / 50) as u32 % 64 } else { random.below(u64::from(HOSTS)) as u32 };
        let shell = process(1000 + number as u32, random.below(5000) as u32, None);
        let one = Event {
            seq: 0,
            time_us,
            process: Some(process(2_000_000 + number as u32, 1, Some(shell.clone()))),
            activity: Activity::Exec(Exec::default()),
        };
        let alert = Alert {
            id: format!("x{number}"),
            rule: format!("r{}", number % 300),
            title: "An alert of the benchmark".into(),
            severity: Severity::High as i32,
            techniques: vec![Technique { id: "T1059".into(), tactics: vec!["execution".into()] }],
            time_us,
            agent: format!("a{at}"),
            evidence: Batch::pack(hosts[at as usize].clone(), [&one]),
            ..Alert::default()
        };
        let mut told = Vec::with_capacity(CONNECTIONS * 2);
        for turn in 0..CONNECTIONS {
            let next = if worm && turn == 0 { (at + 1) % 64 } else { random.below(u64::from(HOSTS)) as u32 };
            let port = 1024 + random.below(60_000) as u32;
            let event = |op| Event {
                seq: 0,
                time_us: time_us + 1000,
                process: Some(shell.clone()),
                activity: net(op, at, next, port),
            };
            told.push((at, format!("e{number}.{turn}c"), event(NetOp::Connect)));
            told.push((next, format!("e{number}.{turn}a"), event(NetOp::Accept)));
        }
        let start = Instant::now();
        correlator.observe(&alert, &hosts[at as usize]);
        for (at, id, event) in &told {
            correlator.event(&format!("a{at}"), &hosts[*at as usize], id, event);
        }
        spent += start.elapsed().as_secs_f64();
    }
    let open = correlator.open().count();
    if open == 0 || open > Limits::default().incidents {
        return Err(format!("{open} incidents are open"));
    }
    Ok((alerts as f64 / spent, correlator))
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    kilobytes.and_then(|text| text.trim().parse::<u64>().ok()).map_or(0, |kilobytes| kilobytes * 1024)
}
