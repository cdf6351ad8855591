//! Hostile input: a named fault or a counted skip, never a panic, and nothing else stops.

use super::{Kept, patterns, read, settings};
use intel::attack::{Evidence, Graph};
use intel::format::stix::{atom, pattern};
use intel::format::{ALL, LINE_BYTES, OBJECT_BYTES, fault, import, misp, named, time};
use proptest::prelude::*;
use std::io::Read;

#[test]
fn a_line_or_an_object_that_is_too_large_is_passed_over() {
    let mut text = b"evil.example\n".to_vec();
    text.extend(vec![b'a'; LINE_BYTES + 10]);
    text.extend(b"\nbad.example\n\xff\xfe\nx.example");
    let (report, kept) = read(&text, Some(named("plain").unwrap()));
    assert_eq!((report.taken, report.bad), (3, 2));
    assert!(report.fault.is_none() && kept.told == 1);
    assert!(report.examples.iter().all(|fault| fault.is(&fault::RECORD) && fault.named().starts_with("record ")));

    let indicator = |name: &str, more: &str| {
        format!(
            "{{\"type\":\"indicator\",\"id\":\"indicator--{name}\",\"pattern\":\"[domain-name:value = '{name}.example']\"{more}}}"
        )
    };
    let large = format!(",\"x\":\"{}\"", "y".repeat(OBJECT_BYTES));
    let deep = format!(",\"x\":{}{}", "[".repeat(500), "]".repeat(500));
    let objects = [indicator("a", ""), indicator("b", &large), indicator("c", &deep), indicator("d", "")].join(",");
    let bundle = format!("{{\"type\":\"bundle\",\"objects\":[{objects}]}}");
    let mut kept = Kept::default();
    let report = import(&mut bundle.as_bytes(), None, &settings(), &mut kept);
    assert_eq!((report.format, report.taken, report.bad), ("stix", 2, 2), "{report:?}");
    assert!(report.fault.is_none());
}

#[test]
fn what_came_before_a_break_is_taken() {
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _buffer: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("connection reset"))
        }
    }
    let mut kept = Kept::default();
    let mut input = std::io::BufReader::new("evil.example\nbad.example\n".as_bytes().chain(Breaks));
    let report = import(&mut input, Some(named("plain").unwrap()), &settings(), &mut kept);
    assert_eq!((report.taken, kept.indicators.len()), (2, 2));
    assert!(report.fault.unwrap().is(&fault::READ));

    for broken in
        ["{\"objects\":[", "{\"objects\":[{}", "{\"a\"", "{\"a\":", "[1,,2]", "{\"a\":1 \"b\":2}", "[[[[", "{,}"]
    {
        for format in ["stix", "misp", "json"] {
            let (report, _) = read(broken.as_bytes(), Some(named(format).unwrap()));
            assert!(report.fault.is_some_and(|fault| fault.is(&fault::SYNTAX)), "{format} {broken}");
        }
    }
    let nested = "[".repeat(100_000);
    let (report, _) = read(nested.as_bytes(), Some(named("misp").unwrap()));
    assert!(report.fault.unwrap().is(&fault::SYNTAX), "nesting is bounded where it recurses");
}

/// Every file of the corpora, read as every format.
#[test]
fn the_corpus_of_hostile_files_is_replayed() {
    for path in super::files("hostile").iter().chain(&super::files("feeds")).chain(&super::files("patterns")) {
        let bytes = std::fs::read(path).unwrap();
        for format in ALL.iter().copied().map(Some).chain([None]) {
            let (report, kept) = read(&bytes, format);
            assert_eq!(report.taken, kept.indicators.len() as u64, "{}", path.display());
        }
        let text = String::from_utf8_lossy(&bytes);
        let parsed = pattern::parse(&text).map(|parsed| atom::atoms(&parsed));
        let graph = (Graph::from_json(&bytes), Graph::from_compact(&bytes), Graph::from_stix(&mut bytes.as_slice()));
        assert!(graph.0.is_err() && graph.1.is_err() && graph.2.is_err() && parsed.is_err(), "{}", path.display());
    }
}

#[test]
fn a_sink_may_end_the_import() {
    struct Full(u32);
    impl intel::format::Sink for Full {
        fn indicator(&mut self, _: intel::Indicator) -> base::Result<()> {
            self.0 += 1;
            if self.0 < 3 { Ok(()) } else { Err(base::Fault::new(&fault::WRITE)) }
        }
    }
    let mut input = "a.example\nb.example\nc.example\nd.example\n".as_bytes();
    let report = import(&mut input, None, &settings(), &mut Full(0));
    assert_eq!(report.taken, 3);
    assert!(report.fault.unwrap().is(&fault::WRITE));
}

#[test]
fn patterns_are_bounded() {
    let deep = format!("{}[a:b = 1]{}", "(".repeat(10_000), ")".repeat(10_000));
    let inside = format!("[{}a:b = 1{}]", "(".repeat(10_000), ")".repeat(10_000));
    let qualified = format!("[a:b = 1]{}", " REPEATS 2 TIMES".repeat(10_000));
    let large = format!("[a:b = '{}']", "x".repeat(pattern::PATTERN_BYTES));
    // Repeated no times or within no time would always hold; the grammar of OASIS lets it pass.
    let never = ["[a:b = 1] REPEATS 0 TIMES", "[a:b = 1] WITHIN 0 SECONDS"].map(str::to_string);
    for text in [deep, inside, qualified, large].into_iter().chain(never) {
        assert!(pattern::parse(&text).unwrap_err().is(&fault::PATTERN));
    }
    let wide: Vec<String> = (0..40_000).map(|at| format!("'10.{}.{}.1'", at / 256, at % 256)).collect();
    let wide = pattern::parse(&format!("[ipv4-addr:value IN ({})]", wide.join(","))).unwrap();
    assert_eq!(atom::atoms(&wide).len(), atom::ATOMS);
}

