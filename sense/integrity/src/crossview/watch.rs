//! The cross-view on schedule: each finding is told once while it stands.

use super::{Report, look};
use base::{Clock, Micros};
use record::{Activity, Event};
use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Ends the watch, from any thread.
#[derive(Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Ends it.
    pub fn stop(&self) {
        *self.0.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = true;
        self.0.1.notify_all();
    }

    /// Waits so long; false when it was stopped meanwhile.
    pub fn wait(&self, time: Duration) -> bool {
        let stopped = self.0.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let waited = self.0.1.wait_timeout_while(stopped, time, |stopped| !*stopped);
        !*waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
    }
}

/// What was told and still stands.
#[derive(Default)]
pub struct Told {
    keys: BTreeSet<String>,
    refused: BTreeSet<&'static str>,
}

impl Told {
    /// The events of what is new in a report; what stands no more is forgotten and would be told again.
    pub fn news(&mut self, report: &Report, wall: Micros) -> Vec<Event> {
        let key = |check: &str, key: &str| format!("{check} {key}");
        let keys = report.findings.iter().map(|(check, finding)| key(check, &finding.key)).collect();
        let known = std::mem::replace(&mut self.keys, keys);
        let fresh = report.findings.iter().filter(|(check, finding)| !known.contains(&key(check, &finding.key)));
        let event = |scan| Event { seq: 0, time_us: wall, process: None, activity: Activity::Scan(scan) };
        fresh.map(|(_, finding)| event(finding.scan("schedule"))).collect()
    }

    /// Logs each check that the host refuses, once.
    fn log(&mut self, report: &Report) {
        for (check, fault) in report.refused.iter().filter(|(check, _)| !self.refused.contains(check)) {
            tracing::info!(check, fault = %fault.inside(), "a cross-view check is not made on this host");
        }
        self.refused.extend(report.refused.iter().map(|(check, _)| *check));
    }
}

/// Looks at once and then on schedule, until stopped.
pub fn run(exclude: &[String], minutes: u32, clock: &dyn Clock, stop: &Stop, deliver: &mut dyn FnMut(Event)) {
    let mut told = Told::default();
    loop {
        let report = look(exclude, &|wait| stop.wait(wait));
        told.log(&report);
        told.news(&report, clock.wall()).into_iter().for_each(&mut *deliver);
        if !stop.wait(Duration::from_secs(u64::from(minutes.max(1)) * 60)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crossview::Finding;

    #[test]
    fn a_finding_is_told_once_while_it_stands() {
        let report = |keys: &[&str]| Report {
            findings: keys
                .iter()
                .map(|key| ("ports", Finding { key: key.to_string(), ..Finding::default() }))
                .collect(),
            refused: Vec::new(),
        };
        let mut told = Told::default();
        let mut count = |keys: &[&str]| told.news(&report(keys), 1).len();
        assert_eq!([count(&["a", "b"]), count(&["a", "b"]), count(&["a"]), count(&["a", "b"])], [2, 0, 0, 1]);
    }

    #[test]
    fn a_stopped_watch_waits_no_more() {
        let stop = Stop::default();
        assert!(stop.wait(Duration::ZERO));
        stop.stop();
        assert!(!stop.wait(Duration::from_secs(3600)));
    }
}
