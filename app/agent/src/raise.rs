//! What follows from an alert, whoever raised it: it is kept first, then acted on where policy allows.

use crate::config::Respond;
use crate::outlet::Outlet;
use action::Reflex;
use base::Clock;
use record::{Alert, Event, Order, ProcessKey};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

/// Raises alerts for the threads that judge. The budget of automatic actions is one for the host.
pub struct Raiser {
    /// Where records go.
    pub outlet: Arc<dyn Outlet>,
    /// Orders that rules ask for.
    pub reflex: Mutex<Reflex>,
    /// What may be done without a person.
    pub respond: Respond,
    /// To the hands.
    pub orders: Mutex<Sender<Order>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl Raiser {
    /// Keeps an alert that asks for nothing.
    pub fn tell(&self, alert: Alert) -> Alert {
        match self.outlet.alert(alert.clone()) {
            Ok(alert) => alert,
            Err(fault) => {
                tracing::error!(fault = %fault.inside(), "an alert was not kept");
                alert
            }
        }
    }

    /// Keeps an alert and gives the orders that its rule asks for. `below` names the living descendants of a process.
    pub fn raise(&self, alert: Alert, event: &Event, below: impl Fn(u32) -> Vec<ProcessKey>) {
        let alert = self.tell(alert);
        let act = match self.respond {
            Respond::Observe => false,
            Respond::Drills => !alert.drill.is_empty(),
            Respond::Enforce => true,
        };
        if !act || alert.responses.is_empty() {
            return;
        }
        let mut reflex = self.reflex.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let given = reflex.orders_for(&alert, event, &*self.clock);
        drop(reflex);
        let orders = self.orders.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for mut order in given {
            if let Some(process) = event.process.as_ref() {
                action::widen(&mut order, below(process.info.key().pid()));
            }
            // The hands' thread ends only with the agent.
            let _ = orders.send(order);
        }
    }
}
