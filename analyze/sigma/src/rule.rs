//! A rule as people read it; what it tests lies compiled in the engine.

use record::{Response, Severity, Technique};

/// Where the events come from that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogSource {
    /// `linux`, `windows`, `aws` …
    pub product: Option<String>,
    /// `process_creation`, `file_event` …
    pub category: Option<String>,
    /// `auditd`, `sshd` …
    pub service: Option<String>,
}

/// How ripe a rule is (Sigma's `status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is Sigma's status of the same name")]
pub enum Status {
    Stable,
    Test,
    Experimental,
    Deprecated,
    Unsupported,
}

impl Status {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Status::Stable => "stable",
            Status::Test => "test",
            Status::Experimental => "experimental",
            Status::Deprecated => "deprecated",
            Status::Unsupported => "unsupported",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Status> {
        match word {
            "stable" => Some(Status::Stable),
            "test" => Some(Status::Test),
            "experimental" => Some(Status::Experimental),
            "deprecated" => Some(Status::Deprecated),
            "unsupported" => Some(Status::Unsupported),
            _ => None,
        }
    }
}

/// A rule with everything but its tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// UUID; for a rule without one, `sigma-` and its version.
    pub id: String,
    /// Name that correlation rules and filters may call it by, empty when it has none.
    pub name: String,
    /// Name of the source and line in which the rule begins: `content/rules/x.yml:1`.
    pub place: String,
    /// Title.
    pub title: String,
    /// Title in Chinese, empty when it has none (our key `title_zh`).
    pub title_zh: String,
    /// Description.
    pub description: String,
    /// Description in Chinese, empty when it has none (our key `description_zh`).
    pub description_zh: String,
    /// How ripe it is.
    pub status: Option<Status>,
    /// Sigma's `level`; `Unknown` when it has none.
    pub severity: Severity,
    /// Who wrote it.
    pub author: String,
    /// Written, as in the rule.
    pub date: String,
    /// Changed, as in the rule.
    pub modified: String,
    /// Links.
    pub references: Vec<String>,
    /// Known harmless causes.
    pub falsepositives: Vec<String>,
    /// All tags.
    pub tags: Vec<String>,
    /// ATT&CK techniques among the tags, each with the tactics among the tags.
    pub techniques: Vec<Technique>,
    /// Where its events come from.
    pub source: LogSource,
    /// What it asks for (our key `response`).
    pub responses: Vec<Response>,
    /// First 16 hexadecimal digits of the SHA-256 of its text, and of its filters' versions where it has any.
    pub version: String,
    /// The filters (exceptions) that bear on it: their ids, in the order given.
    pub filters: Vec<String>,
}
