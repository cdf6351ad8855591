//! Header samples and their fields.

use crate::{Field, Reason};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Most bytes of a header that a sample keeps.
pub const HEADER_BYTES: usize = 96;

/// Most extension headers of IPv6 that are walked; the filter walks as many.
const EXTENSIONS: usize = 6;

/// The beginning of one packet that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When, ns since boot (`CLOCK_MONOTONIC`).
    pub at_ns: u64,
    /// Length on the wire from the IP header on, bytes.
    pub length: u16,
    /// Why it was dropped; `None` when it was let through.
    pub reason: Option<Reason>,
    /// Its first bytes from the IP header on, at most [`HEADER_BYTES`].
    pub header: Box<[u8]>,
}

impl Sample {
    /// Its fields; `None` when it is no IP packet.
    pub fn parse(&self) -> Option<Packet> {
        Packet::parse(&self.header, self.length)
    }
}

/// Addresses and fields of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Source; often forged.
    pub source: IpAddr,
    /// Destination.
    pub destination: IpAddr,
    present: u32,
    values: [u32; Field::COUNT],
}

/// Reads numbers in network order; `None` beyond the end.
struct Bytes<'b>(&'b [u8]);

impl Bytes<'_> {
    fn u8(&self, at: usize) -> Option<u32> {
        self.0.get(at).map(|byte| u32::from(*byte))
    }

    fn u16(&self, at: usize) -> Option<u32> {
        Some(self.u8(at)? << 8 | self.u8(at + 1)?)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        Some(self.u16(at)? << 16 | self.u16(at + 2)?)
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at + N)?.try_into().ok()
    }
}

impl Packet {
    /// Reads the fields of a packet that begins with an IP header; what lies beyond the bytes is lacking. `None` when there
    /// is no whole IP header of version 4 or 6. `length` is that on the wire, used where the header's own is 0.
    pub fn parse(header: &[u8], length: u16) -> Option<Packet> {
        let bytes = Bytes(&header[..header.len().min(HEADER_BYTES)]);
        match bytes.u8(0)? >> 4 {
            4 => Packet::version4(&bytes, length),
            6 => Packet::version6(&bytes, length),
            _ => None,
        }
    }

    fn new(source: IpAddr, destination: IpAddr) -> Packet {
        Packet { source, destination, present: 0, values: [0; Field::COUNT] }
    }

    /// The value of a field.
    pub fn get(&self, field: Field) -> Option<u32> {
        (self.present & 1 << field.index() != 0).then(|| self.values[field.index()])
    }

    /// Length of the IP packet, bytes.
    pub fn length(&self) -> u32 {
        self.get(Field::Length).unwrap_or(0)
    }

    /// Whether it is a fragment: the first (more follow) or a later one.
    pub fn is_fragment(&self) -> bool {
        self.get(Field::Fragment).is_some_and(|field| field & 0x3fff != 0)
    }

    fn set(&mut self, field: Field, value: Option<u32>) {
        if let Some(value) = value {
            self.present |= 1 << field.index();
            self.values[field.index()] = value;
        }
    }

    fn version4(bytes: &Bytes<'_>, length: u16) -> Option<Packet> {
        let source = Ipv4Addr::from(bytes.array(12)?);
        let mut packet = Packet::new(source.into(), Ipv4Addr::from(bytes.array(16)?).into());
        let fragment = bytes.u16(6)?;
        let protocol = bytes.u8(9)?;
        packet.set(Field::Protocol, Some(protocol));
        packet.set(Field::Length, bytes.u16(2).map(|total| if total == 0 { u32::from(length) } else { total }));
        packet.set(Field::TrafficClass, bytes.u8(1));
        packet.set(Field::IpId, bytes.u16(4));
        packet.set(Field::Fragment, Some(fragment));
        packet.set(Field::Ttl, bytes.u8(8));
        let words = (bytes.u8(0)? & 15) as usize;
        if words >= 5 && fragment & 0x1fff == 0 {
            packet.transport(bytes, words * 4, protocol);
        }
        Some(packet)
    }

