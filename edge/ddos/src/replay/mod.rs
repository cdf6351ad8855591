//! A recording, judged as the scrubber would have judged it while it came: the same counters, samples, watches and model.
//!
//! Windows follow the clock of the recording. Signatures hold packets back from the level on that the filter needs for it, as
//! in service; what else a filter would have dropped is not played: its buckets and cookies are the kernel's.

mod busiest;
mod recording;
mod text;

use crate::report::{Lookups, Report};
use crate::{
    Cause, Class, Counters, Judgement, Level, Meter, Model, Packet, Prefix, Reason, Settings, Signature, Watches,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

pub use busiest::Busiest;
pub use recording::{Manner, WINDOW_S, recording};

/// Name and version of what is written.
pub const SCHEMA: &str = "garrison.ddos.replay/1";
/// Samples of a window that are looked at.
const SAMPLES: usize = 2_048;
/// Windows of a destination that are kept; further ones are judged and left out.
const WINDOWS: usize = 100_000;
/// Windows without a packet that are judged in a row; a longer silence counts as so many.
const SILENCE: i64 = 900;
/// Windows without a packet that are judged in all; then silence is passed over.
const PATIENCE: i64 = 50_000;
/// Attacks and signatures of a destination that are kept.
const KEPT: usize = 256;
/// Most destinations.
const PLACES: usize = 1_024;

/// One window of a destination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// Its begin, seconds from the recording's.
    pub at_s: f64,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// Of the packets, those that a signature of ours would have held.
    pub held: u64,
    /// An attack was under way at its end.
    pub alarm: bool,
    /// What it shows, the largest first.
    pub classes: Vec<Class>,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// What the model thinks, 0 to 1.
    pub probability: Option<f32>,
    /// The level at its end.
    pub level: Level,
    /// Why, when something changed.
    pub causes: Vec<Cause>,
}

/// A signature and what it matched.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Matched {
    /// Its text.
    pub signature: String,
    /// When it was made, seconds from the recording's begin.
    pub made_s: f64,
    /// Packets that matched from then on.
    pub matched: u64,
    /// Packets of the destination from then on.
    pub of: u64,
    #[serde(skip)]
    inner: Option<Signature>,
}

/// What was seen of a destination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seen {
    /// The destination.
    pub destination: Prefix,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// End of the first window with an alarm, seconds from the recording's begin.
    pub alarm_s: Option<f64>,
    /// What the first alarm was called.
    pub class: Option<Class>,
    /// Its windows.
    pub windows: Vec<Moment>,
    /// Signatures that were made.
    pub signatures: Vec<Matched>,
    /// Reports of its attacks.
    pub attacks: Vec<Report>,
}

impl Seen {
    fn new(destination: Prefix) -> Seen {
        let (windows, signatures, attacks) = (Vec::new(), Vec::new(), Vec::new());
        Seen { destination, packets: 0, bytes: 0, alarm_s: None, class: None, windows, signatures, attacks }
    }
}

/// What was seen of a recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replayed {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Time of its first packet, µs since 1970.
    pub begin_us: i64,
    /// Length of a window, seconds.
    pub window_s: f64,
    /// Windows that were judged.
    pub windows: u64,
    /// Packets to the destinations.
    pub packets: u64,
    /// Packets to others.
    pub others: u64,
    /// Frames of the recording that carry no IP.
    pub unread: u64,
    /// Whether the recording ends within a packet or contradicts itself: what follows was not read.
    pub torn: bool,
    /// The destinations, those of ranges last.
    pub destinations: Vec<Seen>,
}

/// A replay under way.
#[derive(Debug)]
pub struct Replay {
    watches: Watches,
    window_us: i64,
    meters: BTreeMap<Prefix, Meter>,
    lengths: BTreeSet<u8>,
    seen: BTreeMap<Prefix, Seen>,
    levels: BTreeMap<Prefix, Level>,
    begin_us: Option<i64>,
    /// The window that is being filled.
    window: i64,
    /// Windows without a packet that may still be judged.
    patience: i64,
    judged: u64,
    packets: u64,
    others: u64,
}

impl Replay {
    /// A replay of what goes to these destinations (at most 1,024 count), in windows of so many µs.
    pub fn new(destinations: &[Prefix], window_us: i64, settings: Settings, model: Option<Model>) -> Replay {
        let places = destinations.iter().take(PLACES);
        Replay {
            watches: Watches::new(settings, model),
            window_us: window_us.max(1_000),
            meters: places.clone().map(|place| (*place, Meter::new(1, SAMPLES))).collect(),
            lengths: places.map(|place| place.length()).collect(),
            seen: BTreeMap::new(),
            levels: BTreeMap::new(),
            begin_us: None,
            window: 0,
            patience: PATIENCE,
            judged: 0,
            packets: 0,
            others: 0,
        }
    }

    /// Plays a packet that begins with its IP header; `length` is its length, bytes. One that comes late counts in the
    /// window that is open.
    pub fn packet(&mut self, at_ns: u64, header: &[u8], length: u16) {
        let at_us = i64::try_from(at_ns / 1_000).unwrap_or(i64::MAX);
        let begin = *self.begin_us.get_or_insert(at_us);
        let window = at_us.saturating_sub(begin).div_euclid(self.window_us);
        let place = Packet::parse(header, length).and_then(|packet| Some((self.place(&packet)?, packet)));
        let Some((place, packet)) = place else {
            self.others += 1;
            return;
        };
        self.advance(window);
        self.packets += 1;
        let reason = self.held(place, &packet);
        if let Some(meter) = self.meters.get_mut(&place) {
            meter.packet_held(at_ns, header, length, reason);
        }
    }

