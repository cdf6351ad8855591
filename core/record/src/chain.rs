//! The attack chain of an incident: a graph of what did what to what, and its parts by name.
//!
//! Built by `analyze/correlate`, shown by the API and the command line. Times are µs since the Unix epoch, confidences
//! are 0–100, evidence is ids of alerts and events.

use serde::{Deserialize, Serialize};

/// Why alerts of two hosts belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinKind {
    /// A process of one host connected to the other, where the alert hangs below what answered.
    Connection,
    /// A login from one host opened the session of the alert on the other.
    Login,
    /// An alert of one host was about a connection to the other.
    Contact,
    /// The same confirmed indicator on both.
    Indicator,
    /// The same file, by its hash, on both.
    File,
    /// The same address outside on both.
    Address,
    /// The same TLS fingerprint (JA4, JA3) on both.
    Fingerprint,
    /// The same account name on both: weak, never enough alone.
    Account,
}

impl JoinKind {
    /// Whether it has a direction: the attack went from one host to the other.
    pub const fn directed(self) -> bool {
        matches!(self, JoinKind::Connection | JoinKind::Login | JoinKind::Contact)
    }

    /// Its word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            JoinKind::Connection => "connection",
            JoinKind::Login => "login",
            JoinKind::Contact => "contact",
            JoinKind::Indicator => "indicator",
            JoinKind::File => "file",
            JoinKind::Address => "address",
            JoinKind::Fingerprint => "fingerprint",
            JoinKind::Account => "account",
        }
    }
}

/// One reason why alerts of two hosts are in one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// What ties them.
    pub kind: JoinKind,
    /// Agent of the host it came from; of kinds without a direction the host that showed it first.
    pub from: String,
    /// Agent of the host it went to.
    pub to: String,
    /// Alert on `from`.
    pub from_alert: String,
    /// Alert on `to`.
    pub to_alert: String,
    /// When, µs.
    pub time_us: i64,
    /// How sure, 0–100.
    pub confidence: u8,
    /// The value shared, the account of a login, or the port of a connection.
    pub value: String,
    /// Port on `to`, 0 when it is about none.
    #[serde(default)]
    pub port: u16,
    /// Ids of events that show it, beside the alerts.
    #[serde(default)]
    pub events: Vec<String>,
    /// In words.
    pub reason: String,
}

/// A thing in the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainNode {
    /// Unique within the chain.
    pub id: String,
    /// `host`, `process`, `account`, `address`, `domain`, `file`, `indicator`, `fingerprint`.
    pub kind: String,
    /// For people.
    pub label: String,
    /// Agent of the host it is on, empty for what is outside.
    pub host: String,
    /// First seen, µs; 0 when it has no time.
    pub time_us: i64,
    /// Alerts about this very thing.
    pub alerts: Vec<String>,
}

/// What one thing did to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainEdge {
    /// Id of a node.
    pub from: String,
    /// Id of a node.
    pub to: String,
    /// `spawned`, `logged-in`, `connected`, `dropped`, `resolved`, `matched`, `shared`.
    pub kind: String,
    /// When first, µs.
    pub time_us: i64,
    /// ATT&CK tactic of the alert that shows it, empty when none does.
    pub tactic: String,
    /// How sure, 0–100.
    pub confidence: u8,
    /// Ids of alerts and events.
    pub evidence: Vec<String>,
}

/// Where and how the attack came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainEntry {
    /// Agent of the first host.
    pub host: String,
    /// Its name.
    pub host_name: String,
    /// `login`, `exploited-service`, `user-application`, `scheduled`, `unknown`.
    pub how: String,
    /// Address it came from, empty when unknown.
    pub from: String,
    /// Account that was used, empty when unknown.
    pub account: String,
    /// Service or application, empty when unknown.
    pub service: String,
    /// ATT&CK technique, empty when unknown.
    pub technique: String,
    /// When, µs.
    pub time_us: i64,
    /// How sure, 0–100.
    pub confidence: u8,
    /// Ids of alerts and events.
    pub evidence: Vec<String>,
}

