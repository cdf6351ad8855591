//! The sensor's thread: events from the kernel, judged on the spot, then out.

use crate::desk::Desk;
use crate::gate::{Deed, Wish};
use crate::judge::Judge;
use crate::raise::Raiser;
use action::FileKey;
use base::Result;
use record::{Alert, Event};
use sensor::{KindStat, Sensor};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
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
    /// What follows from an alert.
    pub raiser: Arc<Raiser>,
    /// Where events count for correlations and other senses hear of them.
    pub desk: Arc<Desk>,
    /// Wishes of the exec gate.
    pub wishes: Receiver<Wish>,
    /// Counts of the sensor, renewed after each poll.
    pub counts: Arc<Mutex<Vec<KindStat>>>,
}

impl Watch {
    /// Runs until told to stop; hands the sensor's last events out before it ends.
    pub fn run(mut self, stop: &AtomicBool) -> Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(TOGETHER);
        while !stop.load(Ordering::Relaxed) {
            let mut alerts: Vec<(Alert, usize)> = Vec::new();
            let (judge, desk) = (&mut self.judge, &self.desk);
            self.sensor.poll(POLL, &mut |event| {
                // Within the wait: the server was told that a filter is in use when it was put in place.
                judge.renew();
                judge.judge(&event, |alert| alerts.push((alert, events.len())));
                desk.hear(&event, judge);
                events.push(event);
            })?;
            for (alert, place) in alerts {
                // The sensor knows children whose parents are gone; `/proc` does not.
                let below =
                    |pid| self.sensor.processes().descendants(pid).iter().map(|child| child.info.key()).collect();
                self.raiser.raise(alert, &events[place], below);
            }
            for alert in self.judge.overdue() {
                self.raiser.tell(alert);
            }
            self.raiser.outlet.events(&mut events);
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
}
