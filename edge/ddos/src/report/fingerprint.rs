//! The fingerprint of an attack, in the manner of the DDoS Dissector of the DDoS Clearing House (its `fingerprint_format.md`
//! names the fields): JSON that can be compared and shared.
//!
//! Same names and units as there, with these differences, so it is a schema of its own: counts are estimates from samples and
//! counters of the filter, not from a capture; `key` is a hash of target, start and vectors (FNV-1a, 64 bits); times are UTC;
//! lengths are those of the IP packet (`packet_len`); a vector also names our class and confidence.

use crate::tally::{Part, Tally, Values};
use crate::{Class, Field, Prefix};
use serde::Serialize;
use serde::ser::SerializeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Most values of a field that a fingerprint names.
const NAMED: usize = 10;
/// A value with a smaller share is no property of the attack.
const SHARE: f64 = 0.05;
/// Most source addresses that a fingerprint lists.
const ADDRESSES: usize = 1_000;

/// Shares of traffic by value; `"random"` when no value stands out.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares(Vec<(String, f64)>);

impl Shares {
    fn of(values: Option<&Values>, name: impl Fn(u32) -> String) -> Option<Shares> {
        let values = values.filter(|values| values.total > 0)?;
        let share = |count: u64| count as f64 / values.total as f64;
        let mut named: Vec<(u64, u32)> = values
            .counts
            .iter()
            .filter(|(_, count)| share(**count) >= SHARE)
            .map(|(value, count)| (*count, *value))
            .collect();
        named.sort_by_key(|(count, value)| (std::cmp::Reverse(*count), *value));
        named.truncate(NAMED);
        Some(Shares(
            named.into_iter().map(|(count, value)| (name(value), (share(count) * 1e3).round() / 1e3)).collect(),
        ))
    }

    /// The values that stand out, the most frequent first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, share)| (name.as_str(), *share))
    }

    /// Whether no value stands out.
    pub fn is_random(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Shares {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            return to.serialize_str("random");
        }
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, share) in &self.0 {
            map.serialize_entry(name, share)?;
        }
        map.end()
    }
}

/// One vector of an attack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VectorPrint {
    /// Our class.
    pub class: Class,
    /// How sure it is, 0 to 1.
    pub confidence: f32,
    /// The service, by source port; `Unknown service` or `Fragmented IP packets` otherwise.
    pub service: String,
    /// IP protocol.
    pub protocol: &'static str,
    /// Share of the attack's packets, 0 to 1; `null` for fragments and for requests.
    pub fraction_of_attack: Option<f64>,
    /// Source port of the service, or `random`.
    pub source_port: serde_json::Value,
    /// Destination ports.
    pub destination_ports: Option<Shares>,
    /// TCP flags as in tcpdump's order, a dot for each that is not set.
    pub tcp_flags: Option<Shares>,
    /// Type and code of ICMP.
    pub icmp_type: Option<Shares>,
    /// Packets, estimated.
    pub nr_packets: u64,
    /// Megabytes, estimated.
    pub nr_megabytes: u64,
    /// First second, RFC 3339.
    pub time_start: String,
    /// Seconds from the first to the last.
    pub duration_seconds: i64,
    /// Times to live.
    pub ttl: Option<Shares>,
    /// Lengths of the IP packets.
    pub packet_len: Option<Shares>,
    /// Flags and fragment offset of IPv4.
    pub fragmentation_offset: Option<Shares>,
    /// The heaviest sources, at most 1,000; they may be forged.
    pub source_ips: Vec<std::net::IpAddr>,
}

/// The fingerprint of an attack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fingerprint {
    /// Its vectors, the largest first.
    pub attack_vectors: Vec<VectorPrint>,
    /// Its target.
    pub target: String,
    /// What kind it is.
    pub tags: Vec<&'static str>,
    /// Made of target, start and vectors.
    pub key: String,
    /// First second, RFC 3339.
    pub time_start: String,
    /// Last second.
    pub time_end: String,
    /// Seconds from the first to the last.
    pub duration_seconds: i64,
    /// Megabytes that arrived in that time, users' among them.
    pub total_megabytes: u64,
    /// Packets that arrived.
    pub total_packets: u64,
    /// Distinct sources among the samples, estimated.
    pub total_ips: u64,
    /// Bits a second on average.
    pub avg_bps: u64,
    /// Packets a second on average.
    pub avg_pps: u64,
    /// Bytes a packet on average.
    #[serde(rename = "avg_Bpp")]
    pub avg_bpp: u64,
}

