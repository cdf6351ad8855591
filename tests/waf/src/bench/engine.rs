//! In-process: CPU a request of the engine alone, beside libmodsecurity and zentinel-modsec with the same rules.

use super::load::{self, Kind};
use crate::evaluate::PEER;
use crate::oracle;
use crate::ours::{Ours, cpu_us};
use crate::profile;
use crate::request::{Request, Response};
use crate::rules::{Mode, Rules};
use kit::figures::{Row, median};
use serde::Deserialize;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use waf::Work;

/// Different requests of a kind; large ones are fewer, for the peers' sake.
fn count(kind: Kind) -> usize {
    match kind {
        Kind::Large => 20,
        Kind::Prose => 100,
        _ => 400,
    }
}

/// Measures every kind in `rounds` rounds. `zentinel` is the program of `tests/waf/peers/zentinel`, if it was built.
pub fn run(python: Option<&Path>, zentinel: Option<&Path>, rounds: usize) -> Result<Vec<Row>, String> {
    let rules = Rules::new(Mode::Level(1));
    if !rules.present() {
        println!("skipped: OWASP CRS not present");
        return Ok(Vec::new());
    }
    let engine = Ours::load(&rules)?;
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let requests = load::requests(kind, count(kind));
        let ours: Vec<f64> = (0..rounds).map(|_| round(&engine, &requests)).collect();
        let list: Vec<&Request> = requests.iter().collect();
        let theirs = match python {
            Some(python) => oracle::run(python, &rules, &list, 1)?.iter().map(|answer| answer.us).collect(),
            None => Vec::new(),
        };
        let data = format!("{} different requests, OWASP CRS 3.3.4, paranoia level 1, everyday build", requests.len());
        let row = |id: String, peer: Vec<f64>, peer_name: &str| Row {
            id,
            what: format!("engine in-process, CPU a request: {}", kind.name()),
            ours: ours.clone(),
            unit: "us",
            goal: "<= 1/20 of the peer".into(),
            met: !peer.is_empty() && median(&ours) * 20.0 <= mean(&peer),
            peer: peer.is_empty().then(Vec::new).unwrap_or_else(|| vec![mean(&peer)]),
            peer_name: peer_name.into(),
            data: data.clone(),
        };
        rows.push(row(format!("E1.engine-{}", kind.name()), theirs, PEER));
        if let Some(program) = zentinel {
            let (theirs, stopped) = other(program, &rules, &requests)?;
            let ours = requests.iter().filter(|request| engine.answer(request).intervention.is_some()).count();
            let beside =
                row(format!("E1.engine-{}-zentinel", kind.name()), theirs, "zentinel-modsec 0.5.0, release build");
            rows.push(Row {
                // Who stops less has done less: the figures are then not of the same work.
                what: format!("{}; of {} it stops {stopped}, we {ours}", beside.what, requests.len()),
                goal: String::new(),
                met: true,
                ..beside
            });
        }
    }
    Ok(rows)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Mean CPU of one pass over all requests, microseconds.
fn round(engine: &Ours, requests: &[Request]) -> f64 {
    let spent: Vec<f64> = requests.iter().map(|request| engine.answer(request).us).collect();
    mean(&spent)
}

