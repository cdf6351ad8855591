//! Requests made from all corpora by mutation, judged at level 4: where the engines differ beyond what corpora hold.

use super::{Options, corpora, judge, print_differences};
use crate::corpus::{self, ftw};
use crate::figures::Row;
use crate::mutate::Mutator;
use crate::request::Request;
use crate::rules::{Mode, Rules};

/// Makes `count` requests with a seed and runs them.
pub fn run(options: &Options, count: usize, seed: u64) -> Result<Vec<Row>, String> {
    let rules = Rules::new(Mode::Suite);
    if !rules.present() || options.python.is_none() {
        println!("skipped: OWASP CRS or libmodsecurity not present");
        return Ok(Vec::new());
    }
    let folder = corpus::data().join("crs-3.3.4-tests");
    let tests = if folder.is_dir() { ftw::read(&folder)? } else { Vec::new() };
    let cases = corpora::cases(7)?;
    let seeds: Vec<&Request> =
        tests.iter().map(|test| &test.request).chain(cases.iter().map(|case| &case.request)).collect();
    if seeds.is_empty() {
        println!("skipped: no corpus to mutate");
        return Ok(Vec::new());
    }
    let mut mutator = Mutator::new(seed);
    let requests: Vec<Request> = (0..count).map(|_| mutator.request(&seeds)).collect();
    let requests: Vec<&Request> = requests.iter().collect();
    println!("mutants: {count} requests, seed {seed}");
    let both = judge(options, &rules, &requests)?;
    let names: Vec<String> = (0..count).map(|number| format!("mutant {number}")).collect();
    let differing = print_differences(&both, &requests, &names, options.examples);
    Ok(vec![Row {
        id: "E1.mutants-identical".into(),
        what: "requests made by mutation on which the list of rule ids is not libmodsecurity's".into(),
        ours: vec![differing.plain as f64],
        unit: "requests",
        peer: Vec::new(),
        peer_name: String::new(),
        goal: "0, or each explained".into(),
        met: differing.plain == 0,
        data: format!(
            "{count} requests from all corpora, seed {seed}, paranoia level 4, detection only, responses too"
        ),
    }])
}
