//! Further floods: the vectors of Mirai that `attack` has not, as analyses of it describe them (Antonakakis et al., USENIX
//! Security 2017, table of attacks; its sources were published in 2016), and the habits of tools that people run by hand.
//!
//! - `botnet`: questions for random names through real resolvers, a game server's question, GRE with Ethernet inside, plain UDP,
//!   segments on connections that were really opened ("stomp").
//! - `kit`: few senders with their own addresses and sockets (as LOIC), counters instead of chance in ports and identifications
//!   (as hping3 without options), one time to live for all forged sources, sources out of one network.

use crate::attack::{bots, forged, times};
use crate::chance::Chance;
use crate::frame::{ACK, Frame, Ip, PSH, Tcp};
use crate::session::Place;
use std::net::Ipv4Addr;

fn ip(chance: &mut Chance, place: &Place, source: Ipv4Addr, ttl: u8, fragment: u16) -> Ip {
    Ip { source, destination: place.destination, ttl, id: chance.bits() as u16, fragment, class: 0 }
}

/// Questions for names that nobody asked for before, by resolvers in good faith.
pub(crate) fn bot_names(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let resolvers: Vec<(Ipv4Addr, u8)> =
        (0..chance.within(200..4_000)).map(|_| (forged(chance), 64 - chance.within(4..24) as u8)).collect();
    let name = chance.within(10..20) as usize;
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let (source, ttl) = chance.one(&resolvers);
        let mut question = chance.bytes(2);
        question.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 12]);
        question.extend((0..12).map(|_| b'a' + chance.within(0..26) as u8));
        let port = chance.within(1_024..65_535) as u16;
        frames.push(ip(chance, place, source, ttl, 0x4000).udp(at, (port, 53), &question, name + 5));
    }
    frames
}

/// The question of a game's server list, the same from every device.
pub(crate) fn bot_game(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let bots = bots(chance);
    let mut question = vec![0xff, 0xff, 0xff, 0xff];
    question.extend(b"TSource Engine Query\0");
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let (source, ttl) = chance.one(&bots);
        let port = chance.within(1_024..65_535) as u16;
        frames.push(ip(chance, place, source, ttl, 0x4000).udp(at, (port, 27_015), &question, 0));
    }
    frames
}

/// GRE (RFC 2784) with an Ethernet frame of random addresses inside.
pub(crate) fn bot_gre_ethernet(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let bots = bots(chance);
    let length = chance.one(&[512_usize, 512, 256, 1_024]);
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let (source, ttl) = chance.one(&bots);
        let mut inner = vec![0, 0, 0x65, 0x58];
        inner.extend(chance.bytes(12));
        inner.extend([8, 0, 0x45, 0]);
        inner.extend(chance.bytes(20));
        frames.push(ip(chance, place, source, ttl, 0x4000).frame(at, 47, &inner, length));
    }
    frames
}

/// UDP through one connected socket a device: its port and the target's stay, contents are random or the same.
pub(crate) fn bot_plain(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let bots: Vec<(Ipv4Addr, u8, u16)> =
        bots(chance).into_iter().map(|(source, ttl)| (source, ttl, chance.within(1_024..65_535) as u16)).collect();
    let (to, random, length) = (chance.bits() as u16, chance.happens(0.5), chance.one(&[512_usize, 1_024, 64]));
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let (source, ttl, port) = chance.one(&bots);
        let payload = if random { chance.bytes(16) } else { vec![0; 16] };
        frames.push(ip(chance, place, source, ttl, 0x4000).udp(at, (port, to), &payload, length - 16));
    }
    frames
}

/// Segments with data on connections that were opened: ports stay, the numbers go on, by one in their upper half.
pub(crate) fn bot_stomp(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let bots: Vec<(Ipv4Addr, u8, u16)> =
        bots(chance).into_iter().map(|(source, ttl)| (source, ttl, chance.within(1_024..65_535) as u16)).collect();
    let mut numbers: Vec<u16> = bots.iter().map(|_| chance.bits() as u16).collect();
    let (to, length) = (chance.one(&[80, 443, 22]), chance.one(&[768_usize, 768, 512]));
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let index = chance.within(0..bots.len() as u64) as usize;
        let (source, ttl, port) = bots[index];
        numbers[index] = numbers[index].wrapping_add(1);
        let number = numbers[index];
        let (sequence, acknowledgement) = (u32::from(number) << 16, u32::from(number.wrapping_mul(3)) << 16);
        let window = chance.bits() as u16;
        let tcp = Tcp { ports: (port, to), sequence, acknowledgement, flags: ACK | PSH, window, options: &[] };
        let payload = chance.bytes(16);
        frames.push(ip(chance, place, source, ttl, 0x4000).tcp(at, &tcp, &payload, length - 16));
    }
    frames
}

