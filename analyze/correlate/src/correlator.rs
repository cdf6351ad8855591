//! The correlator: one call an alert.

use crate::Limits;
use crate::index::{Index, Key, Place};
use crate::sight::Sight;
use crate::track::{FIRST, Given, Saved, Track};
use record::{ActionKind, Alert, Host, Incident, IncidentStatus, Order, OrderMode, Receipt, ReceiptState};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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

/// A reason to join.
struct Hit {
    incident: String,
    /// Member that shares the process tree.
    kin: Option<String>,
    reason: String,
}

/// Joins alerts into incidents.
#[derive(Debug)]
pub struct Correlator {
    limits: Limits,
    tracks: BTreeMap<String, Track>,
    index: Index,
    alerts: HashMap<String, String>,
    orders: HashMap<String, String>,
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
        let sight = Sight::of(alert, host);
        let hits = self.hits(&sight);
        let full =
            |hit: &Hit| self.tracks.get(&hit.incident).is_none_or(|track| track.members.len() >= self.limits.members);
        let (closed, mut open): (Vec<Hit>, Vec<Hit>) = hits.into_iter().partition(full);
        let Some(into) = self.oldest(&open) else {
            let reason = closed
                .first()
                .map_or_else(|| FIRST.to_owned(), |hit| format!("continues {}, which is full", hit.incident));
            return self.make(&id, alert, &sight, reason);
        };
        let gone = self.merge(&into, &open);
        open.retain(|hit| hit.incident == into || gone.contains(&hit.incident));
        let kin: BTreeSet<String> = open.iter().filter_map(|hit| hit.kin.clone()).collect();
        let mut reason = open.first().map_or(String::new(), |hit| hit.reason.clone());
        if !gone.is_empty() {
            reason = format!("{reason}; links {}", gone.join(", "));
        }
        let incident = self.grow(&into, &id, alert, &sight, &kin, reason);
        if gone.is_empty() { Change::Grown(incident) } else { Change::Merged { into: incident, gone } }
    }

    /// Why it may join which incidents, the strongest first.
    fn hits(&self, sight: &Sight) -> Vec<Hit> {
        let mut hits = self.tree(sight);
        hits.extend(self.reach(sight));
        hits.extend(self.executable(sight));
        hits.extend(self.address(sight));
        if hits.is_empty() {
            hits.extend(self.account(sight));
        }
        hits
    }

    fn tree(&self, sight: &Sight) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (depth, link) in sight.chain.iter().enumerate() {
            let window = if link.leads && depth > 0 { self.limits.leader_us } else { i64::MAX };
            for place in self.near(&link.key, sight.time_us, window) {
                let reason = match depth {
                    0 => format!("same process {}", link.name),
                    _ => format!("same process tree below {}", link.name),
                };
                hits.push(Hit { incident: place.incident.clone(), kin: Some(place.alert.clone()), reason });
            }
        }
        hits
    }

    fn reach<'s>(&'s self, sight: &'s Sight) -> impl Iterator<Item = Hit> + 's {
        let places = sight.reached.iter().flat_map(|key| self.index.places(key));
        places.map(|place| Hit {
            incident: place.incident.clone(),
            kin: Some(place.alert.clone()),
            reason: "reached into a process of this incident".to_owned(),
        })
    }

    fn executable<'s>(&'s self, sight: &'s Sight) -> impl Iterator<Item = Hit> + 's {
        sight.hashes.iter().flat_map(move |(key, name)| {
            self.elsewhere(key, sight).map(move |place| Hit {
                incident: place.incident.clone(),
                kin: None,
                reason: format!(
                    "same executable {name} on {} within {}",
                    self.host(place),
                    minutes(self.limits.spread_us)
                ),
            })
        })
    }

    fn address<'s>(&'s self, sight: &'s Sight) -> impl Iterator<Item = Hit> + 's {
        let window = minutes(self.limits.spread_us);
        let same = sight.addresses.iter().flat_map(move |(key, ip)| {
            self.elsewhere(key, sight)
                .map(move |place| (place, format!("same remote address {ip} on {}", self.host(place))))
        });
        let contacted = sight.own.iter().flat_map(move |key| {
            self.elsewhere(key, sight)
                .map(move |place| (place, format!("this host was contacted from {}", self.host(place))))
        });
        same.chain(contacted).map(move |(place, reason)| Hit {
            incident: place.incident.clone(),
            kin: None,
            reason: format!("{reason} within {window}"),
        })
    }

    /// Name of the host that a place was on.
    fn host<'s>(&'s self, place: &'s Place) -> &'s str {
        let track = self.tracks.get(&place.incident);
        let member = track.and_then(|track| track.members.iter().rfind(|member| member.agent == place.agent));
        member.map_or(&place.agent, |member| &member.host)
    }

    /// The newest incident of the same account, if it is near enough.
    fn account(&self, sight: &Sight) -> Option<Hit> {
        let places = sight.accounts.iter().flat_map(|key| self.near(key, sight.time_us, self.limits.account_us));
        let newest = places.max_by(|one, other| (one.time_us, &one.incident).cmp(&(other.time_us, &other.incident)))?;
        let reason = format!("same account {} within {}", sight.account, minutes(self.limits.account_us));
        Some(Hit { incident: newest.incident.clone(), kin: None, reason })
    }

    fn near<'s>(&'s self, key: &Key, time_us: i64, window: i64) -> impl Iterator<Item = &'s Place> + use<'s> {
        let within = move |place: &&Place| place.time_us.abs_diff(time_us) <= window.unsigned_abs();
        self.index.places(key).iter().filter(within)
    }

    fn elsewhere<'s>(&'s self, key: &Key, sight: &'s Sight) -> impl Iterator<Item = &'s Place> + use<'s> {
        self.near(key, sight.time_us, self.limits.spread_us).filter(|place| place.agent != sight.agent)
    }

    /// The oldest of the incidents hit.
    fn oldest(&self, hits: &[Hit]) -> Option<String> {
        let tracks = hits.iter().filter_map(|hit| self.tracks.get(&hit.incident));
        tracks.min_by_key(|track| (track.born, &track.id)).map(|track| track.id.clone())
    }

    /// Merges the younger incidents hit into the oldest, as far as it has room. Their ids.
    fn merge(&mut self, into: &str, hits: &[Hit]) -> Vec<String> {
        let younger: BTreeSet<&String> = hits.iter().map(|hit| &hit.incident).filter(|id| *id != into).collect();
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
        for key in ancestry.chain(&sight.reached).chain(others).chain(&sight.accounts) {
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
}

/// An alert's id; one that has none (an old agent) is named by what it is.
fn alert_id(alert: &Alert) -> String {
    match alert.id.as_str() {
        "" => format!("{}-{}-{}", alert.agent, alert.decided_us, alert.rule),
        id => id.to_owned(),
    }
}

fn minutes(window_us: i64) -> String {
    format!("{} min", window_us / 60_000_000)
}
