//! Orders that the controller gives to its own hands: each with a lease, a reason and the attack it belongs to.

use base::{Clock, Random};
use ddos::{Level, Prefix, Signature};
use record::{ActionKind, Order, OrderMode, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Who gives the controller's own orders.
pub const CONTROLLER: &str = "scrubber";

/// Makes orders.
#[derive(Clone)]
pub struct Orders {
    agent: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Why an order is given.
#[derive(Debug, Clone, Default)]
pub struct Reason {
    /// The rule, or the account behind the socket.
    pub by: String,
    /// For the ledger.
    pub text: String,
    /// Alert that led to it, empty when none.
    pub alert: String,
}

impl Orders {
    /// For this agent (32 hexadecimal digits, empty without a server).
    pub fn new(agent: String, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Orders {
        Orders { agent, clock, random }
    }

    /// Defend a destination at a level.
    pub fn level(&self, destination: Prefix, level: Level, lease: Duration, reason: &Reason) -> Order {
        let parameters = [("destination", destination.to_string()), ("level", level.word().to_string())];
        self.apply(ActionKind::ScrubLevel, parameters, lease, reason)
    }

    /// Drop what a signature matches.
    pub fn filter(&self, signature: &Signature, lease: Duration, reason: &Reason) -> Order {
        // A signature is numbers and texts: it always has a form in JSON.
        let text = serde_json::to_string(signature).unwrap_or_default();
        let parameters = [("destination", signature.destination.to_string()), ("signature", text)];
        self.apply(ActionKind::ScrubFilter, parameters, lease, reason)
    }

    /// Drop everything from a source.
    pub fn block(&self, source: std::net::IpAddr, lease: Duration, reason: &Reason) -> Order {
        self.apply(ActionKind::Block, [("address", source.to_string())], lease, reason)
    }

    /// Tell routers upstream to drop what a rule matches.
    pub fn flowspec(&self, rule: String, lease: Duration, reason: &Reason) -> Order {
        self.apply(ActionKind::Flowspec, [("rule", rule)], lease, reason)
    }

    /// Tell routers upstream to drop everything for a destination.
    pub fn blackhole(&self, prefix: Prefix, lease: Duration, reason: &Reason) -> Order {
        self.apply(ActionKind::Blackhole, [("prefix", prefix.to_string())], lease, reason)
    }

    /// Move a name.
    pub fn switch(
        &self,
        zone: &str,
        name: &str,
        (from, to): (String, String),
        lease: Duration,
        reason: &Reason,
    ) -> Order {
        let parameters = [("zone", zone.to_string()), ("name", name.to_string()), ("from", from), ("to", to)];
        self.apply(ActionKind::SwitchDns, parameters, lease, reason)
    }

    /// Take an order back.
    pub fn undo(&self, order: &str, reason: &Reason) -> Order {
        let mut undo = self.order(ActionKind::Unknown, BTreeMap::new(), 0, reason);
        (undo.mode, undo.undoes) = (OrderMode::Undo as i32, order.to_string());
        undo
    }

    fn apply<const N: usize>(
        &self,
        kind: ActionKind,
        parameters: [(&str, String); N],
        lease: Duration,
        reason: &Reason,
    ) -> Order {
        let parameters = parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        self.order(kind, parameters, lease.as_secs().max(1), reason)
    }

    fn order(&self, kind: ActionKind, parameters: BTreeMap<String, String>, lease_s: u64, reason: &Reason) -> Order {
        let mut id = [0; 10];
        self.random.fill(&mut id);
        Order {
            id: format!("ord-{}", hex::encode(id)),
            agent: self.agent.clone(),
            action: kind as i32,
            mode: OrderMode::Apply as i32,
            parameters,
            lease_s,
            // Made here: its receipt carries it, so that the server can seal it, whoever asked.
            origin: Origin::Rule as i32,
            by: reason.by.clone(),
            reason: reason.text.clone(),
            alert: reason.alert.clone(),
            incident: String::new(),
            issued_us: self.clock.wall(),
            undoes: String::new(),
        }
    }
}