    fn version6(bytes: &Bytes<'_>, length: u16) -> Option<Packet> {
        let source = Ipv6Addr::from(bytes.array::<16>(8)?);
        let mut packet = Packet::new(source.into(), Ipv6Addr::from(bytes.array::<16>(24)?).into());
        let payload = bytes.u16(4)?;
        packet.set(Field::Length, Some(if payload == 0 { u32::from(length) } else { payload + 40 }));
        packet.set(Field::TrafficClass, bytes.u16(0).map(|word| word >> 4 & 0xff));
        packet.set(Field::Ttl, bytes.u8(7));
        let (mut next, mut at, mut later) = (bytes.u8(6)?, 40, false);
        for _ in 0..EXTENSIONS {
            let Some(skip) = packet.extension(bytes, next, at, &mut later) else { break };
            let Some(following) = bytes.u8(at) else { break };
            (next, at) = (following, at + skip);
        }
        packet.set(Field::Protocol, Some(next));
        if !later {
            packet.transport(bytes, at, next);
        }
        Some(packet)
    }

    /// Length of an extension header, `None` when it is none or ends the walk (RFC 8200, RFC 4302).
    fn extension(&mut self, bytes: &Bytes<'_>, kind: u32, at: usize, later: &mut bool) -> Option<usize> {
        if *later {
            return None;
        }
        match kind {
            0 | 43 | 60 => Some(bytes.u8(at + 1)? as usize * 8 + 8),
            51 => Some(bytes.u8(at + 1)? as usize * 4 + 8),
            44 => {
                // In the form of IPv4: 0x2000 is "more follow", the offset counts 8 bytes.
                let word = bytes.u16(at + 2)?;
                self.set(Field::Fragment, Some((word & 1) << 13 | word >> 3));
                *later = word >> 3 != 0;
                Some(8)
            }
            _ => None,
        }
    }

    fn transport(&mut self, bytes: &Bytes<'_>, at: usize, protocol: u32) {
        let payload = match protocol {
            6 => {
                self.tcp(bytes, at);
                bytes.u8(at + 12).map(|word| (word >> 4) as usize).filter(|words| *words >= 5).map(|words| words * 4)
            }
            17 => {
                self.ports(bytes, at);
                Some(8)
            }
            1 | 58 => {
                self.set(Field::IcmpType, bytes.u16(at));
                Some(8)
            }
            _ => Some(0),
        };
        let Some(payload) = payload else { return };
        // Bytes behind the end of the IP packet are padding of the link.
        let end = self.length() as usize;
        for (field, offset) in
            [(Field::Payload0, 0), (Field::Payload4, 4), (Field::Payload8, 8), (Field::Payload12, 12)]
        {
            let begin = at + payload + offset;
            if begin + 4 <= end {
                self.set(field, bytes.u32(begin));
            }
        }
    }

    fn ports(&mut self, bytes: &Bytes<'_>, at: usize) {
        self.set(Field::SourcePort, bytes.u16(at));
        self.set(Field::DestinationPort, bytes.u16(at + 2));
    }

