//! When filtering here is too late: what is told to routers upstream, and names that move.
//!
//! At level [`Level::Upstream`] each signature becomes a FlowSpec rule. When the link stays full all the same, the address is
//! given up: a blackhole, which policy usually leaves to a person. What policy leaves to a person is asked (`asked`).

mod asked;
mod routers;
mod rule;

pub use asked::Asked;
pub use routers::Routers;

use crate::config::{Decide, Policy};
use crate::hands::Lane;
use crate::names::Names;
use crate::orders::{CONTROLLER, Orders, Reason};
use crate::outbox::Outbox;
use crate::place::Place;
use crate::status;
use asked::{Question, What, Why};
use base::{Lang, Micros};
use ddos::{Judgement, Level, Prefix};
use record::{ActionKind, Order, Receipt, ReceiptState};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

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
    asked: Arc<Asked>,
    /// Orders that stand, by destination and what they say.
    standing: BTreeMap<What, Standing>,
    /// Since when, and until when, each destination has filled its link at the highest level.
    full: BTreeMap<Prefix, (Micros, Micros)>,
    wanted: Vec<Wanted>,
    /// What was refused or failed is not ordered again before.
    held: BTreeMap<What, Micros>,
}

struct Standing {
    order: String,
    ends_us: Micros,
    /// Of an earlier run: it stays until then, though nothing wants it yet.
    until_us: Micros,
}

struct Wanted {
    what: What,
    /// What routers are told, readable.
    text: String,
    name: String,
    why: Why,
    alert: String,
}

impl Upstream {
    /// Over the routers and the names, as policy has it.
    pub fn new(routers: Arc<Routers>, names: Arc<Names>, policy: Policy, asked: Arc<Asked>) -> Upstream {
        let (standing, full, held) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Upstream { routers, names, policy, asked, standing, full, wanted: Vec::new(), held }
    }

