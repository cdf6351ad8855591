//! A detection finding.

use crate::Batch;

/// How bad, in OCSF's order (`severity_id`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(i32)]
#[allow(missing_docs, reason = "OCSF severity of the same name")]
pub enum Severity {
    Unknown = 0,
    Informational = 1,
    Low = 2,
    Medium = 3,
    High = 4,
    Critical = 5,
}

impl Severity {
    /// Every severity, the mildest first.
    pub const ALL: &'static [Severity] = &[
        Severity::Unknown,
        Severity::Informational,
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ];

    /// Its word (Sigma's `level`).
    pub const fn word(self) -> &'static str {
        match self {
            Severity::Unknown => "unknown",
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// The severity of a word.
    pub fn from_word(word: &str) -> Option<Severity> {
        Severity::ALL.iter().copied().find(|severity| severity.word() == word)
    }
}

/// A MITRE ATT&CK technique as a rule names it.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct Technique {
    /// `T1059.004`.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Tactic short names as ATT&CK writes them: `execution`, `privilege-escalation`.
    #[prost(string, repeated, tag = "2")]
    pub tactics: Vec<String>,
}

/// One field of the event that made the rule match.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct Match {
    /// The rule's name of the field (`CommandLine`).
    #[prost(string, tag = "1")]
    pub field: String,
    /// Its value, at most 1 KiB.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// What a rule asks for when it matches.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct Response {
    /// Word of an [`crate::ActionKind`].
    #[prost(string, tag = "1")]
    pub action: String,
    /// Lease, seconds.
    #[prost(uint64, tag = "2")]
    pub lease_s: u64,
}

/// A rule matched an event on a host.
#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct Alert {
    /// `agent-boot-a-seq`, given when it enters the spool.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Rule id (UUID of the Sigma rule).
    #[prost(string, tag = "2")]
    pub rule: String,
    /// First 16 hexadecimal digits of the SHA-256 of the rule's text: which version judged.
    #[prost(string, tag = "3")]
    pub rule_version: String,
    /// The rule's title.
    #[prost(string, tag = "4")]
    pub title: String,
    /// How bad.
    #[prost(enumeration = "Severity", tag = "5")]
    #[serde(with = "severity_word")]
    pub severity: i32,
    /// ATT&CK techniques.
    #[prost(message, repeated, tag = "6")]
    pub techniques: Vec<Technique>,
    /// When the event happened, µs.
    #[prost(int64, tag = "7")]
    pub time_us: i64,
    /// When the agent decided, µs.
    #[prost(int64, tag = "8")]
    pub decided_us: i64,
    /// What matched.
    #[prost(message, repeated, tag = "9")]
    pub matches: Vec<Match>,
    /// The event with its process and ancestry: a batch of exactly one event.
    #[prost(message, required, tag = "10")]
    #[serde(skip)]
    pub evidence: Batch,
    /// What the rule asks for.
    #[prost(message, repeated, tag = "11")]
    pub responses: Vec<Response>,
    /// The agent, 32 hexadecimal digits.
    #[prost(string, tag = "12")]
    pub agent: String,
    /// Set by a drill so that people can tell a rehearsal from an attack.
    #[prost(string, tag = "13")]
    pub drill: String,
    /// The rule's title in Chinese, empty when it has none.
    #[prost(string, tag = "14")]
    pub title_zh: String,
    /// Version of the published set of rules that judged; 0 when the agent had none but its own.
    #[prost(uint64, tag = "15")]
    #[serde(default)]
    pub rule_set: u64,
}

/// Severity as its word in JSON.
mod severity_word {
    use super::Severity;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &i32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Severity::try_from(*value).unwrap_or(Severity::Unknown).word())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
        let word = String::deserialize(deserializer)?;
        Severity::from_word(&word).map(|severity| severity as i32).ok_or_else(|| D::Error::custom("unknown severity"))
    }
}
