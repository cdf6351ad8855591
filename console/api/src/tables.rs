//! Names of the state tables and forms of what lies in them. The server's pipeline writes through these, the API reads.

use crate::story::ProcessNode;
use base::{Fault, Result};
use bytes::Bytes;
use port::{Tables, Write};
use record::{Alert, Incident, Order, Receipt};
use serde::de::DeserializeOwned;

/// Alerts: key [`StoredAlert::key`], value JSON [`StoredAlert`].
pub const ALERTS: &str = "alerts";
/// Place of an alert: key alert id, value its key in [`ALERTS`] (plain text).
pub const ALERT_KEYS: &str = "alert-keys";
/// Incidents: key id, value JSON [`record::Incident`].
pub const INCIDENTS: &str = "incidents";
/// Incidents by time: key `{first_us:020}-{id}`, value the id (plain text).
pub const INCIDENT_TIMES: &str = "incident-times";
/// Incidents that became part of another: key id, value the id of the other (plain text), which may be here too.
pub const MERGED: &str = "incident-merged";
/// Orders: key id, value JSON [`record::Order`].
pub const ORDERS: &str = "orders";
/// Orders by time: key `{issued_us:020}-{id}`, value the id (plain text).
pub const ORDER_TIMES: &str = "order-times";
/// Orders that their host has not answered yet: key [`OpenOrder::key`], value JSON [`OpenOrder`].
pub const OPEN_ORDERS: &str = "open-orders";
/// Receipts: key `{order}/{time_us:020}-{state}`, value JSON [`record::Receipt`].
pub const RECEIPTS: &str = "receipts";
/// Agents: key id, value JSON; the app's own form, shown through [`crate::Control::status`].
pub const AGENTS: &str = "agents";
/// Accounts: key name, value JSON [`crate::account::Account`]. Written by the API alone.
pub const ACCOUNTS: &str = "accounts";
/// API tokens: key id, value JSON [`crate::token::Token`]. Written by the API alone.
pub const TOKENS: &str = "tokens";
/// Sessions: key SHA-256 of the cookie, value JSON [`crate::session::Session`]. Written by the API alone.
pub const SESSIONS: &str = "sessions";
/// Idempotency keys: key `{account}/{key}`, value JSON. Written by the API alone.
pub const IDEMPOTENCY: &str = "idempotency";

/// An alert as it is stored and shown: the record, its OCSF form and the processes it was about.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct StoredAlert {
    /// The record; its evidence is not in its JSON, hence `processes`.
    #[serde(flatten)]
    pub alert: Alert,
    /// Host name.
    #[serde(default)]
    pub host: String,
    /// The process and its ancestors, ancestors first.
    #[serde(default)]
    pub processes: Vec<ProcessNode>,
    /// OCSF 1.8 detection finding.
    #[serde(default)]
    pub ocsf: serde_json::Value,
}

impl StoredAlert {
    /// From a record as it came from an agent, evidence included, and its OCSF form.
    pub fn new(alert: Alert, ocsf: serde_json::Value) -> StoredAlert {
        let processes = ProcessNode::of_batch(&alert.agent, &alert.evidence, &alert.id);
        StoredAlert { host: alert.evidence.host.name.clone(), alert, processes, ocsf }
    }

    /// Key in [`ALERTS`]: sorts by time.
    pub fn key(&self) -> String {
        timed(self.alert.time_us, &self.alert.id)
    }

    /// The writes that store it.
    pub fn writes(&self) -> Vec<Write> {
        let key = self.key();
        let place = Write::Put { table: ALERT_KEYS, key: self.alert.id.clone(), value: key.clone().into() };
        vec![Write::Put { table: ALERTS, key, value: json(self) }, place]
    }
}

/// An order that is sent again and again until its host answers or its time is over.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct OpenOrder {
    /// The order.
    pub order: Order,
    /// Since when it waits, µs, server's clock.
    pub since_us: i64,
}

impl OpenOrder {
    /// Key in [`OPEN_ORDERS`].
    pub fn key(&self) -> String {
        open_key(&self.order.agent, &self.order.id)
    }

