//! The Open Source Vulnerability format (OSV schema 1.7): one object, an array, or one a line.

use super::entries::{Entries, Entry};
use super::{Format, Report, Sink};
use crate::advisory::{Advisory, Affected, Range, Severity};
use crate::limits::{AFFECTED, NAMES, RANGES};
use crate::{ecosystem, fault};
use base::{Fault, Result};
use serde::Deserialize;
use serde_json::Value;
use std::io::BufRead;

/// OSV.
pub const FORMAT: Format = Format { word: "osv", fits, read };

fn fits(head: &str) -> bool {
    head.trim_start().starts_with(['{', '[']) && head.contains('"')
}

#[derive(Deserialize)]
struct Object {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    upstream: Vec<String>,
    #[serde(default)]
    related: Vec<String>,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    details: String,
    #[serde(default)]
    published: String,
    #[serde(default)]
    withdrawn: Option<String>,
    #[serde(default)]
    severity: Vec<Scored>,
    #[serde(default)]
    affected: Vec<Package>,
    #[serde(default)]
    database_specific: Value,
}

#[derive(Deserialize)]
struct Scored {
    #[serde(rename = "type")]
    kind: String,
    score: String,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    package: Option<Named>,
    #[serde(default)]
    ranges: Vec<Events>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    severity: Vec<Scored>,
    #[serde(default)]
    ecosystem_specific: Value,
}

