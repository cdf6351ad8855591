//! Looks again and again, at the lowest priority, and tells what changed.

use crate::change;
use crate::config::InventoryConfig;
use crate::limits::BATCH;
use crate::root::Root;
use crate::snapshot::{Snapshot, take_but};
use crate::state;
use base::{Clock, Micros, Result};
use record::{Activity, Asset, Event};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Least seconds between two looks.
const LEAST_S: u64 = 10;
const HOUR_US: Micros = 3_600_000_000;

/// See the module.
pub struct Runner {
    config: InventoryConfig,
    prefix: PathBuf,
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    delivered: Option<Snapshot>,
    whole_us: Micros,
}

impl Runner {
    /// A runner over the tree below `prefix` that keeps what it delivered in `folder`.
    pub fn new(config: InventoryConfig, prefix: &Path, folder: &Path, clock: Arc<dyn Clock>) -> Runner {
        let kept = state::load(folder).unwrap_or_else(|fault| {
            tracing::warn!(fault = %fault.inside(), "the whole inventory is told anew");
            None
        });
        let (whole_us, delivered) = kept.map_or((0, None), |(whole_us, snapshot)| (whole_us, Some(snapshot)));
        Runner { config, prefix: prefix.into(), folder: folder.into(), clock, delivered, whole_us }
    }

    /// Looks until the other end of `stop` is gone; `deliver` keeps what it is given before it returns.
    pub fn run(mut self, stop: &Receiver<()>, deliver: &mut dyn FnMut(Vec<Event>) -> Result<()>) {
        // On Linux this is the thread's own; without it the inventory only costs a little more attention.
        let _ = rustix::process::setpriority_process(None, 19);
        let pause = Duration::from_secs(self.config.interval_s.max(LEAST_S));
        loop {
            if let Err(fault) = self.look(deliver) {
                tracing::warn!(fault = %fault.inside(), "the inventory was not told whole; it is told again");
            }
            match stop.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Looks once. Answers how many changes were told.
    ///
    /// # Errors
    /// Of `deliver` and of the disk; what was told is told again then.
    pub fn look(&mut self, deliver: &mut dyn FnMut(Vec<Event>) -> Result<()>) -> Result<usize> {
        let now_us = self.clock.wall();
        let now = take_but(&Root::new(&self.prefix), &self.config.exclude);
        let mut changes = match &self.delivered {
            None => Vec::new(),
            Some(before) => change::between(before, &now),
        };
        let due = self.config.whole_hours > 0
            && now_us.abs_diff(self.whole_us) >= self.config.whole_hours * HOUR_US.unsigned_abs();
        let whole = self.delivered.is_none() || due;
        if whole {
            // Rules look at changes, the server at the whole: both are told.
            changes.extend(change::whole(&now));
        }
        let told = changes.len();
        let event = |asset: Asset| Event { seq: 0, time_us: now_us, process: None, activity: Activity::Asset(asset) };
        let mut changes = changes.into_iter().map(event).peekable();
        while changes.peek().is_some() {
            deliver(changes.by_ref().take(BATCH).collect())?;
        }
        if told > 0 {
            let whole_us = if whole { now_us } else { self.whole_us };
            state::save(&self.folder, whole_us, &now)?;
            self.whole_us = whole_us;
        }
        self.delivered = Some(now);
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Fault, ManualClock};

    fn told(runner: &mut Runner) -> Vec<(String, String, String)> {
        let mut told = Vec::new();
        runner
            .look(&mut |events| {
                told.extend(events.into_iter().map(|event| match event.activity {
                    Activity::Asset(asset) => (asset.kind, asset.change, asset.key),
                    other => panic!("{other:?}"),
                }));
                Ok(())
            })
            .unwrap();
        told
    }

    #[test]
    fn a_baseline_then_changes_and_nothing_is_forgotten_before_it_was_delivered() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, kept) = (folder.path().join("tree"), folder.path().join("state"));
        std::fs::create_dir_all(tree.join("etc")).unwrap();
        std::fs::create_dir_all(&kept).unwrap();
        std::fs::write(tree.join("etc/passwd"), "root:x:0:0::/:/bin/sh\n").unwrap();
        let clock = Arc::new(ManualClock::at(1_760_000_000_000_000));
        let open = || Runner::new(InventoryConfig::default(), &tree, &kept, clock.clone());
        let row = |kind: &str, change: &str, key: &str| (kind.to_owned(), change.to_owned(), key.to_owned());
        let mut runner = open();
        let first = told(&mut runner);
        assert_eq!(first, [row("user", "present", "root"), row("host", "present", "inventory")]);
        assert_eq!(told(&mut runner), []);
        std::fs::write(tree.join("etc/passwd"), "root:x:0:0::/:/bin/sh\neve:x:0:0::/:/bin/sh\n").unwrap();
        let refused = runner.look(&mut |_| Err(Fault::new(&crate::fault::STATE)));
        assert!(refused.is_err());
        // After a restart the change is still news, and no baseline comes again.
        let mut runner = open();
        assert_eq!(told(&mut runner), [row("user", "added", "eve")]);
        clock.advance(25 * HOUR_US);
        assert_eq!(told(&mut open()).len(), 3, "a day later all is told again");
    }
}
