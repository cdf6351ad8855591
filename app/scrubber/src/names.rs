//! Names that move: the name servers that hold them, who watches over them, and the orders by which they move.

mod asked;
mod mover;
mod prober;

pub use asked::{MoveAsked, Tell};
pub(crate) use mover::KEEPER;
pub use prober::probe;

use crate::config::{Config, Decide, Name};
use crate::fault;
use crate::hands::Hands;
use crate::orders::Orders;
use crate::status;
use base::{Clock, Fault, Micros, Random, Result};
use ddos::Prefix;
use divert::{
    Addresses, Condition, Found, Guard, Keeper, Key, Place, Policy, Prober, Protected, Records, Seen, Swap, Target,
    Urn, Watch,
};
use mover::Mover;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

/// What this prober is called among those that vote.
const HERE: &str = "scrubber";
/// Sightings that may wait to be taken.
const SIGHTINGS: usize = 1024;

/// One name.
pub(crate) struct Row {
    /// The name in its zone.
    pub name: Protected,
    /// Where it may be, home first.
    pub places: Vec<Place>,
    records: Arc<dyn Records>,
}

/// All names.
pub struct Names {
    rows: Vec<Row>,
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    keeper: OnceLock<Keeper>,
    /// The order that keeps each name away from home.
    standing: Mutex<BTreeMap<usize, Standing>>,
    /// Alerts of moves that wait for a person.
    alerts: Mutex<BTreeMap<usize, String>>,
}

/// An order that put a name somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// Its id.
    pub order: String,
    to: Addresses,
    /// When its lease ends, monotonic.
    ends_us: Micros,
    /// Whether the keeper gave it: then the keeper knows why, or finds out by health.
    own: bool,
}

impl Names {
    /// Reads the keys; asks nobody yet.
    ///
    /// # Errors
    /// What `divert` says of the configuration, and of the key files.
    pub fn open(config: &Arc<Config>, clock: &Arc<dyn Clock>, random: &Arc<dyn Random>) -> Result<Names> {
        let mut rows = Vec::new();
        for name in &config.names {
            let records = divert::open(&name.records, clock.clone(), random.clone())?;
            let protected = Protected::new(&name.zone, &name.name, name.ttl)?;
            rows.push(Row { name: protected, places: name.places.clone(), records: Arc::from(records) });
        }
        let (config, clock, random) = (config.clone(), clock.clone(), random.clone());
        let (standing, alerts) = (Mutex::default(), Mutex::default());
        Ok(Names { rows, config, clock, random, keeper: OnceLock::new(), standing, alerts })
    }

