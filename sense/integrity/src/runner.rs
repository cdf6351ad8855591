//! Watching, wired: touches and the walk in, changes out. One thread of the agent runs it.

use crate::baseline::{Baseline, Vault};
use crate::config::IntegrityConfig;
use crate::entry::{self, Entry, Seen, look};
use crate::limits::{AGAIN, ENTRIES, TRANSACTION_US, WAITING};
use crate::note::{Explained, Notes};
use crate::package::{self, Databases, Manager, Verdict};
use crate::queue::{Queue, Waiting};
use crate::texts::Texts;
use crate::touch::{self, Meaning, Touch};
use crate::walk::{Budget, Cause, Walk};
use crate::watched::Watched;
use crate::{command, fault};
use base::{Clock, Fault, Micros, Random, Result};
use record::{Activity, Event, FileId, Integrity, Kind, Lost, Proc, ProcessKey};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock};
use std::time::Duration;

/// How often changes that people accepted are looked for, and longest wait, µs.
const LOOK: Micros = 1_000_000;
/// How often what is known goes to the disk while it changes, µs.
const SAVE: Micros = 5_000_000;
/// Least time between two looks at everything because events were lost, µs.
const CALM: Micros = 60_000_000;
/// How often the work of a package manager is looked at, µs.
const MANAGED: Micros = 1_000_000;
/// Longest command line kept of who did it, characters.
const BY: usize = 200;
/// In the place of a package: a package manager's tree did it, and no package lists the path.
pub const UNLISTED: &str = "unlisted:";

#[derive(Default)]
struct Inbox {
    touches: Vec<Touch>,
    lost: bool,
}

/// The way in, for any thread: never waits for a look.
pub struct Touches {
    inbox: Mutex<Inbox>,
    changed: Condvar,
    watched: RwLock<Arc<Watched>>,
    dropped: AtomicU64,
}

impl Touches {
    /// An event of the sensor.
    pub fn see(&self, event: &Event) {
        // It is replaced once a day; an event that comes just then is found by the look that follows.
        let Ok(watched) = self.watched.try_read() else { return };
        match touch::of(event, &watched) {
            Meaning::None => {}
            Meaning::Touched(touches) => {
                let mut inbox = self.lock();
                let room = WAITING.saturating_sub(inbox.touches.len());
                if touches.len() > room {
                    self.dropped.fetch_add(touches.len() as u64, Ordering::Relaxed);
                    inbox.lost = true;
                } else {
                    inbox.touches.extend(touches);
                }
                self.changed.notify_one();
            }
            Meaning::Lost => self.lock().lost = true,
        }
    }

    /// Ends a wait, so that a stop is seen.
    pub fn wake(&self) {
        drop(self.lock());
        self.changed.notify_one();
    }

