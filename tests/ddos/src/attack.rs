//! Floods, in the manner of four families of programs that share nothing but the frames.
//!
//! - `script`: the raw-socket scripts of rented attack services: forged sources, no options, few constants, long lists of reflectors.
//! - `botnet`: after the attack code of Mirai as its analyses describe it (Antonakakis et al., USENIX Security 2017): real
//!   addresses of some thousand devices, options and random fields where a filter would look.
//! - `blaster`: everything random each packet, as load generators do (and as our own one does).
//! - `kit` (`kits`): what people run by hand.

use crate::chance::Chance;
use crate::frame::{ACK, FIN, Frame, Ip, PSH, RST, SYN, Tcp};
use crate::kits;
use crate::session::Place;
use std::net::Ipv4Addr;

/// A flood of a family.
pub struct Attack {
    /// The family.
    pub generator: &'static str,
    /// Its class, as `ddos::Class` names it.
    pub class: &'static str,
    /// Makes `place.rate` packets a second.
    pub make: fn(&mut Chance, &Place) -> Vec<Frame>,
}

macro_rules! attacks {
    ($($generator:literal $class:literal $make:expr;)*) => {
        &[$(Attack { generator: $generator, class: $class, make: $make }),*]
    };
}

/// Every flood.
pub const ALL: &[Attack] = attacks! {
    "script" "syn-flood" |c, p| script_tcp(c, p, SYN);
    "script" "ack-flood" |c, p| script_tcp(c, p, ACK);
    "script" "rst-fin-flood" |c, p| script_tcp(c, p, RST);
    "script" "tcp-flags-flood" |c, p| script_tcp(c, p, FIN | PSH | 32);
    "script" "syn-ack-flood" |c, p| script_tcp(c, p, SYN | ACK);
    "script" "udp-flood" script_udp;
    "script" "icmp-flood" script_icmp;
    "script" "fragment-flood" script_fragments;
    "script" "reflection-ntp" |c, p| reflect(c, p, 123, Size::Fixed(440), &[0xd7, 0, 3, 0x2a, 0, 6, 0, 0x48]);
    "script" "reflection-dns" |c, p| reflect(c, p, 53, Size::Range(1_000, 1_440), &[0x12, 0x34, 0x84, 0x80, 0, 1, 0, 28, 0, 0, 0, 1]);
    "script" "reflection-ssdp" |c, p| reflect(c, p, 1_900, Size::Range(250, 350), b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800");
    "script" "reflection-memcached" |c, p| reflect(c, p, 11_211, Size::Fixed(1_392), &[0, 0, 0, 0, 0, 1, 0, 0, b'V', b'A', b'L', b'U', b'E', b' ']);
    "script" "reflection-cldap" |c, p| reflect(c, p, 389, Size::Range(1_300, 1_460), &[0x30, 0x84, 0, 0, 0x0b, 0xb3, 2, 1, 7, 0x64]);
    "script" "reflection-chargen" |c, p| reflect(c, p, 19, Size::Range(900, 1_440), b" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFG");
    "script" "reflection-snmp" |c, p| reflect(c, p, 161, Size::Range(500, 1_400), &[0x30, 0x82, 5, 0x7c, 2, 1, 1, 4, 6, b'p', b'u', b'b', b'l', b'i', b'c']);
    "botnet" "syn-flood" |c, p| bot_tcp(c, p, SYN);
    "botnet" "ack-flood" |c, p| bot_tcp(c, p, ACK);
    "botnet" "udp-flood" bot_udp;
    "botnet" "protocol-flood" bot_gre;
    "botnet" "icmp-flood" bot_icmp;
    "botnet" "reflection-dns" |c, p| reflect_open(c, p, 53, (200, 3_000));
    "botnet" "reflection-ntp" |c, p| reflect_open(c, p, 123, (200, 468));
    "botnet" "reflection-ssdp" |c, p| reflect_open(c, p, 1_900, (180, 500));
    "blaster" "syn-flood" |c, p| blast_tcp(c, p, SYN);
    "blaster" "ack-flood" |c, p| blast_tcp(c, p, ACK);
    "blaster" "rst-fin-flood" |c, p| blast_tcp(c, p, FIN | ACK);
    "blaster" "udp-flood" blast_udp;
    "blaster" "icmp-flood" blast_icmp;
    "blaster" "reflection-ntp" |c, p| blast_reflection(c, p, 123, 482);
    "blaster" "reflection-dns" |c, p| blast_reflection(c, p, 53, 1_200);
    "blaster" "reflection-memcached" |c, p| blast_reflection(c, p, 11_211, 1_400);
    "blaster" "reflection-ssdp" |c, p| blast_reflection(c, p, 1_900, 320);
    "botnet" "udp-flood" kits::bot_names;
    "botnet" "udp-flood" kits::bot_game;
    "botnet" "udp-flood" kits::bot_plain;
    "botnet" "protocol-flood" kits::bot_gre_ethernet;
    "botnet" "ack-flood" kits::bot_stomp;
    "kit" "udp-flood" kits::kit_udp;
    "kit" "udp-flood" kits::kit_count;
    "kit" "syn-flood" |c, p| kits::kit_tcp(c, p, SYN);
    "kit" "ack-flood" |c, p| kits::kit_tcp(c, p, ACK);
    "kit" "ack-flood" |c, p| kits::kit_tcp(c, p, ACK | PSH);
    "kit" "rst-fin-flood" |c, p| kits::kit_tcp(c, p, RST);
    "kit" "syn-ack-flood" |c, p| kits::kit_tcp(c, p, SYN | ACK);
    "kit" "icmp-flood" kits::kit_ping;
    "kit" "protocol-flood" kits::kit_protocol;
    "kit" "reflection-dns" |c, p| kits::kit_reflection(c, p, 53, (600, 1_472));
    "kit" "reflection-ntp" |c, p| kits::kit_reflection(c, p, 123, (200, 468));
    "kit" "reflection-cldap" |c, p| kits::kit_reflection(c, p, 389, (900, 1_460));
    "kit" "reflection-ws-discovery" |c, p| kits::kit_reflection(c, p, 3_702, (500, 1_460));
    "kit" "reflection-coap" |c, p| kits::kit_reflection(c, p, 5_683, (300, 1_200));
};

pub(crate) fn forged(chance: &mut Chance) -> Ipv4Addr {
    Ipv4Addr::from(chance.within(0x0100_0000..0xe000_0000) as u32)
}

pub(crate) fn times(chance: &mut Chance, place: &Place) -> Vec<i64> {
    let count = (place.rate * place.seconds as f64) as i64;
    (0..count).map(|step| (step as f64 * 1e6 / place.rate) as i64 + chance.within(0..200) as i64).collect()
}

fn script_tcp(chance: &mut Chance, place: &Place, flags: u8) -> Vec<Frame> {
    let window = chance.one(&[5_840, 512, 65_535, 1_024]);
    let port = chance.one(&[80, 443, 22, 8_080]);
    let ttl = if chance.happens(0.5) { 255 - chance.within(5..30) as u8 } else { 0 };
    let acknowledges = flags & ACK != 0;
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let ttl = if ttl == 0 { chance.within(40..240) as u8 } else { ttl };
        let ip = Ip {
            source: forged(chance),
            destination: place.destination,
            ttl,
            id: chance.bits() as u16,
            fragment: 0,
            class: 0,
        };
        let sequence = chance.bits() as u32;
        let acknowledgement = if acknowledges && chance.happens(0.5) { chance.bits() as u32 } else { 0 };
        let tcp = Tcp {
            ports: (chance.within(1_024..65_535) as u16, port),
            sequence,
            acknowledgement,
            flags,
            window,
            options: &[],
        };
        frames.push(ip.tcp(at, &tcp, &[], 0));
    }
    frames
}

