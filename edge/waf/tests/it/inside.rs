//! What hides inside values reaches the rules when a site wants it, and only then.

use seclang::MemoryReader;
use std::sync::Arc;
use waf::{Collections, Connection, Engine, Memory, Verdict};

const RULES: &str = r#"
SecRuleEngine On
SecRequestBodyAccess On
SecRule ARGS|REQUEST_COOKIES "@contains union select" "id:1,phase:2,pass,log,t:lowercase"
SecRule ENV:hidden_left_out "@gt 0" "id:2,phase:2,deny,log,status:403"
"#;

fn engine() -> Arc<Engine> {
    let mut reader = MemoryReader::default();
    reader.put("rules.conf", RULES);
    let rules = seclang::load(&mut reader, &["rules.conf"], &waf::vocabulary()).unwrap();
    Arc::new(Engine::compile(&rules).unwrap())
}

/// Names of the arguments that the rule held of.
fn hits(engine: &Arc<Engine>, inside: bool, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<String> {
    let hits = verdict(engine, inside, target, headers, body).hits;
    hits.iter().map(|hit| format!("{}:{}", hit.variable, hit.key.escape_ascii())).collect()
}

fn verdict(engine: &Arc<Engine>, inside: bool, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Verdict {
    let collections: Arc<dyn Collections> = Arc::new(Memory::new(16, 60));
    let end = "192.0.2.1:80".parse().unwrap();
    let mut transaction = engine.begin(Connection { client: end, server: end }, &collections, 0);
    if inside {
        transaction.look_inside();
    }
    transaction.request_line(b"POST", target.as_bytes(), b"HTTP/1.1");
    for (name, value) in headers {
        transaction.request_header(name.as_bytes(), value.as_bytes());
    }
    transaction.judge_request_headers();
    transaction.request_body(body);
    transaction.judge_request_body();
    transaction.finish()
}

#[test]
fn what_hides_inside_values_is_judged_where_it_is_wanted() {
    let engine = engine();
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [u8], &'static str);
    let cases: [Case; 7] = [
        ("/?q=eCcgVU5JT04gU0VMRUNUIDE=", &[], b"", "ARGS:q.base64"),
        ("/?q=%7B%22a%22%3A%22x%20UNION%20SELECT%22%7D", &[], b"", "ARGS:q.json.a"),
        ("/", &[("Cookie", "s=%2555NION%2520SELECT")], b"", "REQUEST_COOKIES:s.url"),
        ("/", &[("Referer", "https://example.org/?x=union+select")], b"", "ARGS:referer.x"),
        (
            "/",
            &[("Content-Type", "application/graphql")],
            b"{ user(name: \"union select\") { id } }",
            "ARGS:graphql.name",
        ),
        ("/", &[("Content-Type", "text/plain")], b" {\"a\": [\"union select\"]}\n", "ARGS:json.a.array_0"),
        ("/", &[("Content-Type", "application/grpc")], b"\0\0\0\0\x0e\x0a\x0cunion select", "ARGS:grpc.1"),
    ];
    for (target, headers, body, expected) in cases {
        assert_eq!(hits(&engine, true, target, headers, body).last().map(String::as_str), Some(expected), "{target}");
        let plain = hits(&engine, false, target, headers, body);
        assert!(!plain.iter().any(|hit| hit == expected), "{target}: {plain:?}");
    }
}

#[test]
fn what_is_too_much_is_counted_and_a_rule_can_refuse_it() {
    let engine = engine();
    let hidden = |count: usize| {
        let members: Vec<String> = (0..count).map(|number| format!("\"m{number}\":\"no {number}\"")).collect();
        format!("q={{{}}}", members.join(","))
    };
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let few = verdict(&engine, true, "/", &form, hidden(100).as_bytes());
    assert_eq!((few.left_out, few.exceeded, few.intervention), (0, false, None));
    let many = verdict(&engine, true, "/", &form, hidden(200).as_bytes());
    assert!(many.left_out > 0 && many.exceeded, "{many:?}");
    assert_eq!(many.intervention.map(|asked| asked.rule), Some(2));
    assert_eq!(verdict(&engine, false, "/", &form, hidden(200).as_bytes()).left_out, 0);
}
