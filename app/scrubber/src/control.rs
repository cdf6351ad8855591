//! The controller's second: the lease renewed, counters and samples read, each destination judged, orders given, all shown.

use crate::board::Board;
use crate::capture::Taken;
use crate::config::{Config, Decide};
use crate::hands::{Hands, Lane};
use crate::link::Link;
use crate::memory::{Keeper, Memory};
use crate::orders::{CONTROLLER, Orders, Reason as Reasoned};
use crate::outbox::Outbox;
use crate::place::Place;
use crate::port::SharedPackets;
use crate::readings::Meters;
use crate::reload::{New, Next};
use crate::report::Reporter;
use crate::status::{Destination, Status};
use crate::steady::Steady;
use crate::tell::Subject;
use crate::upstream::Upstream;
use crate::{carpet, shown};
use base::{Clock, Lang, Micros, Result};
use ddos::{Counters, Judgement, Level, Model, Prefix, Reason, Sample};
use record::{Order, Response};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Samples that are read a second, of each interface.
const SAMPLES: usize = 8192;
/// Of those, samples that are kept for `capture`, a second and destination.
const KEPT: usize = 256;

/// Signatures that the filter holds at a time; those of the first destinations come first.
const RULES: usize = scrub::RULES;

/// How long orders of an earlier run stay, µs: by then this one knows what is wanted.
const INHERIT_US: Micros = 60_000_000;
/// What the controller works with.
pub struct Parts {
    /// The configuration.
    pub config: Arc<Config>,
    /// The filter.
    pub packets: SharedPackets,
    /// The model, if there is one.
    pub model: Option<Model>,
    /// Where orders go.
    pub hands: Hands,
    /// Makes orders.
    pub orders: Orders,
    /// What is shared.
    pub board: Arc<Board>,
    /// Writes reports; tells of what begins.
    pub reporter: Reporter,
    /// Routers and names.
    pub upstream: Upstream,
    /// Where a new configuration comes from.
    pub next: Arc<Next>,
    /// What was kept of an earlier run.
    pub memory: Memory,
    /// Orders of an earlier run that are in force, and when each ends by the wall clock (µs).
    pub inherited: Vec<(Order, Micros)>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// See the module.
pub struct Controller {
    parts: Parts,
    places: Vec<Place>,
    /// Place of each prefix among them.
    index: BTreeMap<Prefix, usize>,
    steady: Steady,
    outbox: Outbox,
    keeper: Keeper,
    meters: Meters,
    /// Destinations that must be turned away upstream, for their link is full.
    crowd: BTreeSet<Prefix>,
    /// Orders of an earlier run, and when they are taken back.
    inherited: (Vec<String>, Micros),
    /// Packets that each signature had dropped a second ago.
    hits: BTreeMap<u64, u64>,
}

impl Controller {
    /// Watches every protected destination of the configuration.
    pub fn new(mut parts: Parts) -> Controller {
        let baselines = std::mem::take(&mut parts.memory.baselines);
        let mut steady = Steady::new(parts.clock.clone());
        let now = steady.now();
        let mut inherited = Vec::new();
        for (order, ends_us) in std::mem::take(&mut parts.inherited) {
            if !parts.upstream.inherit(&order, ends_us, now + INHERIT_US) {
                inherited.push(order.id);
            }
        }
        let places = Place::all(&parts.config, &baselines, now);
        let index = index(&places);
        Controller {
            places,
            index,
            steady,
            outbox: Outbox::new(parts.hands.clone()),
            keeper: Keeper::new(std::mem::take(&mut parts.memory), now),
            meters: Meters::default(),
            crowd: BTreeSet::new(),
            inherited: (inherited, now + INHERIT_US),
            hits: BTreeMap::new(),
            parts,
        }
    }

    /// One second.
    ///
    /// # Errors
    /// When the kernel refuses; the next second tries again, and the filter goes on until its lease.
    pub fn second(&mut self) -> Result<()> {
        let now = self.steady.now();
        let receipts = self.parts.board.receipts();
        for receipt in receipts {
            self.places.iter_mut().for_each(|place| place.heard(&receipt, now));
            self.parts.upstream.heard(&receipt, now);
        }
        if let Some(new) = self.parts.next.take() {
            self.reconfigure(new, now);
        }
        let (mut deltas, links, mut samples) = self.read()?;
        self.crowd(&links);
        self.spread(&mut deltas, &mut samples);
        let mut rows = Vec::new();
        let hits = self.parts.packets.lock().signatures()?;
        self.renew(now, &hits);
        // Nothing new is decided before the hands have taken what was: what is wanted is seen again next second.
        self.outbox.flush();
        let free = self.outbox.free(Lane::Kernel);
        if self.outbox.waiting() > 0 {
            tracing::warn!(orders = self.outbox.waiting(), "orders wait for the hands");
        }
        let standing: usize = self.places.iter().map(Place::signatures).sum();
        let mut room = RULES.saturating_sub(standing.max(hits.len()));
        for index in 0..self.places.len() {
            let prefix = self.places[index].prefix;
            let delta = deltas.get(&prefix).copied();
            let judgement = self.judge(index, now, delta.as_ref(), samples.remove(&prefix).unwrap_or_default());
            let delta = delta.unwrap_or_default();
            self.act(index, now, &judgement, free.then_some(&mut room));
            let place = &self.places[index];
            if place.members.is_empty() || judgement.alarm {
                rows.push(shown::destination(place, &judgement, &delta, &hits));
            }
        }
        self.hits = hits;
        self.parts.upstream.second(now, &self.parts.orders, &mut self.outbox);
        self.remember(now);
        self.show(now, &links, rows)
    }