fn script_udp(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let (length, one_port) = (chance.one(&[0_usize, 64, 512, 1_024, 1_400]), chance.happens(0.5));
    let (port, fill) = (chance.within(1..65_535) as u16, chance.bytes(1)[0]);
    let sources: Vec<Ipv4Addr> = (0..chance.within(20..400)).map(|_| forged(chance)).collect();
    let spoofs = chance.happens(0.5);
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let source = if spoofs { forged(chance) } else { chance.one(&sources) };
        let ip =
            Ip { source, destination: place.destination, ttl: 240, id: chance.bits() as u16, fragment: 0, class: 0 };
        let to = if one_port { port } else { chance.within(1..65_535) as u16 };
        let from = chance.within(40_000..65_535) as u16;
        frames.push(ip.udp(at, (from, to), &vec![fill; length.min(32)], length.saturating_sub(32)));
    }
    frames
}

fn script_icmp(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let length = chance.one(&[0, 56, 1_000, 1_472]);
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let ip = Ip {
            source: forged(chance),
            destination: place.destination,
            ttl: 250,
            id: chance.bits() as u16,
            fragment: 0,
            class: 0,
        };
        frames.push(ip.icmp(at, (8, 0), &[], length));
    }
    frames
}

fn script_fragments(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let fragment = 0x2000 | chance.within(0..180) as u16;
        let ip = Ip {
            source: forged(chance),
            destination: place.destination,
            ttl: 240,
            id: chance.bits() as u16,
            fragment,
            class: 0,
        };
        frames.push(ip.frame(at, 17, &[0; 32], 1_448));
    }
    frames
}