    /// Probes and moves from now on, by orders through these hands, as long as the prober that is given back is kept. A move for
    /// which a person is asked is told.
    ///
    /// # Errors
    /// What `divert` says of the rules.
    pub fn watch(self: &Arc<Names>, hands: Hands, orders: Orders, tell: Tell) -> Result<Prober> {
        let now = self.clock.monotonic();
        let (mut guards, mut watches) = (Vec::new(), Vec::new());
        for (number, (row, name)) in self.rows.iter().zip(&self.config.names).enumerate() {
            let policy = if self.config.policy.names == Decide::Auto { name.switching.policy } else { Policy::Ask };
            let rules = divert::SwitchingRules { policy, ..name.switching };
            guards.push(Guard::new(row.name.clone(), row.places.clone(), name.quorum, rules, now)?);
            watches.extend(watch(number, name)?);
        }
        let mover = Arc::new(Mover { names: self.clone(), hands, orders, tell });
        let keeper = self.keeper.get_or_init(|| Keeper::new(guards, mover, self.clock.clone())).clone();
        // Orders of before a restart were taken over when there was no keeper yet.
        let standing = self.standing().clone();
        standing.iter().for_each(|(number, standing)| self.stay(*number, standing));
        let (sink, sightings) = tokio::sync::mpsc::channel(SIGHTINGS);
        let prober = Prober::start(watches, &self.clock, &self.random, &sink);
        let voted = self.votes()?;
        // It ends with the sightings, when the prober is dropped.
        tokio::spawn(async move {
            let votes = async {
                if let Some((socket, mut urn)) = voted
                    && let Err(fault) = keeper.listen(&socket, &mut urn).await
                {
                    tracing::error!(fault = %fault.inside(), "votes are not heard any more");
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = keeper.run(HERE, sightings) => {}
                () = votes => {}
            }
        });
        Ok(prober)
    }

    /// Where probers elsewhere send their votes, when there are any.
    fn votes(&self) -> Result<Option<(tokio::net::UdpSocket, Urn)>> {
        let Some(votes) = &self.config.votes else { return Ok(None) };
        if votes.server {
            tracing::warn!("the server's votes are waited for, but no server started this scrubber (`garrison up`)");
        }
        let failed = |cause: std::io::Error| Fault::new(&fault::SOCKET).object(votes.listen).because(cause);
        let socket = std::net::UdpSocket::bind(votes.listen).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let socket = tokio::net::UdpSocket::from_std(socket).map_err(failed)?;
        let keys: Result<Vec<Key>> = votes.key_files.iter().map(|path| Key::read(path)).collect();
        Ok(Some((socket, Urn::new(keys?, self.clock.monotonic())?)))
    }

    /// Who watches over them, once [`Names::watch`] was called.
    pub fn keeper(&self) -> Option<&Keeper> {
        self.keeper.get()
    }

    /// The row of a name.
    ///
    /// # Errors
    /// [`fault::NOT_PROTECTED`] when there is none.
    pub(crate) fn row(&self, zone: &str, name: &str) -> Result<usize> {
        let plain = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
        let same = |row: &Row| plain(&row.name.name()) == plain(name) && plain(&row.name.zone()) == plain(zone);
        let missing = || Fault::new(&fault::NOT_PROTECTED).object(name).expected("a name of the `names:` list");
        self.rows.iter().position(same).ok_or_else(missing)
    }

    pub(crate) fn at(&self, number: usize) -> &Row {
        &self.rows[number]
    }

    /// What the name server holds.
    ///
    /// # Errors
    /// What it says, or that it does not answer.
    pub(crate) fn read(&self, number: usize) -> Result<Found> {
        let row = &self.rows[number];
        call(row.records.read(&row.name))?
    }

    /// Swaps the addresses of a name, all or nothing.
    ///
    /// # Errors
    /// As [`Names::read`].
    pub(crate) fn swap(&self, number: usize, from: &Addresses, to: &Addresses) -> Result<Swap> {
        let row = &self.rows[number];
        call(row.records.compare_and_swap(&row.name, from, to))?
    }

    /// What everybody is told.
    ///
    /// # Errors
    /// When nobody could be asked.
    pub(crate) fn verify(&self, number: usize) -> Result<Vec<Seen>> {
        let row = &self.rows[number];
        call(row.records.verify(&row.name))
    }

    /// What probers agree on about the home of a name; unknown before anybody watches.
    pub(crate) fn home(&self, number: usize) -> Condition {
        let verdict = |keeper: &Keeper| {
            let now = self.clock.monotonic();
            keeper.guards().get(number).and_then(|guard| guard.verdicts(now).first().copied())
        };
        self.keeper.get().and_then(verdict).unwrap_or_default()
    }

    /// An order put a name somewhere for a time; of the keeper itself (`own`) or of somebody else.
    pub(crate) fn ordered(&self, number: usize, order: &str, to: &Addresses, lease_us: Micros, own: bool) {
        let ends_us = self.clock.monotonic().saturating_add(lease_us);
        let standing = Standing { order: order.to_string(), to: to.clone(), ends_us, own };
        self.stay(number, &standing);
        self.standing().insert(number, standing);
    }

    /// Health brings no name home while somebody's order keeps it away.
    fn stay(&self, number: usize, standing: &Standing) {
        let now = self.clock.monotonic();
        if let Some(keeper) = self.keeper.get()
            && let Some(guard) = keeper.guards().get_mut(number)
            && let Some(place) = guard.place_of(&standing.to).filter(|_| !standing.own)
        {
            guard.switching.taken(now, place, divert::Reason::Operator, standing.ends_us.saturating_sub(now));
        }
    }

    /// An order is over.
    pub(crate) fn over(&self, number: usize, order: &str) {
        self.standing().retain(|known, standing| *known != number || standing.order != order);
    }

    /// The order that keeps a name away from home.
    pub(crate) fn standing(&self) -> MutexGuard<'_, BTreeMap<usize, Standing>> {
        self.standing.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Alerts of moves that wait for a person, by number of the name.
    fn alerts(&self) -> MutexGuard<'_, BTreeMap<usize, String>> {
        self.alerts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Addresses inside a prefix are attacked beyond help: names that are there go elsewhere, for this long at most. Gives
    /// how many were asked to.
    pub fn leave(&self, prefix: Prefix, lease: Duration) -> usize {
        let Some(keeper) = self.keeper.get() else { return 0 };
        let (now, mut asked) = (self.clock.monotonic(), 0);
        for guard in keeper.guards().iter_mut() {
            let place = &guard.places()[guard.switching.at()];
            let hit = place.addresses.iter().any(|address| prefix.has(address));
            let away = guard.switching.stay().is_some_and(|(reason, _)| reason == divert::Reason::Attack);
            if hit
                && !away
                && let Some(to) = guard.refuge(now)
            {
                let lease_us = Micros::try_from(lease.as_micros()).unwrap_or(Micros::MAX);
                asked += usize::from(guard.switching.request(now, to, divert::Reason::Attack, lease_us));
            }
        }
        asked
    }

    /// A person agrees to the move that is asked for; gives the labels of where it is and where it goes.
    ///
    /// # Errors
    /// [`fault::NOT_PROTECTED`] for an unknown name, [`fault::NOT_ASKED`] when no move of it is asked for (any more).
    pub fn approve(&self, name: &str, who: &str) -> Result<(String, String)> {
        let plain = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
        let missing = || Fault::new(&fault::NOT_PROTECTED).object(name).expected("a name of the `names:` list");
        let keeper = self.keeper.get().ok_or_else(missing)?;
        let mut guards = keeper.guards();
        let guard = guards.iter_mut().find(|guard| plain(&guard.name().name()) == plain(name)).ok_or_else(missing)?;
        let asked = guard.switching.asked().filter(|step| guard.switching.approve(*step));
        let step = asked.ok_or_else(|| Fault::new(&fault::NOT_ASKED).object(name))?;
        tracing::warn!(name, ?step, who, "a person agreed to a move");
        let label = |place: usize| guard.places()[place].label.clone();
        Ok((label(step.from), label(step.to)))
    }

    /// How each is, for people.
    pub fn shown(&self) -> Vec<status::Name> {
        let Some(keeper) = self.keeper.get() else { return Vec::new() };
        let now = self.clock.monotonic();
        let word = |condition: Condition| {
            let word = serde_json::to_value(condition).ok();
            word.and_then(|word| word.as_str().map(str::to_string)).unwrap_or_default()
        };
        let place = |guard: &Guard, number: usize, verdict: Condition| status::Place {
            label: guard.places()[number].label.clone(),
            verdict: word(verdict),
            // Probers elsewhere are called as their keys, which are names of DNS.
            votes: guard
                .votes(number, now)
                .map(|(prober, vote)| (prober.trim_end_matches('.').to_string(), word(vote)))
                .collect(),
        };
        let shown = |guard: &Guard| {
            let state = serde_json::to_value(guard.switching.phase());
            let at = &guard.places()[guard.switching.at()];
            let asked = guard.switching.asked().map(|step| guard.places()[step.to].label.clone());
            let verdicts = guard.verdicts(now);
            status::Name {
                name: guard.name().name(),
                state: state.ok().and_then(|word| word.as_str().map(str::to_string)).unwrap_or_default(),
                at: at.label.clone(),
                addresses: at.addresses.iter().map(|address| address.to_string()).collect(),
                asked: asked.unwrap_or_default(),
                places: verdicts.iter().enumerate().map(|(at, verdict)| place(guard, at, *verdict)).collect(),
            }
        };
        keeper.guards().iter().map(shown).collect()
    }
}

/// The probes of one name's places.
fn watch(number: usize, name: &Name) -> Result<Vec<Watch>> {
    let watch = |(place, there): (usize, &Place)| {
        let target = Target::new(name.probe.clone(), there.addresses.clone())?;
        Ok(Watch { name: number, place, target, rules: name.health })
    };
    name.places.iter().enumerate().map(watch).collect()
}

/// Waits for a name server's answer, on a thread of its own: actions are carried out where nothing else may be waited for.
fn call<T: Send>(answer: impl Future<Output = T> + Send) -> Result<T> {
    let failed = |cause: std::io::Error| Fault::new(&fault::THREAD).object("names").because(cause);
    std::thread::scope(|scope| {
        let wait = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(answer))
        };
        let waiting = std::thread::Builder::new().name("names".into()).spawn_scoped(scope, wait).map_err(failed)?;
        let lost = || std::io::Error::other("the thread ended early");
        waiting.join().unwrap_or_else(|_| Err(lost())).map_err(failed)
    })
}

#[cfg(test)]
mod tests;
