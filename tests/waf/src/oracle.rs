//! libmodsecurity through `oracle.py`: the second opinion.

use crate::answer::Answer;
use crate::request::Request;
use crate::rules::Rules;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Python with the wheel in it, if there is one.
pub fn python() -> Option<PathBuf> {
    let venv = std::env::var_os("GARRISON_VENV").map(PathBuf::from)?;
    let found = venv.join("bin/python");
    let has = |module: &str| {
        let run = Command::new(&found).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    };
    (found.exists() && has("libmodsecurity")).then_some(found)
}

/// All requests judged under one configuration, in their order, by two processes.
pub fn run(python: &Path, rules: &Rules, requests: &[&Request], jobs: usize) -> Result<Vec<Answer>, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle.py");
    let mut child = Command::new(python)
        .arg(script)
        .args(rules.oracle_arguments())
        .args(["--brief", "--jobs", &jobs.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|cause| format!("oracle.py: {cause}"))?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (Some(mut input), Some(output)) = (input, output) else { return Err("oracle.py: no pipes".into()) };
    let answers = std::thread::scope(|scope| {
        scope.spawn(move || {
            for request in requests {
                // The other end says why when it goes away early.
                if writeln!(input, "{}", request.line()).is_err() {
                    return;
                }
            }
        });
        let mut answers = Vec::with_capacity(requests.len());
        for line in BufReader::new(output).lines() {
            let line = line.map_err(|cause| format!("oracle.py: {cause}"))?;
            answers.push(serde_json::from_str(&line).map_err(|cause| format!("oracle.py: {cause}: {line}"))?);
        }
        Ok::<Vec<Answer>, String>(answers)
    });
    let status = child.wait().map_err(|cause| format!("oracle.py: {cause}"))?;
    let answers = answers?;
    if !status.success() || answers.len() != requests.len() {
        return Err(format!("oracle.py: {status}, {} answers to {} requests", answers.len(), requests.len()));
    }
    Ok(answers)
}
