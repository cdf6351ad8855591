//! Cases of correlations: events along a line of time, and the hits that they must give.
//!
//! A timeline is a document of its own, in the file of its rules or in one beside it:
//!
//! ```yaml
//! timeline:
//! - {at: 0s, log: sshd, fields: {user: alice, srcip: 203.0.113.9}, message: Failed password for alice}
//! - {at: 1s, log: sshd, fields: {user: bob, srcip: 203.0.113.9}, repeat: 20, every: 2s}
//! - {at: 1m, kind: exec, fields: {process.exe: /usr/bin/id, process.user: bob}, host: web2}
//! expect:
//! - {at: 39s, rule: Many failed logins, group: [203.0.113.9], value: 20}
//! ```
//!
//! - `at` is the time of the event from the beginning; events are told in the order they stand in.
//! - `kind` or `log` with `fields` and `message` is an event as in the cases of rules ([`crate::cases`]).
//! - `host` is the host that the event is of, `host` when absent. `repeat` tells it so many times, `every` so far apart.
//! - `expect` lists every hit in order: when it came, the title of the correlation, and, where given, the values of its
//!   group, what it measured, how many events it shows, and whether there was `more` than that.

use super::{CorrelationHit, Limits, Tracker, compile, time};
use crate::yaml::{self, Node, Place};
use crate::{Engine, Scratch, Source, cases, fault};
use base::{Fault, Result};
use record::{Event, Kind};

/// When a timeline begins: 2026-01-01T00:00:00Z, µs since the Unix epoch.
const BEGIN_US: i64 = 1_767_225_600_000_000;
/// Most events of a timeline, repeats among them.
const EVENTS: usize = 1_000_000;

/// What became of timelines.
#[derive(Debug, Default)]
pub struct Report {
    /// Timelines that ran.
    pub timelines: usize,
    /// Events told.
    pub events: usize,
    /// Hits that were expected and came.
    pub hits: usize,
    /// What came otherwise, one line each.
    pub failures: Vec<String>,
    /// What could not be read.
    pub faults: Vec<Fault>,
}

/// An event of a timeline with its host.
struct Moment {
    event: Event,
    host: String,
}

/// Runs the timelines of a text against the rules and correlations of these sources and of the text itself.
pub fn run(rules: &[Source], timelines: &Source) -> Report {
    let mut report = Report::default();
    let place = Place { name: &timelines.name };
    let own = Source { name: timelines.name.clone(), text: without_timelines(&timelines.text, place) };
    let sources: Vec<Source> = rules.iter().cloned().chain([own]).collect();
    let (engine, faults) = Engine::compile(&sources);
    report.faults.extend(faults);
    let (compiled, faults) = compile(&engine);
    report.faults.extend(faults);
    for document in yaml::documents(&timelines.text) {
        let Ok(node) = yaml::parse(&document, place) else { continue };
        if node.get("timeline").is_none() {
            continue;
        }
        match read(&node, place) {
            Err(fault) => report.faults.push(fault),
            Ok((moments, expected)) => {
                let mut tracker = Tracker::new(&compiled, Limits::default());
                let (mut scratch, mut fits, mut hits) = (Scratch::new(), Vec::new(), Vec::new());
                report.timelines += 1;
                report.events += moments.len();
                for moment in &moments {
                    engine.evaluate(&moment.event, &mut scratch, &mut fits);
                    tracker.observe(&moment.event, &moment.host, &fits, &mut hits);
                }
                let titled = |hit: &CorrelationHit| compiled.rule(hit.rule).title.clone();
                compare(&expected, &hits, titled, &timelines.name, &mut report);
            }
        }
    }
    report
}

/// The text with its timelines left blank, so that lines keep their numbers.
fn without_timelines(text: &str, place: Place<'_>) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut end = 0;
    for document in yaml::documents(text) {
        let is_timeline = yaml::parse(&document, place).is_ok_and(|node| node.get("timeline").is_some());
        // Documents are parts of the text, in order.
        let begin = end + text[end..].find(document.text).unwrap_or(0);
        rest.push_str(&text[end..begin]);
        end = begin + document.text.len();
        match is_timeline {
            true => rest.extend(document.text.matches('\n')),
            false => rest.push_str(document.text),
        }
    }
    rest.push_str(&text[end..]);
    rest
}

/// A hit as it is expected.
struct Expected {
    line: usize,
    at: i64,
    rule: String,
    group: Option<Vec<String>>,
    value: Option<f64>,
    events: Option<usize>,
    more: Option<bool>,
}

fn compare(
    expected: &[Expected],
    hits: &[CorrelationHit],
    titled: impl Fn(&CorrelationHit) -> String,
    name: &str,
    report: &mut Report,
) {
    let shown = |hit: &CorrelationHit| {
        let at = (hit.last_us - BEGIN_US) as f64 / 1e6;
        format!("{at}s \"{}\" {:?} value {} of {} events", titled(hit), hit.group, hit.value, hit.events.len())
    };
    for (number, wanted) in expected.iter().enumerate() {
        let Some(hit) = hits.get(number) else {
            report.failures.push(format!("{name}:{}: \"{}\" was expected and did not come", wanted.line, wanted.rule));
            continue;
        };
        let same = hit.last_us - BEGIN_US == wanted.at
            && titled(hit) == wanted.rule
            && wanted.group.as_ref().is_none_or(|group| *group == hit.group)
            && wanted.value.is_none_or(|value| (value - hit.value).abs() < 1e-9)
            && wanted.events.is_none_or(|events| events == hit.events.len())
            && wanted.more.is_none_or(|more| more == hit.at_least);
        match same {
            true => report.hits += 1,
            false => report.failures.push(format!("{name}:{}: came {}", wanted.line, shown(hit))),
        }
    }
    for hit in hits.iter().skip(expected.len()) {
        report.failures.push(format!("{name}: unexpected: {}", shown(hit)));
    }
}

