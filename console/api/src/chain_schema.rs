//! Shapes of the attack chain in the API's document. The records are in `core/record`, which knows nothing of documents.

use utoipa::ToSchema;

/// One reason why alerts of two hosts are in one incident.
#[derive(ToSchema)]
#[schema(as = Join)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct JoinForm {
    /// What ties them.
    kind: String,
    /// Agent of the host it came from; of kinds without a direction the host that showed it first.
    from: String,
    /// Agent of the host it went to.
    to: String,
    /// Alert on `from`.
    from_alert: String,
    /// Alert on `to`.
    to_alert: String,
    /// When, µs.
    time_us: i64,
    /// How sure, 0–100.
    confidence: u8,
    /// The value shared, the account of a login, or the port of a connection.
    value: String,
    /// Port on `to`, 0 when it is about none.
    port: u16,
    /// Ids of events that show it, beside the alerts.
    events: Vec<String>,
    /// In words.
    reason: String,
}

/// A thing in the graph.
#[derive(ToSchema)]
#[schema(as = ChainNode)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct ChainNodeForm {
    /// Unique within the chain.
    id: String,
    /// `host`, `process`, `account`, `address`, `domain`, `file`, `indicator`, `fingerprint`.
    kind: String,
    /// For people.
    label: String,
    /// Agent of the host it is on, empty for what is outside.
    host: String,
    /// First seen, µs; 0 when it has no time.
    time_us: i64,
    /// Alerts about this very thing.
    alerts: Vec<String>,
}

/// What one thing did to another.
#[derive(ToSchema)]
#[schema(as = ChainEdge)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct ChainEdgeForm {
    /// Id of a node.
    from: String,
    /// Id of a node.
    to: String,
    /// `spawned`, `logged-in`, `connected`, `dropped`, `resolved`, `matched`, `shared`.
    kind: String,
    /// When first, µs.
    time_us: i64,
    /// ATT&CK tactic of the alert that shows it, empty when none does.
    tactic: String,
    /// How sure, 0–100.
    confidence: u8,
    /// Ids of alerts and events.
    evidence: Vec<String>,
}

/// Where and how the attack came in.
#[derive(ToSchema)]
#[schema(as = ChainEntry)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct ChainEntryForm {
    /// Agent of the first host.
    host: String,
    /// Its name.
    host_name: String,
    /// `login`, `exploited-service`, `user-application`, `scheduled`, `unknown`.
    how: String,
    /// Address it came from, empty when unknown.
    from: String,
    /// Account that was used, empty when unknown.
    account: String,
    /// Service or application, empty when unknown.
    service: String,
    /// ATT&CK technique, empty when unknown.
    technique: String,
    /// When, µs.
    time_us: i64,
    /// How sure, 0–100.
    confidence: u8,
    /// Ids of alerts and events.
    evidence: Vec<String>,
}

/// One step from host to host.
#[derive(ToSchema)]
#[schema(as = ChainStep)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct ChainStepForm {
    /// Agent of the host it came from.
    from: String,
    /// Its name.
    from_name: String,
    /// Agent of the host it went to.
    to: String,
    /// Its name.
    to_name: String,
    /// What shows it.
    how: String,
    /// ATT&CK technique, empty when unknown.
    technique: String,
    /// Account used, empty when unknown.
    account: String,
    /// Port on the host it went to, 0 when unknown.
    port: u16,
    /// When, µs.
    time_us: i64,
    /// How sure, 0–100.
    confidence: u8,
    /// In words.
    reason: String,
    /// Ids of alerts and events.
    evidence: Vec<String>,
}

/// Where the attack is commanded from.
#[derive(ToSchema)]
#[schema(as = ChainControl)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct ChainControlForm {
    /// Address or domain.
    value: String,
    /// Port, 0 when unknown.
    port: u16,
    /// Agents of the hosts that talk to it.
    hosts: Vec<String>,
    /// Their names, in step with `hosts`.
    host_names: Vec<String>,
    /// Why: `indicator`, `beacon`, `reverse-shell`, `rule`.
    why: Vec<String>,
    /// Middle time between contacts of a beacon, µs; 0 when there is no rhythm.
    period_us: i64,
    /// Middle deviation from it, percent of the period.
    jitter_percent: u8,
    /// Contacts seen.
    contacts: u32,
    /// First contact, µs.
    first_us: i64,
    /// Last contact, µs.
    last_us: i64,
    /// How sure, 0–100.
    confidence: u8,
    /// Ids of alerts and events.
    evidence: Vec<String>,
}

/// What the attack was after, or did.
#[derive(ToSchema)]
#[schema(as = ChainImpact)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct ChainImpactForm {
    /// ATT&CK tactic: `credential-access`, `collection`, `exfiltration`, `impact`.
    tactic: String,
    /// ATT&CK technique.
    technique: String,
    /// Title of the alert.
    title: String,
    /// The same in Chinese, empty when there is none.
    title_zh: String,
    /// Agent.
    host: String,
    /// Its name.
    host_name: String,
    /// When, µs.
    time_us: i64,
    /// How sure, 0–100.
    confidence: u8,
    /// Ids of alerts.
    evidence: Vec<String>,
}

/// Who may be behind it.
#[derive(ToSchema)]
#[schema(as = ChainActor)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct ChainActorForm {
    /// ATT&CK or STIX id.
    id: String,
    /// Name.
    name: String,
    /// `actor` or `software`.
    kind: String,
    /// How sure, 0–100.
    confidence: u8,
}

/// The attack chain of one incident.
#[derive(ToSchema)]
#[schema(as = Chain)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct ChainForm {
    /// Id of the incident.
    incident: String,
    /// Its title.
    title: String,
    /// Its severity.
    severity: String,
    /// Where it stands.
    status: String,
    /// First and last event, µs.
    first_us: i64,
    /// Last event, µs.
    last_us: i64,
    /// Drill it belongs to, empty for real ones.
    drill: String,
    /// Things, in the order they were first seen.
    nodes: Vec<ChainNodeForm>,
    /// What they did, in the order of time, at the same time in the order of tactics.
    edges: Vec<ChainEdgeForm>,
    /// How it came in; `None` only for an incident without alerts.
    entry: Option<ChainEntryForm>,
    /// From host to host, in the order of time.
    spread: Vec<ChainStepForm>,
    /// Where it is commanded from, the surest first.
    control: Vec<ChainControlForm>,
    /// What it was after, in the order of time.
    impact: Vec<ChainImpactForm>,
    /// Every reason that ties two hosts.
    joins: Vec<JoinForm>,
    /// Who may be behind it, the surest first.
    actors: Vec<ChainActorForm>,
    /// Whether the graph was cut at its limits.
    cut: bool,
}
