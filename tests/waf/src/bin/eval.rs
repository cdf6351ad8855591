//! `make eval-waf`: what the engine detects, beside libmodsecurity with the same rules in the same run.
//!
//! `eval [suite|corpora|hidden|profile|mutants]... [--every N] [--examples N] [--mutants N] [--seed N] [--without-peer]`; without a part, all
//! parts run. `eval suite --rules DIR [--setup FILE] [--tests DIR]` runs another release of OWASP CRS: DIR holds the rules, or is
//! the release with `rules`, `crs-setup.conf.example` and `tests/regression/tests` in it.

use kit::figures;
use std::process::ExitCode;
use waf_eval::evaluate::{Options, corpora, hidden, learned, mutants, profile, suite};
use waf_eval::oracle;

const USAGE: &str = "usage: eval [suite|corpora|hidden|profile|mutants]... [--every N] [--examples N] [--mutants N] [--seed N] [--without-peer] [--rules DIR [--setup FILE] [--tests DIR]]";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("eval: {cause}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let python = oracle::python();
    let mut options = Options { python, every: 1, examples: 10, rules: None, setup: None, tests: None };
    let (mut count, mut seed) = (4000, 1);
    let mut parts = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let place = match argument.as_str() {
            "--rules" => Some(&mut options.rules),
            "--setup" => Some(&mut options.setup),
            "--tests" => Some(&mut options.tests),
            _ => None,
        };
        if let Some(place) = place {
            *place = Some(arguments.next().ok_or(USAGE)?.into());
            continue;
        }
        let mut number = || arguments.next().and_then(|text| text.parse::<usize>().ok()).ok_or(USAGE);
        match argument.as_str() {
            "suite" | "corpora" | "hidden" | "profile" | "mutants" => parts.push(argument),
            "--every" => options.every = number()?,
            "--examples" => options.examples = number()?,
            "--mutants" => count = number()?,
            "--seed" => seed = number()? as u64,
            "--without-peer" => options.python = None,
            _ => return Err(USAGE.into()),
        }
    }
    if options.python.is_none() {
        println!("libmodsecurity is not run: our figures stand alone");
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|name| name == part);
    let mut rows = Vec::new();
    if wanted("suite") {
        rows.extend(suite::run(&options)?);
    }
    if wanted("corpora") {
        for level in [1, 2] {
            rows.extend(corpora::run(&options, level)?);
        }
        rows.extend(learned::left_out()?);
    }
    if wanted("profile") {
        rows.extend(profile::run(&options)?);
    }
    if wanted("hidden") {
        rows.extend(hidden::run(&options)?);
    }
    if wanted("mutants") {
        rows.extend(mutants::run(&options, count, seed)?);
    }
    // Figures are of the rules that are installed.
    if options.rules.is_none() { figures::publish("waf", &rows) } else { Ok(()) }
}
