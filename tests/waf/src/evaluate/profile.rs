//! The shipped profile before and after: its own cases, then harmless requests and attacks of the corpora.

use super::{Options, corpora};
use crate::detection::{self, Rate};
use crate::ours::Ours;
use crate::profile::{self, Case};
use crate::request;
use crate::rules::{Mode, Rules};
use kit::figures::Row;

/// Engines at one paranoia level: without the profile, with it, and with it and looking inside of values (gRPC, GraphQL,
/// JSON and base64 within arguments), which is how the gateway runs it.
struct Engines {
    level: u8,
    all: [Ours; 3],
}

/// Stopped by each of the three.
type Rates = [Rate; 3];

/// Runs both engines over the cases of the profile and over the corpora.
///
/// # Errors
/// When the profile, its cases or a corpus cannot be read.
pub fn run(options: &Options) -> Result<Vec<Row>, String> {
    if !Rules::new(Mode::Level(1)).present() {
        println!("skipped: OWASP CRS not present");
        return Ok(Vec::new());
    }
    let directives = profile::directives()?;
    let cases = profile::cases()?;
    let corpus = corpora::cases(options.every)?;
    let mut rows = Vec::new();
    println!("shipped profile: stopped without it, with it, and with it looking inside of values");
    for level in [1, 2] {
        let plain = Rules::new(Mode::Level(level));
        let tuned = Rules { tuned: directives.clone(), ..plain.clone() };
        let tuned = Ours::load(&tuned)?;
        let inside = tuned.looking_inside();
        let engines = Engines { level, all: [Ours::load(&plain)?, tuned, inside] };
        rows.extend(own(&engines, &cases.passes, false));
        rows.extend(own(&engines, &cases.stopped, true));
        rows.extend(of_corpora(&engines, &corpus, options.every));
    }
    Ok(rows)
}

/// Cases of the profile that are for this level.
fn own(engines: &Engines, cases: &[Case], attack: bool) -> Option<Row> {
    let requests: Vec<_> = cases.iter().filter(|case| case.level == engines.level).map(Case::request).collect();
    let stopped =
        |engine: &Ours| requests.iter().filter(|request| engine.answer(request).intervention.is_some()).count();
    let rates = engines.all.each_ref().map(|engine| Rate { all: requests.len(), stopped: stopped(engine) });
    let (what, kind) = if attack { ("attacks", "attack") } else { ("harmless requests", "benign") };
    let name = format!("cases of the profile, {what}");
    let data = format!("content/waf/profile/policy.cases.yml: {} requests", requests.len());
    (!requests.is_empty()).then(|| row(engines.level, &format!("case-{kind}"), &name, rates, attack, data))
}

fn of_corpora(engines: &Engines, corpus: &[request::Case], every: usize) -> Vec<Row> {
    let rates = engines.all.each_ref().map(|engine| {
        let stopped: Vec<bool> =
            corpus.iter().map(|case| engine.answer(&case.request).intervention.is_some()).collect();
        detection::rates(corpus, |at| stopped[at])
    });
    let sample = if every > 1 { format!("every {every}th case of ") } else { String::new() };
    let rows = CLASSES.iter().map(|class| {
        let of_class = rates.each_ref().map(|rates| detection::of_class(rates, class));
        let data = format!("{sample}httpparams, gotestwaf and libinjection: {} requests", of_class[0].all);
        row(engines.level, class, &format!("corpora, {class}"), of_class, *class != "benign", data)
    });
    rows.collect()
}

/// Classes of the corpora.
const CLASSES: &[&str] = &["benign", "sqli", "xss", "path-traversal", "cmdi", "other"];

/// One line of the table and its figure. Attacks have to be stopped as before, harmless requests no more than before.
fn row(level: u8, id: &str, name: &str, rates: Rates, attack: bool, data: String) -> Row {
    let [before, profile, after] = rates;
    let [old, middle, new] = rates.map(|rate| 100.0 * rate.share());
    println!("  PL{level} {name:<40} {:>6} {old:>8.2} % {middle:>8.2} % {new:>8.2} %", after.all);
    let held = |rate: Rate| if attack { rate.stopped >= before.stopped } else { rate.stopped <= before.stopped };
    Row {
        id: format!("E1.profile-pl{level}-{id}"),
        what: format!("{name}: stopped with the shipped profile and looking inside, paranoia level {level}"),
        ours: vec![new],
        unit: "%",
        peer: vec![old],
        peer_name: format!("without the profile (profile alone: {middle:.2})"),
        goal: if attack { "as without".into() } else { "not more than without".into() },
        met: held(after) && (attack || held(profile)),
        data,
    }
}
