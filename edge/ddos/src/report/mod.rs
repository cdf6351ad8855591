//! The report of an attack: what it was, who sent it, what was done and what it cost users.

mod fingerprint;
mod lookup;
mod network;
mod participant;
mod text;
mod whose;

use crate::ladder::Change;
use crate::sources::Sender;
use crate::tally::Tally;
use crate::{Class, Prefix, Reason};
use serde::Serialize;
use std::net::IpAddr;

pub use fingerprint::{Fingerprint, Shares, VectorPrint};
pub use lookup::{About, Listed, Lookups, Origin, Ours};
pub use network::{Country, Network};
pub use participant::Participant;

/// Name and version of the report's form.
pub const SCHEMA: &str = "garrison.ddos.report/1";
/// Id of the rule that stands for a report in its alert: the same on every scrubber and in every version.
pub const RULE: &str = "5b1d7c40-2f7e-4a55-9c3d-64646f730002";
/// Most senders that a report names.
pub const SENDERS: usize = 50;
/// Most senders whose networks and countries are summed: each costs a look into the database.
const SUMMED: usize = 512;
/// Entropy that samples of forged addresses have: hardly any address comes twice.
const FORGED: f64 = 1.5;

/// What a sender is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It sends itself: a bot or a rented machine.
    Sender,
    /// A server that was made to answer: its owner is a victim too, the attacker stays hidden behind it.
    Reflector,
    /// Its address is most likely forged: it says nothing of who sent.
    Forged,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 3] = [Role::Sender, Role::Reflector, Role::Forged];

    /// Its name in records.
    pub fn word(self) -> &'static str {
        match self {
            Role::Sender => "sender",
            Role::Reflector => "reflector",
            Role::Forged => "forged",
        }
    }

    /// The role of a name.
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// One sender.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Source {
    /// Its address.
    pub address: IpAddr,
    /// What it is taken for.
    pub role: Role,
    /// The class of its packets.
    pub class: Class,
    /// Packets, estimated from samples.
    pub packets: u64,
    /// Where it is announced from.
    pub origin: Option<Origin>,
    /// Threat-intelligence entries that list it.
    pub intel: Vec<Listed>,
    /// The host of ours that has the address: a host that took part.
    pub host: Option<Ours>,
}

/// A stretch of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Stretch {
    /// Seconds since the attack began.
    pub at_s: i64,
    /// Length, seconds.
    pub seconds: u32,
    /// Packets a second.
    pub packets: f64,
    /// Bits a second.
    pub bits: f64,
    /// Packets a second that did not get through.
    pub held: f64,
    /// HTTP requests a second.
    pub requests: f32,
    /// The level at its end.
    pub level: crate::Level,
}

/// Packets and bytes that a reason held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The reason.
    pub reason: Reason,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What the defence cost users, judged by sources that were known before the attack.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Samples of sources known from quiet times.
    pub samples: u64,
    /// Of these, not let through.
    pub lost: u64,
    /// Share; `None` when too few samples speak of it.
    pub share: Option<f64>,
}

/// The report of one attack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// When it was written, µs since 1970.
    pub written_us: i64,
    /// Whether the attack still goes on.
    pub ongoing: bool,
    /// What it was.
    pub fingerprint: Fingerprint,
    /// Its classes, the largest first, with how sure they are.
    pub classes: Vec<(Class, f32)>,
    /// The heaviest senders.
    pub sources: Vec<Source>,
    /// The systems that sent most, forged addresses left out; empty without a database.
    pub networks: Vec<Network>,
    /// The countries that sent most, forged addresses left out; empty without a database.
    pub countries: Vec<Country>,
    /// Share of the packets of all known senders whose address is most likely forged, 0 to 1.
    pub forged_share: f64,
    /// The timeline.
    pub timeline: Vec<Stretch>,
    /// What was held, by reason.
    pub held: Vec<Held>,
    /// Share of the attack's packets that did not get through; at most 1.
    pub held_share: f64,
    /// Changes of level.
    pub changes: Vec<Change>,
    /// Signatures that were made, as text.
    pub signatures: Vec<String>,
    /// Seconds from the first second of the attack to its first change of level or signature; `None` when nothing was done.
    pub answered_s: Option<f64>,
    /// What it cost users.
    pub cost: Cost,
}

