//! The walk of a durable frame: lake, alerts, incidents, receipts, ledger.
//!
//! A frame may come twice (replay after a crash): every step finds out what it did before and does it once.

use super::book::Book;
use super::hub::Hub;
use api::Live;
use api::tables::{self, ALERT_KEYS, ORDERS, RECEIPTS, StoredAlert};
use base::Result;
use correlate::{Change, Correlator, Limits, Saved};
use lake::{Arrived, Lake};
use port::{Tables, Write};
use record::{Activity, AgentId, Alert, Batch, EventId, Frame, Host, Incident, Lane, Order, Receipt};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::broadcast;

/// What the correlator keeps over a restart: key incident id, value JSON [`correlate::Saved`].
const CORRELATION: &str = "correlation";

/// Everything a frame passes on its way.
pub struct Pipeline {
    /// State.
    pub tables: Arc<dyn Tables>,
    /// Ledger.
    pub book: Arc<Book>,
    /// Events.
    pub lake: Arc<Lake>,
    /// Agents.
    pub hub: Arc<Hub>,
    /// Those who watch.
    pub live: broadcast::Sender<Live>,
    /// Alerts into incidents.
    pub correlator: Mutex<Correlator>,
}

impl Pipeline {
    fn correlator(&self) -> MutexGuard<'_, Correlator> {
        self.correlator.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes one opened frame whose log record ends at `wal_end`.
    pub async fn take(&self, agent: AgentId, frame: &Frame, mut batch: Batch, wal_end: u64) -> Result<()> {
        let lane = Lane::try_from(frame.lane).unwrap_or(Lane::Telemetry);
        let host = batch.host.clone();
        let mut alerts = std::mem::take(&mut batch.alerts);
        let receipts = std::mem::take(&mut batch.receipts);
        let samples = std::mem::take(&mut batch.samples);
        let first_alert = frame.first_seq + batch.events.len() as u64;
        for (seq, alert) in (first_alert..).zip(&mut alerts) {
            // Identity and numbers are the certificate's and the frame's, whatever the record says.
            alert.id = EventId { agent, boot: frame.boot, lane, seq }.to_string();
            alert.agent = agent.to_string();
            alert.evidence.host = host.clone();
        }
        let events = batch.unpack(frame.first_seq)?;
        for event in &events {
            if let Activity::Lost(lost) = &event.activity {
                self.hub.lost(agent, &lost.class, lost.count);
            }
        }
        self.show_events(agent, frame, lane, &host, &events);
        self.lake.append(Arrived {
            agent,
            boot: frame.boot,
            lane,
            first_seq: frame.first_seq,
            count: frame.count,
            host: host.clone(),
            events,
            alerts: alerts.clone(),
            samples,
            wal_offset: wal_end,
        })?;
        for alert in alerts {
            self.alert(&host, alert).await?;
        }
        for mut receipt in receipts {
            receipt.agent = agent.to_string();
            self.receipt(receipt).await?;
        }
        Ok(())
    }

    /// Sends events to those who watch; costs nothing when nobody does.
    fn show_events(&self, agent: AgentId, frame: &Frame, lane: Lane, host: &Host, events: &[record::Event]) {
        if self.live.receiver_count() == 0 {
            return;
        }
        for event in events {
            let id = EventId { agent, boot: frame.boot, lane, seq: event.seq };
            self.show("event", record::ocsf::event(host, &id, event));
        }
    }

    fn show(&self, kind: &str, json: serde_json::Value) {
        // Nobody listening is no fault.
        let _ = self.live.send(Live { kind: kind.to_string(), json });
    }

    async fn alert(&self, host: &Host, alert: Alert) -> Result<()> {
        if self.tables.get(ALERT_KEYS, &alert.id).await?.is_some() {
            return Ok(());
        }
        let (change, kept) = self.changed(|correlator| Some(correlator.observe(&alert, host)));
        let stored = StoredAlert::new(alert.clone(), record::ocsf::alert(host, &alert));
        let mut writes = stored.writes();
        writes.extend(kept);
        if let Some(Change::Merged { gone, .. }) = &change {
            writes.extend(self.gone(gone).await?);
        }
        self.tables.commit(writes).await?;
        self.show("alert", serde_json::to_value(&stored).unwrap_or_default());
        self.show_incident(change.as_ref());
        Ok(())
    }

