//! The same events and rules in our engine and in rsigma's: the same hits, or a difference that is listed with its
//! reason.

use crate::made::{Made, Maker};
use crate::{corpus, hits, source};
use base::SeededRandom;
use detect::{Engine, Source, cases, field_map};
use proptest::test_runner::TestRunner;
use record::{Event, Kind};
use rsigma_eval::event::JsonEvent;
use rsigma_parser::{SigmaRule, parse_sigma_yaml};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Events made from each rule.
const EVENTS: usize = 60;

/// Rules about which the two differ: id, and why. An entry that no longer shows fails the test.
const DIFFERENCES: &[(&str, &str)] = &[
    ("4cb57c2f-1f29-41f8-893d-8bed8e1c1d2f", NUMBER),
    ("c52a914f-3d8b-4b2a-bb75-b3991e75f8ba", ALL),
    ("df3fcaea-2715-4214-99c5-0056ea59eb35", ALL),
    ("0506a799-698b-43b4-85a1-ac4c84c720e9", ALL),
    ("7ba05b43-adad-4c02-b5e9-c8c35cdf9fa8", ALL),
    ("8ec2c8b4-557a-4121-b87c-5dfb3a602fae", ALL),
    ("a39d7fa7-3fbd-4dc2-97e1-d87f546b1bbc", ANCHOR),
];
/// Keywords are looked for in the record (specification 2.1, "Lists"); rsigma compares each of `'|all'` with whole values.
const ALL: &str = "keywords under '|all'";
/// The same for a keyword that is a number: rsigma wants a value that is that number.
const NUMBER: &str = "a number as keyword";

