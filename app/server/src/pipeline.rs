//! The walk of a durable frame: alerts, incidents, receipts, ledger, lake.
//!
//! A frame may come twice (replay after a crash): every step finds out what it did before and does it once. The lake is
//! last, because what it has committed is never walked again.

use super::attack;
use super::book::Book;
use super::chain;
use super::fault;
use super::hub::Hub;
use super::memory::{self, Shared};
use api::Live;
use api::tables::{self, ALERT_KEYS, OPEN_ORDERS, ORDERS, OpenOrder, RECEIPTS, StoredAlert};
use api::view::Draft;
use async_trait::async_trait;
use base::{Fault, Lang, Result};
use correlate::{Change, Correlator};
use holdings::Posture;
use lake::{Arrived, Lake};
use port::Tables;
use record::{
    Activity, AgentId, Alert, Batch, EventId, Frame, Host, Incident, Lane, Order, Origin, Receipt, ReceiptState,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use tokio::sync::broadcast;

pub use super::memory::restore;

/// Who is told of alerts that are new, once each.
#[async_trait]
pub trait Notice: Send + Sync {
    /// These alerts are stored now and were not before.
    async fn alerts(&self, alerts: &[&Alert]) -> Result<()>;
}

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
    pub correlator: Shared,
    /// Who else learns of new alerts.
    pub notice: OnceLock<Arc<dyn Notice>>,
    /// What is on the hosts.
    pub posture: OnceLock<Arc<Posture>>,
}

