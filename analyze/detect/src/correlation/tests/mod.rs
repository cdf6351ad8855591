//! Correlations from outside: golden timelines, faults, bounds; against a plain reference and against another engine.

mod bounds;
mod faults;
mod oracle;
mod reference;

use super::{Compiled, CorrelationHit, Limits, Tracker, compile, timeline};
use crate::{Engine, Scratch, Source, cases};
use record::{AgentId, Event, Host};
use std::path::Path;

/// Rules about records of `sshd` by their field `act`, one for each letter.
pub(super) const BASE: &str = "title: A\nname: a\nid: id-a\nlogsource: {product: linux, service: sshd}\ndetection: {s: {act: a}, condition: s}\n\
    ---\ntitle: B\nname: b\nid: id-b\nlogsource: {product: linux, service: sshd}\ndetection: {s: {act: b}, condition: s}\n\
    ---\ntitle: C\nname: c\nid: id-c\nlogsource: {product: linux, service: sshd}\ndetection: {s: {act: c}, condition: s}\n---\n";

pub(super) fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

/// The engine and the correlations of a text behind [`BASE`].
pub(super) fn compiled(text: &str) -> (Engine, Compiled) {
    let (engine, faults) = Engine::compile(&[source("base.yml", BASE), source("c.yml", text)]);
    assert!(faults.is_empty(), "{faults:?}");
    let (compiled, faults) = compile(&engine);
    assert!(faults.is_empty(), "{faults:?}");
    (engine, compiled)
}

/// A record of `sshd` at a second.
pub(super) fn record(second: i64, act: &str, fields: &[(&str, &str)]) -> Event {
    let fields: Vec<(&str, &str)> = [("act", act)].into_iter().chain(fields.iter().copied()).collect();
    Event { time_us: second * 1_000_000, ..cases::log("sshd", None, &fields) }
}

/// Tells a tracker of events.
pub(super) fn tell(engine: &Engine, tracker: &mut Tracker, events: &[Event]) -> Vec<CorrelationHit> {
    let (mut scratch, mut fits, mut hits) = (Scratch::new(), Vec::new(), Vec::new());
    for event in events {
        engine.evaluate(event, &mut scratch, &mut fits);
        tracker.observe(event, "host", &fits, &mut hits);
    }
    hits
}

#[test]
fn every_golden_timeline_holds() {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| ".".to_owned());
    let folder = Path::new(&root).join("tests/correlation");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yml"));
    files.sort();
    let (mut timelines, mut hits) = (0, 0);
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let report = timeline::run(&[], &source(&name, &std::fs::read_to_string(&path).unwrap()));
        assert!(report.faults.is_empty(), "{:#?}", report.faults);
        assert!(report.failures.is_empty(), "{:#?}", report.failures);
        assert!(report.timelines > 0 && report.hits > 0, "{name} shows nothing");
        timelines += report.timelines;
        hits += report.hits;
    }
    println!("{timelines} timelines, {hits} hits");
    assert!(timelines >= 25 && hits >= 45, "{timelines} timelines, {hits} hits");
}

#[test]
fn a_timeline_that_does_not_hold_says_where() {
    let text = format!(
        "{BASE}title: Two\ncorrelation: {{type: event_count, rules: [a], timespan: 1m, condition: {{gte: 2}}}}\n---\n\
         timeline:\n- {{at: 0s, log: sshd, fields: {{act: a}}, repeat: 2, every: 1s}}\nexpect:\n- {{at: 0s, rule: Two}}\n---\n\
         timeline:\n- {{at: 0s, log: sshd, fields: {{act: a}}, repeat: 2, every: 1s}}\n---\n\
         timeline:\n- {{at: 0s, log: sshd, fields: {{act: a}}}}\nexpect:\n- {{at: 0s, rule: Two}}\n---\n\
         timeline:\n- {{at: 0s, fields: {{act: a}}}}\n---\ntimeline:\n- {{at: soon, kind: exec}}\n---\n\
         timeline:\n- {{at: 0s, log: sshd, often: 2}}\n"
    );
    let report = timeline::run(&[], &source("t.yml", &text));
    let failures: Vec<&str> = report.failures.iter().map(String::as_str).collect();
    assert_eq!(
        failures,
        [
            "t.yml:25: came 1s \"Two\" [] value 2 of 2 events",
            "t.yml: unexpected: 1s \"Two\" [] value 2 of 2 events",
            "t.yml:33: \"Two\" was expected and did not come",
        ]
    );
    let named: Vec<&str> = report.faults.iter().map(base::Fault::named).collect();
    assert_eq!(named, ["t.yml:36", "t.yml:39", "t.yml:42"], "{:?}", report.faults);
}