impl Report {
    /// The report of a tally.
    pub fn new(destination: Prefix, tally: &Tally, now_us: i64, lookups: &Lookups<'_>) -> Report {
        let fingerprint = Fingerprint::new(destination, tally);
        let all: Vec<(Sender, Role)> =
            tally.senders.top(SUMMED).into_iter().map(|sender| (sender, role(&sender, tally))).collect();
        let sources = all.iter().take(SENDERS).map(|(sender, role)| source(sender, *role, lookups)).collect();
        let (networks, countries) = network::totals(&all, lookups.origin);
        let attack: f64 = packets(tally);
        let held = Reason::ALL.map(|reason| Held {
            reason,
            packets: tally.total.dropped[reason.index()],
            bytes: tally.total.dropped_bytes[reason.index()],
        });
        let first = tally.changes.first().map(|change| change.at_us).into_iter().chain(tally.filtered_us).min();
        let mut parts: Vec<_> = tally.parts.iter().collect();
        parts.sort_by(|one, other| other.packets.total_cmp(&one.packets));
        let (samples, lost) = tally.known;
        Report {
            schema: SCHEMA,
            written_us: now_us,
            ongoing: tally.ended_us.is_none(),
            classes: parts.iter().map(|part| (part.class, part.confidence)).collect(),
            sources,
            networks,
            countries,
            forged_share: network::forged(&all),
            timeline: timeline(tally),
            held: held.into_iter().filter(|held| held.packets > 0).collect(),
            held_share: if attack > 0.0 { (tally.total.held() as f64 / attack).min(1.0) } else { 0.0 },
            changes: tally.changes.clone(),
            signatures: tally.signatures.iter().map(ToString::to_string).collect(),
            answered_s: first.map(|first| (first - tally.began_us).max(0) as f64 / 1e6),
            cost: Cost { samples, lost, share: (samples >= 100).then(|| lost as f64 / samples as f64) },
            fingerprint,
        }
    }
}

/// Packets of the attack, users left out, requests too.
fn packets(tally: &Tally) -> f64 {
    tally.parts.iter().filter(|part| part.class != Class::Http).map(|part| part.packets).sum()
}

/// What a sender is taken for.
fn role(sender: &Sender, tally: &Tally) -> Role {
    let distinct = tally.senders.distinct().max(1);
    let forged = tally.samples as f64 / (distinct as f64) < FORGED && tally.samples >= 200;
    match sender.class {
        Class::Reflection(_) | Class::SynAck => Role::Reflector,
        _ if forged && sender.samples <= 2 => Role::Forged,
        _ => Role::Sender,
    }
}

/// Packets that are surely a sender's.
fn sure(sender: &Sender) -> u64 {
    (sender.packets - sender.error).max(0.0) as u64
}

fn source(sender: &Sender, role: Role, lookups: &Lookups<'_>) -> Source {
    // A forged address accuses nobody.
    let known = role != Role::Forged;
    Source {
        address: sender.address,
        role,
        class: sender.class,
        packets: sure(sender),
        origin: (lookups.origin)(sender.address),
        intel: if known { (lookups.intel)(sender.address) } else { Vec::new() },
        host: if known { (lookups.host)(sender.address) } else { None },
    }
}

fn timeline(tally: &Tally) -> Vec<Stretch> {
    let of = |point: &crate::tally::Point| {
        let seconds = f64::from(point.seconds.max(1));
        Stretch {
            at_s: (point.at_us - tally.began_us).div_euclid(1_000_000),
            seconds: point.seconds,
            packets: point.packets as f64 / seconds,
            bits: point.bytes as f64 * 8.0 / seconds,
            held: point.held as f64 / seconds,
            requests: point.requests / seconds as f32,
            level: point.level,
        }
    };
    tally.points.iter().map(of).collect()
}
