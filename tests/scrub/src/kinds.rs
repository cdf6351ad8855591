//! What attackers send, and what users send: one kind an item, each in the styles of several tools.

use crate::frame::{LINUX_OPTIONS, Path, Segment, flags};
use crate::generate::{Recipe, Sources};
use std::net::Ipv4Addr;

/// Whose habits the frames have: a model that was trained on one must be tried on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Style {
    /// Options, windows and identifications like a Linux client's.
    Linux,
    /// Like hping3: no options, window 512, time to live 64.
    Bare,
    /// Everything that can be random is.
    Random,
}

impl Style {
    /// All.
    pub const ALL: [Style; 3] = [Style::Linux, Style::Bare, Style::Random];

    /// Its name in files.
    pub fn word(self) -> &'static str {
        match self {
            Style::Linux => "linux",
            Style::Bare => "bare",
            Style::Random => "random",
        }
    }
}

/// A kind of attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SYN flood.
    Syn,
    /// ACK flood.
    Ack,
    /// RST flood.
    Rst,
    /// NTP monlist answers.
    Ntp,
    /// DNS answers.
    Dns,
    /// memcached answers.
    Memcached,
    /// SSDP answers.
    Ssdp,
    /// UDP to random ports.
    Udp,
    /// Echo requests.
    Icmp,
    /// Later fragments of UDP.
    Fragments,
    /// UDP over all addresses of the /24.
    Carpet,
}

impl Kind {
    /// All.
    pub const ALL: [Kind; 11] = [
        Kind::Syn,
        Kind::Ack,
        Kind::Rst,
        Kind::Ntp,
        Kind::Dns,
        Kind::Memcached,
        Kind::Ssdp,
        Kind::Udp,
        Kind::Icmp,
        Kind::Fragments,
        Kind::Carpet,
    ];

    /// Its name in files.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Syn => "syn",
            Kind::Ack => "ack",
            Kind::Rst => "rst",
            Kind::Ntp => "ntp",
            Kind::Dns => "dns",
            Kind::Memcached => "memcached",
            Kind::Ssdp => "ssdp",
            Kind::Udp => "udp",
            Kind::Icmp => "icmp",
            Kind::Fragments => "fragments",
            Kind::Carpet => "carpet",
        }
    }

    /// What a detector should call it, in the words of `ddos::Class`.
    pub fn class(self) -> &'static str {
        match self {
            Kind::Syn => "syn-flood",
            Kind::Ack => "ack-flood",
            Kind::Rst => "rst-fin-flood",
            Kind::Ntp => "reflection-ntp",
            Kind::Dns => "reflection-dns",
            Kind::Memcached => "reflection-memcached",
            Kind::Ssdp => "reflection-ssdp",
            Kind::Udp | Kind::Carpet => "udp-flood",
            Kind::Icmp => "icmp-flood",
            Kind::Fragments => "fragment-flood",
        }
    }

    /// The recipe for a path whose source is only a beginning: spoofed sources are random, reflectors are 2,000.
    pub fn recipe(self, mut path: Path, style: Style, port: u16) -> Recipe {
        let spoofed = Sources::Random(Ipv4Addr::new(0, 0, 0, 0), 32);
        path.ttl = if style == Style::Random { 40 } else { 64 };
        let mut recipe = match self {
            Kind::Syn => tcp(&path, style, port, flags::SYN, spoofed),
            Kind::Ack => tcp(&path, style, port, flags::ACK, spoofed),
            Kind::Rst => tcp(&path, style, port, flags::RST, spoofed),
            Kind::Ntp => reflected(&path, 123, &ntp(style)),
            Kind::Dns => reflected(&path, 53, &dns(style)),
            Kind::Memcached => reflected(&path, 11211, &memcached(style)),
            Kind::Ssdp => reflected(&path, 1900, &ssdp(style)),
            Kind::Udp | Kind::Carpet => udp(&path, style, spoofed),
            Kind::Icmp => Recipe::new(path.ping(&[b'a'; 56])).from(spoofed),
            Kind::Fragments => Recipe::new(path.fragment(17, 0x20b9, &[0; 1000])).from(spoofed),
        };
        recipe.destination_bits = if self == Kind::Carpet { 8 } else { 0 };
        if style == Style::Random {
            recipe.ttls = 127;
            recipe.ids = u16::MAX;
        }
        recipe
    }
}

fn tcp(path: &Path, style: Style, port: u16, flags: u8, sources: Sources) -> Recipe {
    let segment = match style {
        Style::Linux if flags & flags::SYN != 0 => {
            Segment { to: port, flags, options: &LINUX_OPTIONS, ..Segment::default() }
        }
        Style::Linux => Segment { to: port, flags, window: 501, from: 32_768, ..Segment::default() },
        Style::Bare => Segment { to: port, flags, window: 512, from: 2048, ..Segment::default() },
        Style::Random => Segment { to: port, flags, window: 5840, from: 1024, ..Segment::default() },
    };
    let mut recipe = Recipe::new(path.tcp(&segment)).from(sources);
    recipe.sequences = true;
    (recipe.source_ports, recipe.ids) = match style {
        Style::Linux => (0x7fff, u16::MAX),
        Style::Bare => (0x03ff, 0x00ff),
        Style::Random => (0x7fff, u16::MAX),
    };
    recipe
}

