//! One destination, judged every second.

use crate::cause::Cause;
use crate::itemset::{self, Found};
use crate::ladder::{Change, Demand, Ladder};
use crate::metric::{Metric, Rates};
use crate::model::{Model, Opinion};
use crate::report::{Lookups, Report};
use crate::shape;
use crate::tally::Tally;
use crate::vector::{Vector, vectors};
use crate::window::{HttpLoad, SAMPLES, Window, Windows};
use crate::{Baseline, Class, Counters, Level, Packet, Prefix, Reason, Sample, Settings, Signature};
use serde::Serialize;
use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;

const SECOND_US: i64 = 1_000_000;
/// Quiet packets that are remembered to weigh signatures against.
const QUIET: usize = itemset::MOST;
/// Most packets of a quiet second that are remembered, so that the memory spans minutes.
const QUIET_A_SECOND: usize = 20;
/// Seconds that must stay quiet after a second before its packets are remembered as quiet ones: the first packets of a
/// flood come before it is seen, and would speak against its signatures.
const SETTLED_S: usize = 3;
/// Seconds between two searches for signatures.
const SEARCH_S: i64 = 2;
/// Sources of quiet times that are remembered, in each of two generations.
const KNOWN: usize = 2_048;
/// Confidence from which on levels beyond [`Level::Limit`] answer.
const SURE: f32 = 0.5;
/// How much more than on average must come before the model alone speaks.
const GROWN: f32 = 1.5;
/// Most that a model alone is believed: below what levels beyond [`Level::Limit`] ask for.
const ALONE: f32 = 0.45;
/// Part of the link from which on it counts as full.
const FULL: f64 = 0.9;
/// Addresses of a range that make an attack a carpet.
const CARPET: usize = 8;

/// What was found of a destination in a second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// End of the second, µs since 1970.
    pub at_us: i64,
    /// The destination.
    pub destination: Prefix,
    /// An attack is under way.
    pub alarm: bool,
    /// It began in this second.
    pub began: bool,
    /// It ended in this second.
    pub ended: bool,
    /// The attacks that the second shows, the largest first.
    pub vectors: Vec<Vector>,
    /// How sure it is an attack, 0 to 1.
    pub confidence: f32,
    /// It is spread over many addresses of the destination's range.
    pub carpet: bool,
    /// What the model thinks; `None` without a model or samples.
    pub probability: Option<f32>,
    /// The level that the destination shall have.
    pub level: Level,
    /// Its change in this second.
    pub change: Option<Change>,
    /// Signatures to put into the filter.
    pub add: Vec<Signature>,
    /// Ids of signatures to take out.
    pub drop: Vec<u64>,
    /// Why, in the order of weight.
    pub causes: Vec<Cause>,
}

impl Judgement {
    /// The class of the largest vector.
    pub fn class(&self) -> Option<Class> {
        self.vectors.first().map(|vector| vector.class)
    }

    /// Whether something must be carried out: a level or signatures change, or an attack begins or ends.
    pub fn acts(&self) -> bool {
        self.began || self.ended || self.change.is_some() || !self.add.is_empty() || !self.drop.is_empty()
    }
}

/// The memory of one destination. Bounded: about 30 KB after a week of history, 500 KB during an attack.
#[derive(Debug, Clone)]
pub struct Watch {
    destination: Prefix,
    settings: Settings,
    baseline: Baseline,
    windows: Windows,
    ladder: Ladder,
    /// Whether the last seconds showed an attack, the last one in bit 0.
    hot: u8,
    alarm: bool,
    /// Whether its traffic fills a link.
    crowds: bool,
    /// When a vector was last seen.
    seen_us: i64,
    quiet: VecDeque<Packet>,
    /// Packets of the last seconds, not yet known to be quiet.
    fresh: VecDeque<Vec<Packet>>,
    attack: VecDeque<Packet>,
    signatures: Vec<Found>,
    searched_us: i64,
    /// Sources seen in quiet times: of late, and before.
    known: [HashSet<IpAddr>; 2],
    tally: Option<Box<Tally>>,
    /// Whether the tally's attack did alarm.
    confirmed: bool,
}

impl Watch {
    /// A destination of which nothing is known.
    pub fn new(destination: Prefix, settings: Settings) -> Watch {
        Watch::with(destination, settings, Baseline::default())
    }

