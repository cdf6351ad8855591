//! Whether an installed version is one that an advisory names, and what is told of it.

use crate::advisory::{Range, Row, Severity};
use crate::ecosystem::Target;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A vulnerable version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The first version that is good again, where there is one.
    pub fixed: Option<String>,
}

/// A vulnerability of an installed package on a host.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// By what name it is known best: its first CVE, else the advisory's id.
    pub name: String,
    /// CVE ids.
    pub cves: Vec<String>,
    /// Advisories that say it.
    pub advisories: Vec<String>,
    /// Where the package comes from.
    pub ecosystem: String,
    /// The package as advisories name it.
    pub package: String,
    /// The installed version that counts.
    pub version: String,
    /// Keys of the assets that have it.
    pub assets: Vec<String>,
    /// How bad.
    pub severity: Severity,
    /// CVSS 3 base score.
    pub score: Option<f64>,
    /// CVSS 3 vector.
    pub vector: String,
    /// What it is.
    pub summary: String,
    /// The first version that is good again.
    pub fixed: Option<String>,
    /// Whether it is known to be exploited.
    pub exploited: bool,
}

/// Compares a package with a row about it.
pub fn check(target: &Target, row: &Row) -> Option<Hit> {
    if row.scheme != target.scheme {
        return None;
    }
    let within = |range: &&Range| {
        let compare = |other: &str| row.scheme.compare(&target.version, other);
        let begun = matches!(range.introduced.as_str(), "" | "0") || compare(&range.introduced) != Ordering::Less;
        let fixed = range.fixed.as_ref().is_some_and(|fixed| compare(fixed) != Ordering::Less);
        let past = range.last.as_ref().is_some_and(|last| compare(last) == Ordering::Greater);
        begun && !fixed && !past
    };
    if let Some(range) = row.ranges.iter().find(within) {
        return Some(Hit { fixed: range.fixed.clone() });
    }
    let named = row.versions.iter().any(|one| row.scheme.compare(one, &target.version) == Ordering::Equal);
    named.then_some(Hit { fixed: None })
}

/// Findings of one host, each vulnerability of a package and version once, however many advisories say it.
#[derive(Debug, Default)]
pub struct Findings(BTreeMap<(String, String, String), Finding>);

impl Findings {
    /// Takes in that an asset has what a row says.
    pub fn add(&mut self, target: &Target, package: &str, asset: &str, row: &Row, hit: Hit, exploited: bool) {
        let key = (package.to_owned(), target.version.clone(), row.name().to_owned());
        let finding = self.0.entry(key).or_insert_with(|| Finding {
            name: row.name().to_owned(),
            cves: row.cves.clone(),
            advisories: Vec::new(),
            ecosystem: target.ecosystem.clone(),
            package: package.to_owned(),
            version: target.version.clone(),
            assets: Vec::new(),
            severity: row.severity,
            score: row.score,
            vector: row.vector.clone(),
            summary: row.summary.clone(),
            fixed: None,
            exploited: false,
        });
        let mut note = |list: fn(&mut Finding) -> &mut Vec<String>, text: &str| {
            let list = list(finding);
            if let Err(place) = list.binary_search_by(|one| one.as_str().cmp(text)) {
                list.insert(place, text.to_owned());
            }
        };
        note(|finding| &mut finding.advisories, &row.id);
        note(|finding| &mut finding.assets, asset);
        row.cves.iter().for_each(|cve| note(|finding| &mut finding.cves, cve));
        finding.exploited |= exploited;
        finding.severity = finding.severity.max(row.severity);
        if finding.score.is_none() && row.score.is_some() {
            (finding.score, finding.vector) = (row.score, row.vector.clone());
        }
        if finding.summary.is_empty() {
            finding.summary.clone_from(&row.summary);
        }
        // Of two advisories the earlier fix is the way out.
        finding.fixed = match (finding.fixed.take(), hit.fixed) {
            (Some(one), Some(other)) => {
                Some(if row.scheme.compare(&one, &other) == Ordering::Greater { other } else { one })
            }
            (one, other) => one.or(other),
        };
    }

    /// All of them, in order of package, version and name.
    pub fn finish(self) -> Vec<Finding> {
        self.0.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Scheme;
    use proptest::prelude::*;

    fn row(ranges: Vec<Range>) -> Row {
        Row {
            id: "DSA-1".into(),
            cves: vec!["CVE-2024-1000".into()],
            severity: Severity::High,
            score: None,
            vector: String::new(),
            summary: String::new(),
            published: String::new(),
            scheme: Scheme::Deb,
            ranges,
            versions: Vec::new(),
        }
    }

    fn target(version: &str) -> Target {
        let (ecosystem, names) = ("debian:12".into(), vec!["openssl".into()]);
        Target { ecosystem, names, version: version.into(), scheme: Scheme::Deb }
    }

    fn range(introduced: &str, fixed: Option<&str>, last: Option<&str>) -> Range {
        Range { introduced: introduced.into(), fixed: fixed.map(str::to_owned), last: last.map(str::to_owned) }
    }

    #[test]
    fn the_ends_of_a_range_are_where_they_say() {
        let fixed = row(vec![range("1.0", Some("1.2-1"), None), range("2.0", None, Some("2.1"))]);
        let hit = |version: &str| check(&target(version), &fixed).map(|hit| hit.fixed);
        assert_eq!(hit("0.9"), None);
        assert_eq!(hit("1.0"), Some(Some("1.2-1".into())));
        assert_eq!(hit("1.2-1~deb12u1"), Some(Some("1.2-1".into())));
        assert_eq!(hit("1.2-1"), None);
        assert_eq!(hit("2.1"), Some(None));
        assert_eq!(hit("2.1-1"), None);
        assert!(check(&Target { scheme: Scheme::Rpm, ..target("1.1") }, &fixed).is_none());
    }

    #[test]
    fn two_advisories_about_one_thing_are_one_finding() {
        let (mut findings, one) = (Findings::default(), target("1.0"));
        let other =
            Row { id: "CVE-2024-1000".into(), score: Some(9.8), severity: Severity::Critical, ..row(Vec::new()) };
        findings.add(&one, "openssl", "dpkg:openssl:amd64", &row(Vec::new()), Hit { fixed: Some("2".into()) }, false);
        findings.add(&one, "openssl", "dpkg:libssl3:amd64", &other, Hit { fixed: Some("1.5".into()) }, true);
        let all = findings.finish();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].assets, ["dpkg:libssl3:amd64", "dpkg:openssl:amd64"]);
        assert_eq!(
            (all[0].fixed.as_deref(), all[0].severity, all[0].exploited),
            (Some("1.5"), Severity::Critical, true)
        );
    }

    proptest! {
        /// What is fixed in a version is never found in a later one.
        #[test]
        fn a_later_version_is_never_worse(fixed in "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}", a in "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}", b in "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}") {
            let row = row(vec![range("0", Some(&fixed), None)]);
            let (low, high) = if Scheme::Deb.compare(&a, &b).is_le() { (&a, &b) } else { (&b, &a) };
            if check(&target(low), &row).is_none() {
                prop_assert!(check(&target(high), &row).is_none());
            }
        }
    }
}
