//! Threat intelligence at the server: the store, the live index and filter, feeds, answers to agents, and the past.
//!
//! One writer at a time ([`Intel::edit`]): tables first, then the index, then the filter that agents get. After a crash
//! between them the index is brought up to the tables at the next start.

mod answer;
mod desk;
mod feed;
mod files;
mod hunt;
mod import;
mod share;
pub mod store;

use base::{Clock, Fault, Micros, Result};
use fleet::content::{Name, Shelf};
use intel::attack::Graph;
use intel::{Base, Change, Facts, Index, Indicator, Judge, Key, Kind, Warnings};
use port::Tables;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};
use store::Edit;

pub use answer::Answers;
pub use desk::Desk;
pub use feed::{Feed, run as feeds};
pub use hunt::{Past, run as hunts};
pub use import::{Job, Order};

/// What everyone looks things up in; swapped as a whole.
#[derive(Clone)]
pub struct Known {
    /// Indicators.
    pub index: Arc<Index>,
    /// Lists of what is no reason for alarm.
    pub warnings: Arc<Warnings>,
    /// Techniques, software, actors.
    pub graph: Arc<Graph>,
    /// How hits are judged.
    pub judge: Arc<Judge>,
}

/// Threat intelligence of this installation.
pub struct Intel {
    tables: Arc<dyn Tables>,
    clock: Arc<dyn Clock>,
    folder: PathBuf,
    shelf: Shelf,
    known: RwLock<Known>,
    /// One writer at a time; what it holds is the last sequence number.
    turn: tokio::sync::Mutex<u64>,
    jobs: Mutex<BTreeMap<String, Job>>,
    /// Values that were new in small changes: the past is searched for them.
    fresh: tokio::sync::mpsc::Sender<Vec<Indicator>>,
}

/// Indicators whose past is waiting to be searched, in lists.
const FRESH_WAITING: usize = 64;
/// Most indicators of one change that are searched for in the past by themselves; a feed of millions is not.
const FRESH_MOST: usize = 500;

impl Intel {
    /// Opens what is stored and offers the filter to agents. The receiver gets values whose past should be searched.
    pub async fn open(
        tables: Arc<dyn Tables>,
        clock: Arc<dyn Clock>,
        folder: PathBuf,
        shelf: Shelf,
    ) -> Result<(Arc<Intel>, tokio::sync::mpsc::Receiver<Vec<Indicator>>)> {
        files::make(&folder)?;
        let epoch = store::fact(&*tables, "epoch").await?;
        let seq = store::fact(&*tables, "seq").await?;
        let index = load(&*tables, &folder, epoch, clock.wall()).await?;
        let known = Known {
            index: Arc::new(index),
            warnings: Arc::new(files::warnings(&folder)),
            graph: Arc::new(files::graph(&folder)),
            judge: Arc::default(),
        };
        let (fresh, past) = tokio::sync::mpsc::channel(FRESH_WAITING);
        let (turn, jobs) = (tokio::sync::Mutex::new(seq), Mutex::default());
        let intel = Arc::new(Intel { tables, clock, folder, shelf, known: RwLock::new(known), turn, jobs, fresh });
        intel.publish_whole().await?;
        Ok((intel, past))
    }

    /// What is known now.
    pub fn known(&self) -> Known {
        self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The time now, µs.
    pub fn now(&self) -> Micros {
        self.clock.wall()
    }

    /// Which version of the filter agents are offered, and how many have it.
    pub fn offered(&self) -> serde_json::Value {
        let version = self.shelf.published(Name::IntelFilter).0.version;
        let tally = self.shelf.tally(Name::IntelFilter, version);
        serde_json::json!({"version": version, "agents": tally.agents, "hold": tally.hold, "refused": tally.refused})
    }

    fn swap(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.write().unwrap_or_else(|poisoned| poisoned.into_inner()));
    }

    /// Makes edits: tables, index, filter. Answers how many indicators changed and how many are new.
    pub async fn edit(&self, edits: Vec<Edit>) -> Result<(usize, usize)> {
        let mut seq = self.turn.lock().await;
        let now = self.clock.wall();
        let index = self.known().index;
        let has = |kind: Kind, value: &str| index.has(Key::of(kind, value));
        // A value whose claims have all ended is in the tables and not in the index: small edits look at both.
        let few = edits.len() <= FRESH_MOST;
        let mut changed = store::plan(&*self.tables, edits, |kind, value| few || has(kind, value), now, *seq).await?;
        if changed.indicators.is_empty() {
            return Ok((0, 0));
        }
        let epoch = index.epoch() + 1;
        *seq = changed.commit(&*self.tables, now, epoch).await?;
        let (all, fresh) = (changed.indicators.len(), changed.fresh);
        self.apply(&changed.indicators, now).await?;
        if few && fresh > 0 {
            // A full queue means that a hunt is under way; what is left out can be searched for by hand.
            let _ = self.fresh.try_send(changed.indicators);
        }
        Ok((all, fresh))
    }

