//! What a rule means to pySigma, the reference for reading Sigma: the same hits on the same events, and the same rules
//! refused.

use crate::made::Maker;
use crate::oracle::{area, both};
use crate::{corpus, hits};
use base::SeededRandom;
use detect::Engine;
use proptest::test_runner::TestRunner;
use rsigma_parser::parse_sigma_yaml;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Events made from each rule.
const EVENTS: usize = 40;

/// Python of the environment that `make setup` makes, when it is there.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("GARRISON_VENV").map(PathBuf::from);
    let usual = || Some(Path::new(&std::env::var_os("HOME")?).join(".cache/garrison/venv"));
    Some(named.or_else(usual)?.join("bin/python3")).filter(|python| python.exists())
}

/// The answers of pySigma, one a task; the reason when it cannot be asked.
fn ask(tasks: String) -> Result<Vec<Value>, String> {
    let python = python().ok_or("no Python environment (make setup)")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pysigma.py");
    let pipe = Stdio::piped;
    let mut child = Command::new(python)
        .arg(script)
        .stdin(pipe())
        .stdout(pipe())
        .stderr(pipe())
        .spawn()
        .map_err(|cause| cause.to_string())?;
    let mut input = child.stdin.take().ok_or("no pipe")?;
    // From a thread: the script answers before it has read everything, and both pipes are bounded.
    let feeder = std::thread::spawn(move || input.write_all(tasks.as_bytes()).is_ok());
    let output = child.wait_with_output().map_err(|cause| cause.to_string())?;
    let errors = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.code() == Some(2) {
        return Err(errors);
    }
    assert!(output.status.success() && feeder.join().unwrap_or(false), "{errors}");
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn pysigma_reads_rules_the_same() {
    let sources = corpus();
    if sources.is_empty() {
        println!("skipped: corpus not present");
        return;
    }
    let random = SeededRandom::new(23);
    let mut maker = Maker { random: &random, runner: TestRunner::deterministic() };
    let (mut tasks, mut ours) = (String::new(), Vec::new());
    for source in &sources {
        let rule = parse_sigma_yaml(&source.text).unwrap().rules.remove(0);
        let (engine, faults) = Engine::compile(std::slice::from_ref(source));
        assert!(faults.is_empty(), "{faults:?}");
        let area = area(&rule);
        let pairs: Vec<_> = (0..EVENTS).filter_map(|_| both(&area, &maker.event(&rule))).collect();
        let events: Vec<&Value> = pairs.iter().map(|(_, json)| json).collect();
        tasks.push_str(&format!("{}\n", json!({"rule": source.text, "events": events})));
        ours.push(pairs.iter().map(|(event, _)| !hits(&engine, event).is_empty()).collect::<Vec<bool>>());
    }
    let theirs = match ask(tasks.clone()) {
        Ok(answers) => answers,
        Err(why) => {
            assert!(!std::env::var("CI").is_ok_and(|value| value == "true"), "CI must not skip this: {why}");
            println!("skipped: pySigma: {why}");
            return;
        }
    };
    let (mut events, mut found, mut wrong) = (0, 0, Vec::new());
    for (((source, ours), theirs), task) in sources.iter().zip(&ours).zip(&theirs).zip(tasks.lines()) {
        let Value::Array(theirs) = theirs else { panic!("{}: pySigma: {theirs}", source.name) };
        for (place, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            events += 1;
            found += usize::from(*ours);
            if theirs.as_bool() != Some(*ours) {
                let task: Value = serde_json::from_str(task).unwrap();
                wrong.push(format!("{}: ours {ours}, pySigma {theirs}: {}", source.name, task["events"][place]));
            }
        }
    }
    println!("{} rules, {events} events, {found} hits, {} different", sources.len(), wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}