    fn tcp(&mut self, bytes: &Bytes<'_>, at: usize) {
        self.ports(bytes, at);
        self.set(Field::TcpSequence, bytes.u32(at + 4));
        self.set(Field::TcpAcknowledgement, bytes.u32(at + 8));
        let words = bytes.u8(at + 12).map(|word| word >> 4);
        self.set(Field::DataOffset, words);
        self.set(Field::TcpFlags, bytes.u8(at + 13));
        self.set(Field::TcpWindow, bytes.u16(at + 14));
        if words.is_some_and(|words| words > 5) {
            self.set(Field::TcpOptions, bytes.u32(at + 20));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version4(protocol: u8, fragment: u16, rest: &[u8]) -> Vec<u8> {
        let total = (20 + rest.len()) as u16;
        let mut header = vec![0x45, 0x10];
        header.extend(total.to_be_bytes());
        header.extend(0xbeef_u16.to_be_bytes());
        header.extend(fragment.to_be_bytes());
        header.extend([64, protocol, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7]);
        header.extend(rest);
        header
    }

    const TCP: [u8; 24] = [0x1f, 0x90, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x60, 2, 0x16, 0xd0, 0, 0, 0, 0, 2, 4, 5, 0xb4];

    #[test]
    fn fields_of_a_syn() {
        let packet = Packet::parse(&version4(6, 0x4000, &TCP), 44).unwrap();
        let get = |field| packet.get(field);
        assert_eq!((get(Field::SourcePort), get(Field::DestinationPort)), (Some(8080), Some(80)));
        assert_eq!((get(Field::TcpFlags), get(Field::TcpWindow)), (Some(2), Some(5840)));
        assert_eq!((get(Field::DataOffset), get(Field::TcpOptions)), (Some(6), Some(0x0204_05b4)));
        assert_eq!((get(Field::TcpSequence), get(Field::TcpAcknowledgement)), (Some(1), Some(2)));
        assert_eq!((get(Field::IpId), get(Field::Fragment), get(Field::Ttl)), (Some(0xbeef), Some(0x4000), Some(64)));
        assert_eq!((get(Field::Payload0), packet.is_fragment(), packet.length()), (None, false, 44));
    }

    #[test]
    fn a_later_fragment_has_no_ports() {
        let packet = Packet::parse(&version4(17, 0x00b9, &[0; 64]), 84).unwrap();
        assert_eq!((packet.get(Field::SourcePort), packet.is_fragment()), (None, true));
        assert_eq!(packet.get(Field::Payload0), None);
    }

    #[test]
    fn payload_of_udp_ends_with_the_packet() {
        let mut udp = vec![0, 123, 0, 80, 0, 16, 0, 0, 0xd7, 0, 3, 0x2a, 1, 2, 3, 4];
        let whole = version4(17, 0, &udp);
        let packet = Packet::parse(&whole, 36).unwrap();
        assert_eq!((packet.get(Field::Payload0), packet.get(Field::Payload4)), (Some(0xd700_032a), Some(0x0102_0304)));
        udp.truncate(10);
        let mut padded = version4(17, 0, &udp);
        padded.extend([0; 16]);
        assert_eq!(Packet::parse(&padded, 30).unwrap().get(Field::Payload0), None);
    }

    #[test]
    fn version6_is_walked_through_its_extensions() {
        let mut header = vec![0x60, 0, 0, 0, 0, 40, 60, 250];
        header.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        header.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        header.extend([44, 0, 0, 0, 0, 0, 0, 0]);
        header.extend([6, 0, 0, 1, 0, 0, 0, 9]);
        header.extend(TCP);
        let packet = Packet::parse(&header, 80).unwrap();
        assert_eq!((packet.get(Field::Protocol), packet.get(Field::TcpFlags)), (Some(6), Some(2)));
        assert_eq!((packet.get(Field::Fragment), packet.is_fragment()), (Some(0x2000), true));
        assert_eq!((packet.length(), packet.get(Field::Ttl)), (80, Some(250)));
        header[51] = 0x10;
        assert_eq!(Packet::parse(&header, 80).unwrap().get(Field::TcpFlags), None, "a later fragment");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(header in prop::collection::vec(any::<u8>(), 0..128), length in any::<u16>()) {
            if let Some(packet) = Packet::parse(&header, length) {
                prop_assert!(packet.get(Field::Protocol).is_some());
            }
        }

        #[test]
        fn every_prefix_of_a_frame_is_read_or_refused(end in 0..44usize, version in 4..=6u8) {
            let mut whole = version4(6, 0, &TCP);
            whole[0] = version << 4 | 5;
            let _ = Packet::parse(&whole[..end], 44);
        }
    }
}
