//! Remediation Activity (7001) and its kinds for files (7002), processes (7003) and networks (7004).

use super::draft::{Draft, Head, millis};
use super::parts::{self, REGULAR};
use crate::{ActionKind, Host, Order, OrderMode, ProcessKey, Receipt, ReceiptState, Severity};
use serde_json::{Value, json};

/// `activity_id` Isolate.
const ISOLATE: u32 = 1;
/// `activity_id` Evict.
const EVICT: u32 = 2;
/// `activity_id` Restore.
const RESTORE: u32 = 3;
/// `activity_id` Harden.
const HARDEN: u32 = 4;
/// `activity_id` Detect.
const DETECT: u32 = 5;
/// `observable.type_id` of a host name.
const HOSTNAME: u32 = 1;
/// `observable.type_id` of an address.
const IP_ADDRESS: u32 = 2;
/// `observable.type_id` of a prefix.
const SUBNET: u32 = 12;

/// What became of an order. `order` is the order that the receipt answers; an order made on the host travels in
/// the receipt and needs not be given. Without any order the class is the general 7001.
pub fn receipt(host: &Host, receipt: &Receipt, order: Option<&Order>) -> Value {
    let order = order.or(receipt.local_order.as_ref());
    let mut draft = Draft::new();
    draft.profile("host");
    draft.set("device", parts::device(host, &receipt.agent));
    draft.set("command_uid", receipt.order.as_str());
    let (class, mut activity) = order.map_or((7001, super::class::OTHER), |order| subject(&mut draft, order));
    let undo = order.is_some_and(|order| order.mode() == OrderMode::Undo);
    if undo || matches!(receipt.state(), ReceiptState::Undone | ReceiptState::Expired) {
        activity = RESTORE;
    }
    status(&mut draft, receipt);
    if let Some(order) = order {
        said(&mut draft, order);
    }
    if !receipt.touched.is_empty() {
        draft.other("touched", receipt.touched.clone());
    }
    if !receipt.observed.is_empty() {
        draft.other("observed", receipt.observed.clone());
    }
    draft.set("duration", receipt.took_us / 1000);
    if receipt.lease_ends_us != 0 {
        draft.other("lease_ends", millis(receipt.lease_ends_us));
    }
    let uid = format!("{}/{}", receipt.order, receipt.state as u8);
    let (severity, time_us) = (Severity::Informational, receipt.time_us);
    draft.finish(&Head { class, activity, severity, time_us, uid: &uid, sequence: None })
}

/// Class and activity, and the object acted on.
fn subject(draft: &mut Draft, order: &Order) -> (u32, u32) {
    let parameter = |name: &str| order.parameters.get(name).map_or("", String::as_str);
    match order.action() {
        ActionKind::KillTree => {
            draft.set("process", process(parameter("process")));
            (7003, EVICT)
        }
        ActionKind::Freeze => {
            draft.set("process", process(parameter("process")));
            (7003, ISOLATE)
        }
        ActionKind::Quarantine => {
            draft.set("file", Value::Object(parts::path(parameter("path"), REGULAR)));
            (7002, ISOLATE)
        }
        ActionKind::DenyExec => {
            let (path, hash) = (parameter("path"), parameter("sha256"));
            let mut file = parts::path(if path.is_empty() { hash } else { path }, parts::EXECUTABLE);
            if path.is_empty() {
                // Named by its content alone: the schema wants a name, but there is no path to give.
                file.remove("path");
            }
            if !hash.is_empty() {
                let hash = json!([{"algorithm_id": 3, "algorithm": "SHA-256", "value": hash}]);
                file.insert("hashes".to_owned(), hash);
            }
            draft.set("file", Value::Object(file));
            (7002, HARDEN)
        }
        ActionKind::Isolate => {
            draft.set("connection_info", json!({"direction_id": 0}));
            (7004, ISOLATE)
        }
        ActionKind::Block => {
            network(draft, "address", parameter("address"));
            (7004, ISOLATE)
        }
        ActionKind::Blackhole => {
            network(draft, "prefix", parameter("prefix"));
            (7004, ISOLATE)
        }
        ActionKind::ScrubLevel | ActionKind::ScrubFilter => {
            network(draft, "destination", parameter("destination"));
            (7004, ISOLATE)
        }
        ActionKind::Flowspec => {
            draft.set("connection_info", json!({"direction_id": 0}));
            (7004, ISOLATE)
        }
        ActionKind::SwitchDns => {
            draft.set("connection_info", json!({"direction_id": 0}));
            let name = parameter("name");
            draft.set("observables", json!([{"name": "name", "type_id": HOSTNAME, "value": name}]));
            (7004, HARDEN)
        }
        ActionKind::Export => (7001, DETECT),
        ActionKind::Unknown => (7001, super::class::OTHER),
    }
}

/// The address or prefix that is acted on, whichever way traffic goes.
fn network(draft: &mut Draft, name: &str, value: &str) {
    draft.set("connection_info", json!({"direction_id": 0}));
    let kind = if value.contains('/') { SUBNET } else { IP_ADDRESS };
    draft.set("observables", json!([{"name": name, "type_id": kind, "value": value}]));
}

/// A process named by its key; a key that does not parse is kept as text.
fn process(key: &str) -> Value {
    match key.parse::<ProcessKey>() {
        Ok(parsed) => json!({"pid": parsed.pid(), "uid": key}),
        Err(_) => json!({"uid": key}),
    }
}

/// OCSF knows success and failure; the finer state is in `status_detail` and `unmapped`.
fn status(draft: &mut Draft, receipt: &Receipt) {
    let (id, caption, state) = match receipt.state() {
        ReceiptState::Planned => (99, "Planned", "planned"),
        ReceiptState::Applied => (99, "Applied, not read back", "applied"),
        ReceiptState::Verified => (1, "Success", "verified"),
        ReceiptState::Refused => (2, "Failure", "refused"),
        ReceiptState::Failed => (2, "Failure", "failed"),
        ReceiptState::Undone => (1, "Success", "undone"),
        ReceiptState::Expired => (1, "Success", "expired"),
    };
    draft.set("status_id", id);
    draft.set("status", caption);
    draft.text("status_code", &receipt.fault);
    draft.text("status_detail", &receipt.message);
    draft.other("state", state);
}

/// What the order said.
fn said(draft: &mut Draft, order: &Order) {
    if !order.reason.is_empty() {
        draft.set("message", order.reason.as_str());
    }
    let parameters = order.parameters.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
    draft.other("action", order.action().word());
    draft.other("parameters", Value::Object(parameters.collect()));
    draft.other("by", order.by.as_str());
    draft.other("alert", order.alert.as_str());
    draft.other("incident", order.incident.as_str());
    draft.other("undoes", order.undoes.as_str());
}