/// One step from host to host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainStep {
    /// Agent of the host it came from.
    pub from: String,
    /// Its name.
    pub from_name: String,
    /// Agent of the host it went to.
    pub to: String,
    /// Its name.
    pub to_name: String,
    /// What shows it.
    pub how: JoinKind,
    /// ATT&CK technique, empty when unknown.
    pub technique: String,
    /// Account used, empty when unknown.
    pub account: String,
    /// Port on the host it went to, 0 when unknown.
    pub port: u16,
    /// When, µs.
    pub time_us: i64,
    /// How sure, 0–100.
    pub confidence: u8,
    /// In words.
    pub reason: String,
    /// Ids of alerts and events.
    pub evidence: Vec<String>,
}

/// Where the attack is commanded from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainControl {
    /// Address or domain.
    pub value: String,
    /// Port, 0 when unknown.
    pub port: u16,
    /// Agents of the hosts that talk to it.
    pub hosts: Vec<String>,
    /// Their names, in step with `hosts`.
    pub host_names: Vec<String>,
    /// Why: `indicator`, `beacon`, `reverse-shell`, `rule`.
    pub why: Vec<String>,
    /// Middle time between contacts of a beacon, µs; 0 when there is no rhythm.
    pub period_us: i64,
    /// Middle deviation from it, percent of the period.
    pub jitter_percent: u8,
    /// Contacts seen.
    pub contacts: u32,
    /// First contact, µs.
    pub first_us: i64,
    /// Last contact, µs.
    pub last_us: i64,
    /// How sure, 0–100.
    pub confidence: u8,
    /// Ids of alerts and events.
    pub evidence: Vec<String>,
}

/// What the attack was after, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainImpact {
    /// ATT&CK tactic: `credential-access`, `collection`, `exfiltration`, `impact`.
    pub tactic: String,
    /// ATT&CK technique.
    pub technique: String,
    /// Title of the alert.
    pub title: String,
    /// The same in Chinese, empty when there is none.
    pub title_zh: String,
    /// Agent.
    pub host: String,
    /// Its name.
    pub host_name: String,
    /// When, µs.
    pub time_us: i64,
    /// How sure, 0–100.
    pub confidence: u8,
    /// Ids of alerts.
    pub evidence: Vec<String>,
}

/// Who may be behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainActor {
    /// ATT&CK or STIX id.
    pub id: String,
    /// Name.
    pub name: String,
    /// `actor` or `software`.
    pub kind: String,
    /// How sure, 0–100.
    pub confidence: u8,
}

/// The attack chain of one incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    /// Id of the incident.
    pub incident: String,
    /// Its title.
    pub title: String,
    /// Its severity.
    pub severity: crate::Severity,
    /// Where it stands.
    pub status: crate::IncidentStatus,
    /// First and last event, µs.
    pub first_us: i64,
    /// Last event, µs.
    pub last_us: i64,
    /// Drill it belongs to, empty for real ones.
    pub drill: String,
    /// Things, in the order they were first seen.
    pub nodes: Vec<ChainNode>,
    /// What they did, in the order of time, at the same time in the order of tactics.
    pub edges: Vec<ChainEdge>,
    /// How it came in; `None` only for an incident without alerts.
    pub entry: Option<ChainEntry>,
    /// From host to host, in the order of time.
    pub spread: Vec<ChainStep>,
    /// Where it is commanded from, the surest first.
    pub control: Vec<ChainControl>,
    /// What it was after, in the order of time.
    pub impact: Vec<ChainImpact>,
    /// Every reason that ties two hosts.
    pub joins: Vec<Join>,
    /// Who may be behind it, the surest first.
    pub actors: Vec<ChainActor>,
    /// Whether the graph was cut at its limits.
    pub cut: bool,
}
