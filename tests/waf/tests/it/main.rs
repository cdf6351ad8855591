//! What every change must keep: the regression suite of CRS passes, and libmodsecurity says the same rule by rule.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

use waf_eval::corpus::{self, ftw};
use waf_eval::evaluate::{Both, Options, corpora, judge, print_differences};
use waf_eval::mutate::Mutator;
use waf_eval::ours::Ours;
use waf_eval::regression::{Outcome, by_gateway};
use waf_eval::request::Request;
use waf_eval::rules::{Mode, Rules};
use waf_eval::{door, oracle};

/// The suite of CRS and its rules; `None`, said aloud, where one is absent.
fn suite() -> Result<Option<(Vec<ftw::Test>, Rules)>, String> {
    let (folder, rules) = (corpus::data().join("crs-3.3.4-tests"), Rules::new(Mode::Suite));
    if !folder.is_dir() || !rules.present() {
        println!("skipped: corpus crs-3.3.4-tests or OWASP CRS not present");
        return Ok(None);
    }
    Ok(Some((ftw::read(&folder)?, rules)))
}

#[test]
fn the_suite_of_crs_passes() {
    let Some((tests, rules)) = suite().unwrap() else { return };
    let engine = Ours::load(&rules).unwrap();
    let failed: Vec<&str> = tests
        .iter()
        .filter(|test| {
            let outcome = by_gateway(test, &engine.answer(&test.request), door::passage(&test.request));
            !matches!(outcome, Outcome::Pass | Outcome::Door(_))
        })
        .map(|test| test.title.as_str())
        .collect();
    assert!(failed.len() * 100 <= tests.len(), "{} of {} fail: {failed:?}", failed.len(), tests.len());
}

/// Both engines over a sample, every difference explained.
fn agrees(rules: &Rules, requests: &[&Request]) -> Result<(), String> {
    let python = oracle::python();
    let options = Options { python, every: 1, examples: 5, rules: None, setup: None, tests: None };
    if options.python.is_none() {
        println!("skipped: libmodsecurity not present");
        return Ok(());
    }
    let both: Both = judge(&options, rules, requests)?;
    let names: Vec<String> = (0..requests.len()).map(|number| number.to_string()).collect();
    let differing = print_differences(rules, &both, requests, &names, options.examples)?;
    assert_eq!(differing.open, 0, "requests on which the engines differ; see above");
    Ok(())
}

#[test]
fn libmodsecurity_says_the_same_of_a_sample_of_the_corpora() {
    let rules = Rules::new(Mode::Level(2));
    let cases = corpora::cases(100).unwrap();
    if cases.is_empty() || !rules.present() {
        println!("skipped: corpora or OWASP CRS not present");
        return;
    }
    agrees(&rules, &cases.iter().map(|case| &case.request).collect::<Vec<_>>()).unwrap();
}

#[test]
fn libmodsecurity_says_the_same_of_mutants() {
    let Some((tests, rules)) = suite().unwrap() else { return };
    let seeds: Vec<&Request> = tests.iter().map(|test| &test.request).collect();
    let mut mutator = Mutator::new(7);
    let made: Vec<Request> = (0..400).map(|_| mutator.request(&seeds)).collect();
    agrees(&rules, &made.iter().collect::<Vec<_>>()).unwrap();
}