    /// Touches that had no room, since the start; everything was looked at instead.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// What a change comes from.
enum Origin {
    /// A package manager that still works.
    Wait,
    /// This package.
    Package(String),
    /// Anyone: a word for the package, mostly empty.
    Told(String),
}

/// See the module.
pub struct Runner {
    config: IntegrityConfig,
    state: PathBuf,
    clock: Arc<dyn Clock>,
    touches: Arc<Touches>,
    watched: Arc<Watched>,
    /// What was watched when the baseline was written: what is new beside it is no change.
    before: Option<Watched>,
    vault: Vault,
    baseline: Baseline,
    texts: Texts,
    databases: Databases,
    queue: Queue,
    notes: Notes,
    walk: Option<Walk>,
    budget: Budget,
    /// Managers that were at work when last looked.
    managers: Vec<ProcessKey>,
    wanted: Option<Cause>,
    next_look: Micros,
    dirty: bool,
    saved: Micros,
    asked: Micros,
    told: Vec<Event>,
    /// Paths without room in the baseline, of this look.
    left_out: u64,
}

impl Runner {
    /// Ready to run. `state` is a folder of the agent that others cannot write to.
    ///
    /// # Errors
    /// When a pattern is wrong or the folder cannot be used.
    pub fn new(config: IntegrityConfig, state: PathBuf, clock: Arc<dyn Clock>, random: &dyn Random) -> Result<Runner> {
        let watched = Arc::new(Watched::new(&config)?);
        let vault = Vault::open(&state, random)?;
        let mut told = Vec::new();
        let baseline = match vault.load() {
            Ok(Some(baseline)) => baseline,
            Ok(None) => {
                if !vault.fresh {
                    told.push(of_baseline(&vault, "deleted", clock.wall()));
                }
                // From now on its absence means something.
                vault.save(&Baseline::default())?;
                Baseline::default()
            }
            Err(fault) => {
                tracing::error!(fault = %fault.inside(), "the baseline begins anew");
                told.push(of_baseline(&vault, "modified", clock.wall()));
                Baseline::default()
            }
        };
        let old = IntegrityConfig { paths: baseline.trees.clone(), ..config.clone() };
        let before = (baseline.made_us > 0).then(|| Watched::new(&old)).transpose()?;
        let touches = Touches {
            inbox: Mutex::default(),
            changed: Condvar::new(),
            watched: RwLock::new(watched.clone()),
            dropped: AtomicU64::new(0),
        };
        let now = clock.monotonic();
        Ok(Runner {
            texts: Texts::open(&state, &vault.mark_key(), config.texts),
            databases: Databases::new(&config.package_roots),
            queue: Queue::new(Micros::from(config.settle_ms.max(1)) * 1000),
            budget: Budget::new(config.bytes_per_second),
            touches: Arc::new(touches),
            notes: Notes::default(),
            managers: Vec::new(),
            walk: None,
            wanted: Some(Cause::Start),
            next_look: now,
            dirty: false,
            saved: now,
            asked: now,
            config,
            state,
            clock,
            watched,
            before,
            vault,
            baseline,
            told,
            left_out: 0,
        })
    }

    /// The way in.
    pub fn touches(&self) -> Arc<Touches> {
        self.touches.clone()
    }

    /// The baseline as it stands.
    pub fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// Runs until told to stop ([`Touches::wake`] makes it look), then keeps what is known.
    pub fn run(mut self, stop: &AtomicBool, deliver: &mut dyn FnMut(Event)) {
        while !stop.load(Ordering::Relaxed) {
            let wait = self.step(deliver);
            if wait > 0 {
                let inbox = self.touches.lock();
                // What was touched is not due before it has settled, so only a loss ends the wait.
                if !inbox.lost && !stop.load(Ordering::Relaxed) {
                    let _ = self.touches.changed.wait_timeout(inbox, Duration::from_micros(wait as u64));
                }
            }
        }
        self.save();
    }

    /// Does one thing and says how long there is nothing to do, µs.
    pub fn step(&mut self, deliver: &mut dyn FnMut(Event)) -> Micros {
        let now = self.clock.monotonic();
        self.take_in(now);
        self.asked(now);
        let more = match self.queue.next(now) {
            Some(one) => {
                self.touched(one);
                true
            }
            None => self.walk(now),
        };
        for (record, process) in self.notes.due(now) {
            self.told.push(self.event(record, process));
        }
        self.told.drain(..).for_each(&mut *deliver);
        if self.dirty && now - self.saved >= SAVE && self.baseline.made_us > 0 {
            self.save();
        }
        if more { 0 } else { self.wait(now) }
    }

    fn wait(&self, now: Micros) -> Micros {
        let walk = self.walk.as_ref().map(|_| now + self.budget.wait(now));
        let due = [self.queue.due(), self.notes.next(), walk].into_iter().flatten().min();
        (due.unwrap_or(now + LOOK) - now).clamp(1000, LOOK)
    }

