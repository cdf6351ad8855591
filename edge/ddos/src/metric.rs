//! What is watched of a destination each second, and from where on it matters.

use crate::Counters;
use base::Lang;
use serde::{Deserialize, Serialize};

/// One rate of a destination: {TCP SYN, other TCP, UDP, ICMP} × {packets, bytes}, new sources, and those parts of them
/// that a class of attack shows in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Metric {
    /// SYN packets.
    Syn = 0,
    /// SYN-ACK packets.
    SynAck = 1,
    /// RST and FIN packets.
    Ends = 2,
    /// TCP packets with flags that make no sense.
    Odd = 3,
    /// ACK packets, with data or without.
    Ack = 4,
    /// Bytes of TCP.
    TcpBytes = 5,
    /// UDP packets that are not from reflecting services.
    Udp = 6,
    /// Bytes of UDP.
    UdpBytes = 7,
    /// UDP packets from ports of reflecting services.
    Amplified = 8,
    /// ICMP packets.
    Icmp = 9,
    /// Bytes of ICMP.
    IcmpBytes = 10,
    /// Packets of other protocols.
    Other = 11,
    /// Fragments.
    Fragments = 12,
    /// Sources not seen before in the second.
    Sources = 13,
}

impl Metric {
    /// Number of metrics.
    pub const COUNT: usize = 14;
    /// All, in the order of their numbers.
    pub const ALL: [Metric; Metric::COUNT] = [
        Metric::Syn,
        Metric::SynAck,
        Metric::Ends,
        Metric::Odd,
        Metric::Ack,
        Metric::TcpBytes,
        Metric::Udp,
        Metric::UdpBytes,
        Metric::Amplified,
        Metric::Icmp,
        Metric::IcmpBytes,
        Metric::Other,
        Metric::Fragments,
        Metric::Sources,
    ];

    /// Its value in what was counted in a second.
    pub fn of(self, counters: &Counters) -> u64 {
        match self {
            Metric::Syn => counters.tcp_syn,
            Metric::SynAck => counters.tcp_synack,
            Metric::Ends => counters.tcp_rst.saturating_add(counters.tcp_fin),
            Metric::Odd => counters.tcp_other,
            Metric::Ack => counters.tcp_ack,
            Metric::TcpBytes => counters.tcp_bytes,
            Metric::Udp => counters.udp.saturating_sub(counters.amp_packets),
            Metric::UdpBytes => counters.udp_bytes,
            Metric::Amplified => counters.amp_packets,
            Metric::Icmp => counters.icmp,
            Metric::IcmpBytes => counters.icmp_bytes,
            Metric::Other => counters.other,
            Metric::Fragments => counters.fragments,
            Metric::Sources => counters.new_sources,
        }
    }

    /// Whether it counts bytes.
    pub fn is_bytes(self) -> bool {
        matches!(self, Metric::TcpBytes | Metric::UdpBytes | Metric::IcmpBytes)
    }

    /// Its name for people.
    pub fn text(self, lang: Lang) -> &'static str {
        match self {
            Metric::Syn => lang.pick("SYN packets", "SYN 包"),
            Metric::SynAck => lang.pick("SYN-ACK packets", "SYN-ACK 包"),
            Metric::Ends => lang.pick("RST and FIN packets", "RST 与 FIN 包"),
            Metric::Odd => lang.pick("TCP packets with senseless flags", "标志异常的 TCP 包"),
            Metric::Ack => lang.pick("ACK packets", "ACK 包"),
            Metric::TcpBytes => lang.pick("bytes of TCP", "TCP 字节"),
            Metric::Udp => lang.pick("UDP packets", "UDP 包"),
            Metric::UdpBytes => lang.pick("bytes of UDP", "UDP 字节"),
            Metric::Amplified => lang.pick("UDP packets of reflecting services", "反射服务的 UDP 包"),
            Metric::Icmp => lang.pick("ICMP packets", "ICMP 包"),
            Metric::IcmpBytes => lang.pick("bytes of ICMP", "ICMP 字节"),
            Metric::Other => lang.pick("packets of other protocols", "其他协议的包"),
            Metric::Fragments => lang.pick("fragments", "分片"),
            Metric::Sources => lang.pick("new sources", "新来源"),
        }
    }
}

/// One number a metric, a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rates([f32; Metric::COUNT]);

impl Rates {
    /// The values of what was counted in a second.
    pub fn of(counters: &Counters) -> Rates {
        Rates(Metric::ALL.map(|metric| metric.of(counters) as f32))
    }

    /// The value of a metric.
    pub fn get(&self, metric: Metric) -> f32 {
        self.0[metric as usize]
    }

    /// Sets the value of a metric.
    pub fn set(&mut self, metric: Metric, value: f32) {
        self.0[metric as usize] = value;
    }

    /// The rates below which nothing is an attack: no host of today suffers from them.
    pub const FLOORS: Rates = Rates([
        500.0, 500.0, 1_000.0, 300.0, 2_000.0, 12.5e6, 2_000.0, 12.5e6, 500.0, 500.0, 1.25e6, 1_000.0, 500.0, 2_000.0,
    ]);

    /// The rates above which an unknown destination is taken as attacked, after the defaults of FastNetMon Community
    /// (20,000 packets or 1,000 Mbit a second; 3,500 flows).
    pub const CEILINGS: Rates = Rates([
        3_500.0, 3_500.0, 10_000.0, 2_000.0, 50_000.0, 125e6, 20_000.0, 125e6, 5_000.0, 5_000.0, 12.5e6, 20_000.0,
        5_000.0, 35_000.0,
    ]);

    /// All of them times a factor.
    pub fn scaled(self, factor: f32) -> Rates {
        Rates(self.0.map(|value| value * factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_below_ceilings() {
        for (number, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, number);
            assert!(Rates::FLOORS.get(metric) < Rates::CEILINGS.get(metric), "{metric:?}");
            assert_ne!(metric.text(Lang::En), metric.text(Lang::Zh));
        }
    }
}
