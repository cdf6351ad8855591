//! Every rule of ours has a case that matches and one that nearly does. A new case is an entry beside the rules.

use scanner::engine::Engine;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A case of `content/yara/*.cases.yml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Rules that must match; no other may.
    #[serde(default, rename = "match")]
    matches: Vec<String>,
    /// Rules that this nearly is.
    #[serde(default)]
    not: Vec<String>,
    /// The pieces are the code of a program.
    #[serde(default)]
    elf: bool,
    /// The pieces are hexadecimal digits.
    #[serde(default)]
    hex: bool,
    /// Joined here, so that no file of the repository is what scanners look for.
    pieces: Vec<String>,
}

impl Case {
    fn content(&self) -> Vec<u8> {
        let text = self.pieces.concat();
        let bytes = if self.hex { hex::decode(&text).unwrap() } else { text.into_bytes() };
        if self.elf { program(&bytes) } else { bytes }
    }
}

/// A small program of 64 bits that holds these bytes.
pub fn program(content: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    let begun: u64 = 0x400_000;
    let whole = 120 + content.len() as u64;
    let header: &[(u64, usize)] = &[
        (2, 2),
        (62, 2),
        (1, 4),
        (begun + 120, 8),
        (64, 8),
        (0, 8),
        (0, 4),
        (64, 2),
        (56, 2),
        (1, 2),
        (64, 2),
        (0, 4),
    ];
    let segment: &[(u64, usize)] = &[(1, 4), (5, 4), (0, 8), (begun, 8), (begun, 8), (whole, 8), (whole, 8), (4096, 8)];
    for (number, length) in header.iter().chain(segment) {
        bytes.extend_from_slice(&number.to_le_bytes()[..*length]);
    }
    bytes.extend_from_slice(content);
    bytes
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../content/yara")
}

fn cases() -> Vec<Case> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths.iter().filter(|path| path.to_string_lossy().ends_with(".cases.yml")) {
        let mut read: Vec<Case> = base::config::read(path).unwrap_or_else(|fault| panic!("{fault:?}"));
        cases.append(&mut read);
    }
    cases
}

#[test]
fn every_rule_matches_its_case_and_no_other() {
    let (engine, faults) = Engine::compile(&scanner::builtin::rules());
    assert!(faults.is_empty(), "{faults:#?}");
    let mut scanner = engine.scanner();
    let (mut hit, mut missed, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for case in cases() {
        let found: BTreeSet<String> =
            scanner.scan(&case.content()).unwrap().into_iter().map(|scan| scan.name).collect();
        if found != case.matches.iter().cloned().collect() {
            wrong.push(format!("{}: expected {:?}, found {found:?}", case.name, case.matches));
        }
        hit.extend(case.matches);
        missed.extend(case.not);
    }
    for rule in engine.names() {
        for (cases, what) in [(&hit, "that matches"), (&missed, "that nearly does")] {
            if !cases.contains(rule) {
                wrong.push(format!("{rule}: has no case {what}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(engine.len() >= 40, "{}", engine.len());
}

#[test]
fn every_rule_says_what_it_is_in_both_languages() {
    let (engine, _) = Engine::compile(&scanner::builtin::rules());
    for (rule, about) in engine.about() {
        let about: BTreeMap<&str, &str> = about.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        for needed in ["name", "severity", "description", "description_zh"] {
            assert!(about.get(needed).is_some_and(|text| !text.is_empty()), "{rule}: {needed}");
        }
        assert!(!about["description_zh"].is_ascii(), "{rule}");
        let known = ["critical", "high", "medium", "low"].contains(&about["severity"]);
        assert!(known && about.contains_key("family") && about.contains_key("attack"), "{rule}");
    }
}
