//! The rule language of the firewall, and tunings that become rules.

use seclang::tuning::{Exclusion, Origin, Seen, Tuning};
use seclang::{MemoryReader, Vocabulary, limits, load};

/// Reads rules; what is read is compiled. Every fault names its place.
pub(crate) fn rules(bytes: &[u8]) {
    let mut reader = MemoryReader::default();
    reader.put("hostile.conf", bytes);
    reader.put("needles.data", bytes);
    match load(&mut reader, &["hostile.conf"], &waf::vocabulary()) {
        Ok(ruleset) => drop(waf::Engine::compile(&ruleset)),
        Err(faults) => {
            assert!(!faults.is_empty() && faults.len() <= limits::FAULTS + 2);
            assert!(faults.iter().all(|fault| !fault.named().is_empty()), "{faults:?}");
        }
    }
}

/// Reads a tuning, writes it and reads that back; what it compiles to is read as rules. Then takes the bytes for the place
/// of a hit: the exclusion made of it is one rule.
pub(crate) fn tuning(bytes: &[u8]) {
    let vocabulary = waf::vocabulary();
    if let Some(tuning) = std::str::from_utf8(bytes).ok().and_then(|text| Tuning::read(text, "hostile.yml").ok()) {
        match Tuning::read(&tuning.yaml(), "written.yml") {
            Ok(again) => assert_eq!(again, tuning),
            Err(fault) => panic!("what was written is not read: {fault:?}"),
        }
        compiled(&tuning, &vocabulary);
    }
    let (path, key) = bytes.split_at(bytes.len() / 2);
    let seen = Seen { rule: 942_100, variable: "ARGS", key, method: "GET", path };
    let origin = Origin { by: "fuzz".into(), at: "2026-01-01".into(), why: "fuzz".into(), ..Origin::default() };
    if let Ok(exclusion) = Exclusion::narrowest(8_000_000, seen, false, origin) {
        let tuning = Tuning { exclusions: vec![exclusion], ..Tuning::default() };
        assert!(compiled(&tuning, &vocabulary).is_none_or(|rules| rules == 1));
    }
}

/// How many rules a tuning becomes; `None` when it is refused.
fn compiled(tuning: &Tuning, vocabulary: &Vocabulary<'_>) -> Option<usize> {
    let compiled = tuning.compile("hostile.yml", "2026-01-01", vocabulary).ok()?;
    let mut reader = MemoryReader::default();
    reader.put("made.conf", compiled.text.clone());
    match load(&mut reader, &["made.conf"], vocabulary) {
        Ok(ruleset) => Some(ruleset.items.len()),
        Err(faults) => panic!("{} {faults:?}", compiled.text),
    }
}
