//! Tunings of a site at work: what an exclusion lets by and what not, what a virtual patch stops.

use proptest::prelude::*;
use seclang::tuning::{Exclusion, Origin, Seen, Tuning, undecided};
use seclang::{MemoryReader, Ruleset};
use std::sync::Arc;
use waf::{Collections, Connection, Engine, Hit, Memory};

const RULES: &str = r#"
SecRuleEngine On
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule ARGS|REQUEST_COOKIES "@contains attack" "id:100,phase:2,deny,t:none,tag:'attack'"
SecRule REQUEST_FILENAME|ARGS_NAMES "@contains evil" "id:101,phase:2,deny,t:none"
"#;

const TODAY: &str = "2026-11-27";

fn origin() -> Origin {
    Origin { by: "alice".into(), at: TODAY.into(), why: "a test".into(), ..Origin::default() }
}

fn ruleset(tuning: &Tuning) -> Ruleset {
    let mut reader = MemoryReader::default();
    reader.put("rules.conf", RULES);
    let compiled = tuning.compile("site.yml", TODAY, &waf::vocabulary()).unwrap();
    reader.put("site.conf", compiled.text);
    seclang::load(&mut reader, &["site.conf", "rules.conf"], &waf::vocabulary()).unwrap()
}

fn engine(tuning: &Tuning) -> Arc<Engine> {
    Arc::new(Engine::compile(&ruleset(tuning)).unwrap())
}

/// The hit that stopped a request.
fn stopped(engine: &Arc<Engine>, method: &str, target: &[u8], json: &[u8]) -> Option<Hit> {
    let collections: Arc<dyn Collections> = Arc::new(Memory::new(16, 60));
    let end = "192.0.2.1:80".parse().unwrap();
    let mut transaction = engine.begin(Connection { client: end, server: end }, &collections, 0);
    transaction.request_line(method.as_bytes(), target, b"HTTP/1.1");
    transaction.request_header(b"Host", b"example.org");
    if !json.is_empty() {
        transaction.request_header(b"Content-Type", b"application/json");
        transaction.request_header(b"Content-Length", json.len().to_string().as_bytes());
    }
    let mut refused = transaction.judge_request_headers().is_some();
    if !refused {
        transaction.request_body(json);
        refused = transaction.judge_request_body().is_some();
    }
    let verdict = transaction.finish();
    refused.then(|| verdict.hits.last().unwrap().clone())
}

/// The narrowest exclusion of a hit, as a tuning.
fn narrowest(hit: &Hit, method: &str, target: &[u8]) -> Option<Tuning> {
    let seen = Seen { rule: hit.id, variable: hit.variable, key: &hit.key, method, path: target };
    let whole = undecided(&ruleset(&Tuning::default()).items).contains(&(hit.id, hit.variable));
    let exclusion = Exclusion::narrowest(8_000_000, seen, whole, origin()).ok()?;
    Some(Tuning { exclusions: vec![exclusion], ..Tuning::default() })
}

#[test]
fn an_exclusion_lets_by_what_was_seen_and_nothing_else() {
    let plain = engine(&Tuning::default());
    let hit = stopped(&plain, "GET", b"/a/search?q=attack", b"").unwrap();
    let tuned = engine(&narrowest(&hit, "GET", b"/a/search?q=attack").unwrap());
    for (method, target, passes) in [
        ("GET", &b"/a/search?q=attack"[..], true),
        ("GET", b"/a/search?Q=attack", false),
        ("GET", b"/a/%73earch?q=attack", true),
        ("GET", b"/a/%2573earch?q=attack", false),
        ("GET", b"/admin/..%252fa/search?q=attack", false),
        ("GET", b"/a/./b/../search?q=attack", true),
        ("GET", b"/a/search?p=attack", false),
        ("GET", b"/a/search?q=attack&p=attack", false),
        ("POST", b"/a/search?q=attack", false),
        ("GET", b"/a/search/?q=attack", false),
        ("GET", b"/a/search/../admin?q=attack", false),
        ("GET", b"/a/search%2f..%2fadmin?q=attack", false),
        ("GET", b"/admin?/a/search&q=attack", false),
        ("GET", b"/evil?q=attack", false),
    ] {
        let found = stopped(&tuned, method, target, b"");
        assert_eq!(found.is_none(), passes, "{method} {} {found:?}", String::from_utf8_lossy(target));
    }
}

