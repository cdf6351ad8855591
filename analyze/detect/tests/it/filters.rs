//! Exceptions as data, and correlation rules that are handed on.

use crate::{exec, hits, rule, source};
use detect::{Engine, fault};

fn filter(rules: &str, selection: &str) -> String {
    format!(
        "title: f\nid: f-1\nlogsource: {{product: linux, category: process_creation}}\n\
         filter:\n  rules: {rules}\n  selection: {{{selection}}}\n  condition: not selection\n"
    )
}

#[test]
fn an_exception_bears_on_the_rules_it_names() {
    let text = format!(
        "id: 5e3e1c7a-6f6b-4c55-9d6e-6a3b0a1f2c3d\nname: good_run\n{}",
        rule("  a: {CommandLine|contains: good}\n  condition: a\n")
    );
    let plain = Engine::compile(&[source("a.yml", &text)]).0;
    for named in ["[5e3e1c7a-6f6b-4c55-9d6e-6a3b0a1f2c3d]", "[other, good_run]", "t", "any"] {
        let sources = [source("f.yml", &filter(named, "CommandLine|contains: backup")), source("a.yml", &text)];
        let (engine, faults) = Engine::compile(&sources);
        assert!(faults.is_empty(), "{faults:?}");
        let count = |command: &str| hits(&engine, &exec(command)).len();
        assert_eq!((count("good"), count("good backup"), count("backup")), (1, 0, 0), "{named}");
        let rule = &engine.rules()[0];
        assert_eq!(rule.filters, ["f-1"]);
        assert_ne!(rule.version, plain.rules()[0].version, "an exception makes another rule of it");
        assert_eq!(engine.doubts().len(), usize::from(named.contains("other")), "{named}");
    }
}

#[test]
fn two_exceptions_both_hold_and_share_names_with_the_rule() {
    let text = format!(
        "{}---\n{}---\n{}",
        rule("  selection: {CommandLine|contains: good}\n  condition: selection\n"),
        filter("any", "CommandLine|contains: one"),
        filter("any", "CommandLine|contains: two, Image: /bin/x"),
    );
    let (engine, faults) = Engine::compile(&[source("a.yml", &text)]);
    assert!(faults.is_empty(), "{faults:?}");
    let count = |command: &str| hits(&engine, &exec(command)).len();
    assert_eq!((count("good"), count("good one"), count("good two"), count("other")), (1, 0, 1, 0));
    assert_eq!(engine.rules()[0].filters.len(), 2);
}

#[test]
fn a_filter_that_cannot_be_applied_leaves_its_rule_running() {
    let text = rule("  a: {CommandLine: good}\n  condition: a\n");
    for (filter, doubts, faults) in [
        (filter("[nobody]", "Image: x"), 1, 0),
        (filter("any", "NoSuchField: x"), 0, 1),
        (filter("any", "Image: x").replace("process_creation", "dns_query"), 0, 0),
        (filter("any", "Image: x").replace("not selection", "not another"), 0, 1),
    ] {
        let (engine, found) = Engine::compile(&[source("a.yml", &text), source("f.yml", &filter)]);
        assert_eq!((engine.doubts().len(), found.len()), (doubts, faults), "{filter}: {found:?}");
        assert!(engine.doubts().iter().all(|doubt| doubt.is(&fault::DOUBT) && doubt.named().starts_with("f.yml:1")));
        assert!(found.iter().all(|fault| fault.named().starts_with("f.yml:")), "{found:?}");
        assert_eq!(hits(&engine, &exec("good")).len(), 1, "{filter}");
        assert!(engine.rules()[0].filters.is_empty());
    }
}

#[test]
fn correlation_rules_are_handed_on_with_their_lines() {
    let correlation = "title: many\ncorrelation:\n  type: event_count\n";
    let text = format!("name: base\n{}---\n{correlation}", rule("  a: {CommandLine: good}\n  condition: a\n"));
    let (engine, faults) = Engine::compile(&[source("a.yml", &text)]);
    assert!(faults.is_empty(), "{faults:?}");
    let [kept] = engine.correlations() else { panic!("{:?}", engine.correlations()) };
    assert_eq!((kept.name.as_str(), kept.text.trim_start()), ("a.yml", correlation));
    let line = text.lines().position(|line| line == "title: many").unwrap();
    assert_eq!(kept.text.lines().position(|line| line == "title: many"), Some(line));
    assert_eq!(engine.find("base"), engine.find(&engine.rules()[0].id));
    assert!(engine.find("base").is_some() && engine.find("").is_none());
}
