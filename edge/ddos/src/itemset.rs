//! Signatures out of samples: `field = value` sets that most packets of an attack share and hardly any user's has.
//!
//! Greedy: the value that covers the most of what is left, weighed by how rare it is in quiet times, begins a set; values
//! that nine in ten of the set share are added; a set is accepted when it is specific enough, its packets are taken away, and
//! the rest is looked at again. The source address is never part of it. Time: fields × samples × terms a set, with all
//! three bounded.

use crate::signature::{Signature, TERMS};
use crate::{Field, Packet, Prefix};
use std::net::IpAddr;

/// Fewest samples of an attack that signatures are made of.
pub const SAMPLES: usize = 200;
/// Most samples that are looked at, of the attack and of quiet times each.
pub const MOST: usize = 2_000;
/// Most signatures for one destination at a time.
pub const SIGNATURES: usize = 8;
/// Most sets that are begun in one go.
const TRIES: usize = 24;
/// Share of a set that a further term must keep.
const SUPPORT: f64 = 0.9;
/// The same for a term that the set no longer needs.
const SURE: f64 = 0.99;
/// Smallest share of the samples that a set may begin with.
const SEED: f64 = 0.05;
/// Share of the samples that may be left uncovered.
const RESIDUAL: f64 = 0.05;
/// Most of the quiet samples that a signature may match: one in a thousand.
const BENIGN: f64 = 0.001;
/// Fewest fields of a signature; one more when too few quiet samples are known to speak of one in a thousand.
const FIELDS: usize = 3;
/// Quiet samples that can speak of one in a thousand.
const ENOUGH: usize = 1_000;

/// A signature as it was made, with what speaks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The signature.
    pub signature: Signature,
    /// Share of the attack's samples that it matched.
    pub support: f32,
    /// Share of the quiet samples that it matches.
    pub benign: f32,
}

/// Signatures for a destination.
///
/// `attack` are samples of the attack, users of the time among them; `quiet` samples of the same destination before it;
/// `expires_us` goes into the signatures. Finds none with fewer than [`SAMPLES`].
pub fn signatures(destination: Prefix, attack: &[Packet], quiet: &[Packet], expires_us: i64) -> Vec<Found> {
    let mut left: Vec<&Packet> = attack.iter().take(MOST).collect();
    if left.len() < SAMPLES {
        return Vec::new();
    }
    let total = left.len() as f64;
    let quiet = &quiet[..quiet.len().min(MOST)];
    let (mut found, mut tries) = (Vec::new(), 0);
    while found.len() < SIGNATURES && left.len() as f64 >= total * RESIDUAL {
        let mut accepted = None;
        for seed in seeds(&left, quiet, total).into_iter().take(TRIES.saturating_sub(tries)) {
            tries += 1;
            let (terms, set) = grow(seed, &left, quiet);
            let benign = quiet.iter().filter(|packet| fits(&terms, packet)).count();
            if is_specific(&terms, &set, benign, quiet.len()) {
                accepted = Some((terms, set.len(), benign));
                break;
            }
        }
        let Some((terms, covered, benign)) = accepted else { break };
        left.retain(|packet| !fits(&terms, packet));
        let support = (covered as f64 / total) as f32;
        let benign = if quiet.is_empty() { 0.0 } else { benign as f32 / quiet.len() as f32 };
        found.push(Found { signature: Signature::new(destination, terms, expires_us), support, benign });
    }
    found
}

fn fits(terms: &[(Field, u32)], packet: &Packet) -> bool {
    terms.iter().all(|(field, value)| packet.get(*field) == Some(*value))
}

/// Most frequent values of a field: value and count, those with at least `least`.
fn frequent(field: Field, packets: &[&Packet], least: usize) -> Vec<(u32, usize)> {
    let mut values: Vec<u32> = packets.iter().filter_map(|packet| packet.get(field)).collect();
    values.sort_unstable();
    let runs = values.chunk_by(|one, other| one == other);
    runs.filter(|run| run.len() >= least.max(1)).map(|run| (run[0], run.len())).collect()
}

