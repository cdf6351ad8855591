//! Forms of the records in the OpenAPI document. `core/record` knows nothing of OpenAPI, so their fields are named here
//! again; a test compares them with what is really sent.

pub(crate) use crate::chain_schema::{ChainForm, JoinForm};
use crate::story::{Moment, ProcessNode};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An ATT&CK technique.
#[derive(ToSchema)]
#[schema(as = Technique)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct TechniqueForm {
    /// `T1059.004`.
    id: String,
    /// Tactic short names.
    tactics: Vec<String>,
}

/// One field of the event that made the rule match.
#[derive(ToSchema)]
#[schema(as = Match)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct MatchForm {
    field: String,
    value: String,
}

/// What a rule asks for when it matches.
#[derive(ToSchema)]
#[schema(as = Response)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct ResponseForm {
    action: String,
    lease_s: u64,
}

/// An alert with its OCSF form and its processes. Times are µs since the Unix epoch.
#[derive(ToSchema)]
#[schema(as = Alert)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct AlertForm {
    id: String,
    rule: String,
    rule_version: String,
    title: String,
    /// `unknown`, `informational`, `low`, `medium`, `high`, `critical`.
    severity: String,
    techniques: Vec<TechniqueForm>,
    time_us: i64,
    decided_us: i64,
    matches: Vec<MatchForm>,
    responses: Vec<ResponseForm>,
    /// Agent id, 32 hexadecimal digits.
    agent: String,
    /// Name of the drill, empty for a real alert.
    drill: String,
    title_zh: String,
    /// Version of the published set of rules that judged; 0 for rules that came with the agent.
    rule_set: u64,
    /// Host name.
    host: String,
    processes: Vec<ProcessNode>,
    /// OCSF 1.8 detection finding (2004).
    #[schema(value_type = Object)]
    ocsf: serde_json::Value,
}

/// One step of an attack.
#[derive(ToSchema)]
#[schema(as = Stage)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct StageForm {
    tactic: String,
    techniques: Vec<String>,
    first_us: i64,
    alerts: Vec<String>,
}

/// Alerts that belong together. Times are µs since the Unix epoch.
#[derive(ToSchema)]
#[schema(as = Incident)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct IncidentForm {
    id: String,
    title: String,
    severity: String,
    /// `open`, `contained`, `closed`.
    status: String,
    first_us: i64,
    last_us: i64,
    /// Agent ids.
    hosts: Vec<String>,
    accounts: Vec<String>,
    /// `agent:key`.
    processes: Vec<String>,
    stages: Vec<StageForm>,
    alerts: Vec<String>,
    orders: Vec<String>,
    /// Why each alert joined, in step with `alerts`.
    reasons: Vec<String>,
    drill: String,
    /// What ties its hosts to each other; absent when there is one.
    joins: Vec<JoinForm>,
}

/// An incident with its alerts, orders, process tree and timeline.
#[derive(ToSchema)]
#[schema(as = IncidentView)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct IncidentViewForm {
    #[serde(flatten)]
    incident: IncidentForm,
    /// The alerts themselves, in time order.
    findings: Vec<AlertForm>,
    actions: Vec<OrderViewForm>,
    tree: Vec<ProcessNode>,
    timeline: Vec<Moment>,
}

/// An order to one host.
#[derive(ToSchema)]
#[schema(as = Order)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct OrderForm {
    id: String,
    /// Agent id, 32 hexadecimal digits.
    agent: String,
    /// `kill-tree`, `freeze`, `quarantine`, `isolate`, `block`, `deny-exec`, `export`; of a gateway `block`,
    /// `scrub-level`, `scrub-filter`, `flowspec`, `blackhole`, `switch-dns`.
    action: String,
    /// `dry-run`, `apply`, `undo`.
    mode: String,
    parameters: BTreeMap<String, String>,
    lease_s: u64,
    /// `operator`, `rule`, `playbook`.
    origin: String,
    by: String,
    reason: String,
    alert: String,
    incident: String,
    issued_us: i64,
    /// The order taken back, for `undo`.
    undoes: String,
}

/// What became of an order.
#[derive(ToSchema)]
#[schema(as = Receipt)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct ReceiptForm {
    order: String,
    agent: String,
    /// `planned`, `applied`, `verified`, `refused`, `failed`, `undone`, `expired`.
    state: String,
    time_us: i64,
    took_us: u64,
    touched: Vec<String>,
    observed: Vec<String>,
    fault: String,
    message: String,
    lease_ends_us: i64,
    local_order: Option<OrderForm>,
}

/// An order with its receipts.
#[derive(ToSchema)]
#[schema(as = OrderView)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct OrderViewForm {
    #[serde(flatten)]
    order: OrderForm,
    /// `waiting` until the host answers, then the state of its newest receipt.
    state: String,
    receipts: Vec<ReceiptForm>,
}

/// One line of the ledger.
#[derive(ToSchema)]
#[schema(as = Entry)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct EntryForm {
    seq: u64,
    time_us: i64,
    who: String,
    what: String,
    object: String,
    /// Canonical JSON as text.
    details: String,
    previous: String,
    hash: String,
}

/// A column of an answer.
#[derive(ToSchema)]
#[schema(as = Column)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct ColumnForm {
    name: String,
    kind: String,
}

/// An answer to a SQL question.
#[derive(ToSchema)]
#[schema(as = Rows)]
#[allow(dead_code, reason = "read by the derive only")]
pub(crate) struct RowsForm {
    columns: Vec<ColumnForm>,
    /// Rows, each as long as `columns`.
    #[schema(value_type = Vec<Vec<Object>>)]
    rows: Vec<Vec<serde_json::Value>>,
    /// Whether rows were left out because of the limit.
    cut: bool,
}
