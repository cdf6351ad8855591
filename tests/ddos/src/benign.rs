//! Ordinary traffic to a server, in styles that share no code but the frames: what a model learns of one says nothing of another.

use crate::chance::Chance;
use crate::frame::{ACK, FIN, Frame, Ip, PSH, RST, SYN, Tcp};
use crate::session::Place;
use crate::styles;
use std::net::Ipv4Addr;

/// A style of ordinary traffic.
pub struct Style {
    /// Its name.
    pub name: &'static str,
    /// Makes about `place.rate` packets a second.
    pub make: fn(&mut Chance, &Place) -> Vec<Frame>,
}

/// Every style.
pub const ALL: &[Style] = &[
    Style { name: "web", make: web },
    Style { name: "crowd", make: crowd },
    Style { name: "api", make: api },
    Style { name: "upload", make: upload },
    Style { name: "resolver", make: resolver },
    Style { name: "quic", make: quic },
    Style { name: "voice", make: voice },
    Style { name: "game", make: game },
    Style { name: "mail", make: mail },
    Style { name: "tunnel", make: tunnel },
    Style { name: "chat", make: chat },
    Style { name: "beacon", make: beacon },
    Style { name: "nameserver", make: nameserver },
    Style { name: "sensors", make: sensors },
    Style { name: "proxied", make: styles::proxied },
    Style { name: "stream", make: styles::stream },
    Style { name: "backup", make: styles::backup },
    Style { name: "dns-tcp", make: styles::dns_tcp },
    Style { name: "http3", make: styles::http3 },
    Style { name: "meeting", make: styles::meeting },
    Style { name: "roadwarrior", make: styles::roadwarrior },
];

/// A client with a stack of its own.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: Ipv4Addr,
    pub(crate) ttl: u8,
    /// Window and options of its SYN.
    pub(crate) window: u16,
    pub(crate) options: Vec<u8>,
    /// Whether its segments carry time stamps.
    pub(crate) stamps: bool,
}

/// Options of a SYN as common stacks send them (RFC 9293 MSS, RFC 7323 timestamps and window scale, RFC 2018 SACK).
const LINUX: &[u8] = &[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 7];
const WINDOWS: &[u8] = &[2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2];
const APPLE: &[u8] = &[2, 4, 5, 0xb4, 1, 3, 3, 6, 1, 1, 8, 10, 0, 9, 8, 7, 0, 0, 0, 0, 4, 2, 0, 0];
const MOBILE: &[u8] = &[2, 4, 5, 0x78, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 9];

fn client(chance: &mut Chance) -> Client {
    let (ttl, window, options) = chance.one(&[
        (64, 64_240, LINUX),
        (128, 64_240, WINDOWS),
        (64, 65_535, APPLE),
        (64, 65_535, MOBILE),
        (128, 8_192, WINDOWS),
    ]);
    Client {
        address: Ipv4Addr::from((chance.within(0x0b00_0000..0xdf00_0000)) as u32),
        ttl: ttl - chance.within(5..24) as u8,
        window,
        options: options.to_vec(),
        stamps: options.len() > 12,
    }
}

pub(crate) fn clients(chance: &mut Chance, count: u64) -> Vec<Client> {
    (0..count).map(|_| client(chance)).collect()
}

/// One connection: handshake, requests, acknowledgements of what comes back, its end.
struct Connection<'c> {
    client: &'c Client,
    port: u16,
    to: u16,
    requests: u64,
    segments: u64,
    request_bytes: usize,
}