impl Pipeline {
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
        self.alerts(&host, &alerts).await?;
        for alert in &alerts {
            for (host, alert) in attack::took_part(&self.hub, &self.lake, alert).await {
                self.alerts(&host, &[alert]).await?;
            }
        }
        for receipt in receipts {
            self.receipt(agent, receipt).await?;
        }
        if let Some(posture) = self.posture.get() {
            posture.observe(&agent.to_string(), &host.name, &events).await?;
        }
        self.ways(agent, frame, lane, &host, &events).await?;
        let lost: Vec<record::Lost> = events.iter().filter_map(loss).cloned().collect();
        let shown = self.views(agent, frame, lane, &host, &events);
        self.lake.append(Arrived {
            agent,
            boot: frame.boot,
            lane,
            first_seq: frame.first_seq,
            count: frame.count,
            host,
            events,
            alerts,
            samples,
            wal_offset: wal_end,
        })?;
        lost.iter().for_each(|lost| self.hub.lost(agent, &lost.class, lost.count));
        shown.into_iter().for_each(|view| self.show("event", view));
        Ok(())
    }

    /// Events for those who watch; costs nothing when nobody does.
    fn views(&self, agent: AgentId, frame: &Frame, lane: Lane, host: &Host, events: &[record::Event]) -> Vec<Value> {
        if self.live.receiver_count() == 0 {
            return Vec::new();
        }
        let id = |event: &record::Event| EventId { agent, boot: frame.boot, lane, seq: event.seq };
        events.iter().map(|event| record::ocsf::event(host, &id(event), event)).collect()
    }

    fn show(&self, kind: &str, json: Value) {
        // Nobody listening is no fault.
        let _ = self.live.send(Live { kind: kind.to_string(), json });
    }

    fn show_incidents(&self, incidents: &[Incident]) {
        for incident in incidents {
            self.show("incident", serde_json::to_value(incident).unwrap_or_default());
        }
    }

    /// Stores the alerts of a frame and what they make of the incidents, in one commit.
    async fn alerts(&self, host: &Host, alerts: &[Alert]) -> Result<()> {
        let mut fresh = Vec::new();
        for alert in alerts {
            if self.tables.get(ALERT_KEYS, &alert.id).await?.is_none() {
                fresh.push(alert);
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        let _turn = memory::turn(&self.correlator).await;
        let changed: BTreeSet<String> = {
            let mut memory = memory::lock(&self.correlator);
            let mut observe = |alert: &&Alert| {
                let id = memory.change(|correlator| Some(correlator.observe(alert, host)));
                // Its evidence may be the very connection or login that ties it to another host.
                let evidence = alert.evidence.clone().unpack(0).unwrap_or_default();
                let told = |event| (alert.id.clone(), event);
                memory.changes(|correlator| seen(correlator, &alert.agent, host, evidence.iter().map(told)));
                id
            };
            fresh.iter().filter_map(&mut observe).collect()
        };
        let upkeep = memory::upkeep(&self.correlator, &*self.tables, &changed).await?;
        let stored = |alert: &&Alert| StoredAlert::new((*alert).clone(), record::ocsf::alert(host, alert));
        let stored: Vec<StoredAlert> = fresh.iter().map(stored).collect();
        let mut writes = upkeep.writes.clone();
        writes.extend(stored.iter().flat_map(StoredAlert::writes));
        writes.extend(fresh.iter().map(|alert| chain::evidence_write(alert)));
        self.tables.commit(writes).await?;
        memory::committed(&self.correlator, &upkeep);
        if let Some(notice) = self.notice.get()
            && let Err(fault) = notice.alerts(&fresh).await
        {
            // The alerts are stored; what was to be noted of them is a help, not a promise.
            tracing::warn!(fault = %fault.inside(), "new alerts were not noted");
        }
        for alert in &stored {
            self.show("alert", serde_json::to_value(alert).unwrap_or_default());
        }
        self.show_incidents(&upkeep.incidents);
        Ok(())
    }

    /// Tells the correlator of connections and logins, and stores what they link.
    async fn ways(
        &self,
        agent: AgentId,
        frame: &Frame,
        lane: Lane,
        host: &Host,
        events: &[record::Event],
    ) -> Result<()> {
        let id = |event: &record::Event| EventId { agent, boot: frame.boot, lane, seq: event.seq }.to_string();
        let told = events.iter().filter(|event| correlate::tells_of_ways(event)).map(|event| (id(event), event));
        let told: Vec<(String, &record::Event)> = told.collect();
        self.told(&agent.to_string(), host, told).await
    }

    /// Events of one host, each with its id, the earliest first.
    pub(crate) async fn told(&self, agent: &str, host: &Host, events: Vec<(String, &record::Event)>) -> Result<()> {
        let _turn = memory::turn(&self.correlator).await;
        let waits = memory::lock(&self.correlator).changes(|correlator| {
            correlator.host(agent, host);
            seen(correlator, agent, host, events.into_iter())
        });
        if !waits {
            return Ok(());
        }
        let upkeep = memory::upkeep(&self.correlator, &*self.tables, &BTreeSet::new()).await?;
        self.tables.commit(upkeep.writes.clone()).await?;
        memory::committed(&self.correlator, &upkeep);
        self.show_incidents(&upkeep.incidents);
        Ok(())
    }

    /// Stores alerts that the server itself raised: about the past.
    pub async fn found(&self, host: &Host, alerts: &[Alert]) -> Result<()> {
        self.alerts(host, alerts).await
    }

    async fn receipt(&self, agent: AgentId, mut receipt: Receipt) -> Result<()> {
        receipt.agent = agent.to_string();
        if let Some(local) = &mut receipt.local_order
            && local.agent.is_empty()
        {
            local.agent = receipt.agent.clone();
        }
        let item = self.tables.get(ORDERS, &receipt.order).await?;
        let known = item.is_some();
        let order = item.and_then(|item| serde_json::from_slice::<Order>(&item.value).ok());
        if let Err(fault) = belongs(&receipt, known, order.as_ref()) {
            tracing::warn!(fault = %fault.inside(), "a receipt was refused");
            self.hub.lost(agent, "refused-receipt", 1);
            return Ok(());
        }
        if self.tables.get(RECEIPTS, &tables::receipt_key(&receipt)).await?.is_some() {
            self.hub.settled(&receipt.agent, &receipt.order);
            return Ok(());
        }
        let _turn = memory::turn(&self.correlator).await;
        if let Some(order) = receipt.local_order.as_ref().filter(|_| !known) {
            self.local_order(order).await?;
        }
        self.store_receipt(&format!("agent:{}", receipt.agent), &receipt).await
    }

    /// Seals and stores a receipt; the order no longer waits for one. To be called in one's turn.
    async fn store_receipt(&self, who: &str, receipt: &Receipt) -> Result<()> {
        let changed = memory::lock(&self.correlator).change(|correlator| correlator.receipt(receipt));
        let upkeep = memory::upkeep(&self.correlator, &*self.tables, &changed.into_iter().collect()).await?;
        let mut writes = tables::receipt_writes(receipt);
        writes.extend(upkeep.writes.iter().cloned());
        let details = json!({
            "state": serde_json::to_value(receipt.state()).unwrap_or_default(),
            "took_us": receipt.took_us,
            "observed": receipt.observed,
            "fault": receipt.fault,
        });
        self.book.seal(who, "order.result", &receipt.order, details, writes).await?;
        memory::committed(&self.correlator, &upkeep);
        self.hub.settled(&receipt.agent, &receipt.order);
        self.show("receipt", serde_json::to_value(receipt).unwrap_or_default());
        self.show_incidents(&upkeep.incidents);
        Ok(())
    }

    /// An order that a rule gave on the host, sealed here when first heard of. To be called in one's turn.
    async fn local_order(&self, order: &Order) -> Result<()> {
        let changed = memory::lock(&self.correlator).change(|correlator| correlator.order_given(&order.alert, order));
        let order = Order { incident: changed.clone().unwrap_or_default(), ..order.clone() };
        let upkeep = memory::upkeep(&self.correlator, &*self.tables, &changed.into_iter().collect()).await?;
        let mut writes = tables::order_writes(&order);
        writes.extend(upkeep.writes.iter().cloned());
        let details = json!({
            "action": order.action().word(),
            "parameters": order.parameters,
            "lease_s": order.lease_s,
            "alert": order.alert,
            "reason": order.reason,
        });
        self.book.seal(&format!("rule:{}", order.by), "order.intent", &order.id, details, writes).await?;
        memory::committed(&self.correlator, &upkeep);
        self.show("order", serde_json::to_value(&order).unwrap_or_default());
        Ok(())
    }

    /// A person's order: intent, order, its waiting and its incident in one commit; then it goes out. One that was given
    /// before is sent again when it still waits.
    pub async fn give(&self, order: Order, intent: Draft, now: i64) -> Result<Order> {
        let _turn = memory::turn(&self.correlator).await;
        if let Some(item) = self.tables.get(ORDERS, &order.id).await? {
            let stored: Order = serde_json::from_slice(&item.value).map_err(|cause| {
                Fault::new(&api::fault::CORRUPT).object(format!("order {}", order.id)).because(cause)
            })?;
            if let Some(item) = self.tables.get(OPEN_ORDERS, &tables::open_key(&stored.agent, &stored.id)).await?
                && let Ok(open) = serde_json::from_slice::<OpenOrder>(&item.value)
            {
                self.hub.ordered(open);
            }
            return Ok(stored);
        }
        self.hub.check(&order.agent)?;
        let subject = if order.incident.is_empty() { &order.alert } else { &order.incident };
        let changed = memory::lock(&self.correlator).change(|correlator| correlator.order_given(subject, &order));
        let upkeep = memory::upkeep(&self.correlator, &*self.tables, &changed.into_iter().collect()).await?;
        let open = OpenOrder { order: order.clone(), since_us: now };
        let mut writes = open.writes();
        writes.extend(upkeep.writes.iter().cloned());
        self.book.seal(&intent.who, &intent.what, &intent.object, intent.details, writes).await?;
        memory::committed(&self.correlator, &upkeep);
        self.hub.ordered(open);
        self.show("order", serde_json::to_value(&order).unwrap_or_default());
        self.show_incidents(&upkeep.incidents);
        Ok(order)
    }

    /// Ends the waiting of orders that no host answered in time, each with a sealed receipt of the server's own.
    pub async fn expire(&self, now: i64) -> Result<()> {
        for open in self.hub.overdue() {
            let Order { id, agent, .. } = &open.order;
            let _turn = memory::turn(&self.correlator).await;
            if self.tables.get(OPEN_ORDERS, &open.key()).await?.is_none() {
                // Answered in the meantime.
                self.hub.settled(agent, id);
                continue;
            }
            let receipt = Receipt {
                order: id.clone(),
                agent: agent.clone(),
                state: ReceiptState::Expired as i32,
                time_us: now,
                fault: fault::ORDER_EXPIRED.id.into(),
                message: Fault::new(&fault::ORDER_EXPIRED).outside(Lang::En),
                ..Receipt::default()
            };
            self.store_receipt("system", &receipt).await?;
        }
        Ok(())
    }

    /// A person closed an incident; what comes later makes a new one.
    pub async fn closed(&self, id: &str) -> Result<()> {
        let _turn = memory::turn(&self.correlator).await;
        memory::lock(&self.correlator).close(id);
        memory::store_closed(&self.correlator, &*self.tables, id).await
    }
}

fn seen<'e>(
    correlator: &mut Correlator,
    agent: &str,
    host: &Host,
    events: impl Iterator<Item = (String, &'e record::Event)>,
) -> Vec<Change> {
    events.flat_map(|(id, event)| correlator.event(agent, host, &id, event)).collect()
}

fn loss(event: &record::Event) -> Option<&record::Lost> {
    match &event.activity {
        Activity::Lost(lost) => Some(lost),
        _ => None,
    }
}

/// Whether a receipt is about an order of the agent that sent it: one that was given to it, or one that a rule gave there.
fn belongs(receipt: &Receipt, known: bool, order: Option<&Order>) -> Result<()> {
    let forged = |expected: &str, found: &str| {
        let fault = Fault::new(&fault::FORGED_RECEIPT).object(format!("receipt of {}", receipt.order));
        Err(fault.expected(expected).found(found))
    };
    if let Some(local) = &receipt.local_order {
        if local.id != receipt.order {
            return forged(&format!("order {}", receipt.order), &local.id);
        }
        if local.agent != receipt.agent {
            return forged(&format!("agent {}", receipt.agent), &local.agent);
        }
        if local.origin() != Origin::Rule {
            return forged("an order that a rule gave", &format!("{:?}", local.origin()));
        }
    }
    match order {
        Some(order) if order.agent == receipt.agent => Ok(()),
        Some(order) => forged(&format!("agent {}", order.agent), &receipt.agent),
        None if known => forged("an order that can be read", "a damaged one"),
        None if receipt.local_order.is_some() => Ok(()),
        None => forged("an order that was given", "none of this id"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_counts_only_for_an_order_of_its_sender() {
        let local = |id: &str, agent: &str, origin: Origin| Order {
            id: id.into(),
            agent: agent.into(),
            origin: origin as i32,
            ..Order::default()
        };
        let receipt = |order: Option<Order>| Receipt {
            order: "ord-1".into(),
            agent: "a".into(),
            local_order: order,
            ..Receipt::default()
        };
        let given = |agent: &str| local("ord-1", agent, Origin::Operator);
        let good = |receipt: &Receipt, order: Option<Order>| belongs(receipt, order.is_some(), order.as_ref()).is_ok();
        assert!(good(&receipt(None), Some(given("a"))));
        assert!(!good(&receipt(None), Some(given("b"))), "another agent's order");
        assert!(!good(&receipt(None), None), "an order that nobody gave");
        assert!(belongs(&receipt(None), true, None).is_err(), "an order that cannot be read");
        assert!(good(&receipt(Some(local("ord-1", "a", Origin::Rule))), None));
        for wrong in [local("ord-2", "a", Origin::Rule), local("ord-1", "b", Origin::Rule), given("a")] {
            assert!(!good(&receipt(Some(wrong)), None));
        }
        assert!(!good(&receipt(Some(local("ord-1", "a", Origin::Rule))), Some(given("b"))));
    }
}
