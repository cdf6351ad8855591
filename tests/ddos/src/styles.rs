//! Further styles of users: those whose packets come closest to floods'.

use crate::benign::{Client, clients};
use crate::chance::Chance;
use crate::frame::{ACK, FIN, Frame, Ip, PSH, SYN, Tcp};
use crate::session::Place;

/// Time stamps of a segment (RFC 7323).
const STAMP: &[u8] = &[1, 1, 8, 10, 0, 1, 2, 3, 4, 5, 6, 7];

fn ip(chance: &mut Chance, place: &Place, client: &Client, fragment: u16, class: u8) -> Ip {
    let id = if fragment & 0x4000 != 0 && chance.happens(0.5) { 0 } else { chance.bits() as u16 };
    Ip { source: client.address, destination: place.destination, ttl: client.ttl, id, fragment, class }
}

/// Times of about `rate` packets a second, evenly with some jitter.
fn times(chance: &mut Chance, place: &Place) -> Vec<i64> {
    let count = (place.rate * place.seconds as f64) as i64;
    (0..count).map(|step| (step as f64 * 1e6 / place.rate) as i64 + chance.within(0..900) as i64).collect()
}

/// A connection that lives long.
#[derive(Clone)]
struct Flow {
    client: usize,
    port: u16,
    sequence: u32,
    acknowledgement: u32,
}

fn flows(chance: &mut Chance, clients: usize, each: u64) -> Vec<Flow> {
    let mut flows = Vec::new();
    for client in 0..clients {
        for _ in 0..chance.within(1..each.max(1) + 1) {
            let port = chance.within(1_024..65_535) as u16;
            let (sequence, acknowledgement) = (chance.bits() as u32, chance.bits() as u32);
            flows.push(Flow { client, port, sequence, acknowledgement });
        }
    }
    flows
}

/// A segment of a flow that goes on: data of so many bytes, or an acknowledgement of so many.
fn segment(
    chance: &mut Chance,
    place: &Place,
    (at, to): (i64, u16),
    flow: &mut Flow,
    client: &Client,
    (sent, received): (usize, u32),
) -> Frame {
    flow.acknowledgement = flow.acknowledgement.wrapping_add(received);
    let options: &[u8] = if client.stamps { STAMP } else { &[] };
    let flags = if sent > 0 { PSH | ACK } else { ACK };
    let window = 300 + (chance.bits() % 4_000) as u16;
    let ports = (flow.port, to);
    let Flow { sequence, acknowledgement, .. } = *flow;
    flow.sequence = flow.sequence.wrapping_add(sent as u32);
    let payload = chance.bytes(sent.min(16));
    let tcp = Tcp { ports, sequence, acknowledgement, flags, window, options };
    ip(chance, place, client, 0x4000, 0).tcp(at, &tcp, &payload, sent - payload.len())
}

/// Nodes of a delivery network: few addresses, very many kept connections, questions of all lengths, acknowledgements.
pub(crate) fn proxied(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let nodes = chance.within(4..60);
    let mut pool = clients(chance, nodes);
    // They are servers: their segments carry time stamps.
    pool.iter_mut().for_each(|node| node.stamps = true);
    let mut flows = flows(chance, pool.len(), 400);
    let data = 0.1 + 0.3 * chance.share();
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let index = chance.within(0..flows.len() as u64) as usize;
        let flow = &mut flows[index];
        let client = pool[flow.client].clone();
        let sizes = if chance.happens(data) { (chance.within(180..1_400) as usize, 0) } else { (0, 2_896) };
        frames.push(segment(chance, place, (at, 443), flow, &client, sizes));
    }
    frames
}

/// Viewers of streams: some hundred flows, nearly nothing but acknowledgements, a question now and then.
pub(crate) fn stream(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    // What is received is acknowledged several times a second.
    let viewers = chance.within(20..900).min((place.rate / 5.0) as u64 + 1);
    let pool = clients(chance, viewers);
    let mut flows = flows(chance, pool.len(), 3);
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let index = chance.within(0..flows.len() as u64) as usize;
        let flow = &mut flows[index];
        let client = pool[flow.client].clone();
        let sizes = if chance.happens(0.02) { (chance.within(200..700) as usize, 0) } else { (0, 2_896) };
        frames.push(segment(chance, place, (at, 443), flow, &client, sizes));
    }
    frames
}

/// Backups and network file systems: few flows both ways, full segments in bursts, long acknowledgements.
pub(crate) fn backup(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let hosts = chance.within(1..8);
    let pool = clients(chance, hosts);
    let mut flows = flows(chance, pool.len(), 3);
    let (to, writes) = (chance.one(&[2_049, 873, 445, 3_260]), 0.2 + 0.7 * chance.share());
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let index = chance.within(0..flows.len() as u64) as usize;
        let flow = &mut flows[index];
        let client = pool[flow.client].clone();
        let full = if client.stamps { 1_448 } else { 1_460 };
        let sizes = match chance.share() {
            share if share < writes => (full, 0),
            share if share < writes + 0.05 => (chance.within(80..300) as usize, 0),
            _ => (0, 65_160),
        };
        frames.push(segment(chance, place, (at, to), flow, &client, sizes));
    }
    frames
}