fn read(node: &Node, place: Place<'_>) -> Result<(Vec<Moment>, Vec<Expected>)> {
    let mut moments = Vec::new();
    for item in node.get("timeline").map(Node::items).unwrap_or_default() {
        moment(item, place, &mut moments)?;
    }
    let expected = node.get("expect").filter(|node| !node.is_null()).map(Node::items).unwrap_or_default();
    let expected = expected.iter().map(|item| expectation(item, place)).collect::<Result<_>>()?;
    Ok((moments, expected))
}

fn wrong(node: &Node, expected: &str, place: Place<'_>) -> Fault {
    place.fault(&fault::CASE, node.line).expected(expected)
}

/// The keys of a map, all of which are known.
fn checked(node: &Node, keys: &[&str], place: Place<'_>) -> Result<()> {
    let entries = node.entries().ok_or_else(|| wrong(node, "a map", place).found(node.form()))?;
    match entries.iter().find(|entry| !keys.contains(&entry.key.as_str())) {
        Some(entry) => Err(place.fault(&fault::CASE, entry.line).expected(keys.join(", ")).found(&entry.key)),
        None => Ok(()),
    }
}

fn offset(node: &Node, key: &str, place: Place<'_>) -> Result<i64> {
    let text = node.get(key).and_then(Node::text).unwrap_or("").trim();
    let zero = (text == "0s" || text == "0").then_some(0);
    zero.or_else(|| time::span_us(text))
        .ok_or_else(|| wrong(node, &format!("{key}: a time such as 0s, 90s or 5m"), place).found(format!("`{text}`")))
}

fn moment(node: &Node, place: Place<'_>, moments: &mut Vec<Moment>) -> Result<()> {
    checked(node, &["at", "kind", "log", "fields", "message", "host", "repeat", "every"], place)?;
    let text = |key: &str| node.get(key).and_then(Node::text).map(str::trim);
    let mut values = Vec::new();
    for entry in node.get("fields").and_then(Node::entries).unwrap_or_default() {
        let texts: Option<Vec<&str>> = entry.value.items().iter().map(Node::text).collect();
        values
            .push((entry.key.as_str(), texts.ok_or_else(|| wrong(&entry.value, "a value or a list of them", place))?));
    }
    let event = match (text("kind"), text("log")) {
        (Some(kind), None) => {
            let kind = Kind::from_word(kind).ok_or_else(|| wrong(node, "a kind of event", place).found(kind))?;
            let joined: Vec<(&str, String)> = values.iter().map(|(name, texts)| (*name, texts.join("\n"))).collect();
            let fields: Vec<(&str, &str)> = joined.iter().map(|(name, text)| (*name, text.as_str())).collect();
            cases::event(kind, &fields).map_err(|fault| {
                let object = format!("{}:{}: {}", place.name, node.line, fault.named());
                fault.object(object)
            })?
        }
        (None, Some(source)) => {
            let each = values.iter().flat_map(|(name, texts)| texts.iter().map(|text| (*name, *text)));
            cases::log(source, text("message"), &each.collect::<Vec<_>>())
        }
        _ => return Err(wrong(node, "either `kind` or `log`", place)),
    };
    let repeat = text("repeat").map_or(Some(1), |text| text.parse().ok()).filter(|count| (1..=EVENTS).contains(count));
    let repeat = repeat.ok_or_else(|| wrong(node, "repeat: a number", place))?;
    if moments.len() + repeat > EVENTS {
        return Err(wrong(node, &format!("at most {EVENTS} events"), place));
    }
    let (at, every) = (offset(node, "at", place)?, if repeat > 1 { offset(node, "every", place)? } else { 0 });
    for number in 0..repeat as i64 {
        let event = Event { time_us: BEGIN_US + at + number * every, ..event.clone() };
        moments.push(Moment { event, host: text("host").unwrap_or("host").to_owned() });
    }
    Ok(())
}

fn expectation(node: &Node, place: Place<'_>) -> Result<Expected> {
    checked(node, &["at", "rule", "group", "value", "events", "more"], place)?;
    let text = |key: &str| node.get(key).and_then(Node::text).map(str::trim);
    fn parsed<T: std::str::FromStr>(node: &Node, text: Option<&str>, place: Place<'_>) -> Result<Option<T>> {
        text.map(|text| text.parse().map_err(|_| wrong(node, "a value that fits", place).found(text))).transpose()
    }
    let group = node
        .get("group")
        .map(|group| group.items().iter().map(|item| item.text().unwrap_or("").trim().to_owned()).collect::<Vec<_>>());
    Ok(Expected {
        line: node.line,
        at: offset(node, "at", place)?,
        rule: text("rule").ok_or_else(|| wrong(node, "rule: a title", place))?.to_owned(),
        group,
        value: parsed(node, text("value"), place)?,
        events: parsed(node, text("events"), place)?,
        more: parsed(node, text("more"), place)?,
    })
}
