//! `cargo xtask content`: every rule against the cases beside it and against ordinary life; every drill against the rules.

use crate::figures::{self, Row};
use detect::cases::{Report, run_benign, run_folder};
use detect::correlation::timeline;
use detect::{Engine, Rule, Source};
use drill::Drill;
use std::path::Path;
use std::process::ExitCode;

/// Fewest rules and drills that ship.
const RULES: usize = 150;
const DRILLS: usize = 60;

/// Runs every case and prints what failed.
pub fn run(root: &Path) -> ExitCode {
    let rules = root.join("content/rules");
    let (cases, benign) = (run_folder(&rules), run_benign(&rules, &root.join("content/benign")));
    let mut findings = found(&cases);
    findings.extend(found(&benign));
    findings.extend(counts(cases.rules, benign.cases, drill::all().len()));
    findings.extend(drills(drill::all(), loaded(&rules).rules()));
    let timelines = timelines(root);
    findings.extend(timelines.faults.iter().map(ToString::to_string).chain(timelines.failures.iter().cloned()));
    findings.extend((timelines.hits == 0).then(|| "content: no timeline ran to a hit".to_owned()));
    for finding in &findings {
        println!("{finding}");
    }
    println!(
        "content: {} rules, {} cases, {} timelines, {} ordinary events, {} drills, {} failed",
        cases.rules,
        cases.cases,
        timelines.timelines,
        benign.cases,
        drill::all().len(),
        findings.len()
    );
    let figure = Row {
        id: "A1.rules".into(),
        what: "rules of our own whose cases, ordinary life and drills all hold; no peer counts these".into(),
        ours: vec![cases.rules as f64],
        unit: "rules".into(),
        goal: format!(">= {RULES}, none failed"),
        met: findings.is_empty(),
        data: format!("content: {} cases, {} ordinary events", cases.cases, benign.cases),
    };
    if let Err(cause) = figures::write(root, "content", &[figure]) {
        println!("content: the figure cannot be written: {cause}");
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn found(report: &Report) -> Vec<String> {
    report.faults.iter().map(ToString::to_string).chain(report.failures.iter().cloned()).collect()
}

fn counts(rules: usize, benign: usize, drills: usize) -> Vec<String> {
    let least = |what: &str, found: usize, least: usize| {
        (found < least).then(|| format!("content: {found} {what}; at least {least} must ship"))
    };
    [least("rules", rules, RULES), least("ordinary events", benign, 1), least("drills", drills, DRILLS)]
        .into_iter()
        .flatten()
        .collect()
}

/// Runs each file of `content/timelines` against the file of rules at the same place.
fn timelines(root: &Path) -> timeline::Report {
    let mut all = timeline::Report::default();
    let mut folders = vec![root.join("content/timelines")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let read = |path: &Path| Source {
                name: path.display().to_string(),
                text: std::fs::read_to_string(path).unwrap_or_default(),
            };
            let place = path.strip_prefix(root.join("content/timelines")).unwrap_or(&path);
            let one = timeline::run(&[read(&root.join("content/rules").join(place))], &read(&path));
            all.timelines += one.timelines;
            all.events += one.events;
            all.hits += one.hits;
            all.failures.extend(one.failures);
            all.faults.extend(one.faults);
        }
    }
    all
}

/// The rules of a folder, compiled together; what is wrong with them is said elsewhere.
fn loaded(folder: &Path) -> Engine {
    let mut sources = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.path().display().to_string());
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".yml") && !name.ends_with(".cases.yml") {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                sources.push(Source { name, text });
            }
        }
    }
    Engine::compile(&sources).0
}

/// Each drill names a rule that runs, and expects only an answer that the rule asks for.
fn drills(drills: &[Drill], rules: &[Rule]) -> Vec<String> {
    let wrong = |drill: &Drill| {
        let name = &drill.name;
        let Some(rule) = rules.iter().find(|rule| rule.id == drill.rule) else {
            return Some(format!("content/drills/{name}.yml: no rule has the id {}", drill.rule));
        };
        let answers = drill.answer.is_empty() || rule.responses.iter().any(|one| one.action == drill.answer);
        if !answers {
            return Some(format!("content/drills/{name}.yml: {} does not ask for {}", rule.place, drill.answer));
        }
        let technique = rule.techniques.iter().any(|one| one.id == drill.technique);
        (!technique).then(|| format!("content/drills/{name}.yml: {} is not about {}", rule.place, drill.technique))
    };
    drills.iter().filter_map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_without_its_rule_or_answer_is_found() {
        let text = "title: t\nid: 1\ntags: [attack.t1059]\nlogsource: {product: linux, category: process_creation}\n\
            detection: {a: {Image: /x}, condition: a}\nresponse: [{action: kill-tree}]\n";
        let (engine, faults) = Engine::compile(&[Source { name: "r.yml".into(), text: text.into() }]);
        assert!(faults.is_empty(), "{faults:?}");
        let drill = |rule: &str, answer: &str, technique: &str| Drill {
            rule: rule.into(),
            answer: answer.into(),
            technique: technique.into(),
            ..drill::all()[0].clone()
        };
        let good = [drill("1", "kill-tree", "T1059"), drill("1", "", "T1059")];
        assert_eq!(drills(&good, engine.rules()), Vec::<String>::new());
        for bad in [drill("2", "", "T1059"), drill("1", "isolate", "T1059"), drill("1", "", "T1496")] {
            assert_eq!(drills(&[bad], engine.rules()).len(), 1);
        }
        assert_eq!(counts(149, 0, 59).len(), 3);
    }
}
