//! An incident told whole: its alerts, the tree of processes, and everything in the order of time. Pure.

use crate::tables::StoredAlert;
use record::{ActionKind, Batch, Incident, Order, OrderMode, ProcessKey, Receipt, ReceiptState};
use std::collections::BTreeMap;

/// One process of an incident. A node whose `parent` is not in the list is a root.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct ProcessNode {
    /// `agent:key`; stable, so a reused pid is another node.
    pub id: String,
    /// `id` of the parent, empty when unknown.
    pub parent: String,
    /// [`record::ProcessKey`] as orders take it.
    pub key: String,
    /// Process id.
    pub pid: u32,
    /// Kernel's short name.
    pub name: String,
    /// Path of the executable.
    pub exe: String,
    /// Arguments, joined by spaces.
    pub cmd_line: String,
    /// User name, or `uid N`.
    pub user: String,
    /// Container id, empty on the host.
    pub container: String,
    /// Start, µs since the Unix epoch.
    pub started_us: i64,
    /// Alerts about this very process.
    pub alerts: Vec<String>,
}

impl ProcessNode {
    /// The processes of an alert's evidence, ancestors first; the process of its event carries the alert.
    pub fn of_batch(agent: &str, batch: &Batch, alert: &str) -> Vec<ProcessNode> {
        let subject = batch.events.first().map_or(0, |event| event.process as usize);
        let id = |key: u64| if key == 0 { String::new() } else { format!("{agent}:{}", ProcessKey(key)) };
        let node = |(index, process): (usize, &_)| {
            let info: &record::Process = process;
            let user = &info.user;
            ProcessNode {
                id: id(info.key),
                parent: id(info.parent_key),
                key: info.key().to_string(),
                pid: info.pid(),
                name: info.comm.clone(),
                exe: info.exe.path.clone(),
                cmd_line: info.cmd_line.clone(),
                user: if user.name.is_empty() { format!("uid {}", user.uid) } else { user.name.clone() },
                container: info.container.clone(),
                started_us: info.started_us,
                alerts: if index + 1 == subject { vec![alert.to_string()] } else { Vec::new() },
            }
        };
        batch.processes.iter().map(|process| &process.info).enumerate().map(node).collect()
    }
}

/// One moment of an incident.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Moment {
    /// When, µs since the Unix epoch.
    pub time_us: i64,
    /// `alert`, `order` or `receipt`.
    pub kind: String,
    /// Id of the alert or order.
    pub object: String,
    /// Host name, or the agent's id where the name is not known.
    pub host: String,
    /// Title of the alert; action and mode of the order; state of the receipt.
    pub text: String,
    /// The same in Chinese where the record has it, empty otherwise.
    pub text_zh: String,
    /// Severity of the alert, empty for others.
    pub severity: String,
    /// ATT&CK techniques of the alert; who gave the order; lines touched of the receipt.
    pub notes: Vec<String>,
}

/// Fault code of the receipt that the server itself writes when no host answered an order in time.
pub const NO_ANSWER: &str = "server.order-expired";

/// An order with what became of it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct OrderView {
    /// The order.
    #[serde(flatten)]
    pub order: Order,
    /// `waiting` until the host answers, then the state of its newest receipt.
    #[serde(default)]
    pub state: String,
    /// Its receipts in time order.
    pub receipts: Vec<Receipt>,
}

impl OrderView {
    /// An order with its receipts in time order.
    pub fn new(order: Order, receipts: Vec<Receipt>) -> OrderView {
        let state = newest(&receipts).map_or("waiting".to_string(), |receipt| word(&receipt.state()));
        OrderView { order, state, receipts }
    }

    /// The receipt that says how it stands: what the host said goes before the server's word that it said nothing.
    pub fn newest(&self) -> Option<&Receipt> {
        newest(&self.receipts)
    }
}

fn newest(receipts: &[Receipt]) -> Option<&Receipt> {
    receipts.iter().rfind(|receipt| receipt.fault != NO_ANSWER).or(receipts.last())
}

/// An incident told whole.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct IncidentView {
    /// The incident.
    #[serde(flatten)]
    pub incident: Incident,
    /// Its alerts in time order, in place of their ids in `alerts`.
    pub findings: Vec<StoredAlert>,
    /// Orders given for it, with receipts.
    pub actions: Vec<OrderView>,
    /// Processes of all alerts, each once, ancestors before descendants.
    pub tree: Vec<ProcessNode>,
    /// Everything in the order of time.
    pub timeline: Vec<Moment>,
}

