//! Requests made from all corpora by mutation, judged at level 4: where the engines differ beyond what corpora hold.

use super::{Options, corpora, judge, print_differences};
use crate::corpus::ftw;
use crate::mutate::Mutator;
use crate::request::Request;
use kit::figures::Row;

/// Makes `count` requests with a seed and runs them.
pub fn run(options: &Options, count: usize, seed: u64) -> Result<Vec<Row>, String> {
    let rules = options.suite_rules()?;
    if !rules.present() || options.python.is_none() {
        println!("skipped: OWASP CRS or libmodsecurity not present");
        return Ok(Vec::new());
    }
    let folder = options.suite_tests();
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
    let differing = print_differences(&rules, &both, &requests, &names, options.examples)?;
    let data = format!(
        "{count} requests made by mutation from all corpora, seed {seed}, level 4, detection only, responses too"
    );
    Ok(vec![differing.row("E1.mutants-identical".into(), data)])
}
