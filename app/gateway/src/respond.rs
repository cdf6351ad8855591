//! What follows from an attacker by itself: an order to ban it, as far as policy and budget go.

use crate::offence::{self, Policies};
use action::Reflex;
use base::Clock;
use gateway::Act;
use record::{ActionKind, Alert, Event, Order, OrderMode};
use std::net::IpAddr;
use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError};

/// Turns confirmed attackers into orders of our own.
pub struct Responder {
    reflex: Reflex,
    orders: Sender<Order>,
    policies: Policies,
    clock: Arc<dyn Clock>,
}

impl Responder {
    /// Gives orders in the name of this agent, to the hands.
    pub fn new(agent: &str, orders: Sender<Order>, policies: Policies, clock: Arc<dyn Clock>) -> Responder {
        let reflex = Reflex::new(agent, action::Boot::now().id, 0);
        Responder { reflex, orders, policies, clock }
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
