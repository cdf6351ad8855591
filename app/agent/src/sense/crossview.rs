//! The cross-view on schedule: what hides itself from one view of the host and not from another.

use super::{Ground, Kind, Sense, Started, deliver};
use crate::fault;
use base::{Fault, Result};
use fleet::content::{Files, Name};
use integrity::crossview::watch::{self, Stop};
use std::thread::JoinHandle;

struct Lookout {
    stop: Stop,
    thread: JoinHandle<()>,
}

/// The cross-view.
pub const KIND: Kind = Kind {
    name: "crossview",
    tells: record::Kind::Scan,
    wanted: |config| config.integrity.crossview_minutes > 0,
    start,
};

fn start(ground: &Ground<'_>) -> Started {
    let (minutes, exclude) =
        (ground.config.integrity.crossview_minutes, ground.config.integrity.crossview_exclude.clone());
    let (stop, desk, clock) = (Stop::default(), ground.desk.clone(), ground.clock.clone());
    let told = stop.clone();
    let work = move || {
        super::step_back();
        watch::run(&exclude, minutes, &*clock, &told, &mut |event| deliver(&desk, event));
    };
    let started = std::thread::Builder::new().name("crossview".into()).spawn(work);
    let thread = started.map_err(|cause| Fault::new(&fault::THREAD).object("crossview").because(cause))?;
    Ok(Some(Box::new(Lookout { stop, thread })))
}

impl Sense for Lookout {
    fn renew(&mut self, _: Name, _: &Files) -> Result<()> {
        Ok(())
    }

    fn lost(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    fn stop(self: Box<Self>) {
        self.stop.stop();
        // A panic was reported by the thread itself.
        let _ = self.thread.join();
    }
}
