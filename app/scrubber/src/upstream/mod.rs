//! When filtering here is too late: what is told to routers upstream, and names that move.
//!
//! At level [`Level::Upstream`] each signature becomes a FlowSpec rule. When the link stays full all the same, the address is
//! given up: a blackhole, which policy usually leaves to a person.

mod routers;
mod rule;

pub use routers::Routers;

use crate::config::{Decide, Policy};
use crate::names::Names;
use crate::orders::{CONTROLLER, Orders, Reason};
use crate::outbox::Outbox;
use crate::place::Place;
use crate::status;
use base::Micros;
use ddos::{Judgement, Level, Prefix};
use record::{Order, Receipt, ReceiptState};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long the link may be full at the highest level before an address is given up, µs.
const GIVE_UP_US: Micros = 30_000_000;
/// A link that has been free for longer is full anew, µs.
const PAUSE_US: Micros = 5_000_000;
/// What was refused is not ordered again before, µs.
const AGAIN_US: Micros = 10_000_000;
/// An order is renewed when its lease has less left than this part.
const RENEW: Micros = 4;

/// See the module.
pub struct Upstream {
    routers: Arc<Routers>,
    names: Arc<Names>,
    policy: Policy,
    /// Orders that stand, by destination and what they say.
    standing: BTreeMap<(Prefix, String), Standing>,
    /// Since when, and until when, each destination has filled its link at the highest level.
    full: BTreeMap<Prefix, (Micros, Micros)>,
    wanted: Vec<Wanted>,
    /// What was refused or failed is not ordered again before.
    held: BTreeMap<(Prefix, String), Micros>,
}

struct Standing {
    order: String,
    ends_us: Micros,
}

struct Wanted {
    prefix: Prefix,
    key: String,
    why: String,
    alert: String,
}

impl Upstream {
    /// Over the routers and the names, as policy has it.
    pub fn new(routers: Arc<Routers>, names: Arc<Names>, policy: Policy) -> Upstream {
        let (standing, full, held) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Upstream { routers, names, policy, standing, full, wanted: Vec::new(), held }
    }

    /// Takes a destination's judgement of this second.
    pub fn judged(&mut self, place: &Place, judgement: &Judgement, full: bool, now: Micros) {
        let prefix = place.prefix;
        let lease_us = self.lease_us();
        let gone = self.standing.get(&(prefix, String::new()));
        let gone = gone.is_some_and(|standing| standing.ends_us - now > lease_us / RENEW);
        let mut want = |key: String, why: &str| {
            let (why, alert) = (format!("{}: {why}", place.name), place.alert.clone());
            self.wanted.push(Wanted { prefix, key, why, alert });
        };
        // What is blackholed is not seen here, so that it is quiet says nothing: it stays given up for its time.
        if gone {
            want(String::new(), "the address is given up");
        }
        if judgement.level < Level::Upstream {
            self.full.remove(&prefix);
            return;
        }
        if self.policy.flowspec == Decide::Auto {
            let rules = place.wanted.values().filter_map(rule::of);
            rules.filter_map(|rule| serde_json::to_string(&rule).ok()).for_each(|key| want(key, "the link is full"));
        }
        let since = full.then(|| {
            let (since, until) = self.full.entry(prefix).or_insert((now, now));
            // A link that was free in between is not one that stays full.
            if now - *until > PAUSE_US {
                *since = now;
            }
            *until = now;
            *since
        });
        if prefix.is_single() && since.is_some_and(|since| now - since >= GIVE_UP_US) {
            if self.policy.blackhole == Decide::Auto && !gone {
                want(String::new(), "the link stays full; the address is given up");
            }
            // Clients go where they can be served before, and whatever becomes of the address.
            self.names.leave(prefix, self.policy.upstream_lease);
        }
    }

    fn lease_us(&self) -> Micros {
        i64::try_from(self.policy.upstream_lease.as_micros()).unwrap_or(i64::MAX)
    }

    /// Orders what is wanted, takes back what is not.
    /// Nothing when the hands are not free.
    pub fn second(&mut self, now: Micros, orders: &Orders, hands: &mut Outbox, free: bool) {
        let lease_us = self.lease_us();
        let wanted = std::mem::take(&mut self.wanted);
        if !free {
            return;
        }
        // A router that does not listen is not told: each order would keep the hands waiting while the filter needs them.
        let ready = self.routers.ready();
        self.held.retain(|_, until| *until > now);
        let keys: BTreeSet<(Prefix, String)> =
            wanted.iter().map(|wanted| (wanted.prefix, wanted.key.clone())).collect();
        let gone: Vec<(Prefix, String)> = self.standing.keys().filter(|key| !keys.contains(key)).cloned().collect();
        for standing in gone.iter().filter_map(|key| self.standing.remove(key)) {
            let reason = Reason { by: CONTROLLER.into(), text: "the attack is over".into(), ..Reason::default() };
            hands.give(orders.undo(&standing.order, &reason));
        }
        for Wanted { prefix, key, why, alert } in wanted {
            let place = (prefix, key);
            let stands = self.standing.get(&place).is_some_and(|known| known.ends_us - now > lease_us / RENEW);
            if stands || self.held.contains_key(&place) || !ready {
                continue;
            }
            let reason = Reason { by: CONTROLLER.into(), text: why, alert };
            let order = self.order(&place, orders, &reason);
            // A neighbour takes one announcement of a kind: the old one goes first.
            if let Some(old) = self.standing.remove(&place) {
                hands.give(orders.undo(&old.order, &reason));
            }
            self.standing.insert(place, Standing { order: order.id.clone(), ends_us: now.saturating_add(lease_us) });
            hands.give(order);
        }
    }

    fn order(&self, (prefix, key): &(Prefix, String), orders: &Orders, reason: &Reason) -> Order {
        if key.is_empty() {
            return orders.blackhole(*prefix, self.policy.upstream_lease, reason);
        }
        orders.flowspec(key.clone(), self.policy.upstream_lease, reason)
    }

    /// What is over does not stand.
    pub fn heard(&mut self, receipt: &Receipt, now: Micros) {
        use ReceiptState::{Expired, Failed, Refused, Undone};
        let state = ReceiptState::try_from(receipt.state).unwrap_or(ReceiptState::Planned);
        if !matches!(state, Expired | Failed | Refused | Undone) {
            return;
        }
        let over = |(_, standing): &(&(Prefix, String), &Standing)| standing.order == receipt.order;
        let Some(key) = self.standing.iter().find(over).map(|(key, _)| key.clone()) else { return };
        self.standing.remove(&key);
        if matches!(state, Failed | Refused) {
            self.held.insert(key, now + AGAIN_US);
        }
    }

    /// How the names are.
    pub fn names(&self) -> Vec<status::Name> {
        self.names.shown()
    }

    /// How the routers are.
    pub fn neighbours(&self) -> Vec<status::Neighbour> {
        self.routers.shown()
    }
}