#[test]
fn an_alert_says_what_came_together() {
    let (engine, compiled) = compiled(
        "title: Guessing\ntitle_zh: 猜测\nid: 0fb8fff9-18c6-56ea-94cc-0cb39decb87d\nlevel: high\n\
         tags: [attack.credential-access, attack.t1110.001]\nresponse:\n- {action: block, lease: 10m}\n\
         correlation: {type: event_count, rules: [a], group-by: [user, ip], timespan: 5m, condition: {gte: 3}}\n",
    );
    let mut tracker = Tracker::new(&compiled, Limits::default());
    let long = "u".repeat(5000);
    let events: Vec<Event> =
        (0..3).map(|second| record(second, "a", &[("user", &long), ("ip", "192.0.2.1")])).collect();
    let hits = tell(&engine, &mut tracker, &events);
    assert_eq!((hits.len(), hits[0].first_us, hits[0].last_us), (1, 0, 2_000_000));
    assert_eq!(hits[0].events.iter().map(|event| event.time_us / 1_000_000).collect::<Vec<_>>(), [0, 1, 2]);
    let alert = compiled.alert(&hits[0], &Host::default(), AgentId([1; 16]), 42);
    assert_eq!((alert.title.as_str(), alert.title_zh.as_str()), ("Guessing", "猜测"));
    assert_eq!((alert.severity, alert.time_us, alert.decided_us), (record::Severity::High as i32, 2_000_000, 42));
    assert_eq!((alert.techniques[0].id.as_str(), alert.responses[0].lease_s), ("T1110.001", 600));
    assert_eq!((alert.rule.as_str(), alert.rule_version.len()), ("0fb8fff9-18c6-56ea-94cc-0cb39decb87d", 16));
    let matches: Vec<(&str, &str)> = alert.matches.iter().map(|one| (one.field.as_str(), one.value.as_str())).collect();
    assert!(matches[0].0 == "user" && matches[0].1.len() <= 256 && matches[0].1.starts_with("uuu"));
    assert_eq!(matches[1..], [("ip", "192.0.2.1"), ("event_count", "3"), ("timespan", "5m")]);
    let evidence = alert.evidence.unpack(0).unwrap();
    assert_eq!((evidence.len(), evidence[0].time_us), (1, 2_000_000));
}

#[test]
fn rules_that_correlations_name_speak_through_them_unless_told() {
    let count = |name: &str, rules: &str, generate: &str| {
        format!(
            "title: {name}\nname: {name}\n{generate}correlation: {{type: event_count, rules: [{rules}], timespan: 1m, condition: {{gte: 1}}}}\n---\n"
        )
    };
    let text = [count("low", "a", ""), count("high", "low, b", "generate: true\n"), count("other", "b", "")].concat();
    let (engine, compiled) = compiled(&text);
    let silent: Vec<bool> = ["a", "b", "c"].map(|name| compiled.silences(engine.find(name).unwrap())).into();
    assert_eq!(silent, [true, false, false]);
    let mut tracker = Tracker::new(&compiled, Limits::default());
    let titles: Vec<String> = tell(&engine, &mut tracker, &[record(0, "a", &[])])
        .iter()
        .map(|hit| compiled.rule(hit.rule).title.clone())
        .collect();
    assert_eq!(titles, ["low", "high"]);
}

#[test]
fn what_did_not_change_is_remembered_over_new_content() {
    let count = |title: &str, least: usize| {
        format!(
            "title: {title}\nid: id-{title}\ncorrelation: {{type: event_count, rules: [a], timespan: 1m, condition: {{gte: {least}}}}}\n---\n"
        )
    };
    let (engine, old) = compiled(&[count("same", 3), count("gone", 3), count("changed", 3)].concat());
    let mut tracker = Tracker::new(&old, Limits::default());
    assert!(tell(&engine, &mut tracker, &[record(0, "a", &[]), record(1, "a", &[])]).is_empty());
    let (engine, new) = compiled(&[count("new", 1), count("changed", 2), count("same", 3)].concat());
    let mut tracker = tracker.renew(&new);
    let (groups, bytes) = tracker.size();
    assert!(groups == 1 && bytes > 0);
    let titles: Vec<String> = tell(&engine, &mut tracker, &[record(2, "a", &[])])
        .iter()
        .map(|hit| new.rule(hit.rule).title.clone())
        .collect();
    assert_eq!(titles, ["new", "same"]);
}
