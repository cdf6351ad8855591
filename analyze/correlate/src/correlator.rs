//! The correlator: one call an alert, one an event.

use crate::Limits;
use crate::bridge::{Bridge, Link};
use crate::index::{Index, Key, Place};
use crate::passage::ENOUGH;
use crate::reasons::Hit;
use crate::sight::Sight;
use crate::track::{FIRST, Given, Saved, Track};
use record::{ActionKind, Alert, Event, Host, Incident, IncidentStatus, Join, Order, OrderMode, Receipt, ReceiptState};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// What an alert, order or receipt did to the incidents. The incident is as it is now, to be stored whole.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A new incident.
    Made(Incident),
    /// An alert joined.
    Grown(Incident),
    /// An alert joined and linked incidents: those of `gone` are now part of this one.
    Merged {
        /// The oldest, which took the others in.
        into: Incident,
        /// Ids of the younger ones; the caller marks them as merged.
        gone: Vec<String>,
    },
    /// Orders or status changed.
    Updated(Incident),
    /// The alert was seen before and is part of this incident; nothing changed.
    Known(String),
}

impl Change {
    /// The incident after the change, `None` when nothing changed.
    pub fn incident(&self) -> Option<&Incident> {
        match self {
            Change::Made(incident) | Change::Grown(incident) | Change::Updated(incident) => Some(incident),
            Change::Merged { into, .. } => Some(into),
            Change::Known(_) => None,
        }
    }

    /// Id of the incident that the alert belongs to.
    pub fn id(&self) -> &str {
        match self {
            Change::Known(id) => id,
            _ => self.incident().map_or("", |incident| &incident.id),
        }
    }
}

/// Joins alerts into incidents.
#[derive(Debug)]
pub struct Correlator {
    pub(crate) limits: Limits,
    pub(crate) tracks: BTreeMap<String, Track>,
    pub(crate) index: Index,
    pub(crate) alerts: HashMap<String, String>,
    orders: HashMap<String, String>,
    pub(crate) bridge: Bridge,
    tick: u64,
}

impl Correlator {
    /// An empty one.
    pub fn new(limits: Limits) -> Correlator {
        Correlator {
            limits,
            tracks: BTreeMap::new(),
            index: Index::default(),
            alerts: HashMap::new(),
            orders: HashMap::new(),
            bridge: Bridge::new(limits.spread_us),
            tick: 0,
        }
    }

    /// As it was when its incidents were saved ([`Correlator::saved`]). Of more than the limits allow the newest
    /// stay. The caller deletes what it saved of incidents that were merged or closed.
    pub fn restore(limits: Limits, saved: impl IntoIterator<Item = Saved>) -> Correlator {
        let mut correlator = Correlator::new(limits);
        let mut all = Vec::new();
        for Saved { mut track, places } in saved {
            if track.status == IncidentStatus::Closed {
                continue;
            }
            let beyond = track.keys.len().saturating_sub(limits.keys);
            track.keys.drain(..beyond);
            let kept: BTreeSet<&Key> = track.keys.iter().collect();
            all.extend(places.into_iter().filter(|(key, place)| kept.contains(key) && place.incident == track.id));
            correlator.tick = correlator.tick.max(track.grown);
            correlator.register(&track);
            correlator.tracks.insert(track.id.clone(), track);
            correlator.shrink();
        }
        let mut prints: Vec<_> = correlator.tracks.values().flat_map(Track::prints).cloned().collect();
        prints.sort_by(|one, other| (one.time_us, &one.alert).cmp(&(other.time_us, &other.alert)));
        prints.into_iter().for_each(|print| correlator.bridge.remember(print));
        all.sort_by_key(|(_, place)| place.noted);
        for (key, place) in all.into_iter().filter(|(_, place)| correlator.tracks.contains_key(&place.incident)) {
            correlator.index.note(&key, place);
        }
        correlator
    }

