//! The learned score beside the rules: on all corpora, which it was in part trained on, and on the sources left out of
//! training, as the training reported them.

use super::corpora::{CLASSES, print};
use crate::detection;
use crate::ours::{Ours, Weighed};
use crate::request::Case;
use crate::rules::Rules;
use kit::figures::Row;
use score::{Mode, Policy, Scorer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How a site may let the score act: its name in ids, the policy, what that is.
const POLICIES: [(&str, Policy, &str); 2] = [
    ("model", Policy { mode: Mode::Block, raise: 5, lower: 0, raise_at: None, lower_at: None }, "may add 5 points"),
    (
        "tuned",
        Policy { mode: Mode::Block, raise: 5, lower: 5, raise_at: None, lower_at: None },
        "may add 5 points or take 5 off (a site tuned in observe mode)",
    ),
];

/// A file of the trained model.
fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/waf").join(name)
}

/// Shares with the learned score beside the rules, where there is a model.
pub fn run(rules: &Rules, cases: &[Case], level: u8) -> Result<Vec<Row>, String> {
    let row = |id: String, ours: Vec<f64>, all: usize, what: String| Row {
        id,
        what,
        ours,
        unit: "%",
        peer: Vec::new(),
        peer_name: String::new(),
        goal: String::new(),
        met: true,
        data: format!(
            "{all} requests of httpparams, gotestwaf and libinjection, all of which the model was trained on"
        ),
    };
    let Ok(text) = std::fs::read_to_string(model("model.txt")) else {
        println!("  skipped: content/waf/model.txt not present");
        let what = "rules and learned score (not run: no model)".into();
        return Ok(vec![row(format!("E1.pl{level}-model"), Vec::new(), cases.len(), what)]);
    };
    let scorer = Scorer::read(&text).map_err(|fault| format!("{fault:?}"))?;
    let engine = Ours::load(rules)?;
    let weighed: Vec<Weighed> = cases.iter().map(|case| engine.weighed(&case.request, &scorer)).collect();
    let mut rows = Vec::new();
    for (name, policy, what) in POLICIES {
        let rates = detection::rates(cases, |number| weighed[number].stopped(&policy));
        println!("  rules and learned score, which {what}:");
        print(&rates, &BTreeMap::new(), false);
        rows.extend(CLASSES.iter().map(|class| {
            let rate = detection::of_class(&rates, class);
            let verb = if *class == "benign" { "harmless requests stopped" } else { "attacks stopped" };
            let what = format!("{class}: {verb}, rules at paranoia level {level} and the learned score, which {what}");
            row(format!("E1.pl{level}-{name}-{class}"), vec![100.0 * rate.share()], rate.all, what)
        }));
    }
    Ok(rows)
}

/// SQL injection found at one false alarm in a thousand, each source left out of training, from the training's report.
pub fn left_out() -> Result<Vec<Row>, String> {
    let Ok(text) = std::fs::read_to_string(model("model.md")) else {
        println!("skipped: content/waf/model.md not present");
        return Ok(Vec::new());
    };
    let rows = table(&text);
    if rows.is_empty() {
        return Err("content/waf/model.md has no table of SQL injection left out".into());
    }
    Ok(rows)
}

fn table(text: &str) -> Vec<Row> {
    let lines = text.lines().skip_while(|line| *line != "## SQL injection, left out").skip(1);
    let lines = lines.take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| ")).skip(1);
    lines
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let (source, attacks, benign) = (cells.get(1)?, cells.get(2)?, cells.get(3)?);
            let share: f64 = cells.get(5)?.trim_end_matches([' ', '%']).parse().ok()?;
            Some(Row {
                id: format!("E1.sqli-left-out-{}", source.split([',', ' ']).next()?),
                what:
                    "SQL injection found by rules and learned score at 0.1 % false alarms, source left out of training"
                        .into(),
                ours: vec![share],
                unit: "%",
                peer: Vec::new(),
                peer_name: String::new(),
                goal: ">= 99.5 %".into(),
                met: share >= 99.5,
                data: format!(
                    "left out: {source}; {attacks} injections, {benign} harmless values; content/waf/model.md"
                ),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_the_training_is_read() {
        let text = "# x\n## SQL injection, left out\n| left out | a | b | at 0.05 % | at 0.1 % |\n|---|---|---|---|---|\n\
            | one, two | 100 | 200 | 98.00 % | 99.50 % |\n\n## Next\n| no | 1 | 2 | 3 % | 4 % |\n";
        let rows = table(text);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].id.as_str(), rows[0].ours[0], rows[0].met), ("E1.sqli-left-out-one", 99.5, true));
        if let Ok(text) = std::fs::read_to_string(model("model.md")) {
            assert!(!table(&text).is_empty(), "the report that lies here");
        }
    }
}