/// Judges requests of every kind, or of one, over and over for `seconds` each: what a profiler looks at. Prints the CPU
/// a request (least of all passes) and the work of one, with the bare rules and as a site has it (shipped profile, looking
/// inside, answers judged too).
///
/// # Errors
/// When the rules cannot be read.
pub fn spin(wanted: Option<&str>, seconds: f64) -> Result<(), String> {
    let rules = Rules::new(Mode::Level(1));
    let bare = Ours::load(&rules)?;
    let site = Ours::load(&Rules { tuned: profile::directives()?, ..rules })?.looking_inside();
    println!("{:?}", bare.summary());
    for kind in Kind::ALL.into_iter().filter(|kind| wanted.is_none_or(|wanted| wanted == kind.name())) {
        let requests = load::requests(kind, 20 * count(kind));
        let answered: Vec<Request> =
            requests.iter().map(|request| Request { response: Some(page()), ..request.clone() }).collect();
        for (name, engine, requests) in [("bare", &bare, &requests), ("site", &site, &answered)] {
            let begin = cpu_us();
            let mut passes = Vec::new();
            while cpu_us() - begin < seconds * 1e6 {
                passes.push(round(engine, requests));
            }
            let works: Vec<Work> = requests.iter().map(|request| engine.verdict(request).work).collect();
            let each = |of: fn(&Work) -> u64| works.iter().map(of).sum::<u64>() / works.len() as u64;
            println!(
                "{:<9} {name} {:7.1} us; a request {} steps, {} passed by; {} new strings of {} bytes, {} transformed, {} \
                 bytes scanned; {} tests run on {} bytes",
                kind.name(),
                passes.iter().copied().fold(f64::INFINITY, f64::min),
                each(|work| work.rules),
                each(|work| work.passed),
                each(|work| work.strings),
                each(|work| work.string_bytes),
                each(|work| work.transformed),
                each(|work| work.scanned),
                each(|work| work.confirmed),
                each(|work| work.confirmed_bytes),
            );
        }
    }
    Ok(())
}

/// What a site answers: a page as the origin of `beside` serves it.
fn page() -> Response {
    let headers =
        [("Server", "nginx"), ("Content-Type", "text/html"), ("Content-Length", "109"), ("Connection", "keep-alive")];
    let body = "<html><body><h1>It is served</h1><p>One page of one hundred and sixty bytes, the same for all.</p></body></html>";
    let headers = headers.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).to_vec();
    Response { status: 200, headers, body: body.as_bytes().to_vec() }
}

/// The configuration without what zentinel-modsec 0.5 does not read: the variable of rule 200004, and quoted selectors
/// (the file on correlation in the log, which stops nothing).
fn understood(rules: &Rules, folder: &Path) -> std::io::Result<String> {
    let base = Rules::base();
    let text = std::fs::read_to_string(&base)?;
    let known = text.split("SecRule MULTIPART_UNMATCHED_BOUNDARY").next().unwrap_or_default();
    let copy = folder.join("base.conf");
    std::fs::write(&copy, known)?;
    let mut files: Vec<String> = std::fs::read_dir(&rules.crs)?
        .filter_map(|entry| Some(entry.ok()?.path().display().to_string()))
        .filter(|path| path.ends_with(".conf") && !path.ends_with("RESPONSE-980-CORRELATION.conf"))
        .collect();
    files.sort();
    let includes: String = files.iter().map(|path| format!("Include {path}\n")).collect();
    let all = format!("Include {}/*.conf\n", rules.crs.display());
    Ok(rules.text().replace(&base.display().to_string(), &copy.display().to_string()).replace(&all, &includes))
}

#[derive(Deserialize)]
struct Said {
    us: f64,
    stopped: bool,
}

/// Runs the other engine's program over the requests.
fn other(program: &Path, rules: &Rules, requests: &[Request]) -> Result<(Vec<f64>, usize), String> {
    let fault = |cause: std::io::Error| format!("{}: {cause}", program.display());
    let folder = tempfile::tempdir().map_err(fault)?;
    let file = folder.path().join("rules.conf");
    std::fs::write(&file, understood(rules, folder.path()).map_err(fault)?).map_err(fault)?;
    let child = Command::new(program).arg(&file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(fault)?;
    let Some(mut input) = child.stdin.take() else { return Err("no pipe".into()) };
    let lines: String = requests.iter().map(|request| request.line() + "\n").collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().map_err(fault)?;
    writer.join().map_err(|_| "the writing thread panicked".to_string())?.map_err(fault)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let said: Vec<Said> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if said.len() != requests.len() {
        return Err(format!("{}: {} answers to {} requests", program.display(), said.len(), requests.len()));
    }
    Ok((said.iter().map(|said| said.us).collect(), said.iter().filter(|said| said.stopped).count()))
}