/// How much a value tells: what it covers, times how rare it is in quiet times (in bits, at least a little).
fn weight(count: usize, total: usize, field: Field, value: u32, quiet: &[Packet]) -> f64 {
    let same = quiet.iter().filter(|packet| packet.get(field) == Some(value)).count();
    let rare = -((same as f64 + 0.5) / (quiet.len() as f64 + 1.0)).log2();
    count as f64 / total.max(1) as f64 * (rare + 0.05)
}

/// The values to begin a set with, the weightiest first.
fn seeds(left: &[&Packet], quiet: &[Packet], total: f64) -> Vec<(Field, u32)> {
    let least = (total * SEED).ceil() as usize;
    let mut seeds: Vec<(f64, Field, u32)> = Vec::new();
    for field in Field::ALL {
        let weigh = |(value, count)| (weight(count, left.len(), field, value, quiet), field, value);
        seeds.extend(frequent(field, left, least).into_iter().map(weigh));
    }
    seeds.sort_by(|one, other| other.0.total_cmp(&one.0));
    seeds.into_iter().map(|(_, field, value)| (field, value)).collect()
}

/// Adds terms to a set while nearly all of it has them.
fn grow<'p>(seed: (Field, u32), left: &[&'p Packet], quiet: &[Packet]) -> (Vec<(Field, u32)>, Vec<&'p Packet>) {
    let mut terms = vec![seed];
    let mut set: Vec<&Packet> = left.iter().filter(|packet| fits(&terms, packet)).copied().collect();
    let mut rest: Vec<Packet> = quiet.iter().filter(|packet| fits(&terms, packet)).copied().collect();
    while terms.len() < TERMS {
        let needed = terms.len() <= FIELDS || !rest.is_empty() || !terms.iter().any(|(field, _)| is_telling(*field));
        let support = if needed { SUPPORT } else { SURE };
        let least = (set.len() as f64 * support).ceil() as usize;
        let mut best: Option<(f64, Field, u32)> = None;
        for field in Field::ALL.into_iter().filter(|field| terms.iter().all(|(known, _)| known != field)) {
            for (value, count) in frequent(field, &set, least) {
                let mut weight = weight(count, set.len(), field, value, &rest);
                // A route's hop count changes with the route.
                if field == Field::Ttl {
                    weight *= 0.5;
                }
                if best.is_none_or(|(most, ..)| weight > most) {
                    best = Some((weight, field, value));
                }
            }
        }
        let Some((_, field, value)) = best else { break };
        terms.push((field, value));
        set.retain(|packet| packet.get(field) == Some(value));
        rest.retain(|packet| packet.get(field) == Some(value));
    }
    (terms, set)
}

/// Whether a field tells a program from another, not a service, a route or a protocol.
fn is_telling(field: Field) -> bool {
    use Field::*;
    matches!(
        field,
        Length
            | IpId
            | TcpWindow
            | TcpOptions
            | TcpSequence
            | TcpAcknowledgement
            | Payload0
            | Payload4
            | Payload8
            | Payload12
    )
}

/// Whether a set is a signature: enough fields, hardly a quiet packet, and a field that tells a program. Of TCP a set of
/// ports, flags and time to live is never one: users of the service have the same.
fn is_specific(terms: &[(Field, u32)], set: &[&Packet], benign: usize, quiet: usize) -> bool {
    let fields = terms.iter().filter(|(field, _)| *field != Field::Protocol).count();
    let least = if quiet < ENOUGH { FIELDS + 1 } else { FIELDS };
    let tcp = set.iter().any(|packet| packet.get(Field::Protocol) == Some(6));
    let of = |wanted: Field| terms.iter().find(|(field, _)| *field == wanted).map(|(_, value)| *value);
    let handshake = is_handshake(set);
    let tells = |field: Field, value: u32| is_telling(field) && !(handshake && is_of_a_stack(field, value));
    let telling = terms.iter().filter(|(field, value)| tells(*field, *value)).count();
    // What every stack sends: an ACK of 40 bytes tells nobody apart.
    let plain_ack = tcp && of(Field::TcpFlags).is_none_or(|flags| flags & 0x10 != 0);
    let wanted = if plain_ack { 2 } else { 1 };
    fields >= least && telling >= wanted && benign as f64 <= quiet as f64 * BENIGN && !is_one_source(set)
}

