//! The rules: which attacks does a window show, judged by rates against what is usual and by shapes that no user has.

use crate::metric::Metric;
use crate::shape::FEWEST;
use crate::{Baseline, Class, Counters, Group, Settings, Window};
use serde::Serialize;

/// One attack in a window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Vector {
    /// Its class.
    pub class: Class,
    /// Its packets a second (requests of an HTTP flood), what is usual taken off.
    pub packets: f32,
    /// Its bytes a second, as far as they are counted by class.
    pub bytes: f32,
    /// What is usual in the same counter; 0 when not known.
    pub usual: f32,
    /// Deviations above what is usual; 0 when not known.
    pub deviations: f32,
    /// The rate from which on it alarms.
    pub limit: f32,
    /// Whether the shape alone tells it from users.
    pub plain: bool,
    /// How sure that it is an attack of this class, 0 to 1.
    pub confidence: f32,
}

/// A rule: a class, the rate that it shows in, and the shape that no user has.
struct Rule {
    class: Class,
    metric: Metric,
    plain: fn(&Window) -> bool,
}

const RULES: &[Rule] = &[
    Rule { class: Class::Syn, metric: Metric::Syn, plain: syn_alone },
    Rule { class: Class::SynAck, metric: Metric::SynAck, plain: syn_acks_of_nobody },
    Rule { class: Class::Ends, metric: Metric::Ends, plain: ends_alone },
    Rule { class: Class::Flags, metric: Metric::Odd, plain: |_| true },
    Rule { class: Class::Ack, metric: Metric::Ack, plain: acks_of_nothing },
    Rule { class: Class::Udp, metric: Metric::Udp, plain: udp_of_nobody },
    Rule { class: Class::Icmp, metric: Metric::Icmp, plain: |w| 5 * w.counters.icmp > w.counters.packets },
    Rule {
        class: Class::Fragment,
        metric: Metric::Fragments,
        plain: |w| 4 * w.counters.fragments > w.counters.packets,
    },
    Rule { class: Class::Protocol, metric: Metric::Other, plain: protocol_of_nobody },
];

/// Metrics whose rules ask so much of a shape that it is believed from half the floor on, of a destination that nothing is
/// known of.
const SHAPED: [Metric; 3] = [Metric::Ack, Metric::Udp, Metric::Other];
/// Segments from here on may be full ones of an upload, bytes.
const FULL: u32 = 1_200;
/// Samples of UDP from which on they speak of all.
const MANY: usize = 100;
/// Samples of tunnels from which on the number of their ends shows.
const TUNNELS: usize = 100;
/// New senders a second beyond usual that must come without SYNs before their ACKs are taken for a flood.
const STRANGERS: f32 = 200.0;

/// A connection has one SYN and at least an ACK and an end; when fewer come, or SYNs carry no option, nobody means to connect.
fn syn_alone(window: &Window) -> bool {
    let Window { counters, shape, .. } = window;
    let rest = counters.tcp_ack.saturating_add(Metric::Ends.of(counters));
    3 * counters.tcp_syn > 2 * rest || shape.bare_syns > 0.5
}

/// Whom we connected to says more than its SYN-ACK, and says in it how long its segments may be.
fn syn_acks_of_nobody(window: &Window) -> bool {
    window.counters.tcp_synack > window.counters.tcp_ack || window.shape.bare_syn_acks > 0.5
}

/// A connection ends once a side; more than one end to two ACKs is no traffic of connections.
fn ends_alone(window: &Window) -> bool {
    let counters = &window.counters;
    let ends = Metric::Ends.of(counters);
    ends > 4 * counters.tcp_syn.saturating_add(1) && 2 * ends > counters.tcp_ack
}

/// ACKs without SYNs whose sources or ports are all different, or that acknowledge nothing: a client of a connection
/// sends many from the same address and port.
fn acks_of_nothing(window: &Window) -> bool {
    let Window { counters, shape, .. } = window;
    let scarce = 20 * counters.tcp_syn < counters.tcp_ack;
    let alike = shape.empty_acks > 0.95 && shape.acks.share > 0.8;
    // Very many devices with a packet now and then send messages of all lengths.
    let uniform = shape.empty_acks > 0.9 || shape.acks.share > 0.7 || shape.samples < FEWEST;
    let strangers = strangers_of(&shape.acks, window);
    scarce && (uniform && 2 * strangers > counters.tcp_ack || shape.null_acks > 0.1)
        || scarce && alike && (shape.windows.top > 0.9 || shape.source_ports.entropy > 0.9)
        || acks_of_no_flow(window)
}