fn connect(chance: &mut Chance, place: &Place, at_us: i64, connection: &Connection<'_>, frames: &mut Vec<Frame>) {
    let Connection { client, .. } = connection;
    let mut id = chance.bits() as u16;
    let mut sequence = chance.bits() as u32;
    let mut acknowledgement = chance.bits() as u32;
    let round = chance.within(4_000..120_000) as i64;
    let mut at = at_us;
    let stamp: Vec<u8> = if client.stamps { vec![1, 1, 8, 10, 0, 1, 2, 3, 4, 5, 6, 7] } else { Vec::new() };
    let mut send =
        |chance: &mut Chance, at: i64, flags: u8, sequence: u32, acknowledgement: u32, payload: &[u8], rest: usize| {
            id = id.wrapping_add(1);
            let options = if flags & SYN != 0 { &client.options } else { &stamp };
            let window = if flags & SYN != 0 { client.window } else { 500 + (chance.bits() % 3_000) as u16 };
            let ip = Ip {
                source: client.address,
                destination: place.destination,
                ttl: client.ttl,
                id,
                fragment: 0x4000,
                class: 0,
            };
            let ports = (connection.port, connection.to);
            frames.push(ip.tcp(at, &Tcp { ports, sequence, acknowledgement, flags, window, options }, payload, rest));
        };
    send(chance, at, SYN, sequence, 0, &[], 0);
    at += round;
    sequence = sequence.wrapping_add(1);
    send(chance, at, ACK, sequence, acknowledgement, &[], 0);
    for _ in 0..connection.requests {
        let body = chance.bytes(16);
        send(chance, at + 100, PSH | ACK, sequence, acknowledgement, &body, connection.request_bytes);
        sequence = sequence.wrapping_add(16 + connection.request_bytes as u32);
        for _ in 0..connection.segments {
            at += round / 8 + chance.within(50..3_000) as i64;
            acknowledgement = acknowledgement.wrapping_add(2_896);
            send(chance, at, ACK, sequence, acknowledgement, &[], 0);
        }
        at += chance.within(2_000..200_000) as i64;
    }
    let end = if chance.happens(0.06) { RST | ACK } else { FIN | ACK };
    send(chance, at, end, sequence, acknowledgement, &[], 0);
    if end & FIN != 0 {
        send(chance, at + round, ACK, sequence.wrapping_add(1), acknowledgement, &[], 0);
    }
}

fn browse(chance: &mut Chance, place: &Place, rate: impl Fn(f64) -> f64) -> Vec<Frame> {
    let count = chance.within(80..2_500);
    let pool = clients(chance, count);
    let mut frames = Vec::new();
    let to = chance.one(&[80, 443, 443, 8_443]);
    for second in 0..place.seconds {
        let connections = rate(second as f64 / place.seconds as f64) / 14.0;
        for _ in 0..connections.max(1.0) as u64 {
            // A few clients come often.
            let index = (chance.share().powi(2) * pool.len() as f64) as usize;
            let connection = Connection {
                client: &pool[index.min(pool.len() - 1)],
                port: chance.within(1_024..65_535) as u16,
                to,
                requests: 1 + chance.heavy(6.0) as u64 / 2,
                segments: chance.heavy(40.0) as u64 + 1,
                request_bytes: chance.within(100..900) as usize,
            };
            let at = second * 1_000_000 + chance.within(0..1_000_000) as i64;
            connect(chance, place, at, &connection, &mut frames);
        }
    }
    pings(chance, place, &pool, &mut frames);
    frames
}

fn pings(chance: &mut Chance, place: &Place, pool: &[Client], frames: &mut Vec<Frame>) {
    for second in 0..place.seconds {
        for _ in 0..chance.within(0..4) {
            let client = &pool[chance.within(0..pool.len() as u64) as usize];
            let ip = Ip {
                source: client.address,
                destination: place.destination,
                ttl: client.ttl,
                id: chance.bits() as u16,
                fragment: 0x4000,
                class: 0,
            };
            let payload = chance.bytes(16);
            frames.push(ip.icmp(second * 1_000_000 + chance.within(0..1_000_000) as i64, (8, 0), &payload, 40));
        }
    }
}

fn web(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let rate = place.rate;
    browse(chance, place, |_| rate)
}

/// A crowd that grows tenfold within the session.
fn crowd(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let rate = place.rate;
    browse(chance, place, |at| rate * (0.2 + 1.8 * at.min(0.5) * 2.0))
}

/// Few addresses (proxies of companies and carriers) with very many short connections each.
fn api(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let count = chance.within(3..20);
    let pool = clients(chance, count);
    let mut frames = Vec::new();
    for second in 0..place.seconds {
        for _ in 0..(place.rate / 7.0) as u64 {
            let client = &pool[chance.within(0..pool.len() as u64) as usize];
            let (port, request_bytes) = (chance.within(10_000..60_000) as u16, chance.within(60..400) as usize);
            let connection =
                Connection { client, port, to: 443, requests: 1, segments: chance.within(1..4), request_bytes };
            let at = second * 1_000_000 + chance.within(0..1_000_000) as i64;
            connect(chance, place, at, &connection, &mut frames);
        }
    }
    frames
}

