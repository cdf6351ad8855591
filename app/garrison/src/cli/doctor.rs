//! `doctor`: is this installation well? Each check says ok, warn or fail, and what to do.

use super::client::Client;
use super::duration;
use super::options::{Context, Options, place};
use super::read::{fetch_status, print, typed};
use super::screen::{Paint, Screen};
use super::words::Word;
use api::{LedgerReport, Status};
use base::{Clock, Result, SystemClock};
use serde_json::json;
use server::places::Places;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

/// Clocks may differ by so much, µs: leases are minutes.
const CLOCK_US: i64 = 2_000_000;
/// Less free than this share of the disk is a warning, in percent.
const DISK_WARN: u64 = 15;
/// Less free than this is a fault.
const DISK_FAIL: u64 = 5;
/// A certificate that ends within 14 days is a warning, µs.
const TLS_US: i64 = 14 * 86_400 * 1_000_000;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Check {
    name: Word,
    verdict: Verdict,
    found: String,
    hint: String,
}

fn check(name: Word, verdict: Verdict, found: String, hint: &str) -> Check {
    let hint = if verdict == Verdict::Ok { String::new() } else { hint.to_string() };
    Check { name, verdict, found, hint }
}

/// Runs every check. The exit code is 1 when one failed.
pub(super) async fn run(context: &Context, options: &Options) -> Result<ExitCode> {
    let screen = &context.screen;
    let mut checks = vec![data_directory(screen, &Places::new(options.data.as_deref()))];
    match place(options).and_then(|place| Client::new(place, context.lang)) {
        Ok(client) => checks.extend(server(screen, &client).await),
        Err(fault) => {
            let hint = fault.hint(screen.lang);
            checks.push(check(Word::CheckClient, Verdict::Fail, fault.outside(screen.lang), hint));
        }
    }
    if options.json {
        let row = |check: &Check| {
            let name = check.name.text(base::Lang::En);
            json!({"check": name, "verdict": check.verdict.word(), "found": check.found, "hint": check.hint})
        };
        let rows: Vec<_> = checks.iter().map(row).collect();
        print(&format!("{:#}\n", json!({ "checks": rows })));
    } else {
        print(&draw(screen, &checks));
    }
    let failed = checks.iter().any(|check| check.verdict == Verdict::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn draw(screen: &Screen, checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let (mark, paint) = match check.verdict {
            Verdict::Ok => ("✓", Paint::Green),
            Verdict::Warn => ("!", Paint::Yellow),
            Verdict::Fail => ("✗", Paint::Red),
        };
        let word = screen.api(check.verdict.word());
        let head = screen.paint(paint, &format!("{mark} {word}"));
        text.push_str(&format!("{head}  {}: {}\n", screen.word(check.name), check.found));
        if !check.hint.is_empty() {
            text.push_str(&format!("      → {}\n", check.hint));
        }
    }
    text
}

/// Directory and `client.json` must be closed to others: the token opens everything.
fn data_directory(screen: &Screen, places: &Places) -> Check {
    let mode = |path: &Path| std::fs::metadata(path).map(|found| found.permissions().mode() & 0o777);
    let root = places.root.display();
    let hint = screen.word(Word::HintData);
    match (mode(&places.root), mode(&places.client())) {
        (Err(cause), _) => check(Word::CheckData, Verdict::Warn, format!("{root}: {cause}"), hint),
        (Ok(_), Ok(file)) if file & 0o077 != 0 => {
            let found = format!("{} {:03o} {}", places.client().display(), file, screen.word(Word::Open));
            check(Word::CheckData, Verdict::Fail, found, hint)
        }
        (Ok(directory), _) if directory & 0o077 != 0 => {
            let found = format!("{root} {directory:03o} {}", screen.word(Word::Open));
            check(Word::CheckData, Verdict::Fail, found, hint)
        }
        (Ok(_), _) => check(Word::CheckData, Verdict::Ok, format!("{root} {}", screen.word(Word::Owned)), ""),
    }
}

async fn server(screen: &Screen, client: &Client) -> Vec<Check> {
    let status = match fetch_status(client).await {
        Ok(status) => status,
        Err(fault) => {
            return vec![check(Word::CheckServer, Verdict::Fail, fault.outside(screen.lang), fault.hint(screen.lang))];
        }
    };
    let answers = format!("{} {}, {}", client.address(), screen.word(Word::Answers), status.version);
    let mut checks = vec![check(Word::CheckServer, Verdict::Ok, answers, "")];
    checks.extend(judge(screen, &status, SystemClock::default().wall()));
    checks.push(match client.get("/ledger/verify").await.and_then(|json| typed::<LedgerReport>(&json)) {
        Ok(report) => ledger(screen, &report),
        Err(fault) => check(Word::CheckLedger, Verdict::Warn, fault.outside(screen.lang), fault.hint(screen.lang)),
    });
    checks
}

/// Everything that the status tells.
fn judge(screen: &Screen, status: &Status, now_us: i64) -> Vec<Check> {
    let mut checks = vec![clock(screen, status, now_us), disk(screen, status), certificate(screen, status)];
    checks.push(pipeline(screen, status));
    if status.agents.is_empty() {
        let found = screen.word(Word::NoAgents).to_string();
        checks.push(check(Word::CheckAgent, Verdict::Warn, found, screen.word(Word::HintNoAgent)));
    }
    for agent in &status.agents {
        checks.extend(self::agent(screen, agent));
    }
    checks
}

fn clock(screen: &Screen, status: &Status, now_us: i64) -> Check {
    let off = (status.time_us - now_us).abs();
    let verdict = if off > CLOCK_US { Verdict::Warn } else { Verdict::Ok };
    let found = format!("{} {}", screen.word(Word::Offset), duration::micros(off));
    check(Word::CheckClock, verdict, found, screen.word(Word::HintClock))
}

fn disk(screen: &Screen, status: &Status) -> Check {
    let disk = &status.disk;
    let share = (disk.free_bytes.saturating_mul(100)).checked_div(disk.total_bytes).unwrap_or(0);
    let verdict = match share {
        _ if share < DISK_FAIL => Verdict::Fail,
        _ if share < DISK_WARN => Verdict::Warn,
        _ => Verdict::Ok,
    };
    let (free, total) = (duration::bytes(disk.free_bytes), duration::bytes(disk.total_bytes));
    let found = format!("{free} {} {total}", screen.word(Word::Free));
    check(Word::CheckDisk, verdict, found, screen.word(Word::HintDisk))
}

fn certificate(screen: &Screen, status: &Status) -> Check {
    let left = status.tls_expires_us - status.time_us;
    let verdict = match left {
        _ if left <= 0 => Verdict::Fail,
        _ if left < TLS_US => Verdict::Warn,
        _ => Verdict::Ok,
    };
    let found = format!("{} {}", screen.word(Word::GoodUntil), screen.time(status.tls_expires_us));
    check(Word::CheckTls, verdict, found, screen.word(Word::HintTls))
}

fn pipeline(screen: &Screen, status: &Status) -> Check {
    let lost: u64 = status.pipeline.iter().map(|stage| stage.dropped).sum();
    let full = |stage: &&api::view::Stage| stage.capacity > 0 && stage.queued * 10 >= stage.capacity * 9;
    let slow: Vec<&str> = status.pipeline.iter().filter(full).map(|stage| stage.name.as_str()).collect();
    let verdict = if lost > 0 || !slow.is_empty() { Verdict::Warn } else { Verdict::Ok };
    let found = format!("{} {lost} {}", screen.word(Word::Dropped), slow.join(", "));
    check(Word::CheckPipeline, verdict, found.trim_end().to_string(), screen.word(Word::HintPipeline))
}

fn agent(screen: &Screen, agent: &api::view::Agent) -> Vec<Check> {
    let (verdict, state) = match agent.connected {
        true => (Verdict::Ok, screen.word(Word::Connected).to_string()),
        false => (Verdict::Warn, format!("{} {}", screen.word(Word::Away), screen.ago(agent.last_seen_us))),
    };
    let found = format!("{} {state}", agent.host);
    let mut checks = vec![check(Word::CheckAgent, verdict, found, screen.word(Word::HintAgent))];
    let silent: Vec<&str> =
        agent.probes.iter().filter(|probe| !probe.fired).map(|probe| probe.event.as_str()).collect();
    if !agent.probes.is_empty() {
        let (verdict, found) = match silent.is_empty() {
            true => (Verdict::Ok, screen.word(Word::AllFired).to_string()),
            false => (Verdict::Warn, format!("{}: {}", screen.word(Word::Without), silent.join(", "))),
        };
        checks.push(check(Word::CheckProbe, verdict, format!("{} {found}", agent.host), screen.word(Word::HintProbe)));
    }
    let lost: Vec<String> =
        agent.dropped.iter().filter(|(_, n)| **n > 0).map(|(kind, n)| format!("{kind} {n}")).collect();
    let verdict = if lost.is_empty() { Verdict::Ok } else { Verdict::Warn };
    let found = if lost.is_empty() { screen.word(Word::NoLosses).to_string() } else { lost.join(", ") };
    checks.push(check(Word::CheckDrops, verdict, format!("{} {found}", agent.host), screen.word(Word::HintDrops)));
    checks
}

fn ledger(screen: &Screen, report: &LedgerReport) -> Check {
    let (verdict, found) = match report.intact {
        true => (Verdict::Ok, format!("{} {}, {}", report.entries, screen.word(Word::Entries), report.head)),
        false => (Verdict::Fail, format!("{} {}: {}", screen.word(Word::Broken), report.broken_at, report.reason)),
    };
    check(Word::CheckLedger, verdict, found, screen.word(Word::HintLedger))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::golden::screen;
    use api::view::{Agent, Disk, Probe};
    use base::Lang;

    fn status() -> Status {
        let probe = |event: &str, fired| Probe { event: event.into(), fired, ..Probe::default() };
        Status {
            time_us: 1_000_000,
            tls_expires_us: 1_000_000 + 30 * 86_400 * 1_000_000,
            disk: Disk { path: "/d".into(), total_bytes: 100 << 30, free_bytes: 10 << 30 },
            agents: vec![Agent {
                host: "web-1".into(),
                connected: true,
                probes: vec![probe("exec", true), probe("bpf", false)],
                dropped: [("file".to_string(), 7)].into(),
                ..Agent::default()
            }],
            ..Status::default()
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_a_hint() {
        let text = draw(&screen(Lang::En), &judge(&screen(Lang::En), &status(), 9_000_000));
        let wanted = "! warn  clock: off by 8.0 s\n      → set the clocks by NTP: leases and correlation need them\n\
                      ! warn  disk: 10.0 GiB free of 100.0 GiB\n      → free space or shorten retention: telemetry is shed when the disk is full\n\
                      ✓ ok  certificate: good until 1970-01-31 00:00:01.000\n\
                      ✓ ok  pipeline: DROPPED 0\n\
                      ✓ ok  agent: web-1 connected\n\
                      ! warn  sensors: web-1 without hook: bpf\n      → a newer kernel, or one with BPF LSM, gives the better hook\n\
                      ! warn  losses: web-1 file 7\n      → give the agent a larger ring or spool, or filter noisy paths\n";
        assert_eq!(text, wanted);
        let text = draw(&screen(Lang::Zh), &judge(&screen(Lang::Zh), &status(), 1_000_000));
        assert!(text.starts_with("✓ 正常  时钟: 偏差 0 µs\n! 注意  磁盘: 10.0 GiB 可用，共 100.0 GiB\n"), "{text}");
    }

    #[test]
    fn a_data_directory_open_to_others_fails() {
        let root = std::env::temp_dir().join(format!("garrison-doctor-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let set = |mode| std::fs::set_permissions(&root, std::fs::Permissions::from_mode(mode)).unwrap();
        let verdict = || data_directory(&screen(Lang::En), &Places { root: root.clone() }).verdict;
        set(0o700);
        assert_eq!(verdict(), Verdict::Ok);
        set(0o755);
        assert_eq!(verdict(), Verdict::Fail);
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(verdict(), Verdict::Warn);
    }
}
