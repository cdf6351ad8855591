//! The regression suite of OWASP CRS: how many tests pass, and each failure with its reason.

use super::{Both, Options, PEER, judge, print_differences};
use crate::corpus::ftw::{self, Test};
use crate::door;
use crate::regression::{self, Outcome};
use kit::figures::Row;

/// What the tests ended with.
#[derive(Default)]
struct Count {
    rules: usize,
    door: usize,
    failed: usize,
}

/// Runs the suite.
pub fn run(options: &Options) -> Result<Vec<Row>, String> {
    let (folder, rules) = (options.suite_tests(), options.suite_rules()?);
    let what = "regression tests of OWASP CRS that pass: by the rules, and refused by the gateway's framing guard where the suite wants a refusal";
    if !folder.is_dir() || !rules.present() {
        println!("skipped: {} or {} not present", folder.display(), rules.crs.display());
        return Ok(vec![row(&[], &[], format!("{what} (not run: corpus or rules not present)"), 0)]);
    }
    let tests = ftw::read(&folder)?;
    let requests: Vec<_> = tests.iter().map(|test| &test.request).collect();
    let both = judge(options, &rules, &requests)?;
    println!("regression suite: {} tests of {} on {}", tests.len(), folder.display(), rules.crs.display());
    let count = count(&tests, &both);
    let ours = share(count.rules + count.door, tests.len());
    println!("  ours: {} pass by rules, {} by the door, {} fail: {ours:.2} %", count.rules, count.door, count.failed);
    let mut theirs = Vec::new();
    if !both.theirs.is_empty() {
        let pairs = tests.iter().zip(&both.theirs);
        let passed = pairs.filter(|(test, answer)| regression::by_rules(test, answer) == Outcome::Pass).count();
        println!("  {PEER}: {passed} pass by rules: {:.2} %", share(passed, tests.len()));
        theirs.push(share(passed, tests.len()));
    }
    let names: Vec<String> = tests.iter().map(|test| test.title.clone()).collect();
    let differing = print_differences(&rules, &both, &requests, &names, options.examples)?;
    let mut rows = vec![row(&[ours], &theirs, what.into(), tests.len())];
    if !both.theirs.is_empty() {
        let data = format!("{} requests of the suite, paranoia level 4, detection only", tests.len());
        rows.push(differing.row("E1.suite-identical".into(), data));
    }
    Ok(rows)
}

fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { 100.0 * part as f64 / all as f64 }
}

fn row(ours: &[f64], theirs: &[f64], what: String, tests: usize) -> Row {
    Row {
        id: "E1.suite".into(),
        what,
        ours: ours.to_vec(),
        unit: "%",
        peer: theirs.to_vec(),
        peer_name: format!("{PEER}, by the rules alone"),
        goal: ">= 99 %".into(),
        met: ours.iter().all(|share| *share >= 99.0) && !ours.is_empty(),
        data: format!("all {tests} tests of the release"),
    }
}

/// Counts our outcomes and prints each failure beside the peer's.
fn count(tests: &[Test], both: &Both) -> Count {
    let mut count = Count::default();
    for (number, (test, answer)) in tests.iter().zip(&both.ours).enumerate() {
        let passage = door::passage(&test.request);
        let failure = match regression::by_gateway(test, answer, passage) {
            Outcome::Pass => {
                count.rules += 1;
                continue;
            }
            Outcome::Door(_) => {
                count.door += 1;
                continue;
            }
            Outcome::Unasked => format!("wants status {:?}; {}", test.status, passage.text()),
            Outcome::Fail(failure) => {
                let log = if failure.log { ", the log is not as wanted" } else { "" };
                format!("missing {:?}, unwanted {:?}{log}", failure.missing, failure.unwanted)
            }
        };
        count.failed += 1;
        let peer = match both.theirs.get(number) {
            None => "peer not run",
            Some(theirs) if regression::by_rules(test, theirs) == Outcome::Pass => "passes with libmodsecurity",
            Some(theirs) if theirs.rules == answer.rules => "libmodsecurity says the same",
            Some(_) => "fails with libmodsecurity too",
        };
        println!("  FAIL {}: {failure}; {peer}", test.title);
    }
    count
}
