//! Golden cases: `tests/cases/NAME.conf` and beside it `NAME.txt`, what was read or which faults, line by line.

use crate::names::ALL;
use seclang::{Item, MemoryReader, Rule, Ruleset, load};
use std::fmt::Write;
use std::path::Path;

#[test]
fn every_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut reader = MemoryReader::default();
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        reader.put(&*name, std::fs::read(&path).unwrap());
        cases.extend(name.strip_suffix(".conf").map(str::to_string));
    }
    assert!(cases.len() >= 10, "cases are missing");
    cases.sort();
    let mut differing = Vec::new();
    for case in cases {
        let shown = match load(&mut reader, &[&format!("{case}.conf")], &ALL) {
            Ok(ruleset) => told(&ruleset),
            Err(faults) => faults.iter().map(|fault| format!("{fault}\n")).collect(),
        };
        let golden = std::fs::read_to_string(folder.join(format!("{case}.txt"))).unwrap_or_default();
        if shown.trim_end() != golden.trim_end() {
            differing.push(format!("{case}:\n{shown}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn told(ruleset: &Ruleset) -> String {
    let mut text = String::new();
    let standard = seclang::Settings::default();
    let settings = &ruleset.settings;
    if settings.engine != standard.engine {
        let _ = writeln!(text, "engine {:?}", settings.engine);
    }
    for (name, value) in &settings.other {
        let _ = writeln!(text, "kept {name} {value}");
    }
    for item in &ruleset.items {
        match item {
            Item::Marker(marker) => {
                let _ = writeln!(text, "marker {}", marker.name);
            }
            Item::Rule(rule) => {
                let mut next = Some(rule.as_ref());
                while let Some(rule) = next {
                    one(rule, &mut text);
                    next = rule.next.as_deref();
                }
            }
        }
    }
    text
}

fn one(rule: &Rule, text: &mut String) {
    let indent = if rule.id == 0 { "  " } else { "" };
    let _ = write!(text, "{indent}{}:{} {} {:?}", rule.place.file, rule.place.line, rule.id, rule.phase);
    for target in &rule.targets {
        let _ = write!(text, " {target}");
    }
    if let Some(test) = &rule.operator {
        let not = if test.negated { "!" } else { "" };
        let _ = write!(text, " {not}@{} <{}>", test.name, test.argument);
        if !test.data.is_empty() {
            let _ = write!(text, " {} needles", test.data.len());
        }
    }
    if !rule.transformations.is_empty() {
        let _ = write!(text, " t {}", rule.transformations.join(" "));
    }
    let actions = &rule.actions;
    let _ = write!(text, " {:?}", actions.disruptive);
    for (name, value) in [
        ("status", actions.status.map(|status| status.to_string())),
        ("msg", actions.message.as_ref().map(ToString::to_string)),
        ("logdata", actions.log_data.as_ref().map(ToString::to_string)),
        ("severity", actions.severity.map(|number| number.to_string())),
        ("ver", actions.version.clone()),
        ("log", actions.log.map(|log| log.to_string())),
        ("auditlog", actions.audit_log.map(|log| log.to_string())),
        ("skipAfter", actions.skip_after.as_ref().map(ToString::to_string)),
        ("capture", actions.capture.then(String::new)),
        ("multiMatch", actions.multi_match.then(String::new)),
    ] {
        if let Some(value) = value {
            let _ = write!(text, " {name}={value}");
        }
    }
    for tag in &actions.tags {
        let _ = write!(text, " tag={tag}");
    }
    for set in &actions.set_vars {
        let _ = write!(text, " set={:?}.{} {:?} <{}>", set.collection, set.key, set.op, set.value);
    }
    for ttl in &actions.expire_vars {
        let _ = write!(text, " expire={:?}.{} <{}>", ttl.collection, ttl.key, ttl.seconds);
    }
    for (collection, key) in &actions.init_collections {
        let _ = write!(text, " init={collection:?} <{key}>");
    }
    for ctl in &actions.ctls {
        let _ = write!(text, " ctl={:?}", ctl.kind);
    }
    text.push('\n');
}
