//! What is on the host, and what of it changed.

use super::{Ground, Kind, Sense, Started};
use crate::fault;
use ::inventory::Runner;
use base::{Fault, Result};
use fleet::content::{Files, Name};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

struct Inventory {
    stop: SyncSender<()>,
    thread: JoinHandle<()>,
}

/// The inventory.
pub const KIND: Kind =
    Kind { name: "inventory", tells: record::Kind::Asset, wanted: |config| config.inventory.enabled, start };

fn start(ground: &Ground<'_>) -> Started {
    let folder = ground.config.state.join("inventory");
    let failed = |cause| Fault::new(&fleet::fault::STATE).object(folder.display()).because(cause);
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let (config, desk) = (ground.config.inventory.clone(), ground.desk.clone());
    let runner = Runner::new(config, Path::new("/"), &folder, ground.clock.clone());
    let (stop, stopped) = sync_channel(1);
    let work = move || runner.run(&stopped, &mut |events| desk.take(events));
    let started = std::thread::Builder::new().name("inventory".into()).spawn(work);
    let thread = started.map_err(|cause| Fault::new(&fault::THREAD).object("inventory").because(cause))?;
    Ok(Some(Box::new(Inventory { stop, thread })))
}

impl Sense for Inventory {
    fn renew(&mut self, _: Name, _: &Files) -> Result<()> {
        Ok(())
    }

    fn lost(&self) -> Vec<(String, u64)> {
        // What was too much is told at the end of each whole inventory.
        Vec::new()
    }

    fn stop(self: Box<Self>) {
        // Full means that it was told already.
        let _ = self.stop.try_send(());
        // A panic was reported by the thread itself.
        let _ = self.thread.join();
    }
}
