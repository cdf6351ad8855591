//! Tunings: golden cases `tests/tuning/NAME.yml` and beside it `NAME.txt`, made rules read back, hostile places of a hit.

use crate::names::ALL;
use proptest::prelude::*;
use seclang::tuning::{Exclusion, Origin, SHIPPED, SHIPPED_IDS, Seen, Tuning, undecided};
use seclang::{CtlKind, Item, MemoryReader, load};
use std::path::Path;

const TODAY: &str = "2026-11-27";

fn origin() -> Origin {
    Origin { by: "alice".into(), at: TODAY.into(), why: "a test".into(), why_zh: None, until: None }
}

/// Compiles, and reads back what was made.
fn compiled(tuning: &Tuning, name: &str) -> String {
    match tuning.compile(name, TODAY, &ALL) {
        Ok(compiled) => {
            let mut reader = MemoryReader::default();
            reader.put("made.conf", compiled.text.clone());
            load(&mut reader, &["made.conf"], &ALL).unwrap();
            format!("{}expired {:?}\n", compiled.text, compiled.expired)
        }
        Err(faults) => faults.iter().map(|fault| format!("{fault}\n")).collect(),
    }
}

#[test]
fn every_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tuning");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "yml"));
    paths.sort();
    assert!(paths.len() >= 5, "cases are missing");
    let mut differing = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let told = match Tuning::read(&std::fs::read_to_string(&path).unwrap(), name) {
            Ok(tuning) => {
                assert_eq!(Tuning::read(&tuning.yaml(), name).unwrap(), tuning, "{}", tuning.yaml());
                compiled(&tuning, name)
            }
            // The parser of YAML words the rest.
            Err(fault) => format!("{} {}\n", fault.code().id, fault.named()),
        };
        let golden = std::fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
        if told.trim_end() != golden.trim_end() {
            differing.push(format!("{}:\n{told}", path.file_stem().unwrap().to_str().unwrap()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn the_narrowest_exclusion_of_a_hit() {
    let told = |variable, key: &[u8], path: &[u8]| {
        let seen = Seen { rule: 942100, variable, key, method: "POST", path };
        let exclusion = Exclusion::narrowest(8_000_000, seen, false, origin()).unwrap();
        let tuning = Tuning { exclusions: vec![exclusion], ..Tuning::default() };
        compiled(&tuning, "f").lines().skip(1).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        told("ARGS", b"name", b"/a/../x?y"),
        "SecRule REQUEST_FILENAME \"@streq /x\" \"id:8000000,phase:1,pass,nolog,t:none,t:normalizePath,chain\"\n    \
         SecRule REQUEST_METHOD \"@rx \\A(?:POST)\\z\" \"t:none,ctl:'ruleRemoveTargetById=942100;ARGS:name'\"\n\
         expired []"
    );
    assert!(told("TX", b"content_type", b"/").contains("ctl:'ruleRemoveById=942100'"));
    assert!(told("REQUEST_URI", b"", b"/").contains("ruleRemoveTargetById=942100;REQUEST_URI'"));
    assert!(told("ARGS", b"json.a.0", b"/").contains(r"ARGS:\'/^json\.a\.[0-9]+$/\''"));
    let seen = Seen { rule: 1, variable: "ARGS", key: b"a\" \"id:1,pass", method: "GET", path: b"/" };
    assert!(Exclusion::narrowest(8_000_000, seen, false, origin()).unwrap_err().is(&seclang::fault::TUNING));
}

#[test]
fn a_rule_that_its_target_does_not_decide_is_left_out_whole() {
    let mut reader = MemoryReader::default();
    let text = "SecRule ARGS_NAMES \"@rx a\" \"id:1,phase:2,deny,chain\"\nSecRule &REQUEST_HEADERS:Referer \"@eq 0\"\n\
                SecRule &ARGS \"@gt 9\" \"id:2,phase:2,deny\"\nSecRule ARGS \"@rx a\" \"id:3,phase:2,deny\"\n";
    reader.put("f", text);
    let items = load(&mut reader, &["f"], &ALL).unwrap().items;
    let targets = |at: usize, variable, key: &[u8]| {
        let Item::Rule(rule) = &items[at] else { panic!("no rule") };
        let seen = Seen { rule: rule.id, variable, key, method: "GET", path: b"/" };
        let whole = undecided(&items).contains(&(rule.id, variable));
        Exclusion::narrowest(8_000_000, seen, whole, origin()).unwrap().targets
    };
    assert_eq!(targets(0, "REQUEST_HEADERS", b"Referer"), [""; 0]);
    assert_eq!(targets(0, "ARGS_NAMES", b"a"), ["ARGS_NAMES:a"]);
    assert_eq!(targets(1, "ARGS", b""), [""; 0]);
    assert_eq!(targets(2, "ARGS", b"a"), ["ARGS:a"]);
}

/// The shipped profile has numbers of its own range, a reason in both languages, and is read as rules.
#[test]
fn the_shipped_profile_is_whole() {
    let shipped = Tuning::read(SHIPPED, "policy.yml").unwrap();
    let compiled = compiled(&shipped, "policy.yml");
    assert!(compiled.ends_with("expired []\n"), "{compiled}");
    let ids = shipped.exclusions.iter().map(|item| (item.id, &item.origin));
    let ids = ids.chain(shipped.variables.iter().map(|item| (item.id, &item.origin)));
    for (id, origin) in ids.chain(shipped.bodies.iter().map(|item| (item.id, &item.origin))) {
        assert!(SHIPPED_IDS.contains(&id), "{id}");
        assert!(origin.why_zh.as_ref().is_some_and(|text| !text.is_ascii()), "{id}");
    }
}

#[test]
fn free_numbers() {
    let mut tuning = Tuning::default();
    for expected in [8_000_000, 8_000_001] {
        let id = tuning.free_id().unwrap();
        assert_eq!(id, expected);
        let seen = Seen { rule: 1, variable: "ARGS", key: b"a", method: "GET", path: b"/" };
        tuning.exclusions.push(Exclusion::narrowest(id, seen, false, origin()).unwrap());
    }
    assert_eq!(tuning.free_patch_id(), Some(8_050_000));
}

proptest! {
    /// Whatever a request named, what is made of it is one rule that leaves out one target of one rule.
    #[test]
    fn a_hostile_hit_makes_one_exclusion(key in ".{0,24}", path in "/.{0,24}", method in "[A-Z]{1,8}") {
        let seen = Seen { rule: 942100, variable: "ARGS", key: key.as_bytes(), method: &method, path: path.as_bytes() };
        let Ok(exclusion) = Exclusion::narrowest(8_000_000, seen, false, origin()) else { return Ok(()) };
        let tuning = Tuning { exclusions: vec![exclusion], ..Tuning::default() };
        prop_assert_eq!(&Tuning::read(&tuning.yaml(), "f").unwrap(), &tuning);
        let Ok(made) = tuning.compile("f", TODAY, &ALL) else { return Ok(()) };
        let mut reader = MemoryReader::default();
        reader.put("made.conf", made.text.clone());
        let ruleset = load(&mut reader, &["made.conf"], &ALL);
        prop_assert!(ruleset.is_ok(), "{} {:?}", made.text, ruleset.err());
        let items = ruleset.unwrap().items;
        let [Item::Rule(head)] = items.as_slice() else { return Err(TestCaseError::fail(made.text)) };
        prop_assert_eq!(head.id, 8_000_000);
        let link = head.next.as_ref().unwrap();
        let ids = vec![(942_100, 942_100)];
        prop_assert!(link.next.is_none() && link.actions.ctls.len() == 1, "{}", made.text);
        prop_assert!(matches!(&link.actions.ctls[0].kind, CtlKind::RemoveTargetById(found, target)
            if *found == ids && target.variable == "ARGS"), "{}", made.text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = Tuning::read(&text, "f").map(|tuning| tuning.compile("f", TODAY, &ALL));
    }
}