#[test]
fn names_of_a_manifest_lead_nowhere() {
    let text = r#"{"../../etc/passwd":{"timestamp":1},"41111111-1111-4111-8111-11111111111A":{"timestamp":"1785542400","info":"x"}}"#;
    let listed = misp::manifest(text.as_bytes()).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].uuid, "41111111-1111-4111-8111-11111111111a");
    let mut seen = std::collections::HashMap::new();
    assert_eq!(misp::due(&listed, &seen).len(), 1);
    seen.insert(listed[0].uuid.clone(), listed[0].changed_us);
    assert!(misp::due(&listed, &seen).is_empty());
    assert!(misp::manifest(b"[]").unwrap_err().is(&fault::SYNTAX));
}

/// Pieces that the formats are made of, in any order.
fn likely() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just("\""),
        Just(","),
        Just(":"),
        Just("\n"),
        Just("\t"),
        Just("\\"),
        Just("{\"Event\":"),
        Just("\"objects\":["),
        Just("\"Attribute\":["),
        Just("\"type\":\"indicator\""),
        Just("\"id\":\"indicator--1\""),
        Just("\"pattern\":\"[ipv4-addr:value = '1.2.3.4']\""),
        Just("true"),
        Just("-1e9"),
        Just("192.0.2.1"),
        Just("evil.example"),
        Just("#"),
        Just("malware\tx\t"),
        Just("0.0.0.0 "),
        Just("é"),
        Just("'"),
        Just("[file:name = 'a'"),
        Just(" AND "),
        Just(" OR "),
        Just(" FOLLOWEDBY "),
        Just("("),
        Just(")"),
        Just(" IN "),
        Just("value,type,tlp"),
        Just("\u{feff}"),
        Just("\0"),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_a_report(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes)?;
    }

    #[test]
    fn likely_bytes_give_a_report(text in likely()) {
        check(text.as_bytes())?;
    }

    #[test]
    fn a_cut_or_changed_feed_gives_a_report(at in 0_usize..5000, byte in any::<u8>(), cut in any::<bool>()) {
        for path in super::files("feeds").iter().filter(|path| path.extension().is_some_and(|end| end != "expect")) {
            let mut bytes = std::fs::read(path).unwrap();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            let (report, kept) = read(&bytes, None);
            prop_assert_eq!(report.taken, kept.indicators.len() as u64);
        }
    }

    #[test]
    fn any_text_is_a_pattern_or_a_fault(text in likely(), place in 0_usize..200, letter in any::<char>()) {
        let _ = pattern::parse(&text);
        for (known, _, _) in patterns() {
            let mut letters: Vec<char> = known.chars().collect();
            let place = place % letters.len();
            letters[place] = letter;
            if let Ok(parsed) = pattern::parse(&letters.into_iter().collect::<String>()) {
                let _ = atom::atoms(&parsed);
            }
        }
    }

    #[test]
    fn any_graph_is_one_or_a_fault(text in likely(), from in any::<u32>(), place in 0_u32..4) {
        let _ = (Graph::from_json(text.as_bytes()), Graph::from_compact(text.as_bytes()), Graph::default().merge_galaxy(text.as_bytes()));
        let node = r#"{"id":"G1","name":"A","kind":"actor","techniques":[PLACE]}"#.replace("PLACE", &place.to_string());
        let graph = format!(r#"{{"techniques":[],"nodes":[{node}],"edges":[{{"from":{from},"to":0,"relation":"uses"}}],"revoked":[]}}"#);
        prop_assert!(Graph::from_json(graph.as_bytes()).is_err(), "a place out of bounds is refused");
    }

    #[test]
    fn any_text_is_a_time_or_none(text in "\\PC{0,40}", digits in "[0-9TZ:.+ -]{0,30}", us in any::<i64>()) {
        let _ = (time::micros(&text), time::micros(&digits));
        prop_assert!(time::rfc3339(us, 6).ends_with('Z'));
    }
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    for format in ALL.iter().copied().map(Some).chain([None]) {
        let (report, kept) = read(bytes, format);
        prop_assert_eq!(report.taken, kept.indicators.len() as u64);
        prop_assert!(report.examples.len() as u64 <= report.bad);
        prop_assert!(report.bytes <= bytes.len() as u64);
    }
    Ok(())
}

#[test]
fn circles_end() {
    // Every actor is similar to every other one, and two techniques revoke each other.
    let nodes: Vec<String> =
        (0..300).map(|at| format!(r#"{{"id":"G{at}","name":"actor {at}","kind":"actor"}}"#)).collect();
    let edges: Vec<String> = (0..300)
        .flat_map(|from| (0..300).map(move |to| format!(r#"{{"from":{from},"to":{to},"relation":"similar"}}"#)))
        .collect();
    let text = format!(
        r#"{{"techniques":[],"nodes":[{}],"edges":[{}],"revoked":[["T1","T2"],["T2","T1"]]}}"#,
        nodes.join(","),
        edges.join(",")
    );
    let graph = Graph::from_json(text.as_bytes()).unwrap();
    assert!(graph.technique("T1").is_none());
    let evidence =
        Evidence { actors: vec![("Actor 7".into(), 100)], techniques: vec!["T1".into()], ..Evidence::default() };
    let found = graph.attribute(&evidence);
    assert_eq!((found.actors[0].id.as_str(), found.actors[0].confidence), ("G7", 90));
    assert!(found.actors[1..].iter().all(|actor| actor.confidence == 63));
}
