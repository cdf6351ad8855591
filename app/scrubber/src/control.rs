//! The controller's second: the lease renewed, counters and samples read, each destination judged, orders given, all shown.

use crate::board::Board;
use crate::capture::Taken;
use crate::config::{Config, Decide};
use crate::hands::Hands;
use crate::memory::Memory;
use crate::orders::{CONTROLLER, Orders, Reason as Reasoned};
use crate::place::Place;
use crate::port::SharedPackets;
use crate::status::{Destination, Interface, Said, Signature, Status};
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
    /// Wall time minus time since boot, ns: samples carry the latter.
    offset_ns: i64,
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
        let now = parts.clock.wall();
        let interfaces = parts.config.interfaces.len();
        let place = |(prefix, entry): (Prefix, &crate::config::Protected)| {
            let settings = ddos::Settings { highest: entry.highest, ..parts.config.detect.clone() };
            let baseline = baselines.get(&prefix).cloned().unwrap_or_default();
            let mut watch = Watch::with(prefix, settings, baseline);
            watch.order(now, entry.lowest);
            Place::new(prefix, entry, watch, interfaces)
        };
        let places = parts.config.protected().map(place).collect();
        let uptime = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let since_boot = uptime.tv_sec * 1_000_000_000 + uptime.tv_nsec;
        Controller {
            places,
            offset_ns: now * 1000 - since_boot,
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
        let now = self.parts.clock.wall();
        for receipt in self.parts.board.receipts() {
            self.places.iter_mut().for_each(|place| place.heard(&receipt, now));
            self.parts.upstream.heard(&receipt, now);
        }
        let (deltas, mut samples) = self.read()?;
        let mut shown = Vec::new();
        let hits = self.parts.packets.lock().signatures()?;
        self.renew(now, &hits);
        for index in 0..self.places.len() {
            let prefix = self.places[index].prefix;
            let delta = deltas.get(&prefix).copied().unwrap_or_default();
            let judgement = self.judge(index, now, &delta, samples.remove(&prefix).unwrap_or_default());
            self.act(index, now, &judgement, &delta);
            shown.push(destination(&self.places[index], &judgement, &delta, &hits));
        }
        self.hits = hits;
        self.parts.upstream.second(now, &self.parts.orders, &self.parts.hands);
        self.remember(now);
        let all = deltas.values().fold(Counters::default(), |mut sum, delta| {
            sum += *delta;
            sum
        });
        self.show(now, &all, shown)
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
                self.parts.hands.give(self.parts.orders.undo(&order, &reason));
            }
        }
        if now < self.keep_us {
            return;
        }
        self.keep_us = now + KEEP_US;
        let usual = |place: &Place| (place.prefix, place.watch.baseline().clone());
        self.parts.memory.baselines = self.places.iter().map(usual).collect();
        if let Err(fault) = self.parts.memory.keep() {
            tracing::warn!(fault = %fault.inside(), "what was learned is not kept");
        }
    }

    /// Counters since the last second and samples, by destination.
    #[expect(clippy::type_complexity, reason = "two maps with the same key, taken apart at once")]
    fn read(&mut self) -> Result<(BTreeMap<Prefix, Counters>, BTreeMap<Prefix, Vec<Sample>>)> {
        let mut packets = self.parts.packets.lock();
        packets.renew()?;
        let counters = packets.counters()?;
        let sampled = packets.samples(SAMPLES)?;
        drop(packets);
        let mut deltas: BTreeMap<Prefix, Counters> = BTreeMap::new();
        for (interface, counters) in counters.into_iter().enumerate() {
            for (prefix, now) in counters {
                let place = self.places.iter_mut().find(|place| place.prefix == prefix);
                if let Some(delta) = place.and_then(|place| place.delta(interface, now)) {
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

    fn judge(&mut self, index: usize, now: Micros, delta: &Counters, samples: Vec<Sample>) -> Judgement {
        let place = &mut self.places[index];
        let http = self.parts.board.load(place.prefix, now);
        let judgement = place.watch.second(now, delta, &samples, http.as_ref(), self.parts.model.as_ref());
        // Renewed while they hit: the watch knows their ends.
        let lives: BTreeMap<u64, ddos::Signature> =
            place.watch.signatures().map(|signature| (signature.id, signature.clone())).collect();
        place.wanted = lives;
        let offset = self.offset_ns;
        let taken = samples.into_iter().take(KEPT).map(|sample| taken(sample, offset));
        self.parts.board.sampled(place.prefix, taken);
        judgement
    }

    /// Tells of what begins, orders what is wanted.
    fn act(&mut self, index: usize, now: Micros, judgement: &Judgement, delta: &Counters) {
        let policy = &self.parts.config.policy;
        let place = &mut self.places[index];
        if judgement.began {
            let proposals = proposals(policy.filter, judgement.level);
            let subject = Subject { name: &place.name, prefix: place.prefix, judgement, proposals };
            place.alert = self.parts.teller.began(&subject);
        }
        let full = delta.bytes as f64 > self.parts.config.detect.link_bytes * FULL;
        self.parts.upstream.judged(place, judgement, full, now);
        let why: Vec<String> = judgement.causes.iter().map(|cause| cause.text(Lang::En)).collect();
        let why = if why.is_empty() { "quiet".to_string() } else { why.join("; ") };
        for order in place.reconcile(now, policy.filter, &why, &self.parts.orders) {
            self.parts.hands.give(order);
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
        let first = self.parts.board.attacked(&id, whole);
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
        level: place.watch.level().word().into(),
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
