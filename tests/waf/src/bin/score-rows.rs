//! `make train-waf`: the rows that the learned score sees of given values, made by the same code as at run time.
//!
//! Reads values from stdin, hexadecimal, one a line; each is sent as `p` of a query through the rules of CRS at paranoia
//! level 1 (detection only). Writes rows to stdout: number of the value (32 bits), anomaly score of its request, then the
//! features (32-bit floats), all little-endian; a plain value has one row of not-a-numbers. `score-rows --names` prints the names of the features; with `--model FILE` a
//! line is written for each value instead: its score.

use score::{Scorer, Value};
use std::io::{BufRead, BufWriter, Write};
use std::process::ExitCode;
use waf_eval::ours::Ours;
use waf_eval::request::Request;
use waf_eval::rules::{Mode, Rules};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("score-rows: {cause}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let scorer = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => None,
        ["--names"] => {
            println!("{}", score::names().join("\n"));
            return Ok(());
        }
        ["--model", file] => {
            let text = std::fs::read_to_string(file).map_err(|cause| format!("{file}: {cause}"))?;
            Some(Scorer::read(&text).map_err(|fault| format!("{fault:?}"))?)
        }
        _ => return Err("usage: score-rows [--names | --model FILE]".into()),
    };
    let rules = Rules::new(Mode::Level(1));
    if !rules.present() {
        return Err("the rules of CRS are not installed (make setup)".into());
    }
    let engine = Ours::of(&format!("{}\nSecRuleEngine DetectionOnly\n", rules.text()))?;
    let width = score::names().len();
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line.map_err(|cause| cause.to_string())?;
        let value = hex::decode(line.trim()).map_err(|cause| format!("line {}: {cause}", number + 1))?;
        let escaped: String = value.iter().map(|byte| format!("%{byte:02X}")).collect();
        let verdict = engine.verdict(&Request::browser("GET", format!("/?p={escaped}")));
        let value = Value { variable: "ARGS", key: b"p", value: &value };
        let written = match &scorer {
            Some(scorer) => writeln!(out, "{}", scorer.judge([value], &verdict.hits).probability),
            None => {
                let mut rows = score::rows(&value, &verdict.hits);
                if rows.is_empty() {
                    rows.push(vec![f32::NAN; width]);
                }
                rows.into_iter().try_for_each(|row| {
                    out.write_all(&(number as u32).to_le_bytes())?;
                    out.write_all(&(verdict.inbound as f32).to_le_bytes())?;
                    row.iter().try_for_each(|feature| out.write_all(&feature.to_le_bytes()))
                })
            }
        };
        written.map_err(|cause| cause.to_string())?;
    }
    out.flush().map_err(|cause| cause.to_string())
}
