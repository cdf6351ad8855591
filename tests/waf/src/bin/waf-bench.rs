//! Speed of the gateway: `waf-bench engine|hostile|beside`, parts of `make bench`.
//!
//! `waf-bench hostile` measures every transformation, operator and expression, and whole requests, on hostile input;
//! `waf-bench engine [--zentinel PROGRAM]` measures the engine in-process beside libmodsecurity and zentinel-modsec;
//! `waf-bench spin [KIND]` judges the same kinds of request over and over, for a profiler;
//! `waf-bench beside GATEWAY` measures the whole gateway beside Debian's nginx with libmodsecurity.

use kit::figures::{self, Row};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use waf_eval::bench::beside::{Bench, Figure, Subject};
use waf_eval::bench::load::Kind;
use waf_eval::bench::{engine, hostile};
use waf_eval::oracle;

const USAGE: &str = "usage: waf-bench engine [--zentinel PROGRAM] | waf-bench spin [KIND] | waf-bench hostile | waf-bench beside GATEWAY";
/// Seconds of CPU for each line of `spin`.
const SPIN_S: f64 = 2.0;
/// Seconds of each measurement with wrk.
const SECONDS: u32 = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["engine"] => engine::run(oracle::python().as_deref(), None, 5),
        ["engine", "--zentinel", program] => engine::run(oracle::python().as_deref(), Some(Path::new(program)), 5),
        ["spin"] => engine::spin(None, SPIN_S).map(|()| Vec::new()),
        ["spin", kind] => engine::spin(Some(kind), SPIN_S).map(|()| Vec::new()),
        ["hostile"] => hostile::run(),
        ["beside", gateway] => beside(Path::new(gateway)),
        _ => Err(USAGE.into()),
    };
    match done.and_then(|rows| figures::publish("waf-speed", &rows)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("waf-bench: {cause}");
            ExitCode::FAILURE
        }
    }
}

fn beside(gateway: &Path) -> Result<Vec<Row>, String> {
    if let Some(program) = Bench::missing() {
        println!("skipped: {program} not present");
        return Ok(Vec::new());
    }
    let bench = Bench::start(SECONDS)?;
    let program = || PathBuf::from(gateway);
    let measure = |subject: Subject, kinds: &[Kind]| {
        let figures = bench.measure(&subject, kinds)?;
        for (kind, figure) in kinds.iter().zip(&figures) {
            println!("  {:<28} {:<9} {figure:.1?}", subject.name(), kind.name());
        }
        Ok::<_, String>(figures)
    };
    let plain = measure(Subject::Nginx, &Kind::ALL)?;
    let proxy = measure(Subject::Proxy(program()), &Kind::ALL)?;
    let peer = measure(Subject::ModSecurity, &Kind::ALL)?;
    let ours = measure(Subject::Gateway(program()), &Kind::ALL)?;
    let build = if gateway.to_string_lossy().contains("/release/") {
        "release build"
    } else {
        "everyday build, libraries hardly optimised: the release build takes less"
    };
    let mut rows = Vec::new();
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        rows.push(overhead(kind, &proxy[number], &plain[number]));
        rows.push(judged(kind, &ours[number], &peer[number]));
    }
    let (first, other) = (&ours[0], &peer[0]);
    let row = |id: &str, what: &str, unit, pair: (f64, f64)| Row {
        what: what.into(),
        unit,
        goal: "no more than the peer".into(),
        met: pair.0 <= pair.1,
        ..blank(id.into(), pair, "nginx + libmodsecurity 3.0.9")
    };
    rows.push(row(
        "E1.gateway-p99",
        "99th percentile of the latency, small GET, 8 connections",
        "us",
        (first.p99_us, other.p99_us),
    ));
    let memory = |figures: &[Figure]| figures.iter().map(|figure| figure.rss_mb).fold(0.0, f64::max);
    rows.push(row(
        "E1.gateway-rss",
        "resident memory with OWASP CRS loaded, under load",
        "MB",
        (memory(&ours), memory(&peer)),
    ));
    for row in &mut rows {
        row.data = format!("{}, {build}", row.data);
    }
    Ok(rows)
}

fn blank(id: String, (ours, peer): (f64, f64), peer_name: &str) -> Row {
    Row {
        id,
        what: String::new(),
        ours: vec![ours],
        unit: "us",
        peer: vec![peer],
        peer_name: peer_name.into(),
        goal: String::new(),
        met: true,
        data: format!(
            "one worker on core 0, wrk and origin on core 1, 8 connections, {SECONDS} s, 500 different requests"
        ),
    }
}

/// The gateway without the WAF beside nginx.
fn overhead(kind: Kind, ours: &Figure, peer: &Figure) -> Row {
    Row {
        what: format!("CPU a proxied request, WAF off: {}", kind.name()),
        goal: "<= 1.1 x the peer".into(),
        met: ours.cpu_us <= 1.1 * peer.cpu_us,
        ..blank(format!("E1.proxy-{}", kind.name()), (ours.cpu_us, peer.cpu_us), "nginx 1.22")
    }
}

/// The gateway with OWASP CRS beside nginx with libmodsecurity.
fn judged(kind: Kind, ours: &Figure, peer: &Figure) -> Row {
    let most = kind.goal();
    let limit = most.map_or(String::new(), |most| format!(", <= {most} us"));
    Row {
        what: format!("CPU a judged request, OWASP CRS 3.3.4 level 1, whole gateway: {}", kind.name()),
        goal: format!("<= 1/20 of the peer{limit}"),
        met: ours.cpu_us * 20.0 <= peer.cpu_us && most.is_none_or(|most| ours.cpu_us <= most),
        ..blank(format!("E1.gateway-{}", kind.name()), (ours.cpu_us, peer.cpu_us), "nginx + libmodsecurity 3.0.9")
    }
}
