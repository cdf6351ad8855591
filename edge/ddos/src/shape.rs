//! What the samples of a second look like together.

use crate::service::{self, Service};
use crate::sources::network;
use crate::{Field, Group, Packet};
use std::net::IpAddr;

/// Fewest samples that are called a shape; with fewer its figures are not-a-number.
pub const FEWEST: usize = 24;

/// How values are spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Entropy as a share of the largest that this number of values allows: 0 when all are equal, 1 when all differ.
    pub entropy: f32,
    /// Share of the most frequent value.
    pub top: f32,
    /// Distinct values.
    pub distinct: usize,
}

impl Spread {
    const NONE: Spread = Spread { entropy: f32::NAN, top: f32::NAN, distinct: 0 };

    /// Of values; sorts them.
    pub(crate) fn of<T: Ord>(mut values: Vec<T>) -> Spread {
        if values.len() < FEWEST {
            return Spread::NONE;
        }
        values.sort_unstable();
        let total = values.len() as f64;
        let (mut entropy, mut top, mut distinct) = (0.0, 0, 0);
        for run in values.chunk_by(|one, other| one == other) {
            let share = run.len() as f64 / total;
            entropy -= share * share.log2();
            top = top.max(run.len());
            distinct += 1;
        }
        Spread { entropy: (entropy / total.log2()) as f32, top: (top as f64 / total) as f32, distinct }
    }
}

/// What came from the port of a reflecting service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reflected {
    /// The service.
    pub service: &'static Service,
    /// Samples.
    pub samples: usize,
    /// Sum of their lengths, bytes.
    pub bytes: u64,
}

/// Figures of the samples of one second.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Samples.
    pub samples: usize,
    /// Source addresses.
    pub sources: Spread,
    /// Their networks.
    pub networks: Spread,
    /// Destination addresses.
    pub destinations: Spread,
    /// Source ports.
    pub source_ports: Spread,
    /// Destination ports.
    pub destination_ports: Spread,
    /// Lengths.
    pub lengths: Spread,
    /// Times to live.
    pub ttls: Spread,
    /// TCP windows.
    pub windows: Spread,
    /// First bytes of payloads.
    pub payloads: Spread,
    /// IPv4 identifications.
    pub ids: Spread,
    /// Share of SYNs without any option: every stack of users sends some.
    pub bare_syns: f32,
    /// The same of SYN-ACKs: every server answers with the length of its segments at least.
    pub bare_syn_acks: f32,
    /// Share of ACKs without data.
    pub empty_acks: f32,
    /// Share of ACKs that acknowledge 0: no connection's first sequence number is known to be that.
    pub null_acks: f32,
    /// Share of IPv4 packets that must not be fragmented.
    pub unfragmented: f32,
    /// ACKs.
    pub acks: Group,
    /// UDP packets that come from no reflecting service.
    pub udp: Group,
    /// Packets of other protocols than TCP, UDP and ICMP.
    pub others: Group,
    /// Reflecting services by the samples that came from them, the most first.
    pub services: Vec<Reflected>,
}

/// Share of those with a property among those it can be asked of; not-a-number when they are too few.
fn share(mut items: impl Iterator<Item = bool>) -> f32 {
    let (count, with) = items.by_ref().fold((0, 0), |(count, with), has| (count + 1, with + usize::from(has)));
    if count < FEWEST { f32::NAN } else { with as f32 / count as f32 }
}

/// Share of TCP packets with these flags that carry no option.
fn bare(packets: &[Packet], wanted: u32) -> f32 {
    share(packets.iter().filter(|packet| flags(packet, wanted)).map(|packet| packet.get(Field::DataOffset) == Some(5)))
}

/// Whether a packet is TCP with these flags of SYN, RST and ACK.
fn flags(packet: &Packet, wanted: u32) -> bool {
    packet.get(Field::TcpFlags).is_some_and(|flags| flags & 0x16 == wanted)
}

/// Whether it is a SYN without ACK.
pub(crate) fn is_syn(packet: &Packet) -> bool {
    flags(packet, 0x02)
}

/// Whether it is an ACK without SYN and RST.
pub(crate) fn is_ack(packet: &Packet) -> bool {
    flags(packet, 0x10)
}