    /// A destination with the baseline that was kept of it.
    pub fn with(destination: Prefix, settings: Settings, baseline: Baseline) -> Watch {
        Watch {
            destination,
            settings,
            baseline,
            windows: Windows::default(),
            ladder: Ladder::default(),
            hot: 0,
            alarm: false,
            crowds: false,
            seen_us: i64::MIN / 2,
            quiet: VecDeque::new(),
            fresh: VecDeque::new(),
            attack: VecDeque::new(),
            signatures: Vec::new(),
            searched_us: i64::MIN / 2,
            known: Default::default(),
            tally: None,
            confirmed: false,
        }
    }

    /// The destination.
    pub fn destination(&self) -> Prefix {
        self.destination
    }

    /// What is usual for it, to be kept.
    pub fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// Its level.
    pub fn level(&self) -> Level {
        self.ladder.level()
    }

    /// Whether it is under attack.
    pub fn alarm(&self) -> bool {
        self.alarm
    }

    /// The signatures in force.
    pub fn signatures(&self) -> impl Iterator<Item = &Signature> {
        self.signatures.iter().map(|found| &found.signature)
    }

    /// A person sets its level: entered at once, and the least from now on.
    pub fn order(&mut self, now_us: i64, level: Level) -> Option<Change> {
        self.ladder.order(now_us, level)
    }

    /// Is set as another watch of the same destination from now on: its settings, and the level below which it does not fall.
    pub fn retune(&mut self, now_us: i64, like: &Watch) -> Option<Change> {
        self.settings = like.settings.clone();
        self.ladder.hold(now_us, like.ladder.least(), self.settings.highest)
    }

    /// Says whether its traffic fills a link that others share; holds until it is said again.
    pub fn crowds(&mut self, link: bool) {
        self.crowds = link;
    }

    /// Signatures that hit in the filter live on.
    pub fn hit(&mut self, now_us: i64, id: u64) {
        let expires_us = now_us + i64::from(self.settings.signature_s) * SECOND_US;
        if let Some(found) = self.signatures.iter_mut().find(|found| found.signature.id == id) {
            found.signature.expires_us = expires_us;
        }
    }

    /// The report of the attack that goes on, or of the last one.
    pub fn report(&self, now_us: i64, lookups: &Lookups<'_>) -> Option<Report> {
        let tally = self.tally.as_deref().filter(|_| self.confirmed)?;
        Some(Report::new(self.destination, tally, now_us, lookups))
    }

    /// A second in which nothing was counted that speaks of the destination: an attack may end and a level be left, but
    /// nothing is learned of what is usual.
    pub fn idle(&mut self, now_us: i64) -> Judgement {
        self.judge(now_us, &Counters::default(), &[], None, None, false)
    }

    /// Judges one second: what was counted in it, headers sampled of it, and what the gateway saw.
    pub fn second(
        &mut self,
        now_us: i64,
        delta: &Counters,
        samples: &[Sample],
        http: Option<&HttpLoad>,
        model: Option<&Model>,
    ) -> Judgement {
        self.judge(now_us, delta, samples, http, model, true)
    }

    fn judge(
        &mut self,
        now_us: i64,
        delta: &Counters,
        samples: &[Sample],
        http: Option<&HttpLoad>,
        model: Option<&Model>,
        learn: bool,
    ) -> Judgement {
        let read = samples.iter().take(SAMPLES).filter_map(|sample| Some((sample.parse()?, sample.reason)));
        let (packets, reasons): (Vec<Packet>, Vec<Option<Reason>>) = read.unzip();
        let window = self.windows.push(delta, &packets, http);
        let opinion = model.and_then(|model| model.judge(&window));
        let mut vectors = vectors(now_us, &window, &self.baseline, &self.settings);
        let mut causes: Vec<Cause> = Vec::new();
        self.weigh(now_us, &window, opinion, &mut vectors, &mut causes);
        let (began, ended) = self.raise(now_us, &vectors);
        let confidence = vectors.iter().map(|vector| vector.confidence).fold(0.0, f32::max);
        let carpet = self.alarm && self.is_carpet(&window);
        if carpet {
            causes.push(Cause::Carpet { destinations: window.shape.destinations.distinct });
        }
        let full = self.is_full(&window);
        let (add, drop) = self.signatures_of(now_us, &packets, &reasons, &vectors, full);
        if !add.is_empty() || !drop.is_empty() {
            causes.push(Cause::Signatures { added: add.len(), dropped: drop.len() });
        }
        let through = through(&window.counters, &packets, &reasons, &vectors);
        let demand = self.demand(&window, &vectors, confidence, through);
        let change = self.ladder.second(now_us, demand, &self.settings);
        causes.extend(change.map(Cause::Level));
        if !vectors.is_empty() {
            self.fresh.clear();
        } else if learn && !self.alarm {
            self.learn(now_us, delta, &packets);
        }
        let judgement = Judgement {
            at_us: now_us,
            destination: self.destination,
            alarm: self.alarm,
            began,
            ended,
            vectors,
            confidence,
            carpet,
            probability: opinion.map(|opinion| opinion.probability),
            level: self.ladder.level(),
            change,
            add,
            drop,
            causes,
        };
        self.note(&judgement, &window, &packets, &reasons);
        judgement
    }

