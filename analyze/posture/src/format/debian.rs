//! Debian's security tracker (`security-tracker.debian.org/tracker/data/json`): source package → CVE → release.

use super::{Format, Report, Sink};
use crate::advisory::{Advisory, Affected, Range, Severity, cve};
use crate::version::Scheme;
use crate::{ecosystem, fault};
use base::{Fault, Result};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::BufRead;

/// Debian's tracker.
pub const FORMAT: Format = Format { word: "debian", fits, read };

/// `{ "package": { "CVE-…": {`.
fn fits(head: &str) -> bool {
    let mut parts = head.trim_start().splitn(3, '{');
    let first = parts.next() == Some("") && parts.next().is_some_and(|key| key.trim().ends_with(':'));
    first
        && parts
            .next()
            .is_some_and(|rest| ["\"CVE-", "\"TEMP-"].iter().any(|start| rest.trim_start().starts_with(start)))
}

#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    description: String,
    releases: BTreeMap<String, Release>,
}

#[derive(Deserialize)]
struct Release {
    status: String,
    #[serde(default)]
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: String,
}

fn read(input: &mut dyn BufRead, report: &mut Report, sink: &mut dyn Sink) -> Result<()> {
    let mut failed = None;
    let mut reader = serde_json::Deserializer::from_reader(input);
    let read = Tracker { report, sink, failed: &mut failed }.deserialize(&mut reader);
    match (failed, read) {
        (Some(fault), _) => Err(fault),
        (None, Err(cause)) => Err(Fault::new(&fault::BROKEN).because(cause)),
        (None, Ok(())) => Ok(()),
    }
}

/// Walks the packages, one in memory at a time.
struct Tracker<'a> {
    report: &'a mut Report,
    sink: &'a mut dyn Sink,
    failed: &'a mut Option<Fault>,
}

impl<'de> DeserializeSeed<'de> for Tracker<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Tracker<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("packages with their issues")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(package) = map.next_key::<String>()? {
            if self.failed.is_some() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let issues: Value = map.next_value()?;
            if let Err(fault) = issues_of(&package, issues, self.report, self.sink) {
                *self.failed = Some(fault);
            }
        }
        Ok(())
    }
}

fn issues_of(package: &str, issues: Value, report: &mut Report, sink: &mut dyn Sink) -> Result<()> {
    let bad = |name: &str, why: String| Fault::new(&fault::BAD_ENTRY).object(format!("{package}, {name}")).found(why);
    let Value::Object(issues) = issues else {
        report.count(sink);
        report.spoiled(bad("issues", "no object".into()));
        return Ok(());
    };
    for (name, issue) in issues {
        report.count(sink);
        // Issues without a CVE have names that change.
        let Some(id) = cve(&name) else {
            report.pass("no CVE yet");
            continue;
        };
        let issue: Issue = match serde_json::from_value(issue) {
            Ok(issue) => issue,
            Err(cause) => {
                report.spoiled(bad(&name, cause.to_string()));
                continue;
            }
        };
        let affected: Vec<Affected> =
            issue.releases.iter().filter_map(|(codename, release)| affected(package, codename, release)).collect();
        if affected.is_empty() {
            report.pass("no release is affected");
            continue;
        }
        report.taken += 1;
        sink.advisory(Advisory { id, summary: issue.description, affected, ..Advisory::default() })?;
    }
    Ok(())
}

fn affected(package: &str, codename: &str, release: &Release) -> Option<Affected> {
    let ecosystem = ecosystem::debian(codename)?;
    let fixed = match (release.status.as_str(), release.fixed_version.as_deref()) {
        // Version 0: it was never in there.
        ("resolved", Some("0")) | ("resolved", None) => return None,
        ("resolved", Some(version)) => Some(version.to_owned()),
        ("open", _) => None,
        _ => return None,
    };
    let ranges = vec![Range { introduced: "0".into(), fixed, last: None }];
    let (package, severity) = (package.to_owned(), Severity::of_word(&release.urgency));
    Some(Affected { ecosystem, package, scheme: Scheme::Deb, ranges, versions: Vec::new(), severity })
}

#[cfg(test)]
mod tests {
    use super::super::tests::take;
    use super::*;

    #[test]
    fn the_tracker_reads_and_bad_issues_are_named() {
        let text = r#"{"openssl": {"CVE-2023-1000": {"description": "x", "scope": "remote", "releases": {
            "bookworm": {"status": "resolved", "fixed_version": "3.0.11-1~deb12u2", "urgency": "not yet assigned"},
            "bullseye": {"status": "open", "urgency": "unimportant"},
            "trixie": {"status": "resolved", "fixed_version": "0", "urgency": "low"},
            "sid": {"status": "undetermined", "urgency": "low"}}},
            "CVE-2023-1001": {"releases": 7}, "TEMP-0000000-AAAAAA": {"releases": {}}}, "bash": []}"#;
        let (kept, report, done) = take(text);
        done.unwrap();
        assert_eq!((report.format, report.taken, report.bad, report.entries), ("debian", 1, 2, 4));
        assert_eq!(report.examples[0].named(), "openssl, CVE-2023-1001");
        let rows: Vec<_> = kept.advisories[0].rows().collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (rows[0].0.ecosystem.as_str(), rows[0].1.ranges[0].fixed.as_deref()),
            ("debian:12", Some("3.0.11-1~deb12u2"))
        );
        assert_eq!((rows[1].0.ecosystem.as_str(), rows[1].1.severity), ("debian:11", Severity::Low));
        let (_, report, done) = take(&text[..text.len() - 1]);
        assert!(done.unwrap_err().is(&fault::BROKEN));
        assert_eq!(report.taken, 1, "what was read before the end was read");
    }
}