fn udp(path: &Path, style: Style, sources: Sources) -> Recipe {
    let length = match style {
        Style::Linux => 512,
        Style::Bare => 0,
        Style::Random => 900,
    };
    let mut recipe = Recipe::new(path.udp(40_000, 1024, &vec![0x41; length])).from(sources);
    (recipe.source_ports, recipe.destination_ports) = (0x3fff, 0x7fff);
    recipe
}

fn reflected(path: &Path, port: u16, payload: &[u8]) -> Recipe {
    // Reflectors are real hosts all over the world, a few thousand of them.
    let reflectors = (0..2000_u32).map(|n| Ipv4Addr::from(0x1000_0000 + n.wrapping_mul(0x009e_3779) % 0x6000_0000));
    let mut recipe = Recipe::new(path.udp(port, 2048, payload)).from(Sources::Listed(reflectors.collect()));
    (recipe.destination_ports, recipe.ids) = (0x7fff, u16::MAX);
    recipe
}

fn ntp(style: Style) -> Vec<u8> {
    let mut payload = vec![0xd7, if style == Style::Bare { 0 } else { 0x80 }, 3, 0x2a, 0, 6, 0, 0x48];
    payload.resize(if style == Style::Random { 224 } else { 440 }, 0);
    payload
}

fn dns(style: Style) -> Vec<u8> {
    let mut payload = vec![0x13, 0x37, 0x81, 0x80, 0, 1, 0, 30, 0, 0, 0, 1];
    payload.extend(b"\x07example\x03com\0\0\xff\0\x01");
    let length = match style {
        Style::Linux => 1200,
        Style::Bare => 700,
        Style::Random => 1400,
    };
    payload.resize(length, 0xc0);
    payload
}

fn memcached(style: Style) -> Vec<u8> {
    let mut payload = vec![0, 0, 0, if style == Style::Bare { 0 } else { 3 }, 0, 12, 0, 0];
    payload.extend(b"VALUE a 0 1048576\r\n");
    payload.resize(1400, b'x');
    payload
}

fn ssdp(style: Style) -> Vec<u8> {
    let mut payload = b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nST: upnp:rootdevice\r\n".to_vec();
    payload.resize(if style == Style::Bare { 260 } else { 330 }, b' ');
    payload
}

/// What users send, with the share of each: opening, talking and closing connections, asking over QUIC, and the answers
/// to our own questions of names and time.
pub fn users(path: Path, style: Style, port: u16) -> Vec<(Recipe, u32)> {
    let clients: Vec<Ipv4Addr> =
        (0..300_u32).map(|n| Ipv4Addr::from(0x5000_0000 + n.wrapping_mul(0x0001_9e37))).collect();
    let from = |recipe: Recipe| recipe.from(Sources::Listed(clients.clone()));
    let scale: [u8; 12] = [2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2];
    let options: &[u8] = if style == Style::Bare { &scale } else { &LINUX_OPTIONS };
    let request =
        b"GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n";
    let segment = |flags: u8, data: &'static [u8]| Segment {
        to: port,
        flags,
        data,
        from: 32_768,
        acknowledgement: 77,
        ..Segment::default()
    };
    let mut list = vec![
        (Recipe::new(path.tcp(&Segment { options, acknowledgement: 0, ..segment(flags::SYN, b"") })), 6),
        (Recipe::new(path.tcp(&segment(flags::ACK, b""))), 45),
        (Recipe::new(path.tcp(&segment(flags::ACK | flags::PSH, request))), 20),
        (Recipe::new(path.tcp(&segment(flags::FIN | flags::ACK, b""))), 5),
        (Recipe::new(path.tcp(&segment(flags::RST, b""))), 1),
        (Recipe::new(path.udp(50_000, 443, &[0x45; 1200])), 8),
    ];
    for (recipe, _) in &mut list {
        *recipe = from(recipe.clone());
        recipe.source_ports = 0x3fff;
        recipe.sequences = true;
        (recipe.ttls, recipe.ids) = (if style == Style::Linux { 15 } else { 63 }, u16::MAX);
    }
    let mut time = [0; 48];
    time[0] = 0x24;
    let servers = Sources::Listed(vec![Ipv4Addr::new(9, 9, 9, 9), Ipv4Addr::new(149, 112, 112, 112)]);
    let mut names = Recipe::new(path.udp(53, 33_000, &[0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 3, b'w', b'w', b'w']))
        .from(servers.clone());
    names.destination_ports = 0x3fff;
    list.push((names, 3));
    list.push((Recipe::new(path.udp(123, 123, &time)).from(servers), 1));
    list.push((from(Recipe::new(path.ping(&[0x61; 32]))), 1));
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_class_that_ddos_knows() {
        for kind in Kind::ALL {
            assert!(ddos::Class::from_word(kind.class()).is_some(), "{}", kind.word());
        }
    }
}
