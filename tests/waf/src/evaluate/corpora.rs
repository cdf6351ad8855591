//! Corpora: shares stopped by class at paranoia levels 1 and 2, beside libmodsecurity with the same rules.

use super::{Both, Differing, Options, PEER, judge, learned, print_differences};
use crate::corpus;
use crate::detection::{self, Group, Rate};
use crate::request::Case;
use crate::rules::{Mode, Rules};
use kit::figures::Row;
use std::collections::BTreeMap;

/// Classes that have a row of their own, benign requests last.
pub(super) const CLASSES: &[&str] = &["sqli", "xss", "path-traversal", "cmdi", "other", "benign"];

/// Every corpus that is present, every n-th case of it.
pub fn cases(every: usize) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for corpus in corpus::ALL {
        let folder = corpus::data().join(corpus.name());
        if folder.is_dir() {
            cases.extend(corpus.read(&folder)?.into_iter().step_by(every.max(1)));
        } else {
            println!("skipped: corpus {} not present", corpus.name());
        }
    }
    Ok(cases)
}

/// Runs all corpora at one paranoia level.
pub fn run(options: &Options, level: u8) -> Result<Vec<Row>, String> {
    let rules = Rules::new(Mode::Level(level));
    if !rules.present() {
        println!("skipped: OWASP CRS not present");
        return Ok(Vec::new());
    }
    let cases = cases(options.every)?;
    let requests: Vec<_> = cases.iter().map(|case| &case.request).collect();
    println!("corpora at paranoia level {level}: {} requests", cases.len());
    let both = judge(options, &rules, &requests)?;
    let ours = detection::rates(&cases, detection::by_rules(&both.ours));
    let theirs = detection::rates(&cases, detection::by_rules(&both.theirs));
    print(&ours, &theirs, !both.theirs.is_empty());
    let weighed = learned::run(&rules, &cases, level)?;
    let names: Vec<String> = cases.iter().map(|case| format!("{} {}", case.source, case.name)).collect();
    let differing = print_differences(&rules, &both, &requests, &names, options.examples)?;
    let mut rows = rows(options, level, &Joined { ours: &ours, theirs: &theirs, both: &both, differing });
    rows.extend(weighed);
    Ok(rows)
}

/// What the rows are made of.
struct Joined<'j> {
    ours: &'j BTreeMap<Group, Rate>,
    theirs: &'j BTreeMap<Group, Rate>,
    both: &'j Both,
    differing: Differing,
}

/// One line a source and class.
pub(super) fn print(ours: &BTreeMap<Group, Rate>, theirs: &BTreeMap<Group, Rate>, peer: bool) {
    println!("  {:<24} {:<16} {:>7} {:>9} {:>9}", "source", "class", "n", "ours %", if peer { "peer %" } else { "" });
    for (group, rate) in ours {
        let beside = if peer { format!("{:.2}", 100.0 * theirs[group].share()) } else { String::new() };
        println!("  {:<24} {:<16} {:>7} {:>9.2} {beside:>9}", group.0, group.1, rate.all, 100.0 * rate.share());
    }
}

fn rows(options: &Options, level: u8, joined: &Joined<'_>) -> Vec<Row> {
    let sample = if options.every > 1 { format!("every {}th case of ", options.every) } else { String::new() };
    let peer = !joined.both.theirs.is_empty();
    let mut rows = Vec::new();
    for class in CLASSES {
        let (our, their) = (detection::of_class(joined.ours, class), detection::of_class(joined.theirs, class));
        let verb = if *class == "benign" { "harmless requests stopped" } else { "attacks stopped" };
        rows.push(Row {
            id: format!("E1.pl{level}-{class}"),
            what: format!("{class}: {verb}, OWASP CRS 3.3.4 at paranoia level {level}, our engine, rules alone"),
            ours: vec![100.0 * our.share()],
            unit: "%",
            peer: if peer { vec![100.0 * their.share()] } else { Vec::new() },
            peer_name: PEER.into(),
            goal: "no worse than the peer".into(),
            met: !peer || if *class == "benign" { our.stopped <= their.stopped } else { our.stopped >= their.stopped },
            data: format!("{sample}httpparams, gotestwaf and libinjection: {} requests", our.all),
        });
    }
    if peer {
        let all = joined.both.ours.len();
        let data = format!("{sample}httpparams, gotestwaf and libinjection: {all} requests, paranoia level {level}");
        rows.push(joined.differing.row(format!("E1.pl{level}-identical"), data));
    }
    rows
}