    /// Keeps what the report of the attack needs, from its first second on.
    fn note(&mut self, judgement: &Judgement, window: &Window, packets: &[Packet], reasons: &[Option<Reason>]) {
        let over = self.tally.as_ref().is_none_or(|tally| tally.ended_us.is_some());
        if over && judgement.vectors.is_empty() {
            return;
        }
        if over {
            self.tally = Some(Box::new(Tally::new(judgement.at_us - SECOND_US)));
            self.confirmed = false;
        }
        let Some(tally) = &mut self.tally else { return };
        self.confirmed |= judgement.alarm;
        if !self.confirmed && self.hot & 7 == 0 {
            self.tally = None;
            return;
        }
        let class =
            |packet: &Packet| judgement.vectors.iter().map(|vector| vector.class).find(|class| is_of(*class, packet));
        let read = packets.iter().zip(reasons).map(|(packet, reason)| (*packet, *reason, class(packet)));
        let known = &self.known;
        let is_known = |packet: &Packet| known.iter().any(|known| known.contains(&packet.source));
        let read: Vec<_> = read.collect();
        tally.second(judgement.at_us, &window.counters, &judgement.vectors, &read, is_known);
        let requests = window.http.map_or(0.0, |http| http.requests);
        tally.point(judgement.at_us, &window.counters, requests, judgement.level);
        judgement.change.into_iter().for_each(|change| tally.change(change));
        tally.made(judgement.at_us, &judgement.add);
        tally.carpet |= judgement.carpet;
        if judgement.ended {
            tally.ended_us = Some(judgement.at_us);
        }
    }

    /// Joins the model's opinion with the rules' vectors: it raises or lowers confidence, and speaks alone where the rules
    /// are silent and more comes than on average.
    fn weigh(
        &self,
        now_us: i64,
        window: &Window,
        opinion: Option<Opinion>,
        found: &mut Vec<Vector>,
        causes: &mut Vec<Cause>,
    ) {
        if let Some(opinion) = opinion {
            for vector in found.iter_mut().filter(|vector| vector.class != Class::Http) {
                if opinion.attack {
                    vector.confidence += (1.0 - vector.confidence) * 0.5;
                } else if opinion.clean && !vector.plain {
                    vector.confidence *= 0.5;
                }
            }
            let packets = window.counters.packets as f32;
            // What a destination always gets is no attack, whatever it looks like.
            let grown = self.alarm || self.baseline.average(now_us).is_some_and(|average| packets > GROWN * average);
            if opinion.attack && grown && found.is_empty() && packets >= self.settings.model_floor {
                let class = most(window);
                causes.push(Cause::Model { probability: opinion.probability, class });
                found.push(Vector {
                    class,
                    packets,
                    bytes: window.counters.bytes as f32,
                    usual: 0.0,
                    deviations: 0.0,
                    limit: self.settings.model_floor,
                    plain: false,
                    confidence: opinion.probability.min(ALONE),
                });
            }
        }
        causes.splice(
            0..0,
            found.iter().filter(|vector| vector.limit != self.settings.model_floor).map(|v| Cause::Seen(*v)),
        );
    }

    /// Two of three seconds make an alarm; one is enough when its shape is plain and it is far above the floor. Returns
    /// whether an attack began or ended.
    fn raise(&mut self, now_us: i64, vectors: &[Vector]) -> (bool, bool) {
        self.hot = self.hot << 1 | u8::from(!vectors.is_empty());
        if !vectors.is_empty() {
            self.seen_us = now_us;
        }
        let clear = vectors.iter().any(|vector| vector.plain && vector.packets > 4.0 * vector.limit);
        let began = !self.alarm && (clear || (self.hot & 7).count_ones() >= 2);
        let ended = self.alarm && now_us - self.seen_us >= i64::from(self.settings.over_s) * SECOND_US;
        self.alarm = (self.alarm || began) && !ended;
        (began, ended)
    }

    fn is_carpet(&self, window: &Window) -> bool {
        let destinations = window.shape.destinations;
        !self.destination.is_single() && destinations.distinct >= CARPET && destinations.top < 0.5
    }

