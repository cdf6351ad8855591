//! An advisory, whoever published it, and the row of it that stands for one package.

use crate::cvss;
use crate::limits::SUMMARY_BYTES;
use crate::version::Scheme;

/// How bad, in the words of CVSS 3 (§5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody has said it yet.
    #[default]
    Unknown,
    /// Below 4.0.
    Low,
    /// 4.0 to 6.9.
    Medium,
    /// 7.0 to 8.9.
    High,
    /// 9.0 and above.
    Critical,
}

impl Severity {
    /// Every severity.
    pub const ALL: &'static [Severity] =
        &[Severity::Unknown, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Severity::Unknown => "unknown",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// Of a score.
    pub fn of_score(score: f64) -> Severity {
        match score {
            score if score >= 9.0 => Severity::Critical,
            score if score >= 7.0 => Severity::High,
            score if score >= 4.0 => Severity::Medium,
            _ => Severity::Low,
        }
    }

    /// Of a publisher's word: `moderate`, `important`, Debian's urgencies, Ubuntu's priorities.
    pub fn of_word(word: &str) -> Severity {
        match word.trim().trim_end_matches('*').to_ascii_lowercase().as_str() {
            "critical" => Severity::Critical,
            "high" | "important" => Severity::High,
            "medium" | "moderate" => Severity::Medium,
            "low" | "negligible" | "unimportant" | "minor" => Severity::Low,
            _ => Severity::Unknown,
        }
    }
}

/// From one version to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Range {
    /// The first that is vulnerable; `0` for all from the beginning.
    pub introduced: String,
    /// The first that is not any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
    /// The last that is, where none is fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
}

/// What an advisory says of one package.
#[derive(Debug, Clone, PartialEq)]
pub struct Affected {
    /// Where the package comes from, in our form: `debian:12`, `pypi` ([`crate::ecosystem`]).
    pub ecosystem: String,
    /// Its name there.
    pub package: String,
    /// How its versions compare.
    pub scheme: Scheme,
    /// Vulnerable versions.
    pub ranges: Vec<Range>,
    /// Single vulnerable versions, where no range says it.
    pub versions: Vec<String>,
    /// How bad it is there, when the publisher says so.
    pub severity: Severity,
}

/// An advisory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advisory {
    /// Its publisher's id: `CVE-2024-1`, `GHSA-…`, `DSA-…`.
    pub id: String,
    /// Other names of the same thing.
    pub aliases: Vec<String>,
    /// What it is, in a sentence.
    pub summary: String,
    /// CVSS 3 vector, empty when none is given.
    pub vector: String,
    /// The publisher's word of how bad it is.
    pub severity: Severity,
    /// When it was published, as the publisher writes it (RFC 3339).
    pub published: String,
    /// The packages.
    pub affected: Vec<Affected>,
}

impl Advisory {
    /// The CVE ids among its names, in order, each once.
    pub fn cves(&self) -> Vec<String> {
        let names = std::iter::once(&self.id).chain(&self.aliases);
        let mut cves: Vec<String> = names.filter_map(|name| cve(name)).collect();
        cves.sort();
        cves.dedup();
        cves
    }

    /// A row for each package.
    pub fn rows(&self) -> impl Iterator<Item = (&Affected, Row)> {
        let score = if self.vector.is_empty() { None } else { cvss::base_score(&self.vector).ok() };
        let cves = self.cves();
        self.affected.iter().map(move |affected| {
            let said = if affected.severity == Severity::Unknown { self.severity } else { affected.severity };
            let row = Row {
                id: self.id.clone(),
                cves: cves.clone(),
                severity: score.map_or(said, Severity::of_score),
                score,
                vector: self.vector.clone(),
                summary: cut(&self.summary, SUMMARY_BYTES),
                published: self.published.clone(),
                scheme: affected.scheme,
                ranges: affected.ranges.clone(),
                versions: affected.versions.clone(),
            };
            (affected, row)
        })
    }
}

/// What stands in the store for one package of one advisory.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// Id of the advisory.
    pub id: String,
    /// CVE ids.
    pub cves: Vec<String>,
    /// How bad.
    pub severity: Severity,
    /// CVSS 3 base score.
    pub score: Option<f64>,
    /// CVSS 3 vector.
    pub vector: String,
    /// What it is.
    pub summary: String,
    /// When it was published.
    pub published: String,
    /// How versions compare.
    pub scheme: Scheme,
    /// Vulnerable versions.
    pub ranges: Vec<Range>,
    /// Single vulnerable versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
}

impl Row {
    /// By what name it is known best: its first CVE, else its id.
    pub fn name(&self) -> &str {
        self.cves.first().map_or(self.id.as_str(), String::as_str)
    }
}

/// A CVE id within a name: also `DEBIAN-CVE-2024-1` and `UBUNTU-CVE-2024-1`.
pub fn cve(name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    let found = &upper[upper.find("CVE-")?..];
    let (year, number) = found.strip_prefix("CVE-")?.split_once('-')?;
    let digits = |text: &str, least: usize| text.len() >= least && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(year, 4) && digits(number, 4)).then(|| found.to_owned())
}

/// The beginning of a text, at most so many bytes, in one line.
pub fn cut(text: &str, most: usize) -> String {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cves_are_found_in_names() {
        assert_eq!(cve("DEBIAN-CVE-2024-1234"), Some("CVE-2024-1234".into()));
        assert_eq!(cve("cve-2024-123456"), Some("CVE-2024-123456".into()));
        assert_eq!(cve("CVE-2024-12"), None);
        assert_eq!(cve("GHSA-xxxx"), None);
    }
}