/// Bare ACKs of one length: most of them of senders that nobody saw connect; or many more than SYNs explain, each from a port
/// that its source did not use before (a kept connection keeps its port; a proxy with very many of them stamps its segments,
/// and sends questions of all lengths) or with numbers that do not go on; or data of many senders in no full segments.
fn acks_of_no_flow(window: &Window) -> bool {
    let (counters, acks) = (&window.counters, &window.shape.acks);
    let group = counters.tcp_ack as f32 * acks.share;
    let unexplained = group > 12.0 * counters.tcp_syn as f32;
    // Devices that keep many connections alive send empty ones, among others.
    let mostly = acks.share > if acks.data { 0.35 } else { 0.8 };
    let unseen = mostly && acks.sources.entropy > 0.9 && 2.0 * strangers_of(acks, window) as f32 > group;
    let one_way = acks.data && acks.share > 0.6 && acks.length < FULL && acks.sources.entropy > 0.8;
    acks.share > 0.35
        && acks.bare > 0.95
        && (unseen || unexplained && (acks.fresh > 0.9 || acks.steady < 0.2 || one_way))
}

/// Tunnels have few ends; the fewer samples, the more an end of many looks like one of few.
fn protocol_of_nobody(window: &Window) -> bool {
    let others = &window.shape.others;
    let least = if others.size >= TUNNELS { 0.85 } else { 0.93 };
    others.share > 0.35 && 2 * others.size > TUNNELS && others.sources.entropy > least
}

/// New senders that SYNs do not explain: a flood of forged SYNs brings as many of its own.
fn strangers(counters: &Counters) -> u64 {
    counters.new_sources.saturating_sub(counters.tcp_syn)
}

/// UDP whose sources or destination ports are all different, or whose packets are equally long and from ever new ports, to
/// ever new ports, of very many senders to one port, or the very same.
fn udp_of_nobody(window: &Window) -> bool {
    let Window { counters, shape, .. } = window;
    let (mostly, udp) = (2 * counters.udp > counters.packets, &shape.udp);
    // A name server is asked by very many, most of whom ask more than once a second when it is busy.
    let (strangers, served) = (strangers_of(udp, window), shape.destination_ports.top > 0.4);
    let forged = if served { 10 * strangers > 9 * counters.udp } else { 2 * strangers > counters.udp };
    let alone = udp.share > 0.35 && udp.fresh > 0.9;
    let same = udp.share > 0.4 && udp.payloads.top > 0.95;
    let scattered = udp.sources.entropy > 0.9 && udp.share > 0.2 && udp.destination_ports.entropy > 0.9;
    let many = udp.sources.entropy > 0.8 && udp.kind >= MANY;
    let much = 4 * counters.udp > counters.packets;
    let uniform = much && many && udp.share > 0.8 && udp.destination_ports.top > 0.95;
    forged
        || mostly && (shape.destination_ports.entropy > 0.85 || (shape.lengths.top > 0.95 && shape.payloads.top > 0.95))
        || mostly && scattered
        || uniform
        || alone
        || same
}

/// New senders of a kind of packets: of those that SYNs do not explain as many as it has of the sources that were sampled.
fn strangers_of(kind: &Group, window: &Window) -> u64 {
    let all = window.shape.sources.distinct;
    let part = if all == 0 { 1.0 } else { (kind.kind_sources as f64 / all as f64).min(1.0) };
    (strangers(&window.counters) as f64 * part) as u64
}

/// The vectors of a window, the largest first.
pub fn vectors(now_us: i64, window: &Window, baseline: &Baseline, settings: &Settings) -> Vec<Vector> {
    let mut found: Vec<Vector> =
        RULES.iter().filter_map(|rule| judge(rule, now_us, window, baseline, settings)).collect();
    reflections(now_us, window, baseline, settings, &mut found);
    connections(now_us, window, baseline, settings, &mut found);
    fragments(settings, &mut found);
    found.extend(window.http.as_ref().and_then(|http| requests(http, settings)));
    found.sort_by(|one, other| other.packets.total_cmp(&one.packets));
    found
}

fn judge(rule: &Rule, now_us: i64, window: &Window, baseline: &Baseline, settings: &Settings) -> Option<Vector> {
    let value = rule.metric.of(&window.counters) as f32;
    let floor = settings.floors.get(rule.metric);
    let shaped = SHAPED.contains(&rule.metric);
    if value <= floor * if shaped { 0.5 } else { 1.0 } {
        return None;
    }
    let standing = baseline.standing(now_us, rule.metric, value, settings);
    let plain = (rule.plain)(window);
    if value <= floor && (standing.known || !plain) {
        return None;
    }
    let above = value > standing.limit && (!standing.known || standing.deviations > settings.deviations);
    // Unknown destinations alarm on shape from the floor on; known ones only above what is usual for them.
    if !above && (standing.known || !plain) {
        return None;
    }
    let share = if window.counters.packets == 0 { 0.0 } else { value / window.counters.packets as f32 };
    let packets = (value - standing.usual).max(0.0);
    Some(Vector {
        class: rule.class,
        packets,
        bytes: bytes(rule.metric, window, share),
        usual: standing.usual,
        deviations: standing.deviations,
        limit: if above { standing.limit } else { settings.floors.get(rule.metric) },
        plain,
        confidence: confidence(value, standing.limit, standing.known, plain),
    })
}