    /// One incident as it is to be kept over a restart; store it again after each change to the incident.
    pub fn saved(&self, incident: &str) -> Option<Saved> {
        let track = self.tracks.get(incident)?;
        let places = track.keys.iter().flat_map(|key| self.index.places(key).iter().map(move |place| (key, place)));
        let own = places.filter(|(_, place)| place.incident == track.id);
        Some(Saved { track: track.clone(), places: own.map(|(key, place)| (key.clone(), place.clone())).collect() })
    }

    /// Ids of the incidents that can still grow.
    pub fn open(&self) -> impl Iterator<Item = &str> {
        self.tracks.keys().map(String::as_str)
    }

    /// One incident as it is now; `None` when it is closed or left the index.
    pub fn incident(&self, id: &str) -> Option<Incident> {
        self.tracks.get(id).map(Track::incident)
    }

    /// Takes an alert of a host. The same alert twice changes nothing.
    pub fn observe(&mut self, alert: &Alert, host: &Host) -> Change {
        let id = alert_id(alert);
        if let Some(incident) = self.alerts.get(&id) {
            return Change::Known(incident.clone());
        }
        self.tick += 1;
        let sight = Sight::of(&id, alert, host);
        self.bridge.host(&sight.agent, host);
        self.alarm(&sight);
        let links = self.bridge.alert(sight.print.clone());
        let hits = self.hits(&id, &sight, links);
        let full =
            |hit: &Hit| self.tracks.get(&hit.incident).is_none_or(|track| track.members.len() >= self.limits.members);
        let (closed, mut open): (Vec<Hit>, Vec<Hit>) = hits.into_iter().partition(full);
        let Some(into) = self.oldest(open.iter().map(|hit| &hit.incident)) else {
            let reason = closed
                .first()
                .map_or_else(|| FIRST.to_owned(), |hit| format!("continues {}, which is full", hit.incident));
            return self.make(&id, alert, &sight, reason);
        };
        let gone = self.merge(&into, open.iter().map(|hit| &hit.incident));
        open.retain(|hit| hit.incident == into || gone.contains(&hit.incident));
        let kin: BTreeSet<String> = open.iter().filter_map(|hit| hit.kin.clone()).collect();
        let mut reason = open.first().map_or(String::new(), |hit| hit.reason.clone());
        if !gone.is_empty() {
            reason = format!("{reason}; links {}", gone.join(", "));
        }
        if let Some(track) = self.tracks.get_mut(&into) {
            for join in open.into_iter().filter_map(|hit| hit.join) {
                track.tie(join);
            }
        }
        let incident = self.grow(&into, &id, alert, &sight, &kin, reason);
        if gone.is_empty() { Change::Grown(incident) } else { Change::Merged { into: incident, gone } }
    }

    /// Learns a host's name and addresses, so that ways to it are seen before it tells of anything.
    pub fn host(&mut self, agent: &str, host: &Host) {
        self.bridge.host(agent, host);
    }

    /// Addresses that exactly one host has, with its agent.
    pub fn owners(&self) -> impl Iterator<Item = (IpAddr, &str)> {
        self.bridge.owners()
    }

    /// Takes an event of a host: ways between hosts, logins, and how common a value is. Cheap for what tells nothing
    /// of it. What it links that was apart; the same event twice changes nothing. `id` is that of the event, or of the
    /// alert whose evidence it is.
    pub fn event(&mut self, agent: &str, host: &Host, id: &str, event: &Event) -> Vec<Change> {
        let links = self.bridge.event(agent, host, id, event);
        let sure = links.into_iter().filter(|link| link.join.confidence >= ENOUGH);
        sure.filter_map(|link| self.linked(link)).collect()
    }

    /// Two alerts belong together: their incidents become one, or the one learns why.
    fn linked(&mut self, link: Link) -> Option<Change> {
        let (one, other) = (self.alerts.get(&link.from_alert)?.clone(), self.alerts.get(&link.to_alert)?.clone());
        if one == other {
            let track = self.tracks.get_mut(&one)?;
            return track.tie(link.join).then(|| Change::Updated(track.incident()));
        }
        let into = self.oldest([&one, &other].into_iter())?;
        let gone = self.merge(&into, [&one, &other].into_iter());
        if gone.is_empty() {
            return None;
        }
        let track = self.tracks.get_mut(&into)?;
        track.told(&link.to_alert, &link.join);
        track.tie(link.join);
        Some(Change::Merged { into: track.incident(), gone })
    }

