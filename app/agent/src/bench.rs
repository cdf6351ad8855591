//! What the tests of several modules need: an outlet that keeps everything, and who raises alerts into it.

use crate::config::{Config, Respond};
use crate::desk::Desk;
use crate::judge::Judge;
use crate::live::Live;
use crate::outlet::Outlet;
use crate::raise::Raiser;
use crate::rules::RuleSet;
use base::{Clock, Result};
use record::{Alert, Event, Host, Receipt, Sample};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Keeps alerts and events.
#[derive(Default)]
pub struct Kept {
    all: Mutex<(Vec<Alert>, Vec<Event>)>,
    changed: Condvar,
}

impl Kept {
    fn all(&self) -> MutexGuard<'_, (Vec<Alert>, Vec<Event>)> {
        self.all.lock().unwrap()
    }

    /// The alerts so far.
    pub fn alerts(&self) -> Vec<Alert> {
        self.all().0.clone()
    }

    /// The events so far.
    pub fn kept(&self) -> Vec<Event> {
        self.all().1.clone()
    }

    /// Waits until alerts and events hold what is asked for.
    pub fn until(&self, holds: impl Fn(&[Alert], &[Event]) -> bool) {
        drop(self.changed.wait_while(self.all(), |all| !holds(&all.0, &all.1)).unwrap());
    }
}

impl Outlet for Kept {
    fn events(&self, events: &mut Vec<Event>) {
        self.all().1.append(events);
        self.changed.notify_all();
    }

    fn alert(&self, alert: Alert) -> Result<Alert> {
        self.all().0.push(alert.clone());
        self.changed.notify_all();
        Ok(alert)
    }

    fn receipt(&self, _: Receipt) -> Result<()> {
        Ok(())
    }

    fn sample(&self, _: Sample) {}

    fn keep(&self) {}
}

/// Raises alerts and acts on none.
pub fn raiser(kept: &Arc<Kept>, clock: Arc<dyn Clock>) -> Raiser {
    let (reflex, orders) = (Mutex::new(action::Reflex::new("", "", 0)), Mutex::new(channel().0));
    Raiser { outlet: kept.clone(), reflex, respond: Respond::Observe, orders, clock }
}

/// A judge by these rules.
pub fn judge(rules: &Arc<Live<RuleSet>>, clock: Arc<dyn Clock>) -> Judge {
    Judge::new(rules, Host::default(), Default::default(), clock)
}

/// A desk with its queue.
pub fn desk(rules: &Arc<Live<RuleSet>>, kept: &Arc<Kept>, clock: Arc<dyn Clock>) -> (Arc<Desk>, Receiver<Event>) {
    let raiser = Arc::new(raiser(kept, clock.clone()));
    Desk::new(judge(rules, clock), raiser, &Host::default())
}

/// A configuration with no rules, its state in a folder, and no sense that would look at this machine.
pub fn config(state: &Path) -> Config {
    let mut config =
        Config { state: state.to_path_buf(), builtin_rules: false, rules: Vec::new(), ..Config::default() };
    (config.logs.usual, config.scan.enabled) = (false, false);
    (config.integrity.enabled, config.integrity.crossview_minutes) = (false, 0);
    config
}
