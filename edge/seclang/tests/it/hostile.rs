//! Whatever is given, a load ends with rules or faults.

use crate::names::ALL;
use proptest::prelude::*;
use seclang::{MemoryReader, fault, limits, load};

fn read(text: &[u8]) -> Result<seclang::Ruleset, Vec<base::Fault>> {
    let mut reader = MemoryReader::default();
    reader.put("a.conf", text);
    reader.put("b.data", text);
    load(&mut reader, &["a.conf"], &ALL)
}

/// Pieces of the language in any order.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "SecRule ",
        "SecAction ",
        "SecMarker ",
        "SecRuleUpdateTargetById ",
        "SecRuleRemoveById ",
        "Include ",
        "ARGS",
        "|!",
        "&TX",
        ":",
        "'/a|b/'",
        "/",
        "\"",
        "'",
        "\\",
        "\\\n",
        "\n",
        " ",
        "@rx ",
        "@pmFromFile b.data",
        "!",
        "%{",
        "}",
        "%{TX.a}",
        "id:1",
        ",",
        "phase:2",
        "chain",
        "setvar:tx.",
        "=+",
        "ctl:ruleRemoveTargetById=1;",
        "t:none",
        "block",
        "msg:",
        "#",
        "SecDefaultAction ",
        "1-9",
        "戍",
        "\r\n",
        "*",
        "a.conf",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_bytes(text in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&text);
    }

    #[test]
    fn any_order_of_pieces(text in pieces()) {
        if let Err(faults) = read(text.as_bytes()) {
            prop_assert!(!faults.is_empty() && faults.len() <= limits::FAULTS + 1);
            prop_assert!(faults.iter().all(|fault| !fault.named().is_empty()), "{:?}", faults);
        }
    }

    #[test]
    fn any_rule_of_any_words(targets in ".{0,30}", test in ".{0,30}", actions in ".{0,60}") {
        let _ = read(format!("SecRule \"{targets}\" \"{test}\" \"{actions}\"").as_bytes());
    }
}

#[test]
fn a_file_that_includes_itself_ends() {
    let faults = read(b"Include a.conf").unwrap_err();
    assert!(faults.iter().any(|cause| cause.is(&fault::SIZE)), "{faults:?}");
    let faults = read(b"Include *.conf\nInclude *.conf\n").unwrap_err();
    assert!(faults.iter().any(|cause| cause.is(&fault::SIZE)) && faults.len() <= limits::FAULTS);
}

#[test]
fn many_faults_are_cut_and_a_long_chain_is_refused() {
    assert_eq!(read("SecFoo\n".repeat(10_000).as_bytes()).unwrap_err().len(), limits::FAULTS);
    let chain = format!("SecAction \"id:1,pass,chain\"\n{}", "SecAction \"chain\"\n".repeat(1000));
    assert!(read(chain.as_bytes()).unwrap_err().iter().any(|cause| cause.is(&fault::CHAIN)));
    let faults = read("\u{feff}SecRuleEngine On\n\u{e9}\n".as_bytes()).unwrap_err();
    assert_eq!(faults[0].named(), "a.conf:2");
    assert!(read(b"SecMarker a\n\n\xff").unwrap_err()[0].is(&fault::ENCODING));
    assert_eq!(read(b"SecMarker a\n\n\xff").unwrap_err()[0].named(), "a.conf:3");
}

#[test]
fn updates_repeated_over_wide_ranges_are_bounded() {
    let mut text: String = (1..2000).map(|id| format!("SecAction \"id:{id},pass\"\n")).collect();
    text.push_str(&"SecRuleUpdateTargetById 1-9999 \"ARGS:a|ARGS:b\"\n".repeat(2000));
    assert!(read(text.as_bytes()).unwrap_err().iter().any(|cause| cause.is(&fault::SIZE)));
}