    fn take_in(&mut self, now: Micros) {
        let Inbox { touches, mut lost } = std::mem::take(&mut *self.touches.lock());
        for touch in touches {
            lost |= !self.queue.add(touch, now);
        }
        if lost {
            self.wanted = self.wanted.or(Some(Cause::Lost));
        }
        if now >= self.next_look && self.walk.is_none() && self.wanted.is_none() {
            self.wanted = Some(Cause::Schedule);
        }
    }

    /// Accepts what people accepted meanwhile.
    fn asked(&mut self, now: Micros) {
        if now - self.asked >= LOOK {
            self.asked = now;
            for path in command::take_requests(&self.state) {
                let count = self.baseline.accept(path.as_deref());
                tracing::info!(count, "changes were accepted");
                self.dirty = true;
                self.saved = now - SAVE;
            }
        }
    }

    /// Walks a little; false when there is nothing to do now.
    fn walk(&mut self, now: Micros) -> bool {
        if self.budget.wait(now) > 0 {
            return false;
        }
        let Some(mut walk) = self.walk.take() else { return self.begin(now) };
        let Some(path) = walk.next(&self.watched) else {
            self.finish(&walk);
            return true;
        };
        let read = self.examine(Waiting { path, since: now, ..Waiting::default() }, Some(walk.cause));
        self.budget.charge(read, now);
        self.walk = Some(walk);
        true
    }

    fn begin(&mut self, now: Micros) -> bool {
        self.managers.retain(|key| package::alive(*key));
        let Some(cause) = self.wanted.filter(|_| self.managers.is_empty()) else { return false };
        // A storm of losses asks again and again.
        if cause == Cause::Lost && now < self.next_look - self.every() + CALM {
            return false;
        }
        self.wanted = None;
        self.next_look = now + self.every();
        if let Ok(watched) = Watched::new(&self.config) {
            self.watched = Arc::new(watched);
            *self.touches.watched.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = self.watched.clone();
        }
        self.walk = Some(Walk::new(self.watched.trees(), cause));
        true
    }

    fn every(&self) -> Micros {
        Micros::from(self.config.every_hours.max(1)) * 3_600_000_000
    }

    /// What was known and is gone, and what is watched no more.
    fn finish(&mut self, walk: &Walk) {
        let known: Vec<String> = self.baseline.accepted.keys().chain(self.baseline.pending.keys()).cloned().collect();
        for path in known {
            if !self.watched.covers(&path) {
                self.baseline.take(&path, None);
            } else if self.baseline.last(&path).is_some() && entry::stat(Path::new(&path)).is_none() {
                let since = self.clock.monotonic();
                self.examine(Waiting { path, since, ..Waiting::default() }, Some(walk.cause));
            }
        }
        let left_out = walk.left_out + std::mem::take(&mut self.left_out);
        if left_out > 0 {
            let (class, place) = (Kind::Integrity.word().into(), "limit".into());
            let lost = Lost { class, place, count: left_out, ..Lost::default() };
            let (time_us, activity) = (self.clock.wall(), Activity::Lost(lost));
            self.told.push(Event { seq: 0, time_us, process: None, activity });
        }
        let named =
            self.baseline.accepted.values().chain(self.baseline.pending.values().filter_map(|p| p.now.as_ref()));
        self.texts.clean(named.map(|entry| entry.sha256.as_slice()));
        self.databases.forget();
        self.baseline.looked_us = self.clock.wall();
        if self.baseline.made_us == 0 {
            self.baseline.made_us = self.baseline.looked_us;
            tracing::info!(files = self.baseline.accepted.len(), "the baseline of watched files is made");
        }
        self.baseline.trees = self.config.paths.clone();
        self.before = None;
        self.save();
    }

    fn save(&mut self) {
        self.dirty = false;
        self.saved = self.clock.monotonic();
        if let Err(fault) = self.vault.save(&self.baseline) {
            tracing::warn!(fault = %fault.inside(), "changes of watched files will be told again after a restart");
        }
    }