    /// Why alerts of several hosts are in one incident.
    pub fn joins(&self, incident: &str) -> &[Join] {
        self.tracks.get(incident).map_or(&[], |track| &track.joins)
    }

    /// The oldest of the incidents hit.
    fn oldest<'h>(&self, incidents: impl Iterator<Item = &'h String>) -> Option<String> {
        let tracks = incidents.filter_map(|id| self.tracks.get(id));
        tracks.min_by_key(|track| (track.born, &track.id)).map(|track| track.id.clone())
    }

    /// Merges the younger incidents hit into the oldest, as far as it has room. Their ids.
    fn merge<'h>(&mut self, into: &str, incidents: impl Iterator<Item = &'h String>) -> Vec<String> {
        let younger: BTreeSet<&String> = incidents.filter(|id| *id != into).collect();
        let mut gone = Vec::new();
        for id in younger {
            let size = |id: &str| self.tracks.get(id).map_or(0, |track| track.members.len());
            if size(into) + size(id) >= self.limits.members {
                continue;
            }
            let Some(mut track) = self.tracks.remove(id) else { continue };
            let keys = std::mem::take(&mut track.keys);
            track.orders.iter().for_each(|given| drop(self.orders.remove(&given.order)));
            let Some(older) = self.tracks.get_mut(into) else { continue };
            older.absorb(track);
            older.orders.truncate(self.limits.orders);
            for key in keys {
                let fresh = self.index.places(&key).iter().all(|place| place.incident != into);
                self.index.rename(&key, id, into);
                if fresh {
                    older.keys.push_back(key);
                }
            }
            let older = older.clone();
            self.register(&older);
            gone.push(id.clone());
        }
        self.trim(into);
        gone
    }

    fn make(&mut self, id: &str, alert: &Alert, sight: &Sight, reason: String) -> Change {
        let incident = format!("INC-{id}");
        let made = self.grow(&incident, id, alert, sight, &BTreeSet::new(), reason);
        self.shrink();
        Change::Made(made)
    }

    fn grow(
        &mut self,
        incident: &str,
        id: &str,
        alert: &Alert,
        sight: &Sight,
        kin: &BTreeSet<String>,
        reason: String,
    ) -> Incident {
        let tick = self.tick;
        self.alerts.insert(id.to_owned(), incident.to_owned());
        let place = Place {
            incident: incident.to_owned(),
            alert: id.to_owned(),
            agent: sight.agent.clone(),
            time_us: sight.time_us,
            noted: tick,
        };
        let fresh = || Track::new(incident.to_owned(), &alert.drill, tick);
        let track = self.tracks.entry(incident.to_owned()).or_insert_with(fresh);
        track.add(id, alert, sight, kin, reason);
        track.grown = tick;
        let ancestry = sight.chain.iter().rev().map(|link| &link.key);
        let others = sight.hashes.iter().map(|(key, _)| key).chain(sight.addresses.iter().map(|(key, _)| key));
        let named = [&sight.indicators, &sight.fingerprints, &sight.users].into_iter().flatten().map(|(key, _)| key);
        for key in ancestry.chain(&sight.reached).chain(others).chain(named).chain(&sight.accounts) {
            // A place that gave way to newer ones leaves its key: the incident must not hold it twice.
            if self.index.note(key, place.clone()) && !track.keys.contains(key) {
                track.keys.push_back(key.clone());
            }
        }
        let record = track.incident();
        self.trim(incident);
        record
    }

    /// Forgets the oldest keys beyond the limit.
    fn trim(&mut self, incident: &str) {
        let Some(track) = self.tracks.get_mut(incident) else { return };
        while track.keys.len() > self.limits.keys {
            if let Some(key) = track.keys.pop_front() {
                self.index.forget(&key, incident);
            }
        }
    }

    /// Lets the incident that grew longest ago leave the index when there are too many.
    fn shrink(&mut self) {
        while self.tracks.len() > self.limits.incidents.max(1) {
            let oldest =
                self.tracks.values().min_by_key(|track| (track.grown, track.born)).map(|track| track.id.clone());
            let Some(id) = oldest else { return };
            self.leave(&id);
        }
    }

    fn register(&mut self, track: &Track) {
        for member in &track.members {
            self.alerts.insert(member.alert.clone(), track.id.clone());
        }
        for given in &track.orders {
            self.orders.insert(given.order.clone(), track.id.clone());
        }
    }

    fn leave(&mut self, id: &str) -> Option<Track> {
        let track = self.tracks.remove(id)?;
        track.keys.iter().for_each(|key| self.index.forget(key, id));
        track.members.iter().for_each(|member| drop(self.alerts.remove(&member.alert)));
        track.orders.iter().for_each(|given| drop(self.orders.remove(&given.order)));
        Some(track)
    }

    /// An order was given for an incident or alert (by id). `None` when neither can be found (any more).
    pub fn order_given(&mut self, target: &str, order: &Order) -> Option<Change> {
        let id = if self.tracks.contains_key(target) { target } else { self.alerts.get(target)? }.to_owned();
        let track = self.tracks.get_mut(&id)?;
        let known = track.orders.iter().any(|given| given.order == order.id);
        if known || track.orders.len() >= self.limits.orders {
            return Some(Change::Known(id));
        }
        let contains =
            order.mode() == OrderMode::Apply && !matches!(order.action(), ActionKind::Export | ActionKind::Unknown);
        track.orders.push(Given {
            order: order.id.clone(),
            contains,
            undoes: if order.mode() == OrderMode::Undo { order.undoes.clone() } else { String::new() },
            stands: false,
        });
        let record = track.incident();
        self.orders.insert(order.id.clone(), id);
        Some(Change::Updated(record))
    }

    /// A receipt came in. An action that was read back contains the incident; when the last one that stands is taken
    /// back or its lease ends, the incident is open again. An order made on the host is noted on the way.
    pub fn receipt(&mut self, receipt: &Receipt) -> Option<Change> {
        if let Some(order) = &receipt.local_order {
            let target = if order.incident.is_empty() { &order.alert } else { &order.incident };
            self.order_given(target, order);
        }
        let id = self.orders.get(&receipt.order)?.clone();
        let track = self.tracks.get_mut(&id)?;
        let given = track.orders.iter().find(|given| given.order == receipt.order)?;
        let undo = !given.undoes.is_empty();
        let subject = if undo { given.undoes.clone() } else { given.order.clone() };
        match receipt.state() {
            ReceiptState::Verified if given.contains => {
                track.status = IncidentStatus::Contained;
                track.contained_us = track.contained_us.max(receipt.time_us);
                track.stands(&subject, true);
            }
            ReceiptState::Verified | ReceiptState::Applied if !undo => {}
            ReceiptState::Verified | ReceiptState::Undone | ReceiptState::Expired => track.stands(&subject, false),
            _ => {}
        }
        Some(Change::Updated(track.incident()))
    }

    /// Closes an incident: what comes later makes a new one. `None` when it is not open here.
    pub fn close(&mut self, id: &str) -> Option<Incident> {
        let mut track = self.leave(id)?;
        track.status = IncidentStatus::Closed;
        Some(track.incident())
    }

    /// Incidents and keys in memory, for the health page.
    pub fn size(&self) -> (usize, usize) {
        (self.tracks.len(), self.index.len())
    }

    /// Hosts, ways between them, and ends that wait for their other end with values counted, in memory.
    pub fn ways(&self) -> (usize, usize, usize) {
        self.bridge.size()
    }
}

/// An alert's id; one that has none (an old agent) is named by what it is.
fn alert_id(alert: &Alert) -> String {
    match alert.id.as_str() {
        "" => format!("{}-{}-{}", alert.agent, alert.decided_us, alert.rule),
        id => id.to_owned(),
    }
}
