//! Bad correlations: each is named, and the others run.

use super::{BASE, source};
use crate::correlation::{compile, fault};
use crate::{Engine, fault as common};
use base::{Code, Lang};
use proptest::prelude::*;

const GOOD: &str = "title: Good\ncorrelation: {type: event_count, rules: [a], timespan: 1m, condition: {gte: 2}}\n";

fn correlation(inside: &str) -> String {
    format!("title: T\ncorrelation:\n  rules: [a, b]\n  timespan: 5m\n{inside}")
}

/// Bad correlations: the text, the line that is named, and the fault.
fn bad() -> Vec<(String, usize, &'static Code)> {
    let own = |inside: &str| format!("title: T\ncorrelation:\n{inside}");
    let list = |count: usize| (0..count).map(|number| format!("x{number}")).collect::<Vec<_>>().join(", ");
    vec![
        (correlation("  type: count\n"), 5, &common::FORM),
        (correlation("  condition: {gte: 2}\n"), 3, &common::FORM),
        (correlation("  type: event_count\n"), 3, &common::FORM),
        (correlation("  type: event_count\n  condition: 5\n"), 6, &common::FORM),
        (correlation("  type: event_count\n  condition: [gte, 5]\n"), 6, &common::FORM),
        (correlation("  type: event_count\n  condition: {atleast: 5}\n"), 6, &common::FORM),
        (correlation("  type: event_count\n  condition: {field: user}\n"), 6, &common::FORM),
        (correlation("  type: event_count\n  condition: {field: user, gte: 5}\n"), 6, &common::FORM),
        (correlation("  type: event_count\n  condition: {gte: -1}\n"), 6, &common::VALUE),
        (correlation("  type: event_count\n  condition: {gte: 1.5}\n"), 6, &common::VALUE),
        (correlation("  type: event_count\n  condition: {gte: inf}\n"), 6, &common::VALUE),
        (correlation("  type: event_count\n  condition: {gte: 1000000}\n"), 6, &common::LIMIT),
        (correlation("  type: event_count\n  condition: {gt: 5, lt: 6}\n"), 6, &common::NEVER),
        (correlation("  type: value_count\n  condition: {gte: 5}\n"), 6, &common::FORM),
        (correlation("  type: value_sum\n  condition: {field: [x, y], gte: 5}\n"), 6, &common::FORM),
        (
            correlation("  type: value_percentile\n  condition: {field: x, percentile: 101, gte: 5}\n"),
            6,
            &common::VALUE,
        ),
        (correlation("  type: value_sum\n  condition: {field: x, percentile: 10, gte: 5}\n"), 6, &common::FORM),
        (correlation("  type: temporal\n  condition: {gte: 3}\n"), 6, &common::NEVER),
        (correlation("  type: temporal_ordered\n  condition: {lt: 2}\n"), 6, &common::NEVER),
        (correlation("  type: temporal_ordered\n  condition: a and not b\n"), 6, &common::NEVER),
        (correlation("  type: temporal\n  condition: a and c\n"), 6, &common::CONDITION),
        (correlation("  type: temporal\n  condition: a and\n"), 6, &common::CONDITION),
        (correlation("  type: temporal\n  condition: a | count() > 5\n"), 6, &common::CONDITION),
        (correlation("  type: temporal\n  group-by: {a: b}\n"), 6, &common::FORM),
        (correlation("  type: temporal\n  group-by: [user, user]\n"), 6, &common::FORM),
        (correlation(&format!("  type: temporal\n  group-by: [{}]\n", list(9))), 6, &common::LIMIT),
        (correlation("  type: temporal\n  generate: perhaps\n"), 6, &common::FORM),
        (correlation("  type: temporal\n  gap: 5m\n"), 6, &common::FORM),
        (correlation("  type: temporal\n  aliases: [a]\n"), 6, &common::FORM),
        (correlation("  type: temporal\n  aliases:\n    peer: {a: ip, c: ip}\n"), 7, &common::FORM),
        (correlation("  type: temporal\n  group-by: [peer]\n  aliases:\n    peer: {a: ip}\n"), 8, &common::FORM),
        (own("  type: temporal\n  timespan: 5m\n"), 3, &common::FORM),
        (own("  type: temporal\n  timespan: 5m\n  rules: []\n"), 3, &common::FORM),
        (own("  type: temporal\n  timespan: 5m\n  rules: [a, id-a]\n"), 5, &common::FORM),
        (own(&format!("  type: temporal\n  timespan: 5m\n  rules: [{}]\n", list(65))), 5, &common::LIMIT),
        (own("  type: temporal\n  rules: [a]\n"), 3, &common::FORM),
        (own("  type: temporal\n  rules: [a]\n  timespan: 0s\n"), 5, &fault::TIMESPAN),
        (own("  type: temporal\n  rules: [a]\n  timespan: 31d\n"), 5, &fault::TIMESPAN),
        (own("  type: temporal\n  rules: [a]\n  timespan: 99999999999999999999d\n"), 5, &fault::TIMESPAN),
        (own("  type: temporal\n  rules: [a]\n  timespan: 5M\n"), 5, &fault::TIMESPAN),
        (own("  type: temporal\n  timespan: 5m\n  rules: [a, missing]\n"), 5, &fault::REFERENCE),
        (own("  type: temporal\n  timespan: 5m\n  rules: [twice]\n"), 5, &fault::AMBIGUOUS),
        (own("  type: temporal\n  timespan: 5m\n  rules: [old]\n"), 5, &fault::REFERENCE),
        (own("  type: temporal\n  timespan: 5m\n  rules: [run]\n  group-by: [srcip]\n"), 6, &common::FIELD),
        ("title: T\ncorrelation: [a]\n".to_owned(), 2, &common::FORM),
        ("id: T\ncorrelation: {type: temporal, rules: [a], timespan: 1m}\n".to_owned(), 1, &common::FORM),
        (
            "title: T\nid: id-a\ncorrelation: {type: temporal, rules: [a], timespan: 1m}\n".to_owned(),
            1,
            &common::DUPLICATE,
        ),
    ]
}