impl IncidentView {
    /// Puts the parts together.
    pub fn new(incident: Incident, findings: Vec<StoredAlert>, actions: Vec<OrderView>) -> IncidentView {
        let tree = tree(&findings);
        let timeline = timeline(&findings, &actions);
        IncidentView { incident, findings, actions, tree, timeline }
    }
}

/// Each process once. Later sightings of the same process fill in what was empty and add their alerts.
fn tree(findings: &[StoredAlert]) -> Vec<ProcessNode> {
    let mut nodes: Vec<ProcessNode> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for node in findings.iter().flat_map(|finding| &finding.processes) {
        match places.get(&node.id) {
            Some(place) => merge(&mut nodes[*place], node),
            None => {
                places.insert(node.id.clone(), nodes.len());
                nodes.push(node.clone());
            }
        }
    }
    nodes
}

/// A process keeps its key over `execve`; the newest image says what it is now.
fn merge(kept: &mut ProcessNode, seen: &ProcessNode) {
    let alerts = std::mem::take(&mut kept.alerts);
    let parent = if seen.parent.is_empty() { kept.parent.clone() } else { seen.parent.clone() };
    *kept = ProcessNode { parent, alerts, ..seen.clone() };
    for alert in &seen.alerts {
        if !kept.alerts.contains(alert) {
            kept.alerts.push(alert.clone());
        }
    }
}

fn timeline(findings: &[StoredAlert], actions: &[OrderView]) -> Vec<Moment> {
    let hosts: BTreeMap<&str, &str> =
        findings.iter().map(|finding| (finding.alert.agent.as_str(), finding.host.as_str())).collect();
    let host = |agent: &str| hosts.get(agent).filter(|name| !name.is_empty()).copied().unwrap_or(agent).to_string();
    let mut moments: Vec<Moment> =
        findings.iter().map(|finding| of_alert(finding, host(&finding.alert.agent))).collect();
    for action in actions {
        moments.push(of_order(&action.order, host(&action.order.agent)));
        moments.extend(action.receipts.iter().map(|receipt| of_receipt(receipt, host(&receipt.agent))));
    }
    moments.sort_by_key(|moment| moment.time_us);
    moments
}

fn of_alert(finding: &StoredAlert, host: String) -> Moment {
    let alert = &finding.alert;
    Moment {
        time_us: alert.time_us,
        kind: "alert".into(),
        object: alert.id.clone(),
        host,
        text: alert.title.clone(),
        text_zh: alert.title_zh.clone(),
        severity: alert.severity().word().into(),
        notes: alert.techniques.iter().map(|technique| technique.id.clone()).collect(),
    }
}

fn of_order(order: &Order, host: String) -> Moment {
    let action = ActionKind::try_from(order.action).unwrap_or(ActionKind::Unknown);
    let mode = OrderMode::try_from(order.mode).unwrap_or(OrderMode::DryRun);
    let mut notes: Vec<String> = order.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !order.by.is_empty() {
        notes.push(format!("by={}", order.by));
    }
    Moment {
        time_us: order.issued_us,
        kind: "order".into(),
        object: order.id.clone(),
        host,
        text: format!("{} {}", action.word(), word(&mode)),
        text_zh: String::new(),
        severity: String::new(),
        notes,
    }
}

fn of_receipt(receipt: &Receipt, host: String) -> Moment {
    let state = ReceiptState::try_from(receipt.state).unwrap_or(ReceiptState::Failed);
    let notes = if receipt.message.is_empty() { receipt.touched.clone() } else { vec![receipt.message.clone()] };
    Moment {
        time_us: receipt.time_us,
        kind: "receipt".into(),
        object: receipt.order.clone(),
        host,
        text: word(&state),
        text_zh: String::new(),
        severity: String::new(),
        notes,
    }
}

/// The word of an enumeration as JSON writes it.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_string)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_goes_before_the_word_that_none_came() {
        let receipt = |state: ReceiptState, time_us, fault: &str| Receipt {
            state: state as i32,
            time_us,
            fault: fault.into(),
            ..Receipt::default()
        };
        let verified = receipt(ReceiptState::Verified, 5, "");
        let silent = receipt(ReceiptState::Expired, 9, NO_ANSWER);
        let state = |receipts: &[Receipt]| OrderView::new(Order::default(), receipts.to_vec()).state;
        assert_eq!(state(&[]), "waiting");
        assert_eq!(state(std::slice::from_ref(&silent)), "expired");
        assert_eq!(state(&[verified, silent]), "verified");
    }
}