    /// Does as another policy has it from now on.
    pub fn follow(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Takes over what an earlier run told routers, until this one knows what is wanted: routers are not told otherwise in
    /// between. False when the order is of another kind.
    pub fn inherit(&mut self, order: &Order, ends_us: Micros, until_us: Micros) -> bool {
        let text = |name| order.parameters.get(name).map(String::as_str).unwrap_or_default();
        let what = match order.action() {
            ActionKind::Blackhole => text("prefix").parse().ok().map(|prefix| (prefix, String::new())),
            ActionKind::Flowspec => rule::read(text("rule")),
            _ => None,
        };
        let standing = Standing { order: order.id.clone(), ends_us, until_us };
        what.map(|what| self.standing.insert(what, standing)).is_some()
    }

    /// Takes a destination's judgement of this second.
    pub fn judged(&mut self, place: &Place, judgement: &Judgement, full: bool, now: Micros) {
        let prefix = place.prefix;
        let gone = self.stands(&(prefix, String::new()), now);
        let standing = self.standing.keys().filter(|what| what.0 == prefix && self.stands(what, now));
        let standing: Vec<String> = standing.map(|what| what.1.clone()).collect();
        let mut want = |key: String, text: String, why: Why| {
            let (name, alert) = (place.name.clone(), place.alert.clone());
            self.wanted.push(Wanted { what: (prefix, key), text, name, why, alert });
        };
        // What routers drop is not seen here, so that it is quiet says nothing: what they were told stands for its time, and
        // nobody is asked for it anew.
        standing.into_iter().for_each(|key| want(key, String::new(), Why::Stands));
        if judgement.level < Level::Upstream {
            self.full.remove(&prefix);
            return;
        }
        let told = self.routers.count() > 0;
        for rule in place.wanted.values().filter(|_| told).filter_map(rule::of) {
            if let Ok(key) = serde_json::to_string(&rule) {
                want(key, rule.to_string(), Why::Full);
            }
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
        let patience = micros(self.policy.give_up);
        if prefix.is_single() && since.is_some_and(|since| now - since >= patience) {
            if told && !gone {
                want(String::new(), blackhole(prefix), Why::StaysFull);
            }
            // Clients go where they can be served before, and whatever becomes of the address.
            self.names.leave(prefix, self.policy.upstream_lease);
        }
    }

    /// Whether an order stands that needs no renewal yet.
    fn stands(&self, what: &What, now: Micros) -> bool {
        self.standing.get(what).is_some_and(|standing| standing.ends_us - now > self.lease_us() / RENEW)
    }

    fn lease_us(&self) -> Micros {
        micros(self.policy.upstream_lease)
    }

    /// Orders what is wanted, takes back what is not. Nothing while orders wait for the routers.
    pub fn second(&mut self, now: Micros, orders: &Orders, hands: &mut Outbox) {
        let lease_us = self.lease_us();
        let wanted = std::mem::take(&mut self.wanted);
        if !hands.free(Lane::Routers) {
            return;
        }
        // A router that does not listen is not told: each order would only keep those behind it waiting.
        let ready = self.routers.ready();
        self.held.retain(|_, until| *until > now);
        let keys: BTreeSet<What> = wanted.iter().map(|wanted| wanted.what.clone()).collect();
        self.asked.keep(&keys, now);
        let over = |(what, standing): &(&What, &Standing)| !keys.contains(what) && standing.until_us <= now;
        let gone: Vec<What> = self.standing.iter().filter(over).map(|(what, _)| what.clone()).collect();
        for standing in gone.iter().filter_map(|what| self.standing.remove(what)) {
            let reason = Reason { by: CONTROLLER.into(), text: "the attack is over".into(), ..Reason::default() };
            hands.give(orders.undo(&standing.order, &reason));
        }
        for Wanted { what, text, name, why, alert } in wanted {
            if let Some(standing) = self.standing.get_mut(&what) {
                standing.until_us = 0;
            }
            if self.stands(&what, now) || self.held.contains_key(&what) {
                continue;
            }
            let lease_s = self.policy.upstream_lease.as_secs();
            let question = Question { what: &what, text, name: &name, why, alert: &alert, lease_s };
            let Some(agreed) = self.may(&question, now).filter(|_| ready) else { continue };
            let text = format!("{name}: {}{agreed}", why.text(Lang::En));
            let reason = Reason { by: CONTROLLER.into(), text, alert };
            let order = self.order(&what, orders, &reason);
            // A neighbour takes one announcement of a kind: the old one goes first.
            if let Some(old) = self.standing.remove(&what) {
                hands.give(orders.undo(&old.order, &reason));
            }
            if what.1.is_empty() {
                self.asked.done(&what);
            }
            let ends_us = now.saturating_add(lease_us);
            self.standing.insert(what, Standing { order: order.id.clone(), ends_us, until_us: 0 });
            hands.give(order);
        }
    }

    /// Whether routers may be told; what of it belongs into the reason.
    fn may(&self, question: &Question<'_>, now: Micros) -> Option<String> {
        let gives_up = question.what.1.is_empty();
        match if gives_up { self.policy.blackhole } else { self.policy.flowspec } {
            Decide::Auto => Some(String::new()),
            decide => self.asked.agreed(question, decide, now).map(|who| format!("; {who} agreed")),
        }
    }

    fn order(&self, (prefix, key): &What, orders: &Orders, reason: &Reason) -> Order {
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
        let over = |(_, standing): &(&What, &Standing)| standing.order == receipt.order;
        let Some(key) = self.standing.iter().find(over).map(|(key, _)| key.clone()) else { return };
        self.standing.remove(&key);
        // What is taken back here does not stand any more when it is heard of: this is somebody else's will.
        match state {
            Failed | Refused => self.held.insert(key, now.saturating_add(AGAIN_US)),
            Undone => self.held.insert(key, now.saturating_add(self.lease_us())),
            _ => None,
        };
    }

    /// How the names are.
    pub fn names(&self) -> Vec<status::Name> {
        self.names.shown()
    }

    /// How the routers are.
    pub fn neighbours(&self) -> Vec<status::Neighbour> {
        self.routers.shown()
    }

    /// What people are asked.
    pub fn asked(&self) -> Vec<status::Asked> {
        self.asked.shown()
    }
}

fn micros(time: Duration) -> Micros {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// What routers are told when an address is given up, readable.
fn blackhole(prefix: Prefix) -> String {
    format!("blackhole {prefix}")
}
