//! Watched files: what changed, and who changed it.

use super::{Ground, Kind, Sense, Started, deliver};
use crate::desk::Ear;
use crate::fault;
use base::{Fault, Result, SystemRandom};
use fleet::content::{Files, Name};
use integrity::{Runner, Touches};
use record::Event;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

struct Watcher {
    touches: Arc<Touches>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Watched files.
pub const KIND: Kind =
    Kind { name: "integrity", tells: record::Kind::Integrity, wanted: |config| config.integrity.enabled, start };

/// Folder of the state.
pub const FOLDER: &str = "integrity";

fn start(ground: &Ground<'_>) -> Started {
    let (config, state) = (ground.config.integrity.clone(), ground.config.state.join(FOLDER));
    let runner = Runner::new(config, state, ground.clock.clone(), &SystemRandom::new())?;
    let (touches, stop, desk) = (runner.touches(), Arc::new(AtomicBool::new(false)), ground.desk.clone());
    // Before the first look, so that nothing falls between.
    ground.desk.listen(Arc::new(Listener(touches.clone())));
    let told = stop.clone();
    let work = move || {
        super::step_back();
        runner.run(&told, &mut |event| deliver(&desk, event));
    };
    let started = std::thread::Builder::new().name("integrity".into()).spawn(work);
    let thread = started.map_err(|cause| Fault::new(&fault::THREAD).object("integrity").because(cause))?;
    Ok(Some(Box::new(Watcher { touches, stop, thread })))
}

struct Listener(Arc<Touches>);

impl Ear for Listener {
    fn hear(&self, event: &Event) {
        self.0.see(event);
    }
}

impl Sense for Watcher {
    fn renew(&mut self, _: Name, _: &Files) -> Result<()> {
        Ok(())
    }

    fn lost(&self) -> Vec<(String, u64)> {
        vec![("integrity.dropped".into(), self.touches.dropped())]
    }

    fn stop(self: Box<Self>) {
        self.stop.store(true, Ordering::Relaxed);
        self.touches.wake();
        // A panic was reported by the thread itself.
        let _ = self.thread.join();
    }
}
