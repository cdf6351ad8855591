//! What the server offers to its agents.

use super::line::{Line, Published};
use super::piece::Piece;
use super::status::{Refusal, Standing, Tally};
use super::{Holding, Name};
use crate::fault;
use base::{Clock, Fault, Result};
use record::AgentId;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;

/// Agents whose standing is remembered after their link has ended; it is told again when they return.
const SEATS: usize = 100_000;

/// Which agents get content first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audience {
    /// Part of all agents, in percent; always the same ones.
    pub percent: u8,
    /// Groups, by the names of their tokens.
    pub groups: Vec<String>,
    /// Single agents.
    pub agents: Vec<AgentId>,
}

impl Audience {
    /// Whether an agent belongs to it.
    pub fn holds(&self, agent: AgentId, group: &str) -> bool {
        // A sum spreads ids evenly; nobody gains by choosing which agent comes first.
        let place = crc32c::crc32c(&agent.0) % 100;
        place < u32::from(self.percent) || self.agents.contains(&agent) || self.groups.iter().any(|name| name == group)
    }
}

#[derive(Default)]
struct Entry {
    line: Line,
    trial: Option<(Line, Audience)>,
}

impl Entry {
    fn line(&self, agent: AgentId, group: &str) -> &Line {
        match &self.trial {
            Some((line, audience)) if audience.holds(agent, group) => line,
            _ => &self.line,
        }
    }
}

struct Inner {
    clock: Arc<dyn Clock>,
    entries: Mutex<BTreeMap<Name, Entry>>,
    changed: watch::Sender<u64>,
    seats: Mutex<HashMap<AgentId, BTreeMap<Name, Standing>>>,
    told: watch::Sender<u64>,
}

/// What the server offers, shared: clones are the same shelf.
///
/// Nothing of it lies on a disk: who publishes does so again after a start, with the same versions.
#[derive(Clone)]
pub struct Shelf(Arc<Inner>);

impl Shelf {
    /// An empty shelf.
    pub fn new(clock: Arc<dyn Clock>) -> Shelf {
        let (changed, told) = (watch::channel(0).0, watch::channel(0).0);
        Shelf(Arc::new(Inner { clock, entries: Mutex::default(), changed, seats: Mutex::default(), told }))
    }

    /// Offers whole content to every agent; a trial of the name ends. Packing takes milliseconds a MiB: not for an
    /// async thread when it is large. The same version with the same bytes again is no fault.
    ///
    /// # Errors
    /// [`fault::CONTENT_STALE`] for a version that is not above the present one (nor one that changes have passed),
    /// [`fault::CONTENT_SIZE`] above [`super::CONTENT_BYTES`].
    pub fn publish(&self, name: Name, version: u64, content: &[u8]) -> Result<Published> {
        let piece = Piece::pack(name, 0, version, content)?;
        self.change(name, |entry| {
            entry.line.put(piece)?;
            entry.trial = None;
            Ok(entry.line.published())
        })
    }

    /// Offers a change from the present version to the next.
    ///
    /// # Errors
    /// [`fault::CONTENT_STALE`] when `from` is not the present version, [`fault::CONTENT_CHAIN`] when a whole is
    /// overdue ([`Published::whole_due`] says it long before).
    pub fn publish_delta(&self, name: Name, from: u64, to: u64, content: &[u8]) -> Result<Published> {
        if from == 0 {
            return Err(Fault::new(&fault::CONTENT_STALE)
                .object(name.word())
                .expected("a version to change")
                .found(from));
        }
        let piece = Piece::pack(name, from, to, content)?;
        self.change(name, |entry| {
            entry.line.change(piece)?;
            Ok(entry.line.published())
        })
    }

    /// Offers whole content to some agents; the others keep what they have until [`Shelf::promote`].
    ///
    /// # Errors
    /// As [`Shelf::publish`].
    pub fn offer(&self, name: Name, version: u64, content: &[u8], audience: Audience) -> Result<Published> {
        let piece = Piece::pack(name, 0, version, content)?;
        self.change(name, |entry| {
            if piece.version <= entry.line.published().version {
                let fault = Fault::new(&fault::CONTENT_STALE).object(name.word()).found(piece.version);
                return Err(fault.expected(format!("a version above {}", entry.line.published().version)));
            }
            let mut line = Line::default();
            line.put(piece)?;
            let published = line.published();
            entry.trial = Some((line, audience));
            Ok(published)
        })
    }

    /// Offers to everyone what is on trial. [`port::fault::MISSING`] when nothing is.
    pub fn promote(&self, name: Name) -> Result<Published> {
        self.change(name, |entry| {
            let (line, _) = entry.trial.take().ok_or_else(|| no_trial(name))?;
            entry.line = line;
            Ok(entry.line.published())
        })
    }

    /// Ends a trial: its agents go back to what the others have.
    pub fn withdraw(&self, name: Name) -> Result<Published> {
        self.change(name, |entry| {
            entry.trial.take().ok_or_else(|| no_trial(name))?;
            Ok(entry.line.published())
        })
    }

    /// What everyone is offered, and what is on trial.
    pub fn published(&self, name: Name) -> (Published, Option<(Published, Audience)>) {
        let entries = lock(&self.0.entries);
        let Some(entry) = entries.get(&name) else { return Default::default() };
        let trial = entry.trial.as_ref().map(|(line, audience)| (line.published(), audience.clone()));
        (entry.line.published(), trial)
    }