/// Whether most are SYNs with more options than a maximum segment size: what the stacks of operating systems send.
fn is_handshake(set: &[&Packet]) -> bool {
    let whole = |packet: &&&Packet| {
        packet.get(Field::TcpFlags) == Some(0x02) && packet.get(Field::DataOffset).is_some_and(|words| words > 6)
    };
    set.iter().filter(whole).count() * 2 > set.len()
}

/// Whether a field of such a SYN has this value in all of a system. A user with the same system as the attackers may open a
/// connection so seldom that no quiet sample shows it; cookies sort these floods out.
fn is_of_a_stack(field: Field, value: u32) -> bool {
    match field {
        Field::Length | Field::TcpWindow | Field::TcpOptions => true,
        // Nothing is acknowledged yet; and a packet that may not be cut needs no number (RFC 6864).
        Field::TcpAcknowledgement | Field::IpId => value == 0,
        _ => false,
    }
}

/// Whether all come from one address: that is a matter of bans and rates.
fn is_one_source(set: &[&Packet]) -> bool {
    let first: Option<IpAddr> = set.first().map(|packet| packet.source);
    set.iter().all(|packet| Some(packet.source) == first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Chance(u64);

    impl Chance {
        fn next(&mut self) -> u32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as u32
        }
    }

    const TO: [u8; 4] = [198, 51, 100, 7];

    fn ip(chance: &mut Chance, protocol: u8, ttl: u8, rest: &[u8]) -> Packet {
        let total = (20 + rest.len()) as u16;
        let mut header = vec![0x45, 0];
        header.extend(total.to_be_bytes());
        header.extend((chance.next() as u16).to_be_bytes());
        header.extend([0x40, 0, ttl, protocol, 0, 0]);
        header.extend(chance.next().to_be_bytes());
        header.extend(TO);
        header.extend(rest);
        Packet::parse(&header, total).unwrap()
    }

    fn tcp(chance: &mut Chance, flags: u8, window: u16, ttl: u8, data: usize, options: &[u8]) -> Packet {
        let mut rest = (chance.next() as u16 | 1024).to_be_bytes().to_vec();
        rest.extend(80_u16.to_be_bytes());
        rest.extend(chance.next().to_be_bytes());
        rest.extend(chance.next().to_be_bytes());
        rest.extend([((20 + options.len()) / 4 * 16) as u8, flags]);
        rest.extend(window.to_be_bytes());
        rest.extend([0; 4]);
        rest.extend(options);
        rest.extend((0..data).map(|_| chance.next() as u8));
        ip(chance, 6, ttl, &rest)
    }

    fn user(chance: &mut Chance) -> Packet {
        let ttl = [52, 57, 64, 115, 120][chance.next() as usize % 5];
        let window = chance.next() as u16;
        match chance.next() % 10 {
            0 => tcp(chance, 2, 64_240, ttl, 0, &[2, 4, 5, 0xb4, 4, 2, 8, 10]),
            1..=5 => tcp(chance, 16, window, ttl, 0, &[]),
            _ => {
                let data = chance.next() as usize % 60;
                tcp(chance, 24, window, ttl, data, &[])
            }
        }
    }

    fn syn(chance: &mut Chance) -> Packet {
        let ttl = if chance.next().is_multiple_of(3) { 243 } else { 50 + (chance.next() % 60) as u8 };
        tcp(chance, 2, 5_840, ttl, 0, &[])
    }

    fn ntp(chance: &mut Chance) -> Packet {
        let mut rest = vec![0, 123];
        rest.extend((chance.next() as u16).to_be_bytes());
        rest.extend([0x01, 0xc0, 0, 0, 0xd7, 0, 3, 0x2a, 0, 6, 0, 0x48]);
        rest.extend((0..16).map(|_| chance.next() as u8));
        let ttl = 40 + (chance.next() % 80) as u8;
        ip(chance, 17, ttl, &rest)
    }

    fn mixed(chance: &mut Chance, count: usize) -> Vec<Packet> {
        (0..count)
            .map(|_| match chance.next() % 100 {
                0..55 => syn(chance),
                55..90 => ntp(chance),
                _ => user(chance),
            })
            .collect()
    }

    fn destination() -> Prefix {
        Prefix::single(IpAddr::from(TO))
    }

    #[test]
    fn a_mixed_attack_gives_signatures_that_spare_users() {
        let mut chance = Chance(1);
        let quiet: Vec<Packet> = (0..2_000).map(|_| user(&mut chance)).collect();
        for count in [200, 1_000] {
            let found = signatures(destination(), &mixed(&mut chance, count), &quiet, 9);
            let hit = |packet: &Packet| found.iter().any(|found| found.signature.matches(packet));
            let share = |packets: Vec<Packet>| packets.iter().filter(|packet| hit(packet)).count();
            assert!(share((0..1_000).map(|_| syn(&mut chance)).collect()) >= 950, "{found:?}");
            assert!(share((0..1_000).map(|_| ntp(&mut chance)).collect()) >= 950, "{found:?}");
            assert!(share((0..5_000).map(|_| user(&mut chance)).collect()) <= 5, "{found:?}");
        }
    }

    #[test]
    fn what_users_send_too_gives_none() {
        let mut chance = Chance(2);
        let quiet: Vec<Packet> = (0..2_000).map(|_| user(&mut chance)).collect();
        let crowd: Vec<Packet> = (0..1_000).map(|_| user(&mut chance)).collect();
        assert_eq!(signatures(destination(), &crowd, &quiet, 9), []);
        assert_eq!(signatures(destination(), &mixed(&mut chance, 150), &quiet, 9), [], "too few samples");
    }

    #[test]
    fn ports_and_hops_alone_are_no_signature_of_tcp() {
        let mut chance = Chance(3);
        let lengths = |chance: &mut Chance| chance.next() as usize % 400;
        let attack: Vec<Packet> = (0..600)
            .map(|_| {
                let (window, data) = (chance.next() as u16, lengths(&mut chance));
                tcp(&mut chance, 24, window, 63, data, &[])
            })
            .collect();
        let found = signatures(destination(), &attack, &[], 9);
        assert_eq!(found, [], "destination port 80, flags and ttl 63 are what users behind the same router have");
    }

    /// The SYNs of an HTTP flood from real machines: those of a user with the same system look alike, and a site that few
    /// people open a connection to has shown none of them in quiet times.
    #[test]
    fn the_handshake_of_an_operating_system_is_no_signature() {
        let mut chance = Chance(5);
        let quiet: Vec<Packet> = (0..1_500).map(|_| tcp(&mut chance, 24, 501, 64, 30, &[])).collect();
        let mut linux = |sequence: Option<u32>| {
            let mut rest = (chance.next() as u16 | 1024).to_be_bytes().to_vec();
            rest.extend([0, 80]);
            rest.extend(sequence.unwrap_or_else(|| chance.next()).to_be_bytes());
            rest.extend([0, 0, 0, 0, 0xa0, 2, 0xfa, 0xf0, 0, 0, 0, 0, 2, 4, 5, 0xb4, 4, 2, 8, 10]);
            rest.extend(chance.next().to_be_bytes());
            rest.extend([0, 0, 0, 0, 1, 3, 3, 7]);
            ip(&mut chance, 6, 64, &rest)
        };
        let attack: Vec<Packet> = (0..600).map(|_| linux(None)).collect();
        assert_eq!(signatures(destination(), &attack, &quiet, 9), []);
        // A tool that writes the same number into each of its SYNs is told by that.
        let odd: Vec<Packet> = (0..600).map(|_| linux(Some(0xdead_beef))).collect();
        assert_eq!(signatures(destination(), &odd, &quiet, 9).len(), 1);
    }

    #[test]
    fn one_source_is_no_matter_of_signatures() {
        let mut chance = Chance(4);
        let mut one = ntp(&mut chance);
        one.source = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(signatures(destination(), &vec![one; 400], &[], 9), []);
    }

    proptest! {
        #[test]
        fn any_samples_are_sorted_out(
            headers in prop::collection::vec(prop::collection::vec(0..4u8, 40), 200..260), quiet in 0..100usize,
        ) {
            let packets: Vec<Packet> = headers.into_iter().filter_map(|mut header| {
                header[0] = 0x45;
                Packet::parse(&header, 40)
            }).collect();
            for found in signatures(destination(), &packets, &packets[..quiet.min(packets.len())], 0) {
                prop_assert!(found.signature.terms.len() <= TERMS && f64::from(found.benign) <= BENIGN);
            }
        }
    }
}