/// Bytes of a part of its protocol's packets.
fn bytes(metric: Metric, window: &Window, share: f32) -> f32 {
    let counters = &window.counters;
    let (bytes, packets) = match metric {
        Metric::Udp => (counters.udp_bytes.saturating_sub(counters.amp_bytes), Metric::Udp.of(counters)),
        Metric::Amplified => (counters.amp_bytes, counters.amp_packets),
        Metric::Icmp => (counters.icmp_bytes, counters.icmp),
        Metric::Other | Metric::Fragments => return counters.bytes as f32 * share.min(1.0),
        _ => (counters.tcp_bytes, counters.tcp()),
    };
    if packets == 0 { 0.0 } else { bytes as f32 / packets as f32 * metric.of(counters) as f32 }
}

fn confidence(value: f32, limit: f32, known: bool, plain: bool) -> f32 {
    let much = ((value / limit.max(1.0)).max(1.0).log2() / 20.0).min(0.2);
    (0.4 + if plain { 0.3 } else { 0.0 } + if known && value > limit { 0.1 } else { 0.0 } + much).min(1.0)
}

/// Mean length up to which answers of a service may be to our own questions, bytes with the IP header: answers of resolvers
/// without DNSSEC and of time servers are small; of an unknown destination only their size and number speak.
fn answer(port: u16) -> u64 {
    match port {
        53 => 540,
        123 => 100,
        500 => 400,
        3_389 => 1_000,
        _ => 0,
    }
}

/// Reflection, by service: the samples say from which services the excess comes.
fn reflections(now_us: i64, window: &Window, baseline: &Baseline, settings: &Settings, found: &mut Vec<Vector>) {
    let rule = Rule { class: Class::Udp, metric: Metric::Amplified, plain: |_| true };
    let Some(vector) = judge(&rule, now_us, window, baseline, settings) else { return };
    let total: usize = window.shape.services.iter().map(|found| found.samples).sum();
    for part in window.shape.services.iter().filter(|found| found.samples * 20 >= total) {
        let service = part.service;
        let share = part.samples as f32 / total as f32;
        let plain = part.bytes > answer(service.port) * part.samples as u64;
        if !plain && vector.limit < settings.ceilings.get(Metric::Amplified) && vector.deviations == 0.0 {
            continue;
        }
        found.push(Vector {
            class: Class::Reflection(service),
            packets: vector.packets * share,
            bytes: vector.bytes * share,
            plain,
            confidence: confidence(vector.packets, vector.limit, vector.deviations > 0.0, plain),
            ..vector
        });
    }
}

/// ACKs above usual that have the shape of connections are users, or an attack through real connections; unless many
/// more senders came than SYNs did: then nobody connected.
fn connections(now_us: i64, window: &Window, baseline: &Baseline, settings: &Settings, found: &mut [Vector]) {
    let above = |metric: Metric| {
        let value = metric.of(&window.counters) as f32;
        let standing = baseline.standing(now_us, metric, value, settings);
        (standing.known, (value - standing.usual).max(0.0))
    };
    let ((known, sources), (_, syns)) = (above(Metric::Sources), above(Metric::Syn));
    let unconnected = known && sources > STRANGERS && sources > 2.0 * syns;
    for vector in found.iter_mut().filter(|vector| vector.class == Class::Ack && !vector.plain) {
        if unconnected {
            vector.plain = true;
            vector.confidence = confidence(vector.packets + vector.usual, vector.limit, true, true);
        } else {
            vector.class = Class::Tcp;
            vector.confidence = vector.confidence.min(0.45);
        }
    }
}

/// Fragments are UDP too: they are not counted twice; beside a reflection they are the rest of its answers.
fn fragments(settings: &Settings, found: &mut Vec<Vector>) {
    let Some(fragments) = found.iter().find(|vector| vector.class == Class::Fragment).map(|vector| vector.packets)
    else {
        return;
    };
    let reflected: f32 =
        found.iter().filter(|vector| matches!(vector.class, Class::Reflection(_))).map(|vector| vector.packets).sum();
    for vector in found.iter_mut() {
        match vector.class {
            Class::Udp => vector.packets = (vector.packets - fragments).max(0.0),
            Class::Fragment if reflected > 0.0 => vector.packets = (fragments - reflected).clamp(0.0, reflected),
            _ => {}
        }
    }
    found.retain(|vector| {
        let floor = match vector.class {
            Class::Udp => settings.floors.get(Metric::Udp),
            Class::Fragment => settings.floors.get(Metric::Fragments),
            _ => 0.0,
        };
        vector.packets >= floor
    });
}

