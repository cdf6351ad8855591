//! The controller's second: the lease renewed, counters and samples read, each destination judged, orders given, all shown.

use crate::board::Board;
use crate::capture::Taken;
use crate::carpet;
use crate::config::{Config, Decide};
use crate::hands::Hands;
use crate::memory::Memory;
use crate::orders::{CONTROLLER, Orders, Reason as Reasoned};
use crate::outbox::Outbox;
use crate::place::Place;
use crate::port::SharedPackets;
use crate::status::{Destination, Interface, Said, Signature, Status};
use crate::steady::Steady;
use crate::tell::{Subject, Teller};
use crate::upstream::Upstream;
use base::{Clock, Lang, Micros, Result};
use ddos::report::Lookups;
use ddos::{Counters, Judgement, Level, Model, Prefix, Reason, Sample, Watch};
use record::Response;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Samples that are read a second, of each interface.
const SAMPLES: usize = 8192;
/// Of those, samples that are kept for `capture`, a second and destination.
const KEPT: usize = 256;

/// Signatures that the filter holds at a time; those of the first destinations come first.
const RULES: usize = scrub::RULES;

/// Part of the link from which on it counts as full.
const FULL: f64 = 0.9;

/// A report under way is written anew after so long, µs; the first one when as much is known.
const REPORT_US: Micros = 10_000_000;

/// How long orders of an earlier run stay, µs: by then this one knows what is wanted.
const INHERIT_US: Micros = 60_000_000;
/// What is usual is kept once in so long, µs.
const KEEP_US: Micros = 600_000_000;

/// What the controller works with.
pub struct Parts {
    /// The configuration.
    pub config: Arc<Config>,
    /// The filter.
    pub packets: SharedPackets,
    /// How it is attached.
    pub interfaces: Vec<Interface>,
    /// The model, if there is one.
    pub model: Option<Model>,
    /// Where orders go.
    pub hands: Hands,
    /// Makes orders.
    pub orders: Orders,
    /// What is shared.
    pub board: Arc<Board>,
    /// Who is told.
    pub teller: Arc<Teller>,
    /// Routers and names.
    pub upstream: Upstream,
    /// What was kept of an earlier run.
    pub memory: Memory,
    /// Orders of an earlier run that are in force.
    pub inherited: Vec<String>,
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
    /// Writes what is kept.
    keeping: Option<std::thread::JoinHandle<()>>,
    /// Orders of an earlier run, and when they are taken back.
    inherited: (Vec<String>, Micros),
    /// Packets that each signature had dropped a second ago.
    hits: BTreeMap<u64, u64>,
    /// When memory is kept next, µs.
    keep_us: Micros,
}