fn is_udp(packet: &Packet) -> bool {
    packet.get(Field::Protocol) == Some(17)
}

/// Whether it is of another protocol than TCP, UDP and ICMP.
fn is_other(packet: &Packet) -> bool {
    !matches!(packet.get(Field::Protocol), Some(1 | 6 | 17 | 58))
}

/// The reflecting service that a UDP packet comes from.
pub(crate) fn service(packet: &Packet) -> Option<&'static Service> {
    (packet.get(Field::Protocol) == Some(17)).then(|| packet.get(Field::SourcePort))?.and_then(of_port)
}

fn of_port(port: u32) -> Option<&'static Service> {
    service::of_port(u16::try_from(port).ok()?)
}

/// Whether a TCP packet carries data; `None` for others.
pub(crate) fn carries(packet: &Packet) -> Option<bool> {
    let header = packet.get(Field::DataOffset)? * 4;
    // The IP header's length is not kept; without options it is 20 or 40 bytes.
    let head = if packet.source.is_ipv4() { 20 } else { 40 };
    Some(packet.length() > head + header)
}

impl Shape {
    /// Of the samples of a second.
    pub fn of(packets: &[Packet]) -> Shape {
        let field = |field: Field| Spread::of(packets.iter().filter_map(|packet| packet.get(field)).collect());
        let of = |map: fn(&Packet) -> IpAddr| Spread::of(packets.iter().map(map).collect());
        let acks = || packets.iter().filter(|packet| is_ack(packet));
        let mut services: Vec<Reflected> = Vec::new();
        for (packet, service) in packets.iter().filter_map(|packet| Some((packet, service(packet)?))) {
            let index = services.iter().position(|known| known.service == service).unwrap_or_else(|| {
                services.push(Reflected { service, samples: 0, bytes: 0 });
                services.len() - 1
            });
            services[index].samples += 1;
            services[index].bytes += u64::from(packet.length());
        }
        services.sort_by_key(|found| (std::cmp::Reverse(found.samples), found.service.port));
        Shape {
            samples: packets.len(),
            sources: of(|packet| packet.source),
            networks: of(|packet| network(packet.source).address()),
            destinations: of(|packet| packet.destination),
            source_ports: field(Field::SourcePort),
            destination_ports: field(Field::DestinationPort),
            lengths: field(Field::Length),
            ttls: field(Field::Ttl),
            windows: field(Field::TcpWindow),
            payloads: field(Field::Payload0),
            ids: field(Field::IpId),
            bare_syns: bare(packets, 0x02),
            bare_syn_acks: bare(packets, 0x12),
            empty_acks: share(acks().filter_map(|packet| carries(packet).map(|carries| !carries))),
            null_acks: share(acks().map(|packet| packet.get(Field::TcpAcknowledgement) == Some(0))),
            unfragmented: share(
                packets.iter().filter_map(|packet| packet.get(Field::Fragment)).map(|field| field & 0x4000 != 0),
            ),
            acks: Group::of(acks()),
            udp: Group::of(packets.iter().filter(|packet| is_udp(packet) && service(packet).is_none())),
            others: Group::of(packets.iter().filter(|packet| is_other(packet))),
            services,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entropy_runs_from_one_value_to_all_different() {
        assert_eq!(Spread::of(vec![1; 100]).entropy, 0.0);
        assert!((Spread::of((0..100).collect()).entropy - 1.0).abs() < 1e-6);
        assert!(Spread::of((0..10).collect::<Vec<i32>>()).entropy.is_nan());
    }

    proptest! {
        #[test]
        fn any_samples_have_a_shape(headers in prop::collection::vec(prop::collection::vec(any::<u8>(), 20..64), 0..60)) {
            let packets: Vec<Packet> = headers.iter().filter_map(|header| Packet::parse(header, 60)).collect();
            let shape = Shape::of(&packets);
            for figure in [shape.sources.entropy, shape.sources.top, shape.bare_syns, shape.empty_acks] {
                prop_assert!(figure.is_nan() || (0.0..=1.001).contains(&figure));
            }
        }
    }
}