    /// How far every agent is, by agent and name.
    pub fn status(&self) -> Vec<Standing> {
        let mut all: Vec<Standing> = lock(&self.0.seats).values().flat_map(|seat| seat.values()).cloned().collect();
        all.sort_by_key(|standing| (standing.agent, standing.name));
        all
    }

    /// How far the agents are with a version.
    pub fn tally(&self, name: Name, version: u64) -> Tally {
        let mut tally = Tally::default();
        for standing in lock(&self.0.seats).values().filter_map(|seat| seat.get(&name)) {
            tally.agents += 1;
            tally.hold += usize::from(standing.version == version);
            tally.refused += usize::from(standing.refused.as_ref().is_some_and(|no| no.version == version));
            tally.connected += usize::from(standing.connected);
        }
        tally
    }

    /// Counts up whenever the standing of an agent changes.
    pub fn told(&self) -> watch::Receiver<u64> {
        self.0.told.subscribe()
    }

    /// Counts up whenever something else is offered.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    pub(crate) fn next(&self, name: Name, who: (AgentId, &str), held: &Holding) -> Option<Arc<Piece>> {
        lock(&self.0.entries).get(&name)?.line(who.0, who.1).next(held)
    }

    pub(crate) fn round(&self, name: Name, who: (AgentId, &str), change: &Piece) -> Option<Arc<Piece>> {
        lock(&self.0.entries).get(&name)?.line(who.0, who.1).round(change)
    }

    pub(crate) fn keeps(&self, who: (AgentId, &str), piece: &Arc<Piece>) -> bool {
        lock(&self.0.entries).get(&piece.name).is_some_and(|entry| entry.line(who.0, who.1).keeps(piece))
    }

    /// An agent has said what it holds.
    pub(crate) fn seat(&self, agent: AgentId, name: Name, held: &Holding, refused: Option<Refusal>) {
        let now = self.0.clock.wall();
        let mut seats = lock(&self.0.seats);
        if seats.len() >= SEATS && !seats.contains_key(&agent) {
            seats.retain(|_, seat| seat.values().any(|standing| standing.connected));
        }
        let new = || Standing { agent, name, version: 0, connected: true, sending: None, refused: None, since_us: now };
        let standing = seats.entry(agent).or_default().entry(name).or_insert_with(new);
        if standing.version != held.mark.version {
            (standing.version, standing.since_us) = (held.mark.version, now);
        }
        (standing.connected, standing.sending, standing.refused) = (true, None, refused);
        drop(seats);
        self.0.told.send_modify(|count| *count += 1);
    }

    /// So much of a version has been sent.
    pub(crate) fn sent(&self, agent: AgentId, name: Name, sending: (u64, u64, u64)) {
        if let Some(standing) = lock(&self.0.seats).get_mut(&agent).and_then(|seat| seat.get_mut(&name)) {
            standing.sending = Some(sending);
        }
    }

    /// Its link has ended.
    pub(crate) fn gone(&self, agent: AgentId) {
        for standing in lock(&self.0.seats).get_mut(&agent).into_iter().flat_map(|seat| seat.values_mut()) {
            (standing.connected, standing.sending) = (false, None);
        }
        self.0.told.send_modify(|count| *count += 1);
    }

    fn change(&self, name: Name, change: impl FnOnce(&mut Entry) -> Result<Published>) -> Result<Published> {
        let published = change(lock(&self.0.entries).entry(name).or_default())?;
        self.0.changed.send_modify(|count| *count += 1);
        Ok(published)
    }
}

fn no_trial(name: Name) -> Fault {
    Fault::new(&port::fault::MISSING).object(format!("trial of {}", name.word()))
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::ManualClock;

    #[test]
    fn a_trial_reaches_its_audience_and_then_everyone() {
        let shelf = Shelf::new(Arc::new(ManualClock::default()));
        let agent = |number: u8| AgentId([number; 16]);
        let none = Holding::default();
        let version = |number, group| shelf.next(Name::Rules, (agent(number), group), &none).map(|piece| piece.version);
        shelf.publish(Name::Rules, 1, b"one").unwrap();
        let audience = Audience { groups: vec!["edge".into()], agents: vec![agent(7)], percent: 0 };
        assert!(shelf.offer(Name::Rules, 1, b"two", audience.clone()).unwrap_err().is(&fault::CONTENT_STALE));
        shelf.offer(Name::Rules, 2, b"two", audience).unwrap();
        assert_eq!([version(1, "web"), version(1, "edge"), version(7, "web")], [Some(1), Some(2), Some(2)]);
        assert_eq!(shelf.published(Name::Rules).1.unwrap().0.version, 2);
        shelf.withdraw(Name::Rules).unwrap();
        assert_eq!(version(7, "web"), Some(1));
        assert!(shelf.promote(Name::Rules).unwrap_err().is(&port::fault::MISSING));
        shelf.offer(Name::Rules, 3, b"three", Audience { percent: 40, ..Audience::default() }).unwrap();
        let first = (0..200).filter(|number| version(*number, "") == Some(3)).count();
        assert!((50..110).contains(&first), "{first} of 200");
        assert_eq!(shelf.promote(Name::Rules).unwrap().version, 3);
        assert_eq!(version(1, "web"), Some(3));
    }
}