/// Questions over TCP (RFC 7766): very many short connections of resolvers, one question each.
pub(crate) fn dns_tcp(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let resolvers = chance.within(30..800);
    let pool = clients(chance, resolvers);
    let mut frames = Vec::new();
    for second in 0..place.seconds {
        for _ in 0..(place.rate / 6.0).max(1.0) as u64 {
            let client = &pool[(chance.share().powi(2) * pool.len() as f64) as usize % pool.len()];
            let (port, mut at) =
                (chance.within(1_024..65_535) as u16, second * 1_000_000 + chance.within(0..1_000_000) as i64);
            let (sequence, answer) = (chance.bits() as u32, chance.bits() as u32);
            let round = chance.within(2_000..90_000) as i64;
            let question = chance.within(30..90) as usize;
            let stamp: &[u8] = if client.stamps { STAMP } else { &[] };
            let steps = [
                (SYN, 0, 0, 0),
                (ACK, 1, 1, 0),
                (PSH | ACK, 1, 1, question),
                (ACK, 1 + question as u32, 400, 0),
                (FIN | ACK, 1 + question as u32, 400, 0),
                (ACK, 2 + question as u32, 401, 0),
            ];
            for (flags, sent, received, length) in steps {
                let options = if flags == SYN { client.options.as_slice() } else { stamp };
                let acknowledgement = if flags == SYN { 0 } else { answer.wrapping_add(received) };
                let window = if flags == SYN { client.window } else { 502 };
                let sequence = sequence.wrapping_add(sent);
                let tcp = Tcp { ports: (port, 53), sequence, acknowledgement, flags, window, options };
                let payload = chance.bytes(length.min(16));
                let rest = length - payload.len();
                frames.push(ip(chance, place, client, 0x4000, 0).tcp(at, &tcp, &payload, rest));
                at += if flags == SYN || length > 0 { round } else { 40 };
            }
        }
    }
    frames
}

/// HTTP/3: connections that begin all the time, many of them behind few shared addresses, beside flows that go on.
pub(crate) fn http3(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let count = chance.within(30..1_500);
    let pool = clients(chance, count);
    let shared = chance.within(1..5) as usize;
    let begins = 0.02 + 0.1 * chance.share();
    let mut open: Vec<(usize, u16)> =
        (0..pool.len()).map(|client| (client, chance.within(1_024..65_535) as u16)).collect();
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let head = ip(chance, place, &pool[0], 0x4000, 2);
        let index = chance.within(0..open.len() as u64) as usize;
        let (first, rest) = if chance.happens(begins) {
            // A carrier's address has many clients behind it.
            let client =
                if chance.happens(0.3) { chance.within(0..shared as u64) as usize % pool.len() } else { open[index].0 };
            open[index] = (client, chance.within(1_024..65_535) as u16);
            (0xc0 | chance.bits() as u8 & 0x0f, chance.one(&[1_170, 1_212, 1_220, 1_322]))
        } else {
            (
                0x40 | chance.bits() as u8 & 0x3f,
                [20, 22, 24, 30, 60, 900, 1_180][chance.within(0..7) as usize] + chance.within(0..9) as usize,
            )
        };
        let (client, port) = open[index];
        let mut payload = vec![first];
        if first & 0x80 != 0 {
            payload.extend([0, 0, 0, 1, 8]);
        }
        payload.extend(chance.bytes(14));
        let head = Ip { source: pool[client].address, ttl: pool[client].ttl, ..head };
        frames.push(head.udp(at, (port, 443), &payload, rest));
    }
    frames
}

/// Meetings: SRTP of voice and video (many equal packets of a port each), STUN checks, some DTLS.
pub(crate) fn meeting(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let count = (place.rate / 90.0).max(3.0) as u64;
    let pool = clients(chance, count);
    let one_port = chance.happens(0.5);
    let mut step = 0_u32;
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let index = chance.within(0..pool.len() as u64) as usize;
        step += 1;
        let (payload, rest) = match chance.share() {
            share if share < 0.35 => {
                ([&[0x80, 111][..], &(step as u16).to_be_bytes(), &step.to_be_bytes()].concat(), 90)
            }
            share if share < 0.95 => {
                let full = if chance.happens(0.8) { 1_120 } else { chance.within(200..1_100) as usize };
                ([&[0x90, 96][..], &(step as u16).to_be_bytes(), &step.to_be_bytes()].concat(), full)
            }
            share if share < 0.99 => ([&[0, 1, 0, 80, 0x21, 0x12, 0xa4, 0x42][..], &step.to_be_bytes()].concat(), 84),
            _ => ([&[23, 254, 253, 0, 1][..], &step.to_be_bytes()].concat(), chance.within(40..200) as usize),
        };
        let to = if one_port { 10_000 } else { 20_000 + index as u16 % 20_000 };
        let from = 30_000 + (index as u16).wrapping_mul(17) % 30_000;
        frames.push(ip(chance, place, &pool[index], 0, 0x88).udp(at, (from, to), &payload, rest));
    }
    frames
}

/// Devices on the road: WireGuard and ESP in UDP (RFC 3948) of very many, lengths of what is inside.
pub(crate) fn roadwarrior(chance: &mut Chance, place: &Place) -> Vec<Frame> {
    let count = chance.within(50..2_000);
    let pool = clients(chance, count);
    let to = chance.one(&[51_820, 4_500, 1_194]);
    let mut step = 0_u32;
    let mut frames = Vec::new();
    for at in times(chance, place) {
        let index = (chance.share().powi(2) * pool.len() as f64) as usize % pool.len();
        step += 1;
        let head = if to == 51_820 { vec![4, 0, 0, 0] } else { Vec::new() };
        let payload = [&head[..], &(index as u32 * 7_919 + 77).to_be_bytes(), &step.to_be_bytes(), &[0; 4]].concat();
        let rest = match chance.share() {
            share if share < 0.4 => 80,
            share if share < 0.7 => 1_360,
            _ => chance.within(60..1_300) as usize,
        };
        let from = 1_024 + (index as u16).wrapping_mul(31) % 60_000;
        frames.push(ip(chance, place, &pool[index], 0, 0).udp(at, (from, to), &payload, rest));
    }
    frames
}