    /// Does as another configuration has it: who stays protected keeps what stands for it, who does not lets go of it.
    fn reconfigure(&mut self, new: New, now: Micros) {
        let known = std::mem::take(&mut self.places).into_iter();
        let mut known: BTreeMap<Prefix, Place> = known.map(|place| (place.prefix, place)).collect();
        for fresh in Place::all(&new.config, &BTreeMap::new(), now) {
            // A range that is protected itself now is another thing.
            let same = |before: &Place| before.members.is_empty() == fresh.members.is_empty();
            let before = known.get(&fresh.prefix).is_some_and(same).then(|| known.remove(&fresh.prefix)).flatten();
            self.places.push(match before {
                Some(before) => before.retuned(fresh, now),
                None => fresh,
            });
        }
        for gone in known.into_values() {
            gone.let_go(&self.parts.orders).into_iter().for_each(|order| self.outbox.give(order));
        }
        self.index = index(&self.places);
        self.parts.board.only(|prefix| self.index.contains_key(&prefix));
        self.parts.upstream.follow(new.config.policy.clone());
        (self.parts.config, self.parts.model) = (new.config, new.model);
    }

    /// Which destinations fill their link: they are told, so that their level rises above what can be done here.
    fn crowd(&mut self, links: &[Link]) {
        let takes = self.parts.config.detect.link_bytes;
        let before = std::mem::take(&mut self.crowd);
        let can = |prefix: Prefix| {
            let place = self.index.get(&prefix).and_then(|index| self.places.get(*index));
            place.is_some_and(Place::may_be_turned_away)
        };
        self.crowd = links.iter().flat_map(|link| link.crowd(takes, can, &before)).collect();
        for place in &mut self.places {
            place.watch.crowds(self.crowd.contains(&place.prefix));
        }
    }

    /// The last thing before it ends.
    pub fn end(&mut self) {
        let now = self.steady.now();
        self.keeper.end(now, || usual(&self.places));
    }

    /// Adds what came to ranges whose traffic is spread.
    fn spread(&self, deltas: &mut BTreeMap<Prefix, Counters>, samples: &mut BTreeMap<Prefix, Vec<Sample>>) {
        for range in self.places.iter().filter(|place| !place.members.is_empty()) {
            if let Some(all) = carpet::spread(&range.members, deltas) {
                deltas.insert(range.prefix, all);
                samples.insert(range.prefix, carpet::samples(&range.members, samples));
            }
        }
    }

    /// Signatures that dropped something in the last second live on, whether or not a sample shows it.
    fn renew(&mut self, now: Micros, hits: &BTreeMap<u64, u64>) {
        let live: Vec<u64> = hits
            .iter()
            .filter(|(id, count)| self.hits.get(id).is_none_or(|before| *count > before))
            .map(|(id, _)| *id)
            .collect();
        for place in &mut self.places {
            live.iter().for_each(|id| place.watch.hit(now, *id));
        }
    }

    /// Keeps what is usual now and then, and lets go of what an earlier run ordered.
    fn remember(&mut self, now: Micros) {
        if now >= self.inherited.1 {
            let reason =
                Reasoned { by: CONTROLLER.into(), text: "ordered by an earlier run".into(), alert: String::new() };
            for order in std::mem::take(&mut self.inherited.0) {
                self.outbox.give(self.parts.orders.undo(&order, &reason));
            }
        }
        self.keeper.second(now, || usual(&self.places));
    }

    /// Counters since the last second and samples, by destination.
    #[expect(clippy::type_complexity, reason = "three parts, taken apart at once")]
    fn read(&mut self) -> Result<(BTreeMap<Prefix, Counters>, Vec<Link>, BTreeMap<Prefix, Vec<Sample>>)> {
        let mut packets = self.parts.packets.lock();
        packets.renew()?;
        let readings = packets.counters()?;
        let sampled = packets.samples(SAMPLES)?;
        drop(packets);
        let (deltas, links) = self.meters.read(self.parts.clock.monotonic(), readings);
        let mut samples: BTreeMap<Prefix, Vec<Sample>> = BTreeMap::new();
        for (prefix, sample) in sampled {
            samples.entry(prefix).or_default().push(sample);
        }
        Ok((deltas, links, samples))
    }