#[derive(Deserialize)]
struct Named {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct Events {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
}

fn read(input: &mut dyn BufRead, report: &mut Report, sink: &mut dyn Sink) -> Result<()> {
    let mut entries = Entries::new(input);
    let broken = |cause: std::io::Error| Fault::new(&fault::BROKEN).because(cause);
    while let Some(entry) = entries.next().map_err(broken)? {
        report.count(sink);
        let number = report.entries;
        let bad = |name: &str, why: String| {
            let object = if name.is_empty() { format!("entry {number}") } else { format!("entry {number}, {name}") };
            Fault::new(&fault::BAD_ENTRY).object(object).found(why)
        };
        let bytes = match entry {
            Entry::Whole(bytes) => bytes,
            Entry::Bad(why) => {
                report.spoiled(bad("", why.into()));
                continue;
            }
        };
        let object: Object = match serde_json::from_slice(&bytes) {
            Ok(object) => object,
            Err(cause) => {
                report.spoiled(bad(&name_in(&bytes), cause.to_string()));
                continue;
            }
        };
        if object.withdrawn.is_some() {
            report.pass("withdrawn");
            continue;
        }
        let id = object.id.clone();
        match advisory(object) {
            None => report.spoiled(bad(&id, "an empty id".into())),
            Some(advisory) if advisory.affected.is_empty() => report.pass("no package of a known system"),
            Some(advisory) => {
                report.taken += 1;
                sink.advisory(advisory)?;
            }
        }
    }
    Ok(())
}

/// The id of an object that does not read as one, for the fault.
fn name_in(bytes: &[u8]) -> String {
    let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    crate::advisory::cut(value["id"].as_str().unwrap_or_default(), 60)
}

fn advisory(object: Object) -> Option<Advisory> {
    if object.id.trim().is_empty() {
        return None;
    }
    // `related` names the CVEs of a distribution's advisory; elsewhere it is only like it.
    let related = if object.upstream.is_empty() && object.aliases.is_empty() { object.related } else { Vec::new() };
    let aliases = object.aliases.into_iter().chain(object.upstream).chain(related).take(NAMES).collect();
    let word = object.database_specific["severity"].as_str().unwrap_or_default();
    let mut found = Advisory {
        id: object.id,
        aliases,
        summary: if object.summary.is_empty() { object.details } else { object.summary },
        vector: vector(&object.severity),
        severity: words(&object.severity).max(Severity::of_word(word)),
        published: object.published,
        affected: Vec::new(),
    };
    for package in object.affected.into_iter().take(AFFECTED) {
        if found.vector.is_empty() {
            found.vector = vector(&package.severity);
        }
        found.affected.extend(affected(package));
    }
    Some(found)
}

fn vector(scored: &[Scored]) -> String {
    scored.iter().find(|one| one.kind == "CVSS_V3").map_or(String::new(), |one| one.score.clone())
}

/// Ubuntu's priorities stand where scores do.
fn words(scored: &[Scored]) -> Severity {
    scored.iter().map(|one| Severity::of_word(&one.score)).max().unwrap_or_default()
}

fn affected(package: Package) -> Option<Affected> {
    let named = package.package?;
    let (ecosystem, scheme) = ecosystem::osv(&named.ecosystem)?;
    let usable = package.ranges.iter().filter(|range| matches!(range.kind.as_str(), "ECOSYSTEM" | "SEMVER"));
    let ranges: Vec<Range> = usable.flat_map(|range| intervals(&range.events)).take(RANGES).collect();
    // Ranges say the same in fewer words; a list counts only where it is alone.
    let versions = if ranges.is_empty() { package.versions.into_iter().take(RANGES).collect() } else { Vec::new() };
    if ranges.is_empty() && versions.is_empty() {
        return None;
    }
    let word = package.ecosystem_specific["urgency"].as_str().unwrap_or_default();
    let severity = words(&package.severity).max(Severity::of_word(word));
    let package = if ecosystem == "pypi" { ecosystem::pypi(&named.name) } else { named.name };
    Some(Affected { ecosystem, package, scheme, ranges, versions, severity })
}

/// Events in their order as ranges.
fn intervals(events: &[Event]) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    let mut open = false;
    for event in events {
        if let Some(introduced) = &event.introduced {
            ranges.push(Range { introduced: introduced.clone(), ..Range::default() });
            open = true;
        }
        let Some(range) = ranges.last_mut().filter(|_| open) else { continue };
        if event.fixed.is_some() || event.last_affected.is_some() {
            (range.fixed, range.last) = (event.fixed.clone(), event.last_affected.clone());
            open = false;
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::super::tests::take;
    use super::*;

    const GOOD: &str = r#"{"id":"GHSA-x","aliases":["CVE-2024-1000"],"summary":"bad","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"PyPI","name":"Foo_Bar"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2"},{"introduced":"2"},{"last_affected":"2.1"}]}],"versions":["1.0"]},{"package":{"ecosystem":"Go","name":"x"}}]}"#;

    #[test]
    fn lines_arrays_and_single_objects_read() {
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(GOOD).unwrap()).unwrap();
        let again = GOOD.replace("GHSA-x", "GHSA-y");
        for (text, count) in
            [(GOOD.to_owned(), 1), (format!("{GOOD}\n{again}\n"), 2), (format!("[{GOOD},{again}]"), 2), (pretty, 1)]
        {
            let (kept, report, done) = take(&text);
            done.unwrap();
            assert_eq!((kept.advisories.len(), report.bad, report.format), (count, 0, "osv"));
            let rows: Vec<_> = kept.advisories[0].rows().collect();
            assert_eq!((rows.len(), rows[0].0.package.as_str(), rows[0].0.ecosystem.as_str()), (1, "foo-bar", "pypi"));
            assert_eq!(
                (rows[0].1.score, rows[0].1.severity, rows[0].1.name()),
                (Some(9.8), Severity::Critical, "CVE-2024-1000")
            );
            assert_eq!((rows[0].1.ranges.len(), rows[0].1.ranges[1].last.as_deref()), (2, Some("2.1")));
        }
    }

    #[test]
    fn bad_entries_are_named_and_the_others_taken() {
        let text = format!(
            "{GOOD}\n{{\"id\":\"CUT\",\"affected\":[\n{GOOD}\n{{\"id\":7}}\n{{\"id\":\"T\",\"summary\":\"open\n{GOOD}\n{{\"id\":\"W\",\"withdrawn\":\"2024\"}}\n{{\"id\":\"Go-1\",\"affected\":[]}}\n"
        );
        let (kept, report, done) = take(&text);
        done.unwrap();
        assert_eq!((kept.advisories.len(), report.bad, report.entries), (3, 3, 8));
        assert_eq!((report.passed["withdrawn"], report.passed.len()), (1, 2));
        assert!(report.examples[1].named().contains("entry 4"));
    }
}