    /// Brings index and filter up to what was committed. To be called in one's turn.
    async fn apply(&self, indicators: &[Indicator], now: Micros) -> Result<()> {
        let changes: Vec<Change> = indicators.iter().map(|indicator| change(indicator, now)).collect();
        let mut index = Index::clone(&*self.known().index);
        let step = index.apply(&changes)?;
        let drifted = index.drifted();
        self.swap(|known| known.index = Arc::new(index));
        if drifted {
            return self.renew(now).await;
        }
        let published = self.shelf.publish_delta(Name::IntelFilter, step.from, step.to, &step.encode());
        match published {
            Ok(published) if !published.whole_due => Ok(()),
            // Either the chain is long enough, or there is no whole below it yet.
            _ => self.publish_whole().await,
        }
    }

    /// Builds the image anew, stores it, and offers the whole filter. To be called in one's turn.
    async fn renew(&self, now: Micros) -> Result<()> {
        let index = self.known().index;
        let folder = self.folder.clone();
        let built = tokio::task::spawn_blocking(move || -> Result<Index> {
            let mut image = Vec::with_capacity(index.rows() * 20);
            index.rebuild(now, &mut image)?;
            files::store_image(&folder, &image)?;
            Ok(Index::new(Base::open(image)?))
        });
        let index = built.await.map_err(|cause| Fault::new(&api::fault::BUG).object("index").because(cause))??;
        let epoch = index.epoch();
        self.swap(|known| known.index = Arc::new(index));
        store::forget_changes(&*self.tables, epoch).await?;
        self.publish_whole().await
    }

    /// Offers the whole filter to agents.
    async fn publish_whole(&self) -> Result<()> {
        let (index, shelf, now) = (self.known().index, self.shelf.clone(), self.clock.wall());
        if index.epoch() == 0 {
            return Ok(());
        }
        let packed = tokio::task::spawn_blocking(move || {
            let filter = index.filter(now)?;
            shelf.publish(Name::IntelFilter, index.epoch(), &filter.encode())
        });
        match packed.await {
            Ok(Err(fault)) if !fault.is(&fleet::fault::CONTENT_STALE) => Err(fault),
            Ok(_) => Ok(()),
            Err(cause) => Err(Fault::new(&api::fault::BUG).object("filter").because(cause)),
        }
    }
}

/// What an indicator means to the index.
fn change(indicator: &Indicator, now: Micros) -> Change {
    match Facts::of(indicator, now) {
        Some(facts) => Change::Put { value: indicator.value.clone(), facts },
        None => Change::Remove { kind: indicator.kind, value: indicator.value.clone() },
    }
}

/// The index at an epoch: the stored image and what changed since, or everything from the tables.
async fn load(tables: &dyn Tables, folder: &std::path::Path, epoch: u64, now: Micros) -> Result<Index> {
    let image = files::image(folder).filter(|base| base.epoch() <= epoch);
    if let Some(base) = image
        && let Some(changed) = store::changed_since(tables, base.epoch()).await?
    {
        let mut index = Index::new(base);
        let mut changes = Vec::new();
        for (kind, value) in changed {
            let held = store::read(tables, kind, &value).await?;
            changes.push(held.map_or(Change::Remove { kind, value }, |(_, row)| change(&row.indicator, now)));
        }
        while index.epoch() < epoch {
            index.apply(&std::mem::take(&mut changes))?;
        }
        return Ok(index);
    }
    let mut builder = intel::Builder::default();
    let mut after = String::new();
    loop {
        let rows = tables.scan(store::ORDER, "", &after, SCAN).await?;
        let Some(last) = rows.last() else { break };
        after = last.key.clone();
        for item in &rows {
            if let Ok(row) = serde_json::from_slice::<store::Row>(&item.value) {
                builder.indicator(&row.indicator, now)?;
            }
        }
    }
    let mut image = Vec::new();
    builder.finish(epoch, &mut image)?;
    files::store_image(folder, &image)?;
    store::forget_changes(tables, epoch).await?;
    Ok(Index::new(Base::open(image)?))
}

/// Rows of one read when all are read.
pub const SCAN: usize = 5000;

#[cfg(test)]
mod tests;