impl Controller {
    /// Watches every protected destination of the configuration.
    pub fn new(mut parts: Parts) -> Controller {
        let baselines = std::mem::take(&mut parts.memory.baselines);
        let inherited = std::mem::take(&mut parts.inherited);
        let mut steady = Steady::new(parts.clock.clone());
        let now = steady.now();
        let interfaces = parts.config.interfaces.len();
        let ranges = carpet::ranges(parts.config.protected().map(|(prefix, _)| prefix));
        let range = |(prefix, members): (Prefix, Vec<Prefix>)| {
            let highest = parts.config.detect.highest.min(Level::Verified);
            let settings = ddos::Settings { highest, ..parts.config.detect.clone() };
            let baseline = baselines.get(&prefix).cloned().unwrap_or_default();
            Place::range(prefix, members, Watch::with(prefix, settings, baseline))
        };
        // Ranges first: what they ask for holds for their members in the same second.
        let mut places: Vec<Place> = ranges.into_iter().map(range).collect();
        let place = |(prefix, entry): (Prefix, &crate::config::Protected)| {
            let settings = ddos::Settings { highest: entry.highest, ..parts.config.detect.clone() };
            let baseline = baselines.get(&prefix).cloned().unwrap_or_default();
            let mut watch = Watch::with(prefix, settings, baseline);
            watch.order(now, entry.lowest);
            Place::new(prefix, entry, watch, interfaces)
        };
        places.extend(parts.config.protected().map(place));
        let index = places.iter().enumerate().map(|(index, place)| (place.prefix, index)).collect();
        Controller {
            places,
            index,
            steady,
            outbox: Outbox::new(parts.hands.clone()),
            keeping: None,
            inherited: (inherited, now + INHERIT_US),
            hits: BTreeMap::new(),
            keep_us: now + KEEP_US,
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
        let (mut deltas, mut samples) = self.read()?;
        let all = deltas.values().fold(Counters::default(), |mut sum, delta| {
            sum += *delta;
            sum
        });
        self.spread(&mut deltas, &mut samples);
        let mut shown = Vec::new();
        let hits = self.parts.packets.lock().signatures()?;
        self.renew(now, &hits);
        // Nothing new is decided before the hands have taken what was: what is wanted is seen again next second.
        let free = self.outbox.flush();
        if !free {
            tracing::warn!(orders = self.outbox.waiting(), "orders wait for the hands");
        }
        let standing: usize = self.places.iter().map(Place::signatures).sum();
        let mut room = RULES.saturating_sub(standing.max(hits.len()));
        for index in 0..self.places.len() {
            let prefix = self.places[index].prefix;
            let delta = deltas.get(&prefix).copied();
            let judgement = self.judge(index, now, delta.as_ref(), samples.remove(&prefix).unwrap_or_default());
            let delta = delta.unwrap_or_default();
            self.act(index, now, &judgement, &delta, free.then_some(&mut room));
            let place = &self.places[index];
            if place.members.is_empty() || judgement.alarm {
                shown.push(destination(place, &judgement, &delta, &hits));
            }
        }
        self.hits = hits;
        self.parts.upstream.second(now, &self.parts.orders, &mut self.outbox, free);
        self.remember(now);
        self.show(now, &all, shown)
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
        if now < self.keep_us {
            return;
        }
        self.keep_us = now + KEEP_US;
        if self.keeping.as_ref().is_some_and(|keeping| !keeping.is_finished()) {
            return;
        }
        let usual = |place: &Place| (place.prefix, place.watch.baseline().clone());
        let memory = self.parts.memory.with(self.places.iter().map(usual).collect());
        // On a thread of its own: a slow disk must not cost the filter its lease.
        let keep = move || {
            if let Err(fault) = memory.keep() {
                tracing::warn!(fault = %fault.inside(), "what was learned is not kept");
            }
        };
        self.keeping = std::thread::Builder::new().name("memory".into()).spawn(keep).ok();
    }

    /// Counters since the last second and samples, by destination.
    #[expect(clippy::type_complexity, reason = "two maps with the same key, taken apart at once")]
    fn read(&mut self) -> Result<(BTreeMap<Prefix, Counters>, BTreeMap<Prefix, Vec<Sample>>)> {
        let mut packets = self.parts.packets.lock();
        packets.renew()?;
        let counters = packets.counters()?;
        let sampled = packets.samples(SAMPLES)?;
        drop(packets);
        let at = self.parts.clock.monotonic();
        let mut deltas: BTreeMap<Prefix, Counters> = BTreeMap::new();
        for (interface, counters) in counters.into_iter().enumerate() {
            for (prefix, now) in counters {
                let place = self.index.get(&prefix).and_then(|index| self.places.get_mut(*index));
                if let Some(delta) = place.and_then(|place| place.delta(interface, at, now)) {
                    *deltas.entry(prefix).or_default() += delta;
                }
            }
        }
        let mut samples: BTreeMap<Prefix, Vec<Sample>> = BTreeMap::new();
        for (prefix, sample) in sampled {
            samples.entry(prefix).or_default().push(sample);
        }
        Ok((deltas, samples))
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
        let offset = now * 1000 - since_boot();
        let taken = samples.into_iter().take(KEPT).map(|sample| taken(sample, offset));
        self.parts.board.sampled(place.prefix, taken);
        judgement
    }

    /// Tells of what begins, orders what is wanted.
    fn act(&mut self, index: usize, now: Micros, judgement: &Judgement, delta: &Counters, room: Option<&mut usize>) {
        let policy = &self.parts.config.policy;
        let place = &mut self.places[index];
        if judgement.began {
            let proposals = proposals(policy.filter, judgement.level);
            let subject = Subject { name: &place.name, prefix: place.prefix, judgement, proposals };
            place.alert = self.parts.teller.began(&subject);
        }
        let full = delta.bytes as f64 > self.parts.config.detect.link_bytes * FULL;
        if place.members.is_empty() {
            self.parts.upstream.judged(place, judgement, full, now);
        }
        let why: Vec<String> = judgement.causes.iter().map(|cause| cause.text(Lang::En)).collect();
        let why = if why.is_empty() { "quiet".to_string() } else { why.join("; ") };
        if let Some(room) = room {
            let given = place.reconcile(now, policy.filter, &why, &self.parts.orders, room);
            given.into_iter().for_each(|order| self.outbox.give(order));
        }
        if judgement.alarm || judgement.ended {
            self.report(index, now, judgement);
        }
    }

    /// The report of an attack: soon after it began, every few seconds while it goes on, and when it is over.
    fn report(&mut self, index: usize, now: Micros, judgement: &Judgement) {
        let place = &mut self.places[index];
        if !judgement.ended && now - place.reported_us < REPORT_US {
            return;
        }
        let Some(report) = place.watch.report(now, &Lookups::default()) else { return };
        // Not by what the board remembers: that forgets when very many are attacked at once.
        let first = place.reported_us == 0;
        place.reported_us = now;
        let (text, text_zh) = (report.text(Lang::En), report.text(Lang::Zh));
        let id = format!("{} {}", place.prefix, report.fingerprint.time_start);
        let mut whole = serde_json::json!(report);
        for (key, value) in [
            ("id", &id),
            ("name", &place.name),
            ("destination", &place.prefix.to_string()),
            ("text", &text),
            ("text_zh", &text_zh),
            ("alert", &place.alert),
        ] {
            whole[key] = value.as_str().into();
        }
        self.parts.board.attacked(&id, whole);
        if first || judgement.ended {
            let subject = Subject { name: &place.name, prefix: place.prefix, judgement, proposals: Vec::new() };
            let title = match judgement.ended {
                true => (
                    format!("Attack on {} is over: report", place.name),
                    format!("{} 遭受的攻击已结束：报告", place.name),
                ),
                false => {
                    (format!("Attack on {}: first report", place.name), format!("{} 遭受攻击：首份报告", place.name))
                }
            };
            self.parts.teller.reported(&subject, title, (&text, &text_zh), &place.alert);
        }
        if judgement.ended {
            place.alert.clear();
            place.reported_us = 0;
        }
    }

    fn show(&mut self, now: Micros, all: &Counters, destinations: Vec<Destination>) -> Result<()> {
        let mut packets = self.parts.packets.lock();
        packets.adapt_sampling(all.packets as f64)?;
        let dropped = packets.dropped()?;
        let lease_left_ms = u64::try_from(packets.lease_left()?.as_millis()).unwrap_or(u64::MAX);
        let bans = packets.bans()?;
        drop(packets);
        let status = Status {
            time_us: now,
            interfaces: self.parts.interfaces.clone(),
            lease_left_ms,
            packets: all.packets as f64,
            bits: all.bytes as f64 * 8.0,
            dropped: Reason::ALL.iter().map(|reason| (reason.word().to_string(), dropped[reason.index()])).collect(),
            destinations,
            bans,
            neighbours: self.parts.upstream.neighbours(),
            names: self.parts.upstream.names(),
            ..Status::default()
        };
        self.parts.board.show(status);
        Ok(())
    }
}

/// What a person may order when the controller may not.
fn proposals(decide: Decide, level: Level) -> Vec<Response> {
    let ask = decide == Decide::Ask && level > Level::Observe;
    let response = Response { action: record::ActionKind::ScrubLevel.word().into(), lease_s: 3600 };
    if ask { vec![response] } else { Vec::new() }
}

/// Time since boot, ns, by the clock that stamps samples.
fn since_boot() -> i64 {
    let uptime = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    uptime.tv_sec * 1_000_000_000 + uptime.tv_nsec
}

fn taken(sample: Sample, offset_ns: i64) -> Taken {
    let at = i64::try_from(sample.at_ns).unwrap_or(i64::MAX).saturating_add(offset_ns);
    Taken {
        at_ns: u64::try_from(at).unwrap_or(0),
        length: sample.length,
        reason: sample.reason.map_or("", |reason| reason.word()).into(),
        header: sample.header.to_vec(),
    }
}

fn destination(place: &Place, judgement: &Judgement, delta: &Counters, hits: &BTreeMap<u64, u64>) -> Destination {
    let signature = |signature: &ddos::Signature| Signature {
        id: format!("{:016x}", signature.id),
        terms: signature.to_string(),
        hits: hits.get(&signature.id).copied().unwrap_or(0),
        until_us: signature.expires_us,
    };
    let said = |cause: &ddos::Cause| Said { en: cause.text(Lang::En), zh: cause.text(Lang::Zh) };
    Destination {
        name: place.name.clone(),
        prefix: place.prefix.to_string(),
        level: place.level().word().into(),
        packets: delta.packets as f64,
        bits: delta.bytes as f64 * 8.0,
        dropped: delta.held() as f64,
        class: judgement.class().filter(|_| judgement.alarm).map_or_else(String::new, |class| class.word()),
        confidence: f64::from(judgement.confidence),
        alarm: judgement.alarm,
        reasons: judgement.causes.iter().map(said).collect(),
        signatures: place.wanted.values().map(signature).collect(),
        orders: place.standing(),
    }
}