    fn judge(&mut self, index: usize, now: Micros, delta: Option<&Counters>, samples: Vec<Sample>) -> Judgement {
        let model = self.parts.model.as_ref();
        let place = &mut self.places[index];
        let judgement = match delta {
            Some(delta) if !place.members.is_empty() => place.watch.second(now, delta, &samples, None, model),
            // The traffic of a range that is not spread says nothing of what is usual when it is; and nobody has read the
            // counters of a destination twice yet.
            None => place.watch.idle(now),
            Some(delta) => {
                let http = self.parts.board.load(place.prefix, self.parts.clock.monotonic());
                place.watch.second(now, delta, &samples, http.as_ref(), model)
            }
        };
        // Renewed while they hit: the watch knows their ends.
        let lives: BTreeMap<u64, ddos::Signature> =
            place.watch.signatures().map(|signature| (signature.id, signature.clone())).collect();
        place.wanted = lives;
        if !place.members.is_empty() {
            let level = place.watch.level();
            for member in self.places[index].members.clone() {
                if let Some(member) = self.index.get(&member).and_then(|index| self.places.get_mut(*index)) {
                    member.carpet = level;
                }
            }
            return judgement;
        }
        let taken = samples.into_iter().take(KEPT).map(|sample| Taken::of(sample, now));
        self.parts.board.sampled(place.prefix, taken);
        judgement
    }

    /// Tells of what begins, orders what is wanted.
    fn act(&mut self, index: usize, now: Micros, judgement: &Judgement, room: Option<&mut usize>) {
        let policy = &self.parts.config.policy;
        let place = &mut self.places[index];
        if judgement.began {
            let proposals = proposals(policy.filter, judgement.level);
            let subject = Subject { name: &place.name, prefix: place.prefix, judgement, proposals };
            place.alert = self.parts.reporter.teller.began(&subject);
        }
        if place.members.is_empty() {
            self.parts.upstream.judged(place, judgement, self.crowd.contains(&place.prefix), now);
        }
        let why: Vec<String> = judgement.causes.iter().map(|cause| cause.text(Lang::En)).collect();
        let why = if why.is_empty() { "quiet".to_string() } else { why.join("; ") };
        if let Some(room) = room {
            let given = place.reconcile(now, policy.filter, &why, &self.parts.orders, room);
            given.into_iter().for_each(|order| self.outbox.give(order));
        }
        if judgement.alarm || judgement.ended {
            self.parts.reporter.report(&mut self.places[index], now, judgement);
        }
    }

    fn show(&mut self, now: Micros, links: &[Link], destinations: Vec<Destination>) -> Result<()> {
        let rate: u64 = links.iter().map(|link| link.packets).sum();
        let bytes: u64 = links.iter().map(|link| link.bytes).sum();
        let mut packets = self.parts.packets.lock();
        packets.adapt_sampling(rate as f64)?;
        let dropped = packets.dropped()?;
        let lease_left_ms = u64::try_from(packets.lease_left()?.as_millis()).unwrap_or(u64::MAX);
        let bans = packets.bans()?;
        let interfaces = packets.interfaces();
        drop(packets);
        let takes = self.parts.config.detect.link_bytes;
        let status = Status {
            time_us: now,
            interfaces: shown::interfaces(interfaces, links, takes),
            lease_left_ms,
            packets: rate as f64,
            bits: bytes as f64 * 8.0,
            dropped: Reason::ALL.iter().map(|reason| (reason.word().to_string(), dropped[reason.index()])).collect(),
            destinations,
            bans,
            neighbours: self.parts.upstream.neighbours(),
            names: self.parts.upstream.names(),
            origins: self.parts.reporter.origins.shown(),
            asked: self.parts.upstream.asked(),
            ..Status::default()
        };
        self.parts.board.show(status);
        Ok(())
    }
}

/// The place of each prefix.
fn index(places: &[Place]) -> BTreeMap<Prefix, usize> {
    places.iter().enumerate().map(|(index, place)| (place.prefix, index)).collect()
}

/// What is usual for each destination.
fn usual(places: &[Place]) -> BTreeMap<Prefix, ddos::Baseline> {
    places.iter().map(|place| (place.prefix, place.watch.baseline().clone())).collect()
}

/// What a person may order when the controller may not.
fn proposals(decide: Decide, level: Level) -> Vec<Response> {
    let ask = decide == Decide::Ask && level > Level::Observe;
    let response = Response { action: record::ActionKind::ScrubLevel.word().into(), lease_s: 3600 };
    if ask { vec![response] } else { Vec::new() }
}