#[test]
fn a_bad_correlation_is_named_and_takes_no_other_with_it() {
    let base = format!(
        "{BASE}title: D\nname: twice\nlogsource: {{service: sshd}}\ndetection: {{s: {{x: y}}, condition: s}}\n---\n\
         title: E\nname: twice\nlogsource: {{service: sshd}}\ndetection: {{s: {{x: z}}, condition: s}}\n---\n\
         title: F\nname: old\nstatus: deprecated\nlogsource: {{service: sshd}}\ndetection: {{s: {{x: z}}, condition: s}}\n---\n\
         title: G\nname: run\nlogsource: {{product: linux, category: process_creation}}\ndetection: {{s: {{Image: /x}}, condition: s}}\n"
    );
    for (text, line, code) in bad() {
        let all = [source("base.yml", &base), source("bad.yml", &format!("{text}---\n{GOOD}"))];
        let (engine, faults) = Engine::compile(&all);
        assert!(faults.is_empty(), "{text}: {faults:?}");
        let (compiled, faults) = compile(&engine);
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
        assert!(faults[0].is(code), "{text}: {}", faults[0]);
        assert_eq!(faults[0].named(), format!("bad.yml:{line}"), "{text}: {}", faults[0]);
        assert!(!faults[0].hint(Lang::Zh).is_empty());
        assert_eq!(compiled.rules().map(|(_, rule)| rule.title.as_str()).collect::<Vec<_>>(), ["Good"], "{text}");
    }
}

#[test]
fn circles_and_what_hangs_on_them_are_named() {
    let names = |name: &str, rules: &str| {
        format!("title: {name}\nname: {name}\ncorrelation: {{type: temporal, timespan: 1m, rules: [{rules}]}}\n---\n")
    };
    let text = [
        names("self", "self"),
        names("one", "a, two"),
        names("two", "three"),
        names("three", "one"),
        names("above", "one, b"),
        names("bad", "missing"),
        names("over", "bad, a"),
        names("fine", "a, below"),
        names("below", "b, c"),
    ]
    .concat();
    let (engine, _) = Engine::compile(&[source("base.yml", BASE), source("c.yml", &text)]);
    let (compiled, faults) = compile(&engine);
    let of = |code: &Code| {
        faults.iter().filter(|fault| fault.is(code)).map(|fault| fault.got().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of(&fault::CYCLE), ["`self`", "`two`", "`three`", "`one`", "`one`"]);
    assert_eq!(of(&fault::REFERENCE), ["`missing`", "`bad`, which was refused"]);
    assert_eq!(compiled.rules().map(|(_, rule)| rule.title.as_str()).collect::<Vec<_>>(), ["below", "fine"]);
}

#[test]
fn a_long_chain_is_refused_where_it_becomes_too_long() {
    let link = |number: usize| {
        let below = if number == 0 { "a".to_owned() } else { format!("n{}", number - 1) };
        format!(
            "title: n{number}\nname: n{number}\ncorrelation: {{type: temporal, timespan: 1m, rules: [{below}]}}\n---\n"
        )
    };
    let text: String = (0..20).rev().map(link).collect();
    let (engine, _) = Engine::compile(&[source("base.yml", BASE), source("c.yml", &text)]);
    let (compiled, faults) = compile(&engine);
    assert_eq!(compiled.len(), crate::correlation::limits::CHAIN);
    assert!(faults[0].is(&common::LIMIT) && faults[1..].iter().all(|fault| fault.is(&fault::REFERENCE)), "{faults:?}");
}

#[test]
fn a_withdrawn_correlation_does_not_run() {
    let text = format!(
        "status: unsupported\nname: gone\n{GOOD}---\ntitle: Over\ncorrelation: {{type: temporal, timespan: 1m, rules: [gone]}}\n"
    );
    let (engine, _) = Engine::compile(&[source("base.yml", BASE), source("c.yml", &text)]);
    let (compiled, faults) = compile(&engine);
    assert!(compiled.is_empty() && compiled.unrouted()[0].reason.contains("unsupported"));
    assert!(faults[0].is(&fault::REFERENCE) && faults[0].got().contains("unsupported"), "{faults:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_correlations_give_faults_not_panics(
        kind in "(event_count|value_count|value_percentile|temporal|temporal_ordered|x)",
        rules in "(\\[a\\]|\\[a, b\\]|a|\\[\\]|\\{a: b\\}|\\[T\\]|~)",
        span in "([0-9]{1,4}[smhdx]|é|)",
        condition in "(a and b|not a|\\{gte: [0-9]{1,7}\\}|\\{lt: -?[0-9.]{1,4}, field: user\\}|\\{field: \\[\\]\\}|\\[\\]|1 of \\*|~)",
        group in "(\\[user\\]|\\[\\]|x|\\{\\}|\\[\\[a\\]\\])",
        aliases in "(\\{\\}|\\{user: \\{a: x\\}\\}|\\{user: 5\\}|~)",
    ) {
        let text = format!("title: T\nname: T\ncorrelation:\n  type: {kind}\n  rules: {rules}\n  timespan: {span}\n  condition: {condition}\n  group-by: {group}\n  aliases: {aliases}\n---\n{GOOD}");
        let (engine, _) = Engine::compile(&[source("base.yml", BASE), source("c.yml", &text)]);
        let (compiled, faults) = compile(&engine);
        prop_assert_eq!(compiled.len() + faults.len(), 2, "{:?}", faults);
    }
}