/// Few clients that send much: full segments.
fn upload(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let count = chance.within(2..12);
    let pool = clients(chance, count);
    let ports: Vec<u16> = pool.iter().map(|_| chance.within(1_024..65_535) as u16).collect();
    let mut frames = Vec::new();
    for step in 0..(place.rate * place.seconds as f64) as i64 {
        let index = chance.within(0..pool.len() as u64) as usize;
        let client = &pool[index];
        let at = (step as f64 * 1e6 / place.rate) as i64;
        let ip = Ip {
            source: client.address,
            destination: place.destination,
            ttl: client.ttl,
            id: chance.bits() as u16,
            fragment: 0x4000,
            class: 0,
        };
        let (sequence, acknowledgement) = ((step * 1_448) as u32, 77_777 + index as u32);
        let window = 501 + (index as u16) * 13;
        let tcp = Tcp {
            ports: (ports[index], 22),
            sequence,
            acknowledgement,
            flags: ACK,
            window,
            options: &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
        };
        let payload = chance.bytes(16);
        frames.push(ip.tcp(at, &tcp, &payload, if chance.happens(0.9) { 1_432 } else { 200 }));
    }
    frames
}

/// A host that asks: answers of resolvers and time servers, and some connections.
fn resolver(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let quarter = Place { rate: place.rate / 3.0, ..*place };
    let mut frames = web(chance, &quarter);
    let count = chance.within(2..40);
    let servers = clients(chance, count);
    for step in 0..(place.rate * 0.66 * place.seconds as f64) as i64 {
        let server = &servers[chance.within(0..servers.len() as u64) as usize];
        let at = (step as f64 * 1e6 / (place.rate * 0.66)) as i64 + chance.within(0..5_000) as i64;
        let ip = Ip {
            source: server.address,
            destination: place.destination,
            ttl: server.ttl,
            id: chance.bits() as u16,
            fragment: 0,
            class: 0,
        };
        let port = chance.within(1_024..65_535) as u16;
        let frame = if chance.happens(0.04) {
            let mut answer = vec![0x24, 2, 6, 0xe9];
            answer.extend(chance.bytes(44));
            ip.udp(at, (123, port), &answer, 0)
        } else {
            let mut answer = chance.bytes(2);
            answer.extend([0x81, 0x80, 0, 1, 0, chance.within(1..6) as u8, 0, 0, 0, 1]);
            let name = chance.within(20..70) as usize;
            answer.extend(chance.bytes(name));
            ip.udp(at, (53, port), &answer, chance.heavy(20.0) as usize * 16)
        };
        frames.push(frame);
    }
    frames
}

/// QUIC (RFC 9000): long flows of UDP to port 443, of all lengths.
fn quic(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let count = chance.within(30..600);
    let pool = clients(chance, count);
    let mut frames = Vec::new();
    for step in 0..(place.rate * place.seconds as f64) as i64 {
        let index = (chance.share().powi(2) * pool.len() as f64) as usize;
        let client = &pool[index.min(pool.len() - 1)];
        let at = (step as f64 * 1e6 / place.rate) as i64;
        let ip = Ip {
            source: client.address,
            destination: place.destination,
            ttl: client.ttl,
            id: 0,
            fragment: 0x4000,
            class: 2,
        };
        let port = 10_000 + (index as u16 * 37) % 50_000;
        let (first, rest) = if chance.happens(0.05) {
            (0xc3, 1_180)
        } else {
            (0x40 | chance.bits() as u8 & 0x3f, chance.heavy(60.0) as usize * 18)
        };
        let mut payload = vec![first];
        payload.extend(chance.bytes(20));
        frames.push(ip.udp(at, (port, 443), &payload, rest));
    }
    frames
}

/// Calls (RTP, RFC 3550): fifty equal packets a second from each of many.
fn voice(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let calls = (place.rate / 50.0).max(1.0) as u64;
    let pool = clients(chance, calls);
    let mut frames = Vec::new();
    for (index, client) in pool.iter().enumerate() {
        let (begin, port) = (chance.within(0..20_000) as i64, 16_384 + (index as u16 * 2) % 16_000);
        for step in 0..place.seconds * 50 {
            let ip = Ip {
                source: client.address,
                destination: place.destination,
                ttl: client.ttl,
                id: chance.bits() as u16,
                fragment: 0,
                class: 0xb8,
            };
            let mut payload = vec![0x80, 0];
            payload.extend((step as u16).to_be_bytes());
            payload.extend(((step * 160) as u32).to_be_bytes());
            payload.extend(chance.bytes(20));
            frames.push(ip.udp(begin + step * 20_000, (port, port), &payload, 144));
        }
    }
    frames
}