    /// A touched path, with all below it where that may have changed too.
    fn touched(&mut self, one: Waiting) {
        if !one.whole {
            self.examine(one, None);
            return;
        }
        let mut paths = self.baseline.below(&one.path);
        let trees = self.watched.trees();
        let inside = trees.iter().any(|tree| Path::new(&one.path).starts_with(tree));
        let trees = match inside {
            true => vec![PathBuf::from(&one.path)],
            false => trees.into_iter().filter(|tree| tree.starts_with(&one.path)).collect(),
        };
        let mut walk = Walk::new(trees, Cause::Lost);
        while let Some(path) = walk.next(&self.watched).filter(|_| paths.len() < self.config.entries) {
            paths.push(path);
        }
        paths.sort();
        paths.dedup();
        for path in paths {
            self.examine(Waiting { path, whole: false, ..one.clone() }, None);
        }
    }

    /// Looks at a path and tells what changed; gives the bytes read.
    fn examine(&mut self, one: Waiting, walk: Option<Cause>) -> u64 {
        let place = Path::new(&one.path);
        if !self.watched.covers(&one.path) {
            return 0;
        }
        let last = self.baseline.last(&one.path);
        let quick = matches!(walk, Some(Cause::Start | Cause::Lost));
        if quick && last.zip(entry::stat(place)).is_some_and(|(last, stat)| last.untouched(&stat)) {
            return 0;
        }
        let seen = look(place, self.config.file_bytes);
        let read = seen.as_ref().map_or(0, |seen| seen.read);
        let change = match (last, &seen) {
            (None, None) => None,
            (None, Some(_)) => Some("created"),
            (Some(_), None) => Some("deleted"),
            (Some(last), Some(seen)) => last.change(&seen.entry),
        };
        match change {
            Some("created") if self.first_sight(&one.path, walk) => self.learn(&one.path, seen),
            Some(change) => self.changed(one, change, seen),
            None => self.refresh(&one.path, seen),
        }
        read
    }

    /// Whether a path is seen for the first time because nobody has looked there before.
    fn first_sight(&self, path: &str, walk: Option<Cause>) -> bool {
        let made = self.baseline.made_us > 0;
        // What had no room was there before; that it is there is no news.
        let full = walk.is_some() && self.baseline.accepted.len() >= self.config.entries.min(ENTRIES);
        !made || full || (walk.is_some() && self.before.as_ref().is_some_and(|before| !before.covers(path)))
    }

    fn learn(&mut self, path: &str, seen: Option<Seen>) {
        let Some(seen) = seen else { return };
        if self.baseline.accepted.len() < self.config.entries.min(ENTRIES) {
            self.texts.keep(path, &seen);
            self.baseline.take(path, Some(seen.entry));
        } else {
            self.left_out += 1;
        }
    }

    /// Nothing that matters changed; times and inode may have.
    fn refresh(&mut self, path: &str, seen: Option<Seen>) {
        let Some(seen) = seen else { return };
        let place = match self.baseline.pending.get_mut(path) {
            Some(pending) => pending.now.as_mut(),
            None => self.baseline.accepted.get_mut(path),
        };
        if let Some(known) = place.filter(|known| **known != seen.entry) {
            *known = seen.entry;
            self.dirty = true;
        }
    }

    fn changed(&mut self, mut one: Waiting, change: &'static str, seen: Option<Seen>) {
        let now = self.clock.monotonic();
        let settle = Micros::from(self.config.settle_ms) * 1000;
        let age = seen.as_ref().map_or(settle, |seen| self.clock.wall() - seen.entry.modified_ns / 1000);
        if change != "attributes" && age < settle && one.again < AGAIN && !one.processes.is_empty() {
            one.again += 1;
            return self.queue.put_back(one, now, settle);
        }
        let managers: Vec<Option<Manager>> = one.processes.iter().map(|process| self.manager(process)).collect();
        match self.origin(&one, &managers, seen.as_ref(), now) {
            Origin::Wait => self.queue.put_back(one, now, MANAGED),
            Origin::Package(package) => {
                let process = one.processes.last().cloned();
                let (before, after) = (self.baseline.last(&one.path), seen.as_ref().map(|seen| &seen.entry));
                self.notes.add(Explained { package, change, path: &one.path, before, after, process }, now);
                if let Some(seen) = &seen {
                    self.texts.keep(&one.path, seen);
                }
                self.baseline.take(&one.path, seen.map(|seen| seen.entry));
                self.dirty = true;
            }
            Origin::Told(package) => {
                // Of several, one that is no package manager's.
                let stranger = one.processes.iter().zip(&managers).rev().find(|(_, manager)| manager.is_none());
                let process = stranger.map(|(process, _)| process).or(one.processes.last()).cloned();
                self.tell(&one.path, change, seen, process, package);
            }
        }
    }