/// Lengths of answers.
#[derive(Clone, Copy)]
enum Size {
    Fixed(usize),
    Range(usize, usize),
}

fn reflect(chance: &mut Chance, place: &Place, port: u16, size: Size, begin: &[u8]) -> Vec<Frame> {
    let servers: Vec<(Ipv4Addr, u8)> =
        (0..chance.within(200..3_000)).map(|_| (forged(chance), chance.within(40..125) as u8)).collect();
    let to = if chance.happens(0.5) { Some(chance.one(&[80, 443, 53])) } else { None };
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let (source, ttl) = chance.one(&servers);
        let ip = Ip { source, destination: place.destination, ttl, id: chance.bits() as u16, fragment: 0, class: 0 };
        let length = match size {
            Size::Fixed(length) => length,
            Size::Range(least, most) => chance.within(least as u64..most as u64) as usize,
        };
        let to = to.unwrap_or_else(|| chance.within(1_024..65_535) as u16);
        frames.push(ip.udp(at, (port, to), begin, length.saturating_sub(begin.len())));
    }
    frames
}

/// Devices with real addresses.
pub(crate) fn bots(chance: &mut Chance) -> Vec<(Ipv4Addr, u8)> {
    (0..chance.within(300..5_000)).map(|_| (forged(chance), 64 - chance.within(6..26) as u8)).collect()
}

fn bot_tcp(chance: &mut Chance, place: &Place, flags: u8) -> Vec<Frame> {
    let bots = bots(chance);
    let port = chance.one(&[80, 443, 25_565]);
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let (source, ttl) = chance.one(&bots);
        let ip =
            Ip { source, destination: place.destination, ttl, id: chance.bits() as u16, fragment: 0x4000, class: 0 };
        let mut options = Vec::new();
        if flags == SYN {
            options.extend([2, 4, 5, 0x78 + chance.within(0..16) as u8, 4, 2, 8, 10]);
            options.extend(chance.bytes(4));
            options.extend([0, 0, 0, 0, 1, 3, 3, 6]);
        }
        let (sequence, acknowledgement) = (chance.bits() as u32, if flags == ACK { chance.bits() as u32 } else { 0 });
        let ports = (chance.within(1_024..65_535) as u16, port);
        let tcp = Tcp { ports, sequence, acknowledgement, flags, window: chance.bits() as u16, options: &options };
        let payload = if flags == ACK { chance.bytes(16) } else { Vec::new() };
        frames.push(ip.tcp(at, &tcp, &payload, if flags == ACK { 496 } else { 0 }));
    }
    frames
}

fn bot_udp(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let bots = bots(chance);
    let mut frames = Vec::new();
    let random = chance.happens(0.7);
    for at in times(chance, place) {
        let (source, ttl) = chance.one(&bots);
        let ip = Ip { source, destination: place.destination, ttl, id: chance.bits() as u16, fragment: 0, class: 0 };
        let ports = (chance.within(1_024..65_535) as u16, if random { chance.bits() as u16 } else { 27_015 });
        let payload = chance.bytes(16);
        frames.push(ip.udp(at, ports, &payload, 496));
    }
    frames
}