/// A game: small packets of many players to one port.
fn game(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let count = (place.rate / 30.0).max(2.0) as u64;
    let players = clients(chance, count);
    let mut frames = Vec::new();
    for (index, player) in players.iter().enumerate() {
        let mut at = chance.within(0..33_000) as i64;
        while at < place.seconds * 1_000_000 {
            let ip = Ip {
                source: player.address,
                destination: place.destination,
                ttl: player.ttl,
                id: chance.bits() as u16,
                fragment: 0,
                class: 0,
            };
            let mut payload = (at as u32 / 33_000).to_be_bytes().to_vec();
            payload.extend(chance.bytes(12));
            frames.push(ip.udp(at, (20_000 + index as u16, 30_120), &payload, chance.within(4..90) as usize));
            at += 25_000 + chance.within(0..16_000) as i64;
        }
    }
    frames
}

/// A mail server: long dialogues of few connections, and many answers of its two resolvers.
fn mail(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let count = chance.within(20..300);
    let (pool, resolvers) = (clients(chance, count), clients(chance, 2));
    let mut frames = Vec::new();
    for second in 0..place.seconds {
        for _ in 0..(place.rate / 60.0).max(1.0) as u64 {
            let client = &pool[chance.within(0..pool.len() as u64) as usize];
            let (port, request_bytes) = (chance.within(1_024..65_535) as u16, chance.within(20..1_400) as usize);
            let connection = Connection {
                client,
                port,
                to: 25,
                requests: chance.within(4..9),
                segments: chance.within(1..3),
                request_bytes,
            };
            let at = second * 1_000_000 + chance.within(0..1_000_000) as i64;
            connect(chance, place, at, &connection, &mut frames);
        }
        for _ in 0..(place.rate / 3.0) as u64 {
            let server = &resolvers[chance.within(0..2) as usize];
            let ip = Ip {
                source: server.address,
                destination: place.destination,
                ttl: server.ttl,
                id: chance.bits() as u16,
                fragment: 0x4000,
                class: 0,
            };
            let mut answer = chance.bytes(2);
            answer.extend([0x81, 0x83, 0, 1, 0, 0, 0, 1, 0, 0]);
            answer.extend(chance.bytes(12));
            let (at, port) =
                (second * 1_000_000 + chance.within(0..1_000_000) as i64, chance.within(1_024..65_535) as u16);
            frames.push(ip.udp(at, (53, port), &answer, chance.within(20..420) as usize));
        }
    }
    frames
}

/// A gate of tunnels: ESP (RFC 4303), GRE (RFC 2784) and WireGuard of some peers, lengths of what is inside.
fn tunnel(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let count = chance.within(4..60);
    let peers = clients(chance, count);
    let mut frames = Vec::new();
    for step in 0..(place.rate * place.seconds as f64) as i64 {
        let index = (chance.share().powi(2) * peers.len() as f64) as usize;
        let peer = &peers[index.min(peers.len() - 1)];
        let ip = Ip {
            source: peer.address,
            destination: place.destination,
            ttl: peer.ttl,
            id: chance.bits() as u16,
            fragment: 0,
            class: 0,
        };
        let at = (step as f64 * 1e6 / place.rate) as i64;
        let rest = if chance.happens(0.6) { 1_360 } else { chance.within(20..900) as usize };
        let frame = match index % 3 {
            0 => {
                let mut head = (index as u32 * 7_919 + 5).to_be_bytes().to_vec();
                head.extend((step as u32).to_be_bytes());
                head.extend(chance.bytes(16));
                ip.frame(at, 50, &head, rest)
            }
            1 => ip.frame(at, 47, &[0, 0, 8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 63, 6], rest),
            _ => {
                let mut head = vec![4, 0, 0, 0];
                head.extend(chance.bytes(20));
                ip.udp(at, (51_820, 51_820), &head, rest)
            }
        };
        frames.push(frame);
    }
    frames
}

