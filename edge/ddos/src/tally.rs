//! What is kept of one attack while it lasts, for the report. Fixed memory, however long and large the attack is.

use crate::ladder::Change;
use crate::sources::Senders;
use crate::vector::Vector;
use crate::{Class, Counters, Field, Level, Packet, Reason, Signature};
use std::collections::BTreeMap;

/// Most points of the timeline; beyond, two become one.
const POINTS: usize = 240;
/// Most senders that are told apart.
const SENDERS: usize = 2_048;
/// Most classes of one attack.
const CLASSES: usize = 16;
/// Most values of a field that are counted; what comes later is counted together.
const VALUES: usize = 64;
/// Most changes and signatures that are kept.
const NOTES: usize = 64;

/// A stretch of the timeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Its begin, µs since 1970.
    pub at_us: i64,
    /// Its length, seconds.
    pub seconds: u32,
    /// Packets that arrived.
    pub packets: u64,
    /// Bytes that arrived.
    pub bytes: u64,
    /// Packets that did not get through.
    pub held: u64,
    /// HTTP requests that arrived.
    pub requests: f32,
    /// The level at its end.
    pub level: Level,
}

/// Values of a field and how often each was sampled.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    /// Counts by value.
    pub counts: BTreeMap<u32, u64>,
    /// All that had the field.
    pub total: u64,
}

impl Values {
    fn add(&mut self, value: u32) {
        self.total += 1;
        if self.counts.len() < VALUES || self.counts.contains_key(&value) {
            *self.counts.entry(value).or_default() += 1;
        }
    }
}

/// One class of an attack.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The class.
    pub class: Class,
    /// Packets (requests of an HTTP flood), what is usual taken off.
    pub packets: f64,
    /// Bytes.
    pub bytes: f64,
    /// Highest packets a second.
    pub peak: f32,
    /// First and last second it was seen in, µs since 1970.
    pub seen_us: (i64, i64),
    /// Highest confidence.
    pub confidence: f32,
    /// Sampled values of [`Part::FIELDS`], in their order.
    pub values: Vec<Values>,
}

impl Part {
    /// The fields whose values are kept.
    pub const FIELDS: [Field; 7] = [
        Field::SourcePort,
        Field::DestinationPort,
        Field::Length,
        Field::Ttl,
        Field::TcpFlags,
        Field::Fragment,
        Field::IcmpType,
    ];

    /// Sampled values of a field.
    pub fn values(&self, field: Field) -> Option<&Values> {
        self.values.get(Part::FIELDS.iter().position(|kept| *kept == field)?)
    }
}

/// What is kept of one attack.
#[derive(Debug, Clone)]
pub struct Tally {
    /// First second, µs since 1970.
    pub began_us: i64,
    /// Last second with a vector.
    pub last_us: i64,
    /// When it was over.
    pub ended_us: Option<i64>,
    /// Everything that arrived, users among it.
    pub total: Counters,
    /// Samples that were looked at.
    pub samples: u64,
    /// Its classes.
    pub parts: Vec<Part>,
    /// Its senders.
    pub senders: Senders,
    /// The timeline.
    pub points: Vec<Point>,
    /// Changes of level.
    pub changes: Vec<Change>,
    /// Signatures made.
    pub signatures: Vec<Signature>,
    /// When the first signature was made, µs since 1970.
    pub filtered_us: Option<i64>,
    /// It was spread over a range.
    pub carpet: bool,
    /// Samples of sources known from quiet times, and how many of them did not get through.
    pub known: (u64, u64),
    /// Seconds a point of the timeline holds.
    step: u32,
}

impl Tally {
    /// An attack that began with the second that ended at this time.
    pub fn new(began_us: i64) -> Tally {
        Tally {
            began_us,
            last_us: began_us,
            ended_us: None,
            total: Counters::default(),
            samples: 0,
            parts: Vec::new(),
            senders: Senders::new(SENDERS),
            points: Vec::new(),
            changes: Vec::new(),
            signatures: Vec::new(),
            filtered_us: None,
            carpet: false,
            known: (0, 0),
            step: 1,
        }
    }

