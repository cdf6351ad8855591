//! Ethernet frames, byte by byte, with right checksums.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Flags of TCP.
pub mod flags {
    /// The last segment.
    pub const FIN: u8 = 1;
    /// The first segment.
    pub const SYN: u8 = 2;
    /// The connection is torn down.
    pub const RST: u8 = 4;
    /// Data is to be handed over.
    pub const PSH: u8 = 8;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 16;
}

/// Length of an Ethernet header.
pub const ETHERNET: usize = 14;

/// Options of a SYN as Linux sends them: segment size 1460, SACK, timestamps, scale 7.
pub const LINUX_OPTIONS: [u8; 20] = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

/// Between whom, and how the packet travels.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// From this MAC address.
    pub from: [u8; 6],
    /// To this one.
    pub to: [u8; 6],
    /// Source.
    pub source: IpAddr,
    /// Destination, of the same family.
    pub destination: IpAddr,
    /// Time to live, hop limit.
    pub ttl: u8,
    /// Identification of IPv4.
    pub id: u16,
    /// VLAN tags, outermost first.
    pub vlans: &'static [u16],
}

impl Path {
    /// Between two addresses of one family.
    pub fn new(source: IpAddr, destination: IpAddr) -> Path {
        Path { from: [2, 0, 0, 0, 0, 1], to: [2, 0, 0, 0, 0, 2], source, destination, ttl: 64, id: 0x1234, vlans: &[] }
    }

    /// A frame with this protocol and body behind the IP header.
    pub fn ip(&self, protocol: u8, body: &[u8]) -> Vec<u8> {
        self.fragment(protocol, 0x4000, body)
    }

    /// A frame of IPv4 with these flags and this offset, in 8 bytes; of IPv6 without (see [`Path::fragment6`]).
    pub fn fragment(&self, protocol: u8, flags_and_offset: u16, body: &[u8]) -> Vec<u8> {
        let mut frame = self.ethernet();
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let total = u16::try_from(20 + body.len()).unwrap_or(u16::MAX);
                let mut header = vec![0x45, 0];
                header.extend(total.to_be_bytes());
                header.extend(self.id.to_be_bytes());
                header.extend(flags_and_offset.to_be_bytes());
                header.extend([self.ttl, protocol, 0, 0]);
                header.extend(source.octets());
                header.extend(destination.octets());
                let sum = checksum(0, &header);
                header[10..12].copy_from_slice(&sum.to_be_bytes());
                frame.extend(header);
            }
            (source, destination) => frame.extend(self.header6(protocol, body.len(), v6(source), v6(destination))),
        }
        frame.extend(body);
        frame
    }

    /// A frame of IPv6 with a fragment header: offset in 8 bytes, whether more follow.
    pub fn fragment6(&self, protocol: u8, offset: u16, more: bool, body: &[u8]) -> Vec<u8> {
        let mut inner = vec![protocol, 0];
        inner.extend((offset << 3 | u16::from(more)).to_be_bytes());
        inner.extend([0, 0, 0, 9]);
        inner.extend(body);
        self.ip(44, &inner)
    }

    fn header6(&self, protocol: u8, length: usize, source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
        let mut header = vec![0x60, 0, 0, 0];
        header.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        header.extend([protocol, self.ttl]);
        header.extend(source.octets());
        header.extend(destination.octets());
        header
    }

    fn ethernet(&self) -> Vec<u8> {
        let mut frame = Vec::with_capacity(128);
        frame.extend(self.to);
        frame.extend(self.from);
        for tag in self.vlans {
            frame.extend(0x8100_u16.to_be_bytes());
            frame.extend(tag.to_be_bytes());
        }
        let kind: u16 = if self.source.is_ipv4() { 0x0800 } else { 0x86dd };
        frame.extend(kind.to_be_bytes());
        frame
    }

    /// UDP.
    pub fn udp(&self, from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX);
        let mut body = Vec::with_capacity(payload.len() + 8);
        for word in [from, to, length, 0] {
            body.extend(word.to_be_bytes());
        }
        body.extend(payload);
        let sum = checksum(self.pseudo(17, body.len()), &body);
        body[6..8].copy_from_slice(&sum.to_be_bytes());
        self.ip(17, &body)
    }

    /// TCP.
    pub fn tcp(&self, segment: &Segment<'_>) -> Vec<u8> {
        let body = segment.bytes(self);
        self.ip(6, &body)
    }

    /// ICMP echo request, or that of ICMPv6.
    pub fn ping(&self, payload: &[u8]) -> Vec<u8> {
        let (protocol, kind, pseudo) = match self.source {
            IpAddr::V4(_) => (1, 8, 0),
            IpAddr::V6(_) => (58, 128, self.pseudo(58, payload.len() + 8)),
        };
        let mut body = vec![kind, 0, 0, 0, 0, 7, 0, 1];
        body.extend(payload);
        let sum = checksum(pseudo, &body);
        body[2..4].copy_from_slice(&sum.to_be_bytes());
        self.ip(protocol, &body)
    }

    /// Sum of the pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1).
    fn pseudo(&self, protocol: u8, length: usize) -> u32 {
        let octets = |address: IpAddr| match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let addresses = [octets(self.source), octets(self.destination)].concat();
        sum(&addresses) + u32::from(protocol) + u32::try_from(length).unwrap_or(0)
    }
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::to_ipv6_mapped(&address),
        IpAddr::V6(address) => address,
    }
}