/// Very many clients with a few packets a second each over connections that live long: hardly a SYN, every packet another source.
fn scattered(chance: &mut Chance, place: &Place, each: f64, to: u16, data: f64) -> Vec<Frame> {
    let pool = clients(chance, (place.rate / each).max(20.0) as u64);
    let ports: Vec<u16> = pool.iter().map(|_| chance.within(1_024..65_535) as u16).collect();
    let mut numbers: Vec<(u32, u32)> = pool.iter().map(|_| (chance.bits() as u32, chance.bits() as u32)).collect();
    let mut frames = Vec::new();
    for step in 0..(place.rate * place.seconds as f64) as i64 {
        let index = chance.within(0..pool.len() as u64) as usize;
        let client = &pool[index];
        let at = (step as f64 * 1e6 / place.rate) as i64 + chance.within(0..500) as i64;
        let ip = Ip {
            source: client.address,
            destination: place.destination,
            ttl: client.ttl,
            id: chance.bits() as u16,
            fragment: 0x4000,
            class: 0,
        };
        let stamp: &[u8] = if client.stamps { &[1, 1, 8, 10, 0, 1, 2, 3, 4, 5, 6, 7] } else { &[] };
        let (flags, options) = match chance.share() {
            share if share < 0.02 => (SYN, client.options.as_slice()),
            share if share < 0.03 => (FIN | ACK, stamp),
            share if share < 0.03 + data => (PSH | ACK, stamp),
            _ => (ACK, stamp),
        };
        let window = if flags & SYN != 0 { client.window } else { 400 + (chance.bits() % 2_000) as u16 };
        // Numbers of a connection go on.
        let (sequence, answered) = numbers[index];
        let acknowledgement = if flags & ACK != 0 { answered } else { 0 };
        numbers[index] = (sequence.wrapping_add(200), answered.wrapping_add(chance.within(0..900) as u32));
        let tcp = Tcp { ports: (ports[index], to), sequence, acknowledgement, flags, window, options };
        let (payload, rest) =
            if flags & PSH != 0 { (chance.bytes(8), chance.heavy(30.0) as usize * 12) } else { (Vec::new(), 0) };
        frames.push(ip.tcp(at, &tcp, &payload, rest));
    }
    frames
}

/// Web sockets: messages and their acknowledgements.
fn chat(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let each = 0.8 + 3.0 * chance.share();
    scattered(chance, place, each, 443, 0.45)
}

/// Devices that report now and then (MQTT).
fn beacon(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let each = 0.4 + chance.share();
    scattered(chance, place, each, 8_883, 0.6)
}

/// Questions to a name server, from resolvers that ask often and from ones that ask once.
fn nameserver(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let pool = clients(chance, (place.rate / 2.0).max(20.0) as u64);
    let mut frames = Vec::new();
    for step in 0..(place.rate * place.seconds as f64) as i64 {
        let index = (chance.share().powi(3) * pool.len() as f64) as usize;
        let client = &pool[index.min(pool.len() - 1)];
        let at = (step as f64 * 1e6 / place.rate) as i64;
        let ip = Ip {
            source: client.address,
            destination: place.destination,
            ttl: client.ttl,
            id: chance.bits() as u16,
            fragment: 0,
            class: 0,
        };
        let mut question = chance.bytes(2);
        question.extend([if chance.happens(0.7) { 0 } else { 1 }, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
        question.extend(chance.bytes(8));
        frames.push(ip.udp(at, (chance.within(1_024..65_535) as u16, 53), &question, chance.within(12..50) as usize));
    }
    frames
}

/// Readings of very many devices (CoAP over DTLS), one packet now and then.
fn sensors(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let pool = clients(chance, (place.rate * 1.5).max(20.0) as u64);
    let ports: Vec<u16> = pool.iter().map(|_| chance.within(20_000..65_535) as u16).collect();
    let mut frames = Vec::new();
    for step in 0..(place.rate * place.seconds as f64) as i64 {
        let index = chance.within(0..pool.len() as u64) as usize;
        let client = &pool[index];
        let at = (step as f64 * 1e6 / place.rate) as i64;
        let ip = Ip {
            source: client.address,
            destination: place.destination,
            ttl: client.ttl,
            id: chance.bits() as u16,
            fragment: 0,
            class: 0,
        };
        let mut reading = vec![23, 254, 253, 0, 1, 0, 0, 0];
        reading.extend(chance.bytes(12));
        frames.push(ip.udp(at, (ports[index], 5_684), &reading, chance.within(10..90) as usize));
    }
    frames
}
