//! The current inventory, and which hosts are to be matched anew.

use crate::assets;
use crate::catalogue::{self, Catalogue};
use crate::findings::{self, MATCHED, Matched};
use crate::import::Job;
use api::Live;
use base::{Clock, Fault, Result};
use port::{Fetch, Tables};
use record::{Activity, Event};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};

/// How long changes are gathered before hosts are matched: a first inventory comes in many frames.
const SETTLE: Duration = Duration::from_millis(500);
/// Rows read at once.
pub(crate) const SCAN: usize = 5000;

/// Inventory and vulnerabilities of this installation.
pub struct Posture {
    pub(crate) tables: Arc<dyn Tables>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) folder: PathBuf,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) live: broadcast::Sender<Live>,
    pub(crate) jobs: Mutex<BTreeMap<String, Job>>,
    /// One import at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Agents to match anew.
    pub(crate) due: Mutex<BTreeSet<String>>,
    pub(crate) wake: Notify,
}

impl Posture {
    /// Opens what is stored; what is left of imports that a crash ended is removed.
    pub async fn open(
        tables: Arc<dyn Tables>,
        clock: Arc<dyn Clock>,
        folder: PathBuf,
        fetch: Arc<dyn Fetch>,
        live: broadcast::Sender<Live>,
    ) -> Result<Arc<Posture>> {
        use std::os::unix::fs::DirBuilderExt;
        let unusable = |cause| Fault::new(&crate::fault::FOLDER).object(folder.display()).because(cause);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(unusable)?;
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            // Uploads are the only files here, and nobody imports them any more.
            let _ = std::fs::remove_file(entry.path());
        }
        let turn = tokio::sync::Mutex::default();
        let (jobs, due, wake) = (Mutex::default(), Mutex::default(), Notify::new());
        let posture = Posture { tables, clock, folder, fetch, live, jobs, turn, due, wake };
        catalogue::sweep_leftovers(&*posture.tables).await?;
        posture.all_due().await?;
        Ok(Arc::new(posture))
    }

    /// Takes the changes of a frame in. To be called in the order of the frames.
    pub async fn observe(&self, agent: &str, host: &str, events: &[Event]) -> Result<()> {
        let changes = events.iter().filter_map(|event| match &event.activity {
            Activity::Asset(asset) => Some((event.time_us, asset)),
            _ => None,
        });
        let changes: Vec<_> = changes.collect();
        if !changes.is_empty() && assets::take(&*self.tables, agent, host, &changes).await? {
            self.due_now([agent.to_owned()]);
        }
        Ok(())
    }

    pub(crate) fn due_now(&self, agents: impl IntoIterator<Item = String>) {
        self.due.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(agents);
        self.wake.notify_one();
    }

    /// Hosts that were not matched since their packages or the advisories changed.
    pub(crate) async fn all_due(&self) -> Result<()> {
        let catalogue = Catalogue::load(&*self.tables).await?;
        let mut stale = Vec::new();
        for host in assets::agents(&*self.tables, "").await? {
            let matched = self.tables.get(MATCHED, &host.agent).await?;
            let matched: Option<Matched> = matched.and_then(|item| serde_json::from_slice(&item.value).ok());
            let wanted = Matched { packages_us: host.packages_us, advisories: catalogue.stamp() };
            if matched.as_ref() != Some(&wanted) {
                stale.push(host.agent);
            }
        }
        if !stale.is_empty() {
            self.due_now(stale);
        }
        Ok(())
    }

    /// Matches hosts that are due. Answers how many.
    pub async fn settle(&self) -> Result<usize> {
        let due = std::mem::take(&mut *self.due.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        if due.is_empty() {
            return Ok(0);
        }
        let catalogue = Catalogue::load(&*self.tables).await?;
        let count = due.len();
        let mut left = due.clone();
        for agent in &due {
            match findings::renew(&*self.tables, &catalogue, agent, self.clock.wall()).await {
                Ok(fresh) => fresh.into_iter().for_each(|json| {
                    // Nobody listening is no fault.
                    let _ = self.live.send(Live { kind: "vulnerability".into(), json });
                }),
                Err(fault) => {
                    // What was not matched is due again.
                    self.due.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(left);
                    return Err(fault);
                }
            }
            left.remove(agent);
        }
        Ok(count)
    }
}

/// Matches hosts as they become due, until told to stop.
pub async fn watch(posture: Arc<Posture>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = posture.wake.notified() => {}
            _ = stop.changed() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(SETTLE) => {}
            _ = stop.changed() => return,
        }
        if let Err(fault) = posture.settle().await {
            tracing::warn!(fault = %fault.inside(), "vulnerabilities were not matched; it is tried again with the next change");
        }
    }
}