    /// The nearest range around a packet's destination.
    fn place(&self, packet: &Packet) -> Option<Prefix> {
        let around = self.lengths.iter().rev().filter_map(|length| Prefix::new(packet.destination, *length));
        around.into_iter().find(|prefix| self.meters.contains_key(prefix))
    }

    /// Counts what the signatures of a place and its range match; whether the filter would have held the packet.
    fn held(&mut self, place: Prefix, packet: &Packet) -> Option<Reason> {
        let mut held = false;
        let range = crate::network(packet.destination);
        for at in [Some(place), (range != place).then_some(range)].into_iter().flatten() {
            let Some(seen) = self.seen.get_mut(&at) else { continue };
            let acts = self.levels.get(&at).is_some_and(|level| *level >= Level::Prove);
            for made in &mut seen.signatures {
                made.of += 1;
                if made.inner.as_ref().is_some_and(|signature| signature.matches(packet)) {
                    made.matched += 1;
                    held |= acts;
                }
            }
        }
        held.then_some(Reason::Signature)
    }

    /// Ends windows until this one is open.
    fn advance(&mut self, window: i64) {
        if window <= self.window {
            return;
        }
        self.end();
        let silence = (window - self.window).min(SILENCE).min(self.patience);
        self.patience -= silence;
        self.window = window - silence;
        while self.window < window {
            self.end();
        }
    }

    /// Ends the open window.
    fn end(&mut self) {
        let Some(begin) = self.begin_us else { return };
        let (mut deltas, mut samples) = (Vec::new(), BTreeMap::new());
        for (place, meter) in &mut self.meters {
            let (counters, taken) = meter.second();
            deltas.push((*place, counters));
            samples.insert(*place, taken);
        }
        let now = begin.saturating_add((self.window + 1).saturating_mul(self.window_us));
        let judgements = self.watches.counted(now, &deltas, samples);
        let counted: BTreeMap<Prefix, Counters> = deltas.into_iter().collect();
        for judgement in judgements {
            let counters = counted.get(&judgement.destination).copied().unwrap_or_default();
            self.note(now, &counters, judgement);
        }
        self.window += 1;
        self.judged += 1;
    }

    /// Keeps what was found of a window.
    fn note(&mut self, now: i64, counters: &Counters, judgement: Judgement) {
        let place = judgement.destination;
        self.levels.insert(place, judgement.level);
        let report = judgement.ended.then(|| self.watches.report(now, place, &Lookups::default())).flatten();
        let seen = self.seen.entry(place).or_insert_with(|| Seen::new(place));
        let seconds = |windows: i64| windows as f64 * self.window_us as f64 / 1e6;
        seen.packets += counters.packets;
        seen.bytes += counters.bytes;
        if judgement.alarm && seen.alarm_s.is_none() {
            seen.alarm_s = Some(seconds(self.window + 1));
            seen.class = judgement.class();
        }
        seen.attacks.extend(report.filter(|_| seen.attacks.len() < KEPT));
        for id in &judgement.drop {
            let ended = |made: &&mut Matched| made.inner.as_ref().is_some_and(|signature| signature.id == *id);
            seen.signatures.iter_mut().filter(ended).for_each(|made| made.inner = None);
        }
        for signature in judgement.add.iter().take(KEPT.saturating_sub(seen.signatures.len())) {
            let made_s = seconds(self.window + 1);
            let inner = Some(signature.clone());
            seen.signatures.push(Matched { signature: signature.to_string(), made_s, matched: 0, of: 0, inner });
        }
        let quiet = counters.packets == 0 && !judgement.alarm && !judgement.acts();
        if quiet || seen.windows.len() >= WINDOWS {
            return;
        }
        let changed = judgement.acts() || seen.windows.last().is_none_or(|last| last.alarm != judgement.alarm);
        seen.windows.push(Moment {
            at_s: seconds(self.window),
            packets: counters.packets,
            bytes: counters.bytes,
            held: counters.held(),
            alarm: judgement.alarm,
            classes: judgement.vectors.iter().map(|vector| vector.class).collect(),
            confidence: judgement.confidence,
            probability: judgement.probability,
            level: judgement.level,
            causes: if changed { judgement.causes } else { Vec::new() },
        });
    }

    /// Ends the replay: what was seen.
    pub fn finish(mut self) -> Replayed {
        self.end();
        let begin_us = self.begin_us.unwrap_or(0);
        let now = begin_us.saturating_add(self.window.saturating_mul(self.window_us));
        for (place, seen) in &mut self.seen {
            let open = self.watches.get(*place).is_some_and(crate::Watch::alarm);
            let report = self.watches.report(now, *place, &Lookups::default()).filter(|_| open);
            seen.attacks.extend(report);
        }
        let (ours, ranges): (Vec<Seen>, Vec<Seen>) =
            self.seen.into_values().partition(|seen| self.meters.contains_key(&seen.destination));
        Replayed {
            schema: SCHEMA,
            begin_us,
            window_s: self.window_us as f64 / 1e6,
            windows: self.judged,
            packets: self.packets,
            others: self.others,
            unread: 0,
            torn: false,
            destinations: ours.into_iter().chain(ranges).collect(),
        }
    }
}
