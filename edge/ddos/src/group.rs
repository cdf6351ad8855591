//! The largest group of packets of a kind that are equally long: a program that floods sends the same again and again, and in
//! the group it is not diluted by the users beside it.

use crate::shape::{FEWEST, Spread, carries};
use crate::{Field, Packet};
use std::collections::HashMap;
use std::net::IpAddr;

/// Fewest packets of which the source was seen before that tell whether its port is new.
const REPEATS: usize = 12;
/// Distance of sequence numbers within which a connection goes on: far more than a window, far less than chance.
const NEAR: u32 = 1 << 26;

/// Figures of a group; not-a-number where there are too few packets to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Packets of the kind.
    pub kind: usize,
    /// Distinct sources of the kind.
    pub kind_sources: usize,
    /// Share of the kind that is in the group.
    pub share: f32,
    /// Length of its packets, bytes.
    pub length: u32,
    /// Packets of the group.
    pub size: usize,
    /// Whether its packets carry data (TCP).
    pub data: bool,
    /// Sources.
    pub sources: Spread,
    /// Source ports.
    pub source_ports: Spread,
    /// Destination ports.
    pub destination_ports: Spread,
    /// Times to live.
    pub ttls: Spread,
    /// First sixteen bytes of payload.
    pub payloads: Spread,
    /// Of packets of a source that was seen before, the share that comes from a port not seen of it: a client keeps its port
    /// as long as it keeps talking.
    pub fresh: f32,
    /// Of packets of a flow that was seen before, the share whose sequence number goes on (TCP).
    pub steady: f32,
    /// Share of headers without options (TCP).
    pub bare: f32,
}

impl Group {
    /// Of the packets of a kind.
    pub fn of<'p>(packets: impl Iterator<Item = &'p Packet>) -> Group {
        let all: Vec<&Packet> = packets.collect();
        let mut sources: Vec<IpAddr> = all.iter().map(|packet| packet.source).collect();
        sources.sort_unstable();
        sources.dedup();
        let group = largest(&all);
        let spread = |field: Field| Spread::of(group.iter().filter_map(|packet| packet.get(field)).collect());
        let begins = [Field::Payload0, Field::Payload4, Field::Payload8, Field::Payload12];
        let (fresh, steady) = flows(&group);
        let bare = group.iter().filter(|packet| packet.get(Field::DataOffset) == Some(5)).count();
        Group {
            kind: all.len(),
            kind_sources: sources.len(),
            share: share(group.len(), all.len(), FEWEST),
            length: group.first().map_or(0, |packet| packet.length()),
            size: group.len(),
            data: group.first().is_some_and(|packet| carries(packet) == Some(true)),
            sources: Spread::of(group.iter().map(|packet| packet.source).collect()),
            source_ports: spread(Field::SourcePort),
            destination_ports: spread(Field::DestinationPort),
            ttls: spread(Field::Ttl),
            payloads: Spread::of(group.iter().map(|packet| begins.map(|field| packet.get(field))).collect()),
            fresh,
            steady,
            bare: share(bare, group.len(), FEWEST),
        }
    }
}

fn share(part: usize, whole: usize, fewest: usize) -> f32 {
    if whole < fewest.max(1) { f32::NAN } else { part as f32 / whole as f32 }
}

/// The packets of the most frequent length and data offset.
fn largest<'p>(packets: &[&'p Packet]) -> Vec<&'p Packet> {
    let key = |packet: &Packet| (packet.length(), packet.get(Field::DataOffset));
    let mut keys: Vec<_> = packets.iter().map(|packet| key(packet)).collect();
    keys.sort_unstable();
    let most = keys.chunk_by(|one, other| one == other).max_by_key(|run| run.len()).map(|run| run[0]);
    packets.iter().filter(|packet| Some(key(packet)) == most).copied().collect()
}

/// Shares of new ports among sources seen before, and of connections that go on among flows seen before.
fn flows(group: &[&Packet]) -> (f32, f32) {
    let mut sources: HashMap<IpAddr, HashMap<(u32, u32), u32>> = HashMap::new();
    let (mut again, mut fresh, mut known, mut steady) = (0, 0, 0, 0);
    for packet in group {
        let ports = (packet.get(Field::SourcePort), packet.get(Field::DestinationPort));
        let (Some(from), Some(to)) = ports else { continue };
        let sequence = packet.get(Field::TcpSequence).unwrap_or(0);
        let flows = sources.entry(packet.source).or_default();
        let seen_source = !flows.is_empty();
        let before = flows.insert((from, to), sequence);
        again += usize::from(seen_source);
        fresh += usize::from(seen_source && before.is_none());
        if let Some(before) = before {
            known += 1;
            steady += usize::from(sequence.wrapping_sub(before).min(before.wrapping_sub(sequence)) <= NEAR);
        }
    }
    (share(fresh, again, REPEATS), share(steady, known, REPEATS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ack(source: u8, port: u16, sequence: u32, length: u16) -> Packet {
        let mut header = vec![0x45, 0];
        header.extend(length.to_be_bytes());
        header.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, source, 198, 51, 100, 7]);
        header.extend(port.to_be_bytes());
        header.extend([1, 187]);
        header.extend(sequence.to_be_bytes());
        header.extend([0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0]);
        Packet::parse(&header, length).unwrap()
    }

    #[test]
    fn connections_go_on_and_floods_begin_anew() {
        let users: Vec<Packet> = (0..200).map(|step| ack((step % 20) as u8, 5_000, step * 1_000, 40)).collect();
        let group = Group::of(users.iter());
        assert_eq!((group.fresh, group.steady, group.bare, group.kind_sources), (0.0, 1.0, 1.0, 20));
        let flood = |step: u32| ack((step % 20) as u8, 1_000 + step as u16, step.wrapping_mul(0x9e37_79b9), 552);
        let flood: Vec<Packet> = (0..300).map(flood).collect();
        let group = Group::of(flood.iter().chain(&users));
        assert_eq!((group.fresh, group.kind), (1.0, 500));
        assert!((group.share - 0.6).abs() < 1e-6 && group.steady.is_nan());
    }

    proptest! {
        #[test]
        fn any_packets_are_a_group(headers in prop::collection::vec(prop::collection::vec(any::<u8>(), 20..64), 0..60)) {
            let packets: Vec<Packet> = headers.iter().filter_map(|header| Packet::parse(header, 60)).collect();
            let group = Group::of(packets.iter());
            for figure in [group.share, group.fresh, group.steady, group.bare] {
                prop_assert!(figure.is_nan() || (0.0..=1.0).contains(&figure));
            }
        }
    }
}
