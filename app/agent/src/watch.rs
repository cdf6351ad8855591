//! The sensor's thread: events from the kernel, judged on the spot, then out.

use crate::config::Respond;
use crate::gate::{Deed, Wish};
use crate::judge::Judge;
use crate::outlet::Outlet;
use action::{FileKey, Reflex};
use base::{Clock, Result};
use record::{Alert, Event, Order};
use sensor::{KindStat, Sensor};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longest wait for the kernel: how soon a stop, a wish, or a record that is not urgent is seen. An exec is not: it waits
/// so long at most, and a busy host pays one switch for all of them.
const POLL: Duration = Duration::from_millis(25);
/// Events gathered before they go out together.
const TOGETHER: usize = 4096;

/// What the thread needs.
pub struct Watch {
    /// Kernel programs.
    pub sensor: Sensor,
    /// Rules.
    pub judge: Judge,
    /// Where records go.
    pub outlet: Arc<dyn Outlet>,
    /// Orders that rules ask for.
    pub reflex: Reflex,
    /// What may be done without a person.
    pub respond: Respond,
    /// To the hands.
    pub orders: Sender<Order>,
    /// Wishes of the exec gate.
    pub wishes: Receiver<Wish>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Counts of the sensor, renewed after each poll.
    pub counts: Arc<Mutex<Vec<KindStat>>>,
}

impl Watch {
    /// Runs until told to stop; hands the sensor's last events out before it ends.
    pub fn run(mut self, stop: &AtomicBool) -> Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(TOGETHER);
        while !stop.load(Ordering::Relaxed) {
            let mut alerts: Vec<(Alert, usize)> = Vec::new();
            let judge = &mut self.judge;
            self.sensor.poll(POLL, &mut |event| {
                judge.judge(&event, |alert| alerts.push((alert, events.len())));
                events.push(event);
            })?;
            for (alert, place) in alerts {
                self.raise(alert, &events[place]);
            }
            for alert in self.judge.overdue() {
                if let Err(fault) = self.outlet.alert(alert) {
                    tracing::error!(fault = %fault.inside(), "an alert was not kept");
                }
            }
            self.outlet.events(&mut events);
            if self.sensor.renewed() {
                *self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = self.sensor.stats();
            }
            while let Ok(wish) = self.wishes.try_recv() {
                wish.serve(|deed, file| self.gate(deed, file));
            }
        }
        Ok(())
    }

    /// Carries out a wish of the exec gate and reads back from the kernel whether the file is refused now. A file that
    /// no hook refuses does not stay in the list.
    fn gate(&mut self, deed: Deed, file: FileKey) -> Result<bool> {
        match deed {
            Deed::Deny => self.sensor.deny(file.device, file.inode)?,
            Deed::Allow => self.sensor.allow(file.device, file.inode)?,
            Deed::Query => {}
        }
        let denies = self.sensor.denies(file.device, file.inode)?;
        if deed == Deed::Deny && !denies {
            self.sensor.allow(file.device, file.inode)?;
        }
        Ok(denies)
    }

    /// Answers first, for milliseconds count there; then tells.
    fn raise(&mut self, alert: Alert, event: &Event) {
        let alert = match self.outlet.alert(alert.clone()) {
            Ok(alert) => alert,
            Err(fault) => {
                tracing::error!(fault = %fault.inside(), "an alert was not kept");
                alert
            }
        };
        let act = match self.respond {
            Respond::Observe => false,
            Respond::Drills => !alert.drill.is_empty(),
            Respond::Enforce => true,
        };
        if !act {
            return;
        }
        for mut order in self.reflex.orders_for(&alert, event, &*self.clock) {
            if let Some(process) = event.process.as_ref() {
                // The sensor knows children whose parents are gone; `/proc` does not.
                let below = self.sensor.processes().descendants(process.info.key().pid());
                action::widen(&mut order, below.iter().map(|child| child.info.key()));
            }
            // The hands' thread ends only with the agent.
            let _ = self.orders.send(order);
        }
    }
}
