//! What follows from an attacker by itself: an order to ban it, as far as policy and budget go.

use crate::offence::{self, Policies};
use action::Reflex;
use base::Clock;
use gateway::Act;
use record::{ActionKind, Alert, Event, Order, OrderMode};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError};

/// Turns confirmed attackers into orders of our own.
pub struct Responder {
    reflex: Reflex,
    orders: Sender<Order>,
    policies: Policies,
    clock: Arc<dyn Clock>,
    /// Orders that the budget did not allow.
    over: Arc<AtomicU64>,
}

impl Responder {
    /// Gives orders in the name of this agent, to the hands.
    pub fn new(agent: &str, orders: Sender<Order>, policies: Policies, clock: Arc<dyn Clock>) -> Responder {
        let reflex = Reflex::new(agent, action::Boot::now().id, 0);
        Responder { reflex, orders, policies, clock, over: Arc::default() }
    }

    /// How many orders the budget did not allow since the start.
    pub fn over(&self) -> Arc<AtomicU64> {
        self.over.clone()
    }

    /// How long a source of attacks on a site is to be banned, seconds.
    pub fn lease_s(&self, site: &str) -> u64 {
        let policies = self.policies.read().unwrap_or_else(PoisonError::into_inner);
        policies.site(site).map_or(gateway::Ban::default().lease, |ban| ban.lease).as_secs()
    }

    /// Orders what the alert about a source asks for. Where the site only observes, the order is a dry run: the ledger shows
    /// what would have been.
    pub fn act(&mut self, site: &str, client: IpAddr, alert: &Alert, event: &Event) {
        let (mode, budget) = {
            let policies = self.policies.read().unwrap_or_else(PoisonError::into_inner);
            let mode = policies.site(site).map_or(Act::Off, |ban| ban.mode);
            (mode, usize::try_from(policies.budget).unwrap_or(usize::MAX))
        };
        if mode == Act::Off {
            return;
        }
        self.reflex.set_budget(vec![(ActionKind::Block, budget)]);
        for mut order in self.reflex.orders_for(alert, event, &*self.clock) {
            // A flood has thousands of sources: a dry run for each that is beyond the budget would bury the ledger.
            if order.mode() == OrderMode::DryRun {
                self.over.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            order.parameters.insert("address".into(), offence::source(client));
            if mode == Act::Observe {
                order.mode = OrderMode::DryRun as i32;
                order.reason.push_str(" (dry run: the site only observes)");
            }
            // The hands' thread ends only with the gateway.
            let _ = self.orders.send(order);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::{Notice, Notices};
    use crate::offence::Policy;
    use base::ManualClock;
    use gateway::Config;
    use record::Host;
    use std::sync::mpsc::channel;

    #[test]
    fn a_flood_of_attackers_is_banned_within_the_budget_and_the_rest_is_counted() {
        let text = "sites: [{name: shop, hosts: ['*'], pool: a, ban: {mode: block, lease: 90s}}]\nbans: {budget: 5}\n\
                    pools: {a: {addresses: [127.0.0.1:9]}}\nlisteners: [{name: w, address: '127.0.0.1:0'}]\n";
        let policies = Policies::default();
        *policies.write().unwrap() = Policy::of(&Config::parse(text, "x").unwrap());
        let (orders, given) = channel();
        let mut responder = Responder::new("ab", orders, policies, Arc::new(ManualClock::at(1)));
        let mut notices = Notices::new(Host::default(), "ab".into());
        assert_eq!(responder.lease_s("shop"), 90);
        for number in 0..200_u8 {
            let client = IpAddr::from([203, 0, 113, number]);
            let told = notices.take(&Notice::Offender("shop".into(), client, 5), 90, 1).unwrap();
            responder.act("shop", client, &told.alert, &told.event);
            responder.act("other", client, &told.alert, &told.event);
        }
        let given: Vec<Order> = given.try_iter().collect();
        assert_eq!(given.len(), 5);
        assert!(given.iter().all(|order| order.mode() == OrderMode::Apply && order.lease_s == 90));
        assert_eq!(responder.over().load(Ordering::Relaxed), 195);
    }
}
