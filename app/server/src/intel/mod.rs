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
use intel::{Base, Change, Facts, FilterDelta, Index, Indicator, Judge, Key, Kind, Warnings};
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
    /// One writer at a time.
    turn: tokio::sync::Mutex<Writer>,
    jobs: Mutex<BTreeMap<String, Job>>,
    /// Values that were new in small changes: the past is searched for them.
    fresh: tokio::sync::mpsc::Sender<Vec<Indicator>>,
}

/// What the one who writes knows.
struct Writer {
    /// The last sequence number.
    seq: u64,
    /// The index up to the last commit; what everyone sees may be behind it during a long import.
    index: Arc<Index>,
    /// When the image was built last, on the monotonic clock, and how long that took, µs.
    renewed: Micros,
    took: Micros,
}

/// A long import is seen at least this late, µs: then index and filter are built.
const RENEW_LEAST_US: Micros = 3_000_000;
/// They are built again after so many times what building took, so that an import of millions spends its time on itself.
const RENEW_SHARE: Micros = 4;
/// Rows that a long import changes before they are built all the same: 50 bytes each.
const PARTS_MOST: usize = 1_000_000;

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
        let writer = Writer { seq, index: known.index.clone(), renewed: clock.monotonic(), took: 0 };
        let (turn, jobs) = (tokio::sync::Mutex::new(writer), Mutex::default());
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
        let mut writer = self.turn.lock().await;
        let few = edits.len() <= FRESH_MOST;
        let Some((indicators, fresh, now)) = self.store(&mut writer, edits, few).await? else { return Ok((0, 0)) };
        let all = indicators.len();
        self.apply(&mut writer, &indicators, now).await?;
        if few && fresh > 0 {
            // A full queue means that a hunt is under way; what is left out can be searched for by hand.
            let _ = self.fresh.try_send(indicators);
        }
        Ok((all, fresh))
    }

    /// One part of a long import: the tables are written, index and filter follow every few seconds. Ends with
    /// [`Intel::settle`].
    async fn edit_part(&self, edits: Vec<Edit>) -> Result<(usize, usize)> {
        let mut writer = self.turn.lock().await;
        let Some((indicators, fresh, now)) = self.store(&mut writer, edits, false).await? else { return Ok((0, 0)) };
        let all = indicators.len();
        self.absorb(&mut writer, &indicators, now).await?;
        let since = self.clock.monotonic().saturating_sub(writer.renewed);
        if since > RENEW_LEAST_US.max(writer.took * RENEW_SHARE) || writer.index.changed() > PARTS_MOST {
            self.renew(&mut writer, now).await?;
        }
        Ok((all, fresh))
    }

    /// Ends a long import: index and filter are brought up to the tables.
    async fn settle(&self) -> Result<()> {
        let mut writer = self.turn.lock().await;
        if Arc::ptr_eq(&writer.index, &self.known().index) {
            return Ok(());
        }
        let now = self.clock.wall();
        self.renew(&mut writer, now).await
    }

    /// Commits edits to the tables. To be called in one's turn.
    async fn store(
        &self,
        writer: &mut Writer,
        edits: Vec<Edit>,
        few: bool,
    ) -> Result<Option<(Vec<Indicator>, usize, Micros)>> {
        let now = self.clock.wall();
        let index = &writer.index;
        let has = |kind: Kind, value: &str| index.has(Key::of(kind, value));
        // A value whose claims have all ended is in the tables and not in the index: small edits look at both.
        let mut changed =
            store::plan(&*self.tables, edits, |kind, value| few || has(kind, value), now, writer.seq).await?;
        if changed.indicators.is_empty() {
            return Ok(None);
        }
        writer.seq = changed.commit(&*self.tables, now, index.epoch() + 1).await?;
        Ok(Some((changed.indicators, changed.fresh, now)))
    }

    /// Brings the writer's index up to what was committed; nobody sees it yet. To be called in one's turn.
    async fn absorb(&self, writer: &mut Writer, indicators: &[Indicator], now: Micros) -> Result<FilterDelta> {
        let changes: Vec<Change> = indicators.iter().map(|indicator| change(indicator, now)).collect();
        match Arc::make_mut(&mut writer.index).absorb(&changes) {
            Ok(step) => Ok(step),
            Err(fault) => {
                // The tables are right and the index is not: it is made from them again.
                let epoch = store::fact(&*self.tables, "epoch").await?;
                writer.index = Arc::new(load(&*self.tables, &self.folder, epoch, now).await?);
                Err(fault)
            }
        }
    }

    /// Brings index and filter up to what was committed. To be called in one's turn.
    async fn apply(&self, writer: &mut Writer, indicators: &[Indicator], now: Micros) -> Result<()> {
        let step = self.absorb(writer, indicators, now).await?;
        if writer.index.drifted() {
            return self.renew(writer, now).await;
        }
        let index = writer.index.clone();
        self.swap(|known| known.index = index);
        let published = self.shelf.publish_delta(Name::IntelFilter, step.from, step.to, &step.encode());
        match published {
            Ok(published) if !published.whole_due => Ok(()),
            // Either the chain is long enough, or there is no whole below it yet.
            _ => self.publish_whole().await,
        }
    }

    /// Builds the image anew, stores it, and offers the whole filter. To be called in one's turn.
    async fn renew(&self, writer: &mut Writer, now: Micros) -> Result<()> {
        let begun = self.clock.monotonic();
        let (index, folder) = (writer.index.clone(), self.folder.clone());
        let built = tokio::task::spawn_blocking(move || -> Result<Index> {
            let mut image = Vec::with_capacity(index.rows() * 20);
            index.rebuild(now, &mut image)?;
            files::store_image(&folder, &image)?;
            Ok(Index::new(Base::open(image)?))
        });
        let index = built.await.map_err(|cause| Fault::new(&api::fault::BUG).object("index").because(cause))??;
        let epoch = index.epoch();
        writer.index = Arc::new(index);
        let index = writer.index.clone();
        self.swap(|known| known.index = index);
        store::forget_changes(&*self.tables, epoch).await?;
        self.publish_whole().await?;
        writer.renewed = self.clock.monotonic();
        writer.took = writer.renewed.saturating_sub(begun);
        Ok(())
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