    /// The writes that store an order together with its waiting; a conflict when the order is there already.
    pub fn writes(&self) -> Vec<Write> {
        let mut writes = order_writes(&self.order);
        let (key, value) = (self.order.id.clone(), json(&self.order));
        writes.retain(|write| !matches!(write, Write::Put { table, .. } if *table == ORDERS));
        writes.push(Write::PutIf { table: ORDERS, key, value, version: 0 });
        writes.push(Write::Put { table: OPEN_ORDERS, key: self.key(), value: json(self) });
        writes
    }
}

/// Key of an order of an agent in [`OPEN_ORDERS`].
pub fn open_key(agent: &str, order: &str) -> String {
    format!("{agent}/{order}")
}

/// Most incidents that became part of each other one after the other.
const MERGES: usize = 64;

/// An incident, or the one that it became part of.
pub async fn incident(tables: &dyn Tables, id: &str) -> Result<Incident> {
    let mut wanted = id.to_owned();
    for _ in 0..MERGES {
        if let Some(incident) = find(tables, INCIDENTS, &wanted).await? {
            return Ok(incident);
        }
        let Some(into) = tables.get(MERGED, &wanted).await? else { break };
        wanted = String::from_utf8_lossy(&into.value).into_owned();
    }
    Err(Fault::new(&crate::fault::MISSING).object(format!("{INCIDENTS} {id}")))
}

/// The writes that store an incident.
pub fn incident_writes(incident: &Incident) -> Vec<Write> {
    let time = Write::Put {
        table: INCIDENT_TIMES,
        key: timed(incident.first_us, &incident.id),
        value: incident.id.clone().into(),
    };
    vec![Write::Put { table: INCIDENTS, key: incident.id.clone(), value: json(incident) }, time]
}

/// The writes that store an order.
pub fn order_writes(order: &Order) -> Vec<Write> {
    let time =
        Write::Put { table: ORDER_TIMES, key: timed(order.issued_us, &order.id), value: order.id.clone().into() };
    vec![Write::Put { table: ORDERS, key: order.id.clone(), value: json(order) }, time]
}

/// Key of a receipt: two states of one order may fall into the same microsecond.
pub fn receipt_key(receipt: &Receipt) -> String {
    format!("{}/{:020}-{}", receipt.order, receipt.time_us.max(0), receipt.state)
}

/// The writes that store a receipt; the order no longer waits for an answer.
pub fn receipt_writes(receipt: &Receipt) -> Vec<Write> {
    let answered = Write::Delete { table: OPEN_ORDERS, key: open_key(&receipt.agent, &receipt.order) };
    vec![Write::Put { table: RECEIPTS, key: receipt_key(receipt), value: json(receipt) }, answered]
}

/// A key that sorts by time. Times before 1970 count as 1970.
pub fn timed(time_us: i64, id: &str) -> String {
    format!("{:020}-{id}", time_us.max(0))
}

/// A document as JSON bytes. Our own types have string keys only, so this cannot fail; an empty document would
/// show as corrupt when read.
pub(crate) fn json(value: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}

/// A stored document as its type; one that does not parse is corrupt.
pub(crate) fn parse<T: DeserializeOwned>(table: &'static str, item: &port::Item) -> Result<T> {
    let corrupt = |cause| Fault::new(&crate::fault::CORRUPT).object(format!("{table}/{}", item.key)).because(cause);
    serde_json::from_slice(&item.value).map_err(corrupt)
}

/// One document, `None` when absent.
pub async fn find<T: DeserializeOwned>(tables: &dyn Tables, table: &'static str, key: &str) -> Result<Option<T>> {
    tables.get(table, key).await?.map(|item| parse(table, &item)).transpose()
}

/// One document; an absent one is a fault that names it.
pub(crate) async fn load<T: DeserializeOwned>(tables: &dyn Tables, table: &'static str, key: &str) -> Result<T> {
    find(tables, table, key).await?.ok_or_else(|| Fault::new(&crate::fault::MISSING).object(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::ReceiptState;

    #[test]
    fn two_states_of_one_microsecond_are_two_receipts_in_order() {
        let receipt = |state: ReceiptState| Receipt {
            order: "ord-1".into(),
            time_us: 7,
            state: state as i32,
            ..Receipt::default()
        };
        let keys = [ReceiptState::Applied, ReceiptState::Verified].map(|state| receipt_key(&receipt(state)));
        assert!(keys[0] < keys[1], "{keys:?}");
    }
}