    fn manager(&self, process: &Arc<Proc>) -> Option<Manager> {
        package::manager(process, |path| self.baseline.accepted.get(path))
    }

    fn origin(&mut self, one: &Waiting, managers: &[Option<Manager>], seen: Option<&Seen>, now: Micros) -> Origin {
        let all: Vec<&Manager> = managers.iter().flatten().collect();
        if all.len() < managers.len() {
            return Origin::Told(String::new());
        }
        let top = all.iter().map(|manager| manager.top).find(|top| package::alive(*top));
        if let Some(top) = top.filter(|_| now - one.since < TRANSACTION_US) {
            if !self.managers.contains(&top) {
                self.managers.push(top);
            }
            return Origin::Wait;
        }
        match self.databases.verdict(&one.path, seen.map(|seen| &seen.entry), &self.watched) {
            Verdict::Package(package) => Origin::Package(package),
            Verdict::Differs(_) => Origin::Told(String::new()),
            Verdict::Unlisted => {
                Origin::Told(all.last().map_or(String::new(), |one| format!("{UNLISTED}{}", one.word)))
            }
        }
    }

    fn tell(
        &mut self,
        path: &str,
        change: &'static str,
        seen: Option<Seen>,
        process: Option<Arc<Proc>>,
        package: String,
    ) {
        let before = self.baseline.last(path).cloned();
        let old = before.as_ref().map(|entry| entry.sha256.as_slice()).filter(|sha256| !sha256.is_empty());
        let diff = match (change, &before) {
            ("attributes", _) => String::new(),
            // It was there and nothing was read of it.
            (_, Some(_)) if old.is_none() => String::new(),
            _ => self.texts.difference(path, old, seen.as_ref()),
        };
        if let Some(seen) = &seen {
            self.texts.keep(path, seen);
        }
        let now = seen.map(|seen| seen.entry);
        let file = now.as_ref().or(before.as_ref()).map_or_else(FileId::default, |entry| entry.file(path));
        let record = Integrity {
            change: change.to_owned(),
            file,
            before: before.as_ref().map(Entry::state),
            after: now.as_ref().map(Entry::state),
            diff,
            package,
        };
        let by = process.as_ref().map_or(String::new(), |process| process.info.cmd_line.chars().take(BY).collect());
        self.told.push(self.event(record, process));
        self.baseline.tell(path, now, self.clock.wall(), by);
        self.dirty = true;
    }

    fn event(&self, record: Integrity, process: Option<Arc<Proc>>) -> Event {
        Event { seq: 0, time_us: self.clock.wall(), process, activity: Activity::Integrity(record) }
    }
}

/// That the baseline itself was changed or removed.
fn of_baseline(vault: &Vault, change: &str, time_us: Micros) -> Event {
    let file = FileId { path: vault.path().display().to_string(), ..FileId::default() };
    let record = Integrity { change: change.into(), file, ..Integrity::default() };
    Event { seq: 0, time_us, process: None, activity: Activity::Integrity(record) }
}

/// Keeps a fault at hand for callers that only have a folder.
pub(crate) fn no_baseline(state: &Path) -> Fault {
    Fault::new(&fault::NO_BASELINE).object(state.display())
}

#[cfg(test)]
mod tests;
