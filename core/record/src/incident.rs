//! An incident: alerts that belong together, in the order of the attack.

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentStatus {
    /// Nobody and nothing has acted yet.
    Open,
    /// An action was applied and read back.
    Contained,
    /// A person or a playbook closed it.
    Closed,
}

/// One step of the attack: the alerts of one ATT&CK tactic.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stage {
    /// Tactic short name.
    pub tactic: String,
    /// Techniques seen.
    pub techniques: Vec<String>,
    /// First time, µs.
    pub first_us: i64,
    /// Alerts of this stage.
    pub alerts: Vec<String>,
}

/// Alerts that belong together.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Incident {
    /// `INC-` and the id of its first alert: derived, so a replay makes the same incident.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// The worst severity of its alerts.
    pub severity: crate::Severity,
    /// Where it stands.
    pub status: IncidentStatus,
    /// First event, µs.
    pub first_us: i64,
    /// Last event, µs.
    pub last_us: i64,
    /// Hosts (agent ids) in the order they joined.
    pub hosts: Vec<String>,
    /// Accounts (user names or `uid N`).
    pub accounts: Vec<String>,
    /// Keys of the processes that alerts were about, as `agent:key`.
    pub processes: Vec<String>,
    /// The attack chain in ATT&CK order.
    pub stages: Vec<Stage>,
    /// Alert ids in time order.
    pub alerts: Vec<String>,
    /// Ids of orders given for it.
    pub orders: Vec<String>,
    /// Why each alert joined: `same process tree`, `same account within 10 min` …, in step with `alerts`.
    pub reasons: Vec<String>,
    /// Drill it belongs to, empty for real ones.
    pub drill: String,
    /// What ties its hosts to each other, the first to the last that was found.
    #[serde(default)]
    pub joins: Vec<crate::Join>,
}