/// A segment of TCP.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// Source port.
    pub from: u16,
    /// Destination port.
    pub to: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// [`flags`].
    pub flags: u8,
    /// Window.
    pub window: u16,
    /// Options, a multiple of four bytes.
    pub options: &'a [u8],
    /// Data.
    pub data: &'a [u8],
}

impl Default for Segment<'_> {
    fn default() -> Self {
        let (options, data) = (&[][..], &[][..]);
        Segment {
            from: 40_000,
            to: 80,
            sequence: 1,
            acknowledgement: 0,
            flags: flags::SYN,
            window: 64_240,
            options,
            data,
        }
    }
}

impl Segment<'_> {
    fn bytes(&self, path: &Path) -> Vec<u8> {
        let mut body = Vec::with_capacity(20 + self.options.len() + self.data.len());
        body.extend(self.from.to_be_bytes());
        body.extend(self.to.to_be_bytes());
        body.extend(self.sequence.to_be_bytes());
        body.extend(self.acknowledgement.to_be_bytes());
        let words = u8::try_from(5 + self.options.len() / 4).unwrap_or(15);
        body.extend([words << 4, self.flags]);
        body.extend(self.window.to_be_bytes());
        body.extend([0; 4]);
        body.extend(self.options);
        body.extend(self.data);
        let sum = checksum(path.pseudo(6, body.len()), &body);
        body[16..18].copy_from_slice(&sum.to_be_bytes());
        body
    }
}

/// Sum of 16-bit words.
pub fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0))).sum()
}

/// The internet checksum (RFC 1071) of bytes and what was summed before.
pub fn checksum(before: u32, bytes: &[u8]) -> u16 {
    let mut total = before + sum(bytes);
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !(total as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_come_out_as_zero() {
        let path = Path::new("192.0.2.1".parse().unwrap(), "198.51.100.7".parse().unwrap());
        let frame = path.tcp(&Segment { options: &LINUX_OPTIONS, data: b"odd", ..Segment::default() });
        let (ip, tcp) = (&frame[ETHERNET..ETHERNET + 20], &frame[ETHERNET + 20..]);
        assert_eq!((checksum(0, ip), checksum(path.pseudo(6, tcp.len()), tcp)), (0, 0));
        assert_eq!(frame.len(), 14 + 20 + 40 + 3);
    }

    #[test]
    fn tags_stand_before_the_type() {
        let mut path = Path::new("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
        path.vlans = &[7, 8];
        let frame = path.udp(53, 4000, b"x");
        assert_eq!(frame[12..22], [0x81, 0, 0, 7, 0x81, 0, 0, 8, 0x86, 0xdd]);
    }
}
