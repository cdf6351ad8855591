//! Packets as generators write them: the first bytes from the IP header on, and the length on the wire.

use std::net::Ipv4Addr;

/// Bytes that are kept of a packet.
pub(crate) const KEPT: usize = 96;

/// One packet.
#[derive(Debug, Clone)]
pub struct Frame {
    /// When, µs from the begin of the session.
    pub at_us: i64,
    /// First bytes from the IP header on.
    pub header: Vec<u8>,
    /// Length on the wire from there, bytes.
    pub length: u16,
    /// Whether it belongs to an attack.
    pub attack: bool,
}

/// What an IPv4 header says.
#[derive(Debug, Clone, Copy)]
pub struct Ip {
    /// Source.
    pub source: Ipv4Addr,
    /// Destination.
    pub destination: Ipv4Addr,
    /// Time to live.
    pub ttl: u8,
    /// Identification.
    pub id: u16,
    /// Flags and fragment offset.
    pub fragment: u16,
    /// Type of service.
    pub class: u8,
}

impl Ip {
    /// The packet with this protocol and these bytes behind the header; `rest` more bytes of payload are not kept.
    pub fn frame(&self, at_us: i64, protocol: u8, behind: &[u8], rest: usize) -> Frame {
        let length = (20 + behind.len() + rest).min(65_535) as u16;
        let mut header = Vec::with_capacity(KEPT);
        header.extend([0x45, self.class]);
        header.extend(length.to_be_bytes());
        header.extend(self.id.to_be_bytes());
        header.extend(self.fragment.to_be_bytes());
        header.extend([self.ttl, protocol, 0, 0]);
        header.extend(self.source.octets());
        header.extend(self.destination.octets());
        header.extend(&behind[..behind.len().min(KEPT - 20)]);
        Frame { at_us, header, length, attack: false }
    }

    /// A UDP packet.
    pub fn udp(&self, at_us: i64, ports: (u16, u16), payload: &[u8], rest: usize) -> Frame {
        let mut behind = Vec::with_capacity(8 + payload.len());
        behind.extend(ports.0.to_be_bytes());
        behind.extend(ports.1.to_be_bytes());
        behind.extend(((8 + payload.len() + rest).min(65_535) as u16).to_be_bytes());
        behind.extend([0, 0]);
        behind.extend(payload);
        self.frame(at_us, 17, &behind, rest)
    }

    /// A TCP packet.
    pub fn tcp(&self, at_us: i64, tcp: &Tcp<'_>, payload: &[u8], rest: usize) -> Frame {
        let mut behind = Vec::with_capacity(20 + tcp.options.len() + payload.len());
        behind.extend(tcp.ports.0.to_be_bytes());
        behind.extend(tcp.ports.1.to_be_bytes());
        behind.extend(tcp.sequence.to_be_bytes());
        behind.extend(tcp.acknowledgement.to_be_bytes());
        behind.extend([((20 + tcp.options.len()) / 4 * 16) as u8, tcp.flags]);
        behind.extend(tcp.window.to_be_bytes());
        behind.extend([0; 4]);
        behind.extend(tcp.options);
        behind.extend(payload);
        self.frame(at_us, 6, &behind, rest)
    }

    /// An ICMP packet.
    pub fn icmp(&self, at_us: i64, kind: (u8, u8), payload: &[u8], rest: usize) -> Frame {
        let mut behind = vec![kind.0, kind.1, 0, 0, 0, 1, 0, 1];
        behind.extend(payload);
        self.frame(at_us, 1, &behind, rest)
    }
}

/// What a TCP header says.
#[derive(Debug, Clone, Copy)]
pub struct Tcp<'o> {
    /// Source and destination port.
    pub ports: (u16, u16),
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// Flags.
    pub flags: u8,
    /// Window.
    pub window: u16,
    /// Options, padded to 4 bytes.
    pub options: &'o [u8],
}

/// FIN.
pub const FIN: u8 = 1;
/// SYN.
pub const SYN: u8 = 2;
/// RST.
pub const RST: u8 = 4;
/// PSH.
pub const PSH: u8 = 8;
/// ACK.
pub const ACK: u8 = 16;