/// Packets in GRE (RFC 2784), from random addresses inside.
fn bot_gre(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let bots = bots(chance);
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let (source, ttl) = chance.one(&bots);
        let ip =
            Ip { source, destination: place.destination, ttl, id: chance.bits() as u16, fragment: 0x4000, class: 0 };
        let mut inner = vec![0, 0, 8, 0, 0x45, 0];
        inner.extend(chance.bytes(30));
        frames.push(ip.frame(at, 47, &inner, 508));
    }
    frames
}

fn bot_icmp(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let bots = bots(chance);
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let (source, ttl) = chance.one(&bots);
        let ip =
            Ip { source, destination: place.destination, ttl, id: chance.bits() as u16, fragment: 0x4000, class: 0 };
        let payload = chance.bytes(16);
        frames.push(ip.icmp(at, (8, 0), &payload, 40));
    }
    frames
}

/// Reflection off whatever answers: contents and lengths of all kinds, large answers in fragments.
fn reflect_open(chance: &mut Chance, place: &Place, port: u16, (least, most): (u64, u64)) -> Vec<Frame> {
    let servers: Vec<(Ipv4Addr, u8)> =
        (0..chance.within(1_000..8_000)).map(|_| (forged(chance), chance.within(35..125) as u8)).collect();
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let (source, ttl) = chance.one(&servers);
        let length = chance.within(least..most) as usize;
        let (fragment, now) = if length > 1_472 { (0x2000, 1_472) } else { (0, length) };
        let ip = Ip { source, destination: place.destination, ttl, id: chance.bits() as u16, fragment, class: 0 };
        let payload = chance.bytes(24);
        frames.push(ip.udp(at, (port, chance.within(1_024..65_535) as u16), &payload, now.saturating_sub(24)));
        if length > 1_472 {
            let rest = Ip { fragment: 184, ..ip };
            frames.push(rest.frame(at + 5, 17, &chance.bytes(24), length - 1_472));
        }
    }
    frames
}

fn blast_tcp(chance: &mut Chance, place: &Place, flags: u8) -> Vec<Frame> {
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let ip = Ip {
            source: Ipv4Addr::from(chance.bits() as u32),
            destination: place.destination,
            ttl: 64,
            id: 0,
            fragment: 0x4000,
            class: 0,
        };
        let ports = (chance.bits() as u16, 80);
        let (sequence, acknowledgement) =
            (chance.bits() as u32, if flags & ACK != 0 { chance.bits() as u32 } else { 0 });
        frames.push(ip.tcp(at, &Tcp { ports, sequence, acknowledgement, flags, window: 64_240, options: &[] }, &[], 0));
    }
    frames
}

fn blast_udp(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let ip = Ip {
            source: Ipv4Addr::from(chance.bits() as u32),
            destination: place.destination,
            ttl: 64,
            id: 0,
            fragment: 0,
            class: 0,
        };
        let payload = chance.bytes(18);
        frames.push(ip.udp(at, (chance.bits() as u16, chance.bits() as u16), &payload, 0));
    }
    frames
}

fn blast_icmp(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let ip = Ip {
            source: Ipv4Addr::from(chance.bits() as u32),
            destination: place.destination,
            ttl: 64,
            id: 0,
            fragment: 0,
            class: 0,
        };
        frames.push(ip.icmp(at, (chance.one(&[0, 3, 8, 11]), 0), &[], 32));
    }
    frames
}

fn blast_reflection(chance: &mut Chance, place: &Place, port: u16, length: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let ip = Ip {
            source: Ipv4Addr::from(chance.bits() as u32),
            destination: place.destination,
            ttl: 64,
            id: 0,
            fragment: 0,
            class: 0,
        };
        let payload = chance.bytes(24);
        frames.push(ip.udp(at, (port, 80), &payload, length - 24));
    }
    frames
}
