//! Databases of origins for reports: a thread reads the files, and reads them again when they were replaced.
//!
//! A thread of its own, because a file of a hundred megabytes must cost neither the filter its lease nor the second its time.

use crate::fault;
use crate::status::{Database, Said};
use base::{Fault, Result};
use ddos::report::Origin;
use origin::{Set, State};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Default)]
pub struct Origins {
    inner: RwLock<(Set, Vec<Database>)>,
}

impl Origins {
    /// Reads these files on a thread until told to stop; unpark it then.
    ///
    /// # Errors
    /// [`fault::THREAD`].
    pub fn watch(self: &Arc<Origins>, paths: &[PathBuf], stop: Arc<AtomicBool>) -> Result<Option<JoinHandle<()>>> {
        if paths.is_empty() {
            return Ok(None);
        }
        let (origins, mut files) = (self.clone(), origin::Origins::new(paths));
        let run = move || {
            while !stop.load(Ordering::Relaxed) {
                origins.look(&mut files);
                std::thread::park_timeout(LOOK);
            }
        };
        let thread = std::thread::Builder::new().name("origins".into()).spawn(run);
        thread.map(Some).map_err(|cause| Fault::new(&fault::THREAD).object("origins").because(cause))
    }

    /// Looks at the files once.
    pub fn look(&self, files: &mut origin::Origins) {
        for fault in files.refresh() {
            tracing::warn!(fault = %fault.inside(), "reports go on without this database, or with its last form");
        }
        let shown = files.states().into_iter().map(shown).collect();
        *self.inner.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = (files.set(), shown);
    }

    /// Where an address is announced from.
    pub fn lookup(&self, address: IpAddr) -> Option<Origin> {
        let inner = self.inner.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let origin::Origin { asn, name, country } = inner.0.lookup(address)?;
        Some(Origin { asn, name, country })
    }

    /// How each file is.
    pub fn shown(&self) -> Vec<Database> {
        self.inner.read().unwrap_or_else(|poisoned| poisoned.into_inner()).1.clone()
    }
}

/// What is shown of a file.
pub fn shown(state: State) -> Database {
    let [en, zh] = state.fault;
    Database {
        file: state.path.display().to_string(),
        kind: state.kind,
        built_s: state.built_s,
        fault: Said { en, zh },
    }
}