/// Few senders with some sockets each and one message.
pub(crate) fn kit_udp(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let message = chance.bytes(16);
    let senders: Vec<(Ipv4Addr, u8, u16)> = (0..chance.within(1..40))
        .map(|_| (forged(chance), 128 - chance.within(4..20) as u8, chance.within(49_152..65_000) as u16))
        .collect();
    let (to, sockets, rest) = (chance.one(&[80, 53, 443, 5_060]), chance.within(1..20), chance.within(0..600) as usize);
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let (source, ttl, port) = chance.one(&senders);
        let port = port + chance.within(0..sockets) as u16;
        frames.push(ip(chance, place, source, ttl, 0).udp(at, (port, to), &message, rest));
    }
    frames
}

/// How the sources of a hand-made flood are chosen.
fn sources(chance: &mut Chance) -> impl Fn(&mut Chance) -> Ipv4Addr + use<> {
    let (base, manner) = (u32::from(forged(chance)), chance.within(0..3));
    move |chance: &mut Chance| match manner {
        0 => Ipv4Addr::from(base),
        1 => Ipv4Addr::from(base & 0xffff_ff00 | chance.within(1..255) as u32),
        _ => forged(chance),
    }
}

/// TCP with counters in ports and identifications, one time to live, one window.
pub(crate) fn kit_tcp(chance: &mut Chance, place: &Place, flags: u8) -> Vec<Frame> {
    let source = sources(chance);
    let (ttl, to, window) =
        (chance.one(&[64, 57, 128, 241]), chance.one(&[80, 443, 8_080]), chance.one(&[512, 1_024, 64]));
    let (mut port, mut id) = (chance.within(1_024..3_000) as u16, chance.bits() as u16);
    let data = if chance.happens(0.3) { chance.within(1..1_400) as usize } else { 0 };
    let mut frames = Vec::new();
    for at in times(chance, place) {
        (port, id) = (port.wrapping_add(1), id.wrapping_add(1));
        let from = source(chance);
        let head = Ip { id, ..ip(chance, place, from, ttl, 0) };
        let (sequence, acknowledgement) = (chance.bits() as u32, chance.bits() as u32);
        let tcp = Tcp { ports: (port, to), sequence, acknowledgement, flags, window, options: &[] };
        let payload = vec![b'X'; data.min(16)];
        frames.push(head.tcp(at, &tcp, &payload, data - payload.len()));
    }
    frames
}

/// UDP with counters in ports and identifications, contents all the same.
pub(crate) fn kit_count(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let source = sources(chance);
    let (ttl, length, fixed) = (chance.one(&[64, 57, 241]), chance.within(0..1_400) as usize, chance.happens(0.5));
    let (mut port, mut id, mut to) = (chance.bits() as u16, chance.bits() as u16, chance.bits() as u16);
    let mut frames = Vec::new();
    for at in times(chance, place) {
        (port, id) = (port.wrapping_add(1), id.wrapping_add(1));
        to = if fixed { to } else { to.wrapping_add(1) };
        let from = source(chance);
        let head = Ip { id, ..ip(chance, place, from, ttl, 0) };
        let payload = vec![b'X'; length.min(16)];
        frames.push(head.udp(at, (port.max(40_000), to), &payload, length - payload.len()));
    }
    frames
}

/// Echo requests of few senders, large or small, identification as the program counts it.
pub(crate) fn kit_ping(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let source = sources(chance);
    let (ttl, length) = (chance.one(&[64, 57, 128]), chance.one(&[0_usize, 56, 120, 1_400]));
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let payload = vec![0x41; length.min(16)];
        let from = source(chance);
        frames.push(ip(chance, place, from, ttl, 0).icmp(at, (8, 0), &payload, length - payload.len()));
    }
    frames
}

/// Another protocol (ESP, IPIP, random numbers) of forged sources, all equally long.
pub(crate) fn kit_protocol(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let (protocol, length) = (chance.one(&[50, 4, 41, 103, 253]), chance.within(0..1_300) as usize);
    let ttl = chance.one(&[64, 241, 255]);
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let begin = chance.bytes(16);
        let from = forged(chance);
        frames.push(ip(chance, place, from, ttl, 0).frame(at, protocol, &begin, length));
    }
    frames
}

/// Answers of one service by few hundred servers, each of one length (its answer is always the same).
pub(crate) fn kit_reflection(chance: &mut Chance, place: &Place, port: u16, lengths: (u64, u64)) -> Vec<Frame> {
    let servers: Vec<(Ipv4Addr, u8, usize)> = (0..chance.within(50..900))
        .map(|_| (forged(chance), chance.within(38..120) as u8, chance.within(lengths.0..lengths.1) as usize))
        .collect();
    let begin = chance.bytes(8);
    let to = chance.within(1_024..65_535) as u16;
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let (source, ttl, length) = chance.one(&servers);
        frames.push(ip(chance, place, source, ttl, 0).udp(at, (port, to), &begin, length.saturating_sub(8)));
    }
    frames
}