    /// What this second asks of the ladder; `through` are the packets of the attack's kinds that were let through.
    fn demand(&self, window: &Window, vectors: &[Vector], confidence: f32, through: f32) -> Demand {
        let seen = vectors.iter().filter(|vector| vector.confidence >= 0.3).map(|vector| vector.class.answer()).max();
        let mut least = seen.unwrap_or(Level::Observe);
        if !self.signatures.is_empty() && !vectors.is_empty() {
            least = least.max(Level::Prove);
        }
        if confidence < SURE {
            least = least.min(Level::Limit);
        }
        // Twice the usual may be users; of what is not known a tenth of the attack at most.
        let (attack, usual) =
            sure(vectors).fold((0.0, 0.0), |(attack, usual), vector| (attack + vector.packets, usual + vector.usual));
        let floor = sure(vectors).map(|vector| vector.limit).fold(f32::INFINITY, f32::min);
        let allowed = (usual * 2.0).max(attack * 0.1).max(floor);
        Demand {
            attack: self.alarm && !vectors.is_empty(),
            least,
            leaking: attack > 0.0 && through > allowed,
            full: self.is_full(window),
        }
    }

    /// Whether the link is full, so that what is dropped here has already done its harm.
    fn is_full(&self, window: &Window) -> bool {
        self.crowds || window.counters.bytes as f64 > self.settings.link_bytes * FULL
    }

    /// Makes signatures of what gets through, and ends those that no longer hit. When the link is full, of everything: routers
    /// upstream know no other means.
    fn signatures_of(
        &mut self,
        now_us: i64,
        packets: &[Packet],
        reasons: &[Option<Reason>],
        vectors: &[Vector],
        full: bool,
    ) -> (Vec<Signature>, Vec<u64>) {
        let mut drop = Vec::new();
        self.signatures.retain(|found| {
            let lives = found.signature.expires_us > now_us;
            if !lives {
                drop.push(found.signature.id);
            }
            lives
        });
        // Where another means comes before it, a signature that routers were told of lives by what it would hit.
        let hits = |reason: &Option<Reason>| *reason == Some(Reason::Signature) || full && reason.is_some();
        let hit = packets.iter().zip(reasons).filter(|(_, reason)| hits(reason));
        let ids: Vec<u64> = hit.filter_map(|(packet, _)| self.matching(packet)).collect();
        ids.into_iter().for_each(|id| self.hit(now_us, id));
        if vectors.is_empty() {
            self.attack.clear();
            return (Vec::new(), drop);
        }
        // What other means already stop needs no signature; a SYN that was answered costs work all the same.
        let open = |reason: &Option<Reason>| full || matches!(reason, None | Some(Reason::SynCookie));
        for (packet, _) in packets.iter().zip(reasons).filter(|(_, reason)| open(reason)) {
            if vectors.iter().any(|vector| is_of(vector.class, packet)) && self.matching(packet).is_none() {
                if self.attack.len() >= itemset::MOST {
                    self.attack.pop_front();
                }
                self.attack.push_back(*packet);
            }
        }
        if !self.alarm || now_us - self.searched_us < SEARCH_S * SECOND_US || self.attack.len() < itemset::SAMPLES {
            return (Vec::new(), drop);
        }
        self.searched_us = now_us;
        let room = itemset::SIGNATURES.saturating_sub(self.signatures.len());
        let expires_us = now_us + i64::from(self.settings.signature_s) * SECOND_US;
        let (attack, quiet) = (self.attack.make_contiguous(), self.quiet.make_contiguous());
        let mut found = itemset::signatures(self.destination, attack, quiet, expires_us);
        found.truncate(room);
        let add = found.iter().map(|found| found.signature.clone()).collect();
        self.signatures.extend(found);
        self.attack.clear();
        (add, drop)
    }

    fn matching(&self, packet: &Packet) -> Option<u64> {
        self.signatures().find(|signature| signature.matches(packet)).map(|signature| signature.id)
    }

    /// Learns what is usual of a second without any sign of an attack.
    fn learn(&mut self, now_us: i64, delta: &Counters, packets: &[Packet]) {
        self.baseline.learn(now_us, &Rates::of(delta));
        let step = packets.len().div_ceil(QUIET_A_SECOND).max(1);
        self.fresh.push_back(packets.iter().step_by(step).copied().collect());
        if self.fresh.len() <= SETTLED_S {
            return;
        }
        for packet in self.fresh.pop_front().unwrap_or_default() {
            if self.quiet.len() >= QUIET {
                self.quiet.pop_front();
            }
            self.quiet.push_back(packet);
            if self.known[0].len() >= KNOWN {
                self.known.swap(0, 1);
                self.known[0].clear();
            }
            self.known[0].insert(packet.source);
        }
    }
}