#[test]
fn positions_within_arrays_are_left_open() {
    let plain = engine(&Tuning::default());
    let body = br#"{"items":[{"text":"attack"}]}"#;
    let hit = stopped(&plain, "POST", b"/notes", body).unwrap();
    let tuned = engine(&narrowest(&hit, "POST", b"/notes").unwrap());
    assert!(stopped(&tuned, "POST", b"/notes", br#"{"items":[{"text":"a"},{"text":"attack"}]}"#).is_none());
    assert!(stopped(&tuned, "POST", b"/notes", br#"{"items":[{"title":"attack"}]}"#).is_some());
}

#[test]
fn a_virtual_patch_stops_what_it_says() {
    let text = r#"
patches:
  - id: 8050010
    name: number of an order
    cve: [CVE-2024-12345]
    where: { path: /order, methods: [GET] }
    targets: ["ARGS:id"]
    allow: { type: integer, max_length: 5, once: true }
    origin: { by: alice, at: 2026-11-27, why: a test }
  - id: 8050020
    name: lookups
    targets: [ARGS]
    forbid: { pattern: "(?i)\\$\\{jndi:" }
    status: 406
    origin: { by: alice, at: 2026-11-27, why: a test }
  - id: 8050030
    name: closed page
    where: { path: /debug, matching: prefix }
    origin: { by: alice, at: 2026-11-27, why: a test }
"#;
    let tuned = engine(&Tuning::read(text, "site.yml").unwrap());
    for (method, target, rule) in [
        ("GET", &b"/order?id=12"[..], None),
        ("GET", b"/order", None),
        ("GET", b"/order?id=12a", Some(8_050_010)),
        ("GET", b"/order?id=12%0aselect", Some(8_050_010)),
        ("GET", b"/order?id=", Some(8_050_010)),
        ("GET", b"//order?id=x", Some(8_050_010)),
        ("GET", b"/order;a=b?id=x", Some(8_050_010)),
        ("GET", b"/order/?id=x", Some(8_050_010)),
        ("GET", b"/orders?id=x", None),
        ("GET", b"/order?id=123456", Some(8_050_011)),
        ("GET", b"/order?id=1&id=2", Some(8_050_012)),
        ("POST", b"/order?id=x", None),
        ("GET", b"/a?b=%24%7Bjndi:ldap", Some(8_050_020)),
        ("GET", b"/a?b=%2524%257Bjndi:ldap", Some(8_050_020)),
        ("GET", b"/debug/vars", Some(8_050_030)),
        ("GET", b"/%64ebug", Some(8_050_030)),
        ("GET", b"/a/../debug", Some(8_050_030)),
    ] {
        let found = stopped(&tuned, method, target, b"").map(|hit| hit.id);
        assert_eq!(found, rule, "{method} {}", String::from_utf8_lossy(target));
    }
}

/// Paths of pieces that are written in more than one way.
fn path() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "b",
        "/",
        "/",
        "a.b",
        "%2F",
        "%61",
        "%",
        "%25",
        "+",
        "%2b",
        "%E6%88%8D",
        "%20y",
        ";",
        "[",
    ]);
    prop::collection::vec(pieces, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The exclusion that a hit leads to lets by the request that was hit, however its path was written.
    #[test]
    fn the_request_that_was_hit_passes(path in path(), name in "[a-z.|,/;:+ \\[\\]_-]{1,8}") {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let target = format!("{path}?{encoded}=attack");
        let plain = engine(&Tuning::default());
        let Some(hit) = stopped(&plain, "GET", target.as_bytes(), b"") else { return Ok(()) };
        let Some(tuning) = narrowest(&hit, "GET", target.as_bytes()) else { return Ok(()) };
        let tuned = engine(&tuning);
        prop_assert!(stopped(&tuned, "GET", target.as_bytes(), b"").is_none(), "{} {}", target, tuning.yaml());
    }
}