impl Fingerprint {
    /// The fingerprint of a tally.
    pub fn new(destination: Prefix, tally: &Tally) -> Fingerprint {
        let all = super::packets(tally);
        let mut parts: Vec<&Part> = tally.parts.iter().collect();
        parts.sort_by(|one, other| other.packets.total_cmp(&one.packets));
        let vectors: Vec<VectorPrint> = parts.iter().map(|part| vector(part, all, tally)).collect();
        let seconds = ((tally.last_us - tally.began_us) / 1_000_000 + 1).max(1);
        let target = if destination.is_single() { destination.address().to_string() } else { destination.to_string() };
        let key = parts
            .iter()
            .fold(fnv(target.as_bytes(), tally.began_us as u64), |key, part| fnv(part.class.word().as_bytes(), key));
        Fingerprint {
            tags: tags(&parts, tally),
            key: format!("{key:016x}"),
            time_start: when(tally.began_us),
            time_end: when(tally.last_us),
            duration_seconds: seconds,
            total_megabytes: tally.total.bytes / 1_000_000,
            total_packets: tally.total.packets,
            total_ips: tally.senders.distinct(),
            avg_bps: tally.total.bytes.saturating_mul(8) / seconds as u64,
            avg_pps: tally.total.packets / seconds as u64,
            avg_bpp: tally.total.bytes.checked_div(tally.total.packets).unwrap_or(0),
            attack_vectors: vectors,
            target,
        }
    }
}

fn vector(part: &Part, all: f64, tally: &Tally) -> VectorPrint {
    let plain = |field: Field| Shares::of(part.values(field), |value| value.to_string());
    let service = match part.class {
        Class::Reflection(service) => service.title.into(),
        Class::Fragment => "Fragmented IP packets".into(),
        Class::Http => "HTTP".into(),
        _ => "Unknown service".to_string(),
    };
    let counted = !matches!(part.class, Class::Fragment | Class::Http);
    let senders = tally.senders.top(ADDRESSES);
    VectorPrint {
        class: part.class,
        confidence: part.confidence,
        service,
        protocol: protocol(part.class),
        fraction_of_attack: (counted && all > 0.0).then(|| (part.packets / all * 1e3).round() / 1e3),
        source_port: match part.class {
            Class::Reflection(service) => service.port.into(),
            _ => "random".into(),
        },
        destination_ports: plain(Field::DestinationPort),
        tcp_flags: Shares::of(part.values(Field::TcpFlags), flags),
        icmp_type: Shares::of(part.values(Field::IcmpType), |value| format!("{}/{}", value >> 8, value & 0xff)),
        nr_packets: part.packets as u64,
        nr_megabytes: (part.bytes / 1e6) as u64,
        time_start: when(part.seen_us.0),
        duration_seconds: (part.seen_us.1 - part.seen_us.0) / 1_000_000 + 1,
        ttl: plain(Field::Ttl),
        packet_len: plain(Field::Length),
        fragmentation_offset: plain(Field::Fragment),
        source_ips: senders.iter().filter(|sender| sender.class == part.class).map(|sender| sender.address).collect(),
    }
}

fn protocol(class: Class) -> &'static str {
    match class {
        Class::Syn | Class::SynAck | Class::Ack | Class::Ends | Class::Flags | Class::Tcp | Class::Http => "TCP",
        Class::Reflection(_) | Class::Udp => "UDP",
        Class::Icmp => "ICMP",
        Class::Fragment => "IP",
        Class::Protocol => "other",
    }
}

fn tags(parts: &[&Part], tally: &Tally) -> Vec<&'static str> {
    let any = |is: fn(Class) -> bool| parts.iter().any(|part| is(part.class));
    let found = [
        (parts.len() > 1, "Multi-vector attack"),
        (any(|class| matches!(class, Class::Reflection(_))), "Amplification attack"),
        (any(|class| class == Class::Syn), "TCP SYN flag attack"),
        (any(|class| class == Class::Ack), "TCP ACK flag attack"),
        (any(|class| class == Class::Fragment), "Fragmentation attack"),
        (any(|class| class == Class::Http), "HTTP flood"),
        (tally.carpet, "Carpet bombing attack"),
    ];
    found.into_iter().filter(|(holds, _)| *holds).map(|(_, tag)| tag).collect()
}

/// Flags in the order CWR ECE URG ACK PSH RST SYN FIN, a dot where one is not set.
fn flags(value: u32) -> String {
    "CEUAPRSF".chars().enumerate().map(|(at, letter)| if value >> (7 - at) & 1 == 1 { letter } else { '.' }).collect()
}

/// RFC 3339; empty for times beyond the calendar.
fn when(at_us: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(at_us.div_euclid(1_000_000)).ok();
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

fn fnv(bytes: &[u8], seed: u64) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