    /// A second of it: `known` says whether a source was seen in quiet times.
    pub fn second(
        &mut self,
        now_us: i64,
        delta: &Counters,
        vectors: &[Vector],
        samples: &[(Packet, Option<Reason>, Option<Class>)],
        known: impl Fn(&Packet) -> bool,
    ) {
        self.total += *delta;
        if !vectors.is_empty() {
            self.last_us = now_us;
        }
        for vector in vectors {
            let Some(part) = self.part(now_us, vector.class) else { continue };
            part.packets += f64::from(vector.packets);
            part.bytes += f64::from(vector.bytes);
            part.peak = part.peak.max(vector.packets);
            part.confidence = part.confidence.max(vector.confidence);
            part.seen_us.1 = now_us;
        }
        let weight = delta.packets as f64 / samples.len().max(1) as f64;
        self.samples += samples.len() as u64;
        for (packet, reason, class) in samples {
            if known(packet) {
                self.known.0 += 1;
                self.known.1 += u64::from(reason.is_some_and(Reason::loses));
            }
            let Some(class) = class else { continue };
            self.senders.add(packet.source, *class, weight);
            let Some(part) = self.parts.iter_mut().find(|part| part.class == *class) else { continue };
            for (field, values) in Part::FIELDS.into_iter().zip(&mut part.values) {
                packet.get(field).into_iter().for_each(|value| values.add(value));
            }
        }
    }

    /// The second's point of the timeline.
    pub fn point(&mut self, now_us: i64, delta: &Counters, requests: f32, level: Level) {
        let point = Point {
            at_us: now_us,
            seconds: 1,
            packets: delta.packets,
            bytes: delta.bytes,
            held: delta.held(),
            requests,
            level,
        };
        match self.points.last_mut().filter(|last| last.seconds < self.step) {
            Some(last) => join(last, &point),
            None => self.points.push(point),
        }
        if self.points.len() >= POINTS {
            self.step *= 2;
            let halved = self.points.chunks(2).map(|pair| {
                let mut first = pair[0];
                pair[1..].iter().for_each(|second| join(&mut first, second));
                first
            });
            self.points = halved.collect();
        }
    }

    /// A change of level.
    pub fn change(&mut self, change: Change) {
        if self.changes.len() < NOTES {
            self.changes.push(change);
        }
    }

    /// Signatures that were made.
    pub fn made(&mut self, now_us: i64, signatures: &[Signature]) {
        if !signatures.is_empty() {
            self.filtered_us.get_or_insert(now_us);
        }
        let room = NOTES.saturating_sub(self.signatures.len());
        self.signatures.extend(signatures.iter().take(room).cloned());
    }

    fn part(&mut self, now_us: i64, class: Class) -> Option<&mut Part> {
        if let Some(index) = self.parts.iter().position(|part| part.class == class) {
            return self.parts.get_mut(index);
        }
        if self.parts.len() >= CLASSES {
            return None;
        }
        self.parts.push(Part {
            class,
            packets: 0.0,
            bytes: 0.0,
            peak: 0.0,
            seen_us: (now_us, now_us),
            confidence: 0.0,
            values: vec![Values::default(); Part::FIELDS.len()],
        });
        self.parts.last_mut()
    }
}

fn join(first: &mut Point, second: &Point) {
    first.seconds += second.seconds;
    first.packets += second.packets;
    first.bytes += second.bytes;
    first.held += second.held;
    first.requests += second.requests;
    first.level = second.level;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_attack_keeps_a_short_timeline_that_loses_nothing() {
        let mut tally = Tally::new(0);
        for second in 0..5_000 {
            tally.point(second, &Counters { packets: 3, ..Counters::default() }, 0.0, Level::Limit);
        }
        assert!(tally.points.len() < POINTS);
        assert_eq!(tally.points.iter().map(|point| point.packets).sum::<u64>(), 15_000);
        assert_eq!(tally.points.iter().map(|point| point.seconds).sum::<u32>(), 5_000);
    }
}