/// Sigma's name of a typed field, ours, and what our events hold when nothing is said.
type Typed = (&'static str, &'static str, &'static str);

/// The typed fields of each kind.
const TYPED: &[(Kind, &[Typed])] = &[
    (
        Kind::Exec,
        &[
            ("Image", "process.exe", ""),
            ("CommandLine", "process.cmd_line", ""),
            ("CurrentDirectory", "process.cwd", ""),
            ("User", "process.user", ""),
            ("LogonId", "process.loginuid", "1000"),
            ("ParentImage", "parent.exe", ""),
            ("ParentCommandLine", "parent.cmd_line", ""),
        ],
    ),
    (Kind::File, &[("TargetFilename", "file.path", ""), ("Image", "process.exe", "")]),
    (
        Kind::Net,
        &[
            ("Image", "process.exe", ""),
            ("DestinationHostname", "remote.name", ""),
            ("DestinationIp", "remote.ip", ""),
            ("DestinationPort", "remote.port", "0"),
            ("Initiated", "net.outbound", "true"),
        ],
    ),
];

/// `startswith` of a value with a wildcard: rsigma binds it to the end of the text instead of to its beginning.
const ANCHOR: &str = "startswith with a wildcard inside";

/// Where the events of a log source come from: a typed kind, or the word of a decoder.
pub enum Area {
    Typed(Kind),
    Log(String),
}

pub fn area(rule: &SigmaRule) -> Area {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let (product, category, service) =
        (part(&rule.logsource.product), part(&rule.logsource.category), part(&rule.logsource.service));
    match (product.as_str(), category.as_str(), service.as_str()) {
        (_, "process_creation", _) => Area::Typed(Kind::Exec),
        (_, "file_event", _) => Area::Typed(Kind::File),
        (_, "network_connection", _) => Area::Typed(Kind::Net),
        (_, "webserver", _) => Area::Log("nginx".to_owned()),
        (_, "proxy", _) => Area::Log("squid".to_owned()),
        ("linux", "", "") => Area::Log("syslog".to_owned()),
        ("linux" | "", "", service) => Area::Log(service.to_owned()),
        ("aws", ..) => Area::Log("cloudtrail".to_owned()),
        (product, _, service) => Area::Log(format!("{product}.{service}")),
    }
}

/// One event for both engines; none when a typed field cannot hold what was made.
pub fn both(area: &Area, made: &Made) -> Option<(Event, Value)> {
    match area {
        Area::Typed(kind) => {
            let (_, names) = TYPED.iter().find(|(known, _)| known == kind)?;
            let (mut json, mut words) = (Map::new(), Vec::new());
            for (sigma, ours, default) in *names {
                let value = made.get(sigma).filter(|value| !value.is_empty()).unwrap_or(default);
                if !value.is_empty() {
                    json.insert((*sigma).to_owned(), json!(value));
                    words.push((*ours, value));
                }
            }
            cases::event(*kind, &words).ok().map(|event| (event, Value::Object(json)))
        }
        Area::Log(word) => {
            let pairs: Vec<(&str, &str)> =
                made.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let mut message: Vec<String> = made.words.clone();
            message.extend(made.fields.iter().map(|(name, value)| format!("{name}={value}")));
            let message = message.join(" ");
            let mut json = Map::new();
            for (name, value) in &made.fields {
                for other in field_map::aliases(name) {
                    json.insert((*other).to_owned(), json!(value));
                }
                json.insert(name.clone(), json!(value));
            }
            json.insert("message".to_owned(), json!(message));
            Some((cases::log(word, Some(&message), &pairs), Value::Object(json)))
        }
    }
}

/// What was compared.
#[derive(Default)]
struct Tally {
    rules: usize,
    events: usize,
    hits: usize,
    seen: BTreeSet<String>,
    /// By rule: how often only we hit, how often only rsigma, and an event.
    differ: BTreeMap<String, (usize, usize, String)>,
}

fn compare(rules: &[(Source, SigmaRule)], maker: &mut Maker<'_>) -> Tally {
    let sources: Vec<Source> = rules.iter().map(|(source, _)| source.clone()).collect();
    let (ours, faults) = Engine::compile(&sources);
    assert!(faults.is_empty(), "{faults:?}");
    let mut theirs = rsigma_eval::Engine::new();
    let refused = theirs.add_rules(rules.iter().map(|(_, rule)| rule));
    assert!(refused.is_empty(), "{refused:?}");
    let mut tally = Tally { rules: rules.len(), ..Tally::default() };
    for (_, rule) in rules {
        for _ in 0..EVENTS {
            let made = maker.event(rule);
            let Some((event, json)) = both(&area(rule), &made) else { continue };
            let found: BTreeSet<String> =
                hits(&ours, &event).into_iter().map(|index| ours.rule(index).id.clone()).collect();
            let expected: BTreeSet<String> = theirs
                .evaluate(&JsonEvent::borrow(&json))
                .into_iter()
                .filter_map(|result| result.header.rule_id)
                .collect();
            tally.events += 1;
            tally.hits += found.len();
            for id in found.symmetric_difference(&expected) {
                let entry = tally.differ.entry(id.clone()).or_insert_with(|| (0, 0, json.to_string()));
                entry.0 += usize::from(found.contains(id));
                entry.1 += usize::from(expected.contains(id));
            }
            tally.seen.extend(found);
        }
    }
    tally
}

#[test]
fn rsigma_finds_the_same() {
    let sources = corpus();
    if sources.is_empty() {
        println!("skipped: corpus not present");
        return;
    }
    let mut areas: BTreeMap<String, Vec<(Source, SigmaRule)>> = BTreeMap::new();
    for source in sources {
        let mut rules = parse_sigma_yaml(&source.text).unwrap().rules;
        assert_eq!(rules.len(), 1, "{}", source.name);
        let rule = rules.remove(0);
        let key = match area(&rule) {
            Area::Typed(kind) => kind.word().to_owned(),
            Area::Log(word) => word,
        };
        areas.entry(key).or_default().push((source, rule));
    }
    let random = SeededRandom::new(11);
    let mut maker = Maker { random: &random, runner: TestRunner::deterministic() };
    let (mut unlisted, mut shown) = (Vec::new(), BTreeSet::new());
    for (name, rules) in &areas {
        let tally = compare(rules, &mut maker);
        let different = tally.differ.values().map(|(ours, theirs, _)| ours + theirs).sum::<usize>();
        println!(
            "{name}: {} rules, {} events, {} hits by {} rules, {different} different",
            tally.rules,
            tally.events,
            tally.hits,
            tally.seen.len()
        );
        let missed: Vec<&str> = rules
            .iter()
            .filter_map(|(source, rule)| Some((source, rule.id.as_ref()?)))
            .filter(|(_, id)| !tally.seen.contains(*id))
            .map(|(source, _)| source.name.as_str())
            .collect();
        missed.iter().for_each(|name| println!("  never hit: {name}"));
        for (id, difference) in tally.differ {
            match DIFFERENCES.iter().find(|(known, _)| *known == id) {
                Some(_) => _ = shown.insert(id),
                None => unlisted.push((name.clone(), id, difference)),
            }
        }
    }
    println!("{} rules differ, each listed with its reason", shown.len());
    assert!(unlisted.is_empty(), "{unlisted:#?}");
    let stale: Vec<&str> = DIFFERENCES.iter().map(|(id, _)| *id).filter(|id| !shown.contains(*id)).collect();
    assert!(stale.is_empty(), "differences that no longer show: {stale:?}");
}

#[test]
fn a_filter_does_what_it_does_in_rsigma() {
    let rule = "title: shell\nid: 0fb8fff9-18c6-56ea-94cc-0cb39decb87d\nlogsource: {product: linux, category: process_creation}\n\
        detection:\n  a: {Image|endswith: [/sh, /bash]}\n  condition: a\n";
    for (rules, condition) in [
        ("any", "not selection"),
        ("[0fb8fff9-18c6-56ea-94cc-0cb39decb87d]", "not selection"),
        ("[shell]", "selection"),
        ("[another]", "not selection"),
        ("any", "not (selection or other)"),
    ] {
        let filter = format!(
            "title: f\nlogsource: {{product: linux}}\nfilter:\n  rules: {rules}\n  selection: {{User: admin}}\n  \
             other: {{CommandLine|contains: backup}}\n  condition: {condition}\n"
        );
        let text = format!("{rule}---\n{filter}");
        let (ours, faults) = Engine::compile(&[source("a.yml", &text)]);
        assert!(faults.is_empty(), "{faults:?}");
        let mut theirs = rsigma_eval::Engine::new();
        theirs.add_collection(&parse_sigma_yaml(&text).unwrap()).unwrap();
        for (image, user, command) in [
            ("/bin/sh", "admin", "x"),
            ("/bin/sh", "root", "x"),
            ("/bin/bash", "root", "run backup"),
            ("/bin/ls", "root", "x"),
            ("/bin/ls", "admin", "x"),
        ] {
            let fields = [("process.exe", image), ("process.user", user), ("process.cmd_line", command)];
            let event = cases::event(Kind::Exec, &fields).unwrap();
            let json = json!({"Image": image, "User": user, "CommandLine": command});
            let expected = theirs.evaluate(&JsonEvent::borrow(&json)).len();
            assert_eq!(hits(&ours, &event).len(), expected, "{rules} {condition}: {json}");
        }
    }
}