/// An HTTP flood, as the gateway sees it: it defends itself at a level that only floods bring about, or requests are a
/// multiple of usual and the origin suffers.
fn requests(http: &crate::window::HttpLoad, settings: &Settings) -> Option<Vector> {
    let usual = http.usual.max(settings.http_floor / settings.burst);
    let limit = (usual * settings.burst).max(settings.http_floor);
    let suffers = http.errors > 0.2 || http.latency > 3.0 || 5.0 * http.held > http.requests;
    let defends = http.level >= 2 && http.held > 0.0;
    if http.requests < settings.http_floor || !(defends || (http.requests > limit && suffers)) {
        return None;
    }
    let plain = defends || http.held * 2.0 > http.requests;
    Some(Vector {
        class: Class::Http,
        packets: (http.requests - http.usual).max(0.0),
        bytes: 0.0,
        usual: http.usual,
        deviations: 0.0,
        limit,
        plain,
        confidence: confidence(http.requests, limit, http.usual > 0.0, plain),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Packet;
    use crate::window::{HttpLoad, Windows};

    fn window(counters: Counters) -> Window {
        Windows::default().push(&counters, &[], None)
    }

    fn classes(counters: Counters) -> Vec<(Class, bool)> {
        let found = vectors(0, &window(counters), &Baseline::default(), &Settings::default());
        found.iter().map(|vector| (vector.class, vector.plain)).collect()
    }

    #[test]
    fn shapes_that_no_user_has_are_seen_from_the_floor_on() {
        let flood = Counters { packets: 1_000, bytes: 40_000, tcp_syn: 1_000, ..Counters::default() };
        assert_eq!(classes(flood), [(Class::Syn, true)]);
        let users = Counters { packets: 6_000, tcp_syn: 1_000, tcp_ack: 4_000, tcp_fin: 1_000, ..Counters::default() };
        assert_eq!(classes(users), []);
        let spoofed = Counters { packets: 6_000, tcp_ack: 6_000, new_sources: 5_900, ..Counters::default() };
        assert_eq!(classes(spoofed), [(Class::Ack, true)]);
        let long = Counters { packets: 6_000, tcp_ack: 6_000, new_sources: 40, ..Counters::default() };
        assert_eq!(classes(long), []);
        let pings = Counters { packets: 900, icmp: 900, ..Counters::default() };
        assert_eq!(classes(pings), [(Class::Icmp, true)]);
    }

    #[test]
    fn reflection_is_named_by_its_service() {
        let packet = |port: u16| {
            let mut header = vec![0x45, 0, 1, 0xd4, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7];
            header.extend(port.to_be_bytes());
            header.extend([0, 80, 1, 0xc0, 0, 0, 1, 2, 3, 4]);
            Packet::parse(&header, 468).unwrap()
        };
        let packets: Vec<Packet> = (0..90).map(|n| packet(if n % 3 == 0 { 11211 } else { 123 })).collect();
        let counters = Counters {
            packets: 9_000,
            bytes: 9_000 * 468,
            udp: 9_000,
            udp_bytes: 9_000 * 468,
            amp_packets: 9_000,
            amp_bytes: 9_000 * 468,
            ..Counters::default()
        };
        let window = Windows::default().push(&counters, &packets, None);
        let found = vectors(0, &window, &Baseline::default(), &Settings::default());
        let words: Vec<String> = found.iter().map(|vector| vector.class.word()).collect();
        assert_eq!(words, ["reflection-ntp", "reflection-memcached"]);
        assert!((found[0].packets - 6_000.0).abs() < 1.0 && found[0].plain);
    }

    #[test]
    fn the_gateway_says_what_a_flood_of_requests_is() {
        let judge = |http: HttpLoad| {
            let window = Windows::default().push(&Counters::default(), &[], Some(&http));
            vectors(0, &window, &Baseline::default(), &Settings::default()).len()
        };
        let crowd = HttpLoad { requests: 5_000.0, usual: 300.0, ..HttpLoad::default() };
        assert_eq!(judge(crowd), 0, "many requests that are all served are users");
        assert_eq!(judge(HttpLoad { latency: 8.0, ..crowd }), 1);
        assert_eq!(judge(HttpLoad { level: 3, held: 4_000.0, ..crowd }), 1);
        assert_eq!(judge(HttpLoad { requests: 20.0, errors: 1.0, ..HttpLoad::default() }), 0);
    }
}