    /// Runs one call on the correlator; gives what it changed and the writes that keep it.
    fn changed(&self, call: impl FnOnce(&mut Correlator) -> Option<Change>) -> (Option<Change>, Vec<Write>) {
        let mut correlator = self.correlator();
        let change = call(&mut correlator);
        let mut writes = Vec::new();
        // Also what is known already is written: the commit of the first time may have failed.
        if let Some(incident) = change.as_ref().and_then(|change| correlator.incident(change.id())) {
            writes.extend(tables::incident_writes(&incident));
            if let Some(saved) = correlator.saved(&incident.id) {
                let value = serde_json::to_vec(&saved).unwrap_or_default().into();
                writes.push(Write::Put { table: CORRELATION, key: incident.id.clone(), value });
            }
        }
        (change, writes)
    }

    fn show_incident(&self, change: Option<&Change>) {
        if let Some(incident) = change.and_then(Change::incident) {
            self.show("incident", serde_json::to_value(incident).unwrap_or_default());
        }
    }

    /// The writes that remove incidents which became part of another.
    async fn gone(&self, ids: &[String]) -> Result<Vec<Write>> {
        let mut writes = Vec::new();
        for id in ids {
            writes.push(Write::Delete { table: CORRELATION, key: id.clone() });
            if let Some(item) = self.tables.get(tables::INCIDENTS, id).await? {
                let gone: Option<Incident> = serde_json::from_slice(&item.value).ok();
                let first_us = gone.map_or(0, |gone| gone.first_us);
                writes.push(Write::Delete { table: tables::INCIDENTS, key: id.clone() });
                writes.push(Write::Delete { table: tables::INCIDENT_TIMES, key: tables::timed(first_us, id) });
            }
        }
        Ok(writes)
    }

    async fn receipt(&self, receipt: Receipt) -> Result<()> {
        let writes = tables::receipt_writes(&receipt);
        if let Some(Write::Put { key, .. }) = writes.first()
            && self.tables.get(RECEIPTS, key).await?.is_some()
        {
            return Ok(());
        }
        if let Some(order) = &receipt.local_order {
            self.local_order(order).await?;
        }
        let (change, kept) = self.changed(|correlator| correlator.receipt(&receipt));
        let mut writes = writes;
        writes.extend(kept);
        let details = json!({
            "state": serde_json::to_value(receipt.state()).unwrap_or_default(),
            "took_us": receipt.took_us,
            "observed": receipt.observed,
            "fault": receipt.fault,
        });
        let who = format!("agent:{}", receipt.agent);
        self.book.seal(&who, "order.result", &receipt.order, details, writes).await?;
        self.show("receipt", serde_json::to_value(&receipt).unwrap_or_default());
        self.show_incident(change.as_ref());
        Ok(())
    }

    /// An order that a rule gave on the host, sealed here when first heard of.
    async fn local_order(&self, order: &Order) -> Result<()> {
        if self.tables.get(ORDERS, &order.id).await?.is_some() {
            return Ok(());
        }
        let (change, mut writes) = self.changed(|correlator| correlator.order_given(&order.alert, order));
        let mut order = order.clone();
        order.incident = change.as_ref().map_or(String::new(), |change| change.id().to_string());
        writes.extend(tables::order_writes(&order));
        let details = json!({
            "action": order.action().word(),
            "parameters": order.parameters,
            "lease_s": order.lease_s,
            "alert": order.alert,
            "reason": order.reason,
        });
        self.book.seal(&format!("rule:{}", order.by), "order.intent", &order.id, details, writes).await?;
        self.show("order", serde_json::to_value(&order).unwrap_or_default());
        Ok(())
    }

    /// An order that a person gave joins its incident.
    pub async fn ordered(&self, order: &Order) -> Result<()> {
        let subject = if order.incident.is_empty() { &order.alert } else { &order.incident };
        let (change, writes) = self.changed(|correlator| correlator.order_given(subject, order));
        self.show_incident(change.as_ref());
        self.tables.commit(writes).await
    }

    /// A person closed an incident; what comes later makes a new one.
    pub async fn closed(&self, id: &str) -> Result<()> {
        self.correlator().close(id);
        self.tables.commit(vec![Write::Delete { table: CORRELATION, key: id.to_string() }]).await
    }
}

/// The correlator as it was.
pub async fn restore(tables: &dyn Tables) -> Result<Correlator> {
    let limits = Limits::default();
    let items = tables.scan(CORRELATION, "", "", limits.incidents).await?;
    let saved = items.iter().filter_map(|item| serde_json::from_slice::<Saved>(&item.value).ok());
    Ok(Correlator::restore(limits, saved))
}
