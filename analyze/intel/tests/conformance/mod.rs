//! What others make of what we write, and we of what they write: the validators and clients of `tests/intel`.

mod corpora;
mod http;
mod store;
mod taxii;

use crate::cases::export::{export, profile, sample, text};
use crate::cases::patterns;
use intel::format::export::{Fields, Profile};
use intel::format::stix::pattern::{self, Comparison, Observation, Operator};
use intel::{Kind, Tlp};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Python of the environment that `make setup` makes, when it is there.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("GARRISON_VENV").map(PathBuf::from);
    let usual = || Some(Path::new(&std::env::var_os("HOME")?).join(".cache/garrison/venv"));
    let python = named.or_else(usual)?.join("bin/python3");
    python.exists().then_some(python)
}

/// Says past the capture of the test's output what was not asked; where CI runs that is a fault.
fn skipped(why: &str) {
    assert!(!std::env::var("CI").is_ok_and(|value| value == "true"), "CI must not skip this: {why}");
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

fn script(name: &str) -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../tests/intel").join(name)
}

/// Starts a script with pipes.
fn start(name: &str, arguments: &[&str]) -> Option<Child> {
    let Some(python) = python() else {
        skipped(&format!("{name}: the packages of tests/intel/requirements.txt are not installed (make setup)"));
        return None;
    };
    let mut command = Command::new(python);
    command.arg(script(name)).args(arguments);
    // Neither a proxy nor a bytecode file beside the script.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("NO_PROXY", "*");
    Some(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// Runs a script on an input: whether it was content, and what it printed. `None` when it cannot run.
fn run(name: &str, arguments: &[&str], input: Vec<u8>) -> Option<(bool, String)> {
    let mut child = start(name, arguments)?;
    let mut pipe = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || pipe.write_all(&input).is_ok());
    let output = child.wait_with_output().unwrap();
    let _ = feeder.join();
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(2) && printed.contains("make setup") {
        skipped(&format!("{name}: {}", printed.trim()));
        return None;
    }
    Some((output.status.success(), printed))
}

/// The last line that a script printed.
fn tell(what: &str, printed: &str) {
    let _ = writeln!(std::io::stderr(), "{what}: {}", printed.trim_end().lines().last().unwrap_or_default());
}

#[test]
fn a_bundle_is_valid_stix() {
    let fields = Fields { sources: true, observables: true, ..Fields::default() };
    let profile = Profile { fields, ..profile(Tlp::Amber) };
    let bundle = text(&export("stix", sample(), &profile).0, "bundle.json");
    let Some((content, printed)) = run("validate_stix.py", &[], bundle.into_bytes()) else { return };
    assert!(content, "{printed}");
    assert!(printed.contains("\"indicator\": 17") && printed.contains("\"marking-definition\": 3"), "{printed}");
    tell("stix2-validator 3.3.2 and stix2 3.0.2", &printed);
    let broken = br#"{"type":"bundle","id":"bundle--11111111-1111-4111-8111-111111111111","objects":[{"type":"indicator","spec_version":"2.1","id":"indicator--11111111-1111-4111-8111-111111111111","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[x","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}]}"#;
    let (content, _) = run("validate_stix.py", &[], broken.to_vec()).unwrap();
    assert!(!content, "the validator refuses what is wrong");
}

#[test]
fn a_feed_loads_into_pymisp() {
    let (files, _) = export("misp", sample(), &profile(Tlp::Amber));
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let Some((content, printed)) = run("load_misp.py", &[folder.path().to_str().unwrap()], Vec::new()) else { return };
    assert!(content, "{printed}");
    for item in sample().iter().filter(|item| item.kind != Kind::Ja4) {
        assert!(printed.contains(&format!(" {} ", item.value)), "{}\n{printed}", item.value);
    }
    assert!(printed.contains("tlp:amber") && printed.contains("misp-galaxy:threat-actor=\"TeamTNT\""), "{printed}");
    tell("pymisp 2.5.34.4", &printed);
}

/// Real nftables, in a network namespace that ends with the command.
#[test]
fn sets_load_into_nftables() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("garrison.nft");
    let (files, _) = export("nft", sample(), &profile(Tlp::Amber));
    std::fs::write(&script, &files["garrison.nft"]).unwrap();
    // Twice: an update flushes what was there.
    let command = format!("nft -f {0} && nft -f {0} && nft list table inet garrison_intel", script.display());
    let output = Command::new("unshare").args(["--net", "sh", "-c", &command]).output();
    let Some(output) = output.ok().filter(|output| output.status.code() != Some(127)) else {
        return skipped("nftables: unshare or nft is not installed");
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("unshare failed") || said.contains("Operation not permitted") {
        let _ = writeln!(std::io::stderr(), "skipped: needs root (a network namespace)");
        return;
    }
    assert!(output.status.success(), "{said}");
    let listed = String::from_utf8_lossy(&output.stdout);
    for value in ["203.0.113.7", "198.51.100.0/24", "2001:db8::/32"] {
        assert!(listed.contains(value), "{listed}");
    }
}

/// The tests of a pattern as `[object, steps, operator]`.
fn tests(observation: &Observation, found: &mut Vec<serde_json::Value>) {
    match observation {
        Observation::One(comparison) => within(comparison, found),
        Observation::Many(_, all) => all.iter().for_each(|one| tests(one, found)),
        Observation::Qualified(inner, _) => tests(inner, found),
    }
}

fn within(comparison: &Comparison, found: &mut Vec<serde_json::Value>) {
    match comparison {
        Comparison::Test(test) => {
            let operator = match test.operator {
                Operator::Equal => "=",
                Operator::NotEqual => "!=",
                Operator::Less => "<",
                Operator::LessOrEqual => "<=",
                Operator::Greater => ">",
                Operator::GreaterOrEqual => ">=",
                Operator::In => "IN",
                Operator::Like => "LIKE",
                Operator::Matches => "MATCHES",
                Operator::IsSubset => "ISSUBSET",
                Operator::IsSuperset => "ISSUPERSET",
            };
            let operator = format!("{}{operator}", if test.negated { "NOT " } else { "" });
            found.push(serde_json::json!([test.path.object, test.path.steps, operator]));
        }
        // The inspector of OASIS does not list these.
        Comparison::Exists(_) => {}
        Comparison::Many(_, all) => all.iter().for_each(|one| within(one, found)),
    }
}

#[test]
fn patterns_are_read_as_oasis_reads_them() {
    let ours = sample().into_iter().map(|item| intel::format::export::stix::pattern(item.kind, &item.value));
    let mut input = String::new();
    for text in patterns().into_iter().map(|(text, _, _)| text).chain(ours) {
        let mut found = Vec::new();
        let parsed = pattern::parse(&text);
        if let Ok(parsed) = &parsed {
            tests(parsed, &mut found);
        }
        let line = serde_json::json!({ "pattern": text, "valid": parsed.is_ok(), "tests": found });
        input.push_str(&format!("{line}\n"));
    }
    let Some((content, printed)) = run("patterns.py", &[], input.into_bytes()) else { return };
    assert!(content, "{printed}");
    tell("stix2-patterns 2.1.2", &printed);
}