/// Vectors that levels answer to: sure ones that show in packets.
fn sure(vectors: &[Vector]) -> impl Iterator<Item = &Vector> {
    vectors.iter().filter(|vector| vector.confidence >= SURE && vector.class != Class::Http)
}

/// Packets of the attack's kinds that were let through, by the samples; without enough of them, all that were let through.
fn through(counters: &Counters, packets: &[Packet], reasons: &[Option<Reason>], vectors: &[Vector]) -> f32 {
    if packets.len() < shape::FEWEST {
        return counters.packets.saturating_sub(counters.held()) as f32;
    }
    let open = packets.iter().zip(reasons).filter(|(_, reason)| reason.is_none());
    let of_it = open.filter(|(packet, _)| sure(vectors).any(|vector| is_of(vector.class, packet))).count();
    counters.packets as f32 * of_it as f32 / packets.len() as f32
}

/// Whether a packet may belong to a class.
fn is_of(class: Class, packet: &Packet) -> bool {
    use crate::Field;
    let protocol = packet.get(Field::Protocol);
    let flags = packet.get(Field::TcpFlags);
    match class {
        Class::Syn => shape::is_syn(packet),
        Class::SynAck => flags.is_some_and(|flags| flags & 0x17 == 0x12),
        Class::Ack | Class::Tcp => shape::is_ack(packet),
        Class::Ends => flags.is_some_and(|flags| flags & 0x05 != 0),
        Class::Flags => protocol == Some(6),
        Class::Reflection(service) => shape::service(packet) == Some(service),
        Class::Udp => protocol == Some(17),
        Class::Icmp => matches!(protocol, Some(1 | 58)),
        Class::Fragment => packet.is_fragment(),
        Class::Protocol => !matches!(protocol, Some(1 | 6 | 17 | 58)),
        Class::Http => false,
    }
}

/// The class that most packets of a window would be, for an alarm of the model alone.
fn most(window: &Window) -> Class {
    let counters = &window.counters;
    let of = |metric: Metric| metric.of(counters);
    let reflected =
        window.shape.services.first().map(|found| (Class::Reflection(found.service), of(Metric::Amplified)));
    let parts = [
        (Class::Syn, of(Metric::Syn)),
        (Class::SynAck, of(Metric::SynAck)),
        (Class::Ends, of(Metric::Ends)),
        (Class::Flags, of(Metric::Odd)),
        (Class::Ack, of(Metric::Ack)),
        (Class::Udp, of(Metric::Udp)),
        (Class::Icmp, of(Metric::Icmp)),
        (Class::Protocol, of(Metric::Other)),
    ];
    let all = parts.into_iter().chain(reflected);
    all.max_by_key(|(_, packets)| *packets).map_or(Class::Tcp, |(class, _)| class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_seconds_are_judged(
            seconds in prop::collection::vec(prop::array::uniform32(any::<u64>()), 1..8),
            headers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..300),
            loads in prop::collection::vec(any::<f32>(), 5),
        ) {
            let mut watch = Watch::new(Prefix::new(IpAddr::from([0, 0, 0, 0]), 0).unwrap(), Settings::default());
            let sample = |(at, header): (usize, &Vec<u8>)| Sample {
                at_ns: at as u64,
                length: header.len() as u16,
                reason: Reason::from_number(at as u8),
                header: header.clone().into(),
            };
            let samples: Vec<Sample> = headers.iter().enumerate().map(sample).collect();
            let [requests, usual, held, errors, latency] = loads[..] else { return Ok(()) };
            let http = HttpLoad { requests, usual, held, errors, latency, level: 3 };
            for (step, words) in (0..).zip(seconds) {
                let mut all = [0; Counters::WORDS];
                all[..32].copy_from_slice(&words);
                all[32..].copy_from_slice(&words[..Counters::WORDS - 32]);
                let judgement = watch.second(step * SECOND_US, &Counters::from_words(&all), &samples, Some(&http), None);
                prop_assert!((0.0..=1.0).contains(&judgement.confidence), "{}", judgement.confidence);
            }
            if let Some(report) = watch.report(99 * SECOND_US, &Lookups::default()) {
                prop_assert!(!report.text(base::Lang::Zh).is_empty());
            }
        }
    }
}
