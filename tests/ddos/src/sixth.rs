//! The same packets over IPv6 (RFC 8200): header, hop limit, fragment header and ICMPv6 in place of IPv4's.

use crate::frame::{Frame, KEPT};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The address that stands for one of IPv4: its /24 becomes a /64 of its own.
pub fn address(address: Ipv4Addr) -> Ipv6Addr {
    let number = u128::from(u32::from(address));
    // A network out of 2a00::/12, an interface identifier without pattern.
    let mixed = u128::from((number as u64 ^ 0x5851_f42d).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Ipv6Addr::from(0x2a00 << 112 | (number >> 8) << 80 | mixed)
}

/// The frame over IPv6; what is no IPv4 stays as it is.
pub fn over(frame: Frame) -> Frame {
    let Some(head) = frame.header.get(..20).filter(|head| head[0] >> 4 == 4) else { return frame };
    let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let (fragment, protocol, ttl, class) = (word(6), head[9], head[8], head[1]);
    let source = Ipv4Addr::new(head[12], head[13], head[14], head[15]);
    let destination = Ipv4Addr::new(head[16], head[17], head[18], head[19]);
    let next = if protocol == 1 { 58 } else { protocol };
    let is_fragment = fragment & 0x3fff != 0;
    let payload = usize::from(frame.length) - 20 + if is_fragment { 8 } else { 0 };
    let mut header = vec![0x60 | class >> 4, class << 4, 0, 0];
    header.extend((payload.min(65_000) as u16).to_be_bytes());
    header.extend([if is_fragment { 44 } else { next }, ttl]);
    header.extend(address(source).octets());
    header.extend(address(destination).octets());
    if is_fragment {
        let offset = (fragment & 0x1fff) << 3 | u16::from(fragment & 0x2000 != 0);
        header.extend([next, 0]);
        header.extend(offset.to_be_bytes());
        header.extend([0, 0, head[4], head[5]]);
    }
    let mut behind = frame.header[20..].to_vec();
    if let (58, Some(kind)) = (next, behind.first_mut()) {
        *kind = match *kind {
            8 => 128,
            0 => 129,
            3 => 1,
            _ => 3,
        };
    }
    header.extend(behind);
    header.truncate(KEPT);
    Frame { header, length: (payload.min(65_000) + 40) as u16, ..frame }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Ip;
    use ddos::{Field, Packet};

    #[test]
    fn fields_are_the_same_over_both() {
        let ip = Ip {
            source: Ipv4Addr::new(192, 0, 2, 9),
            destination: Ipv4Addr::new(198, 51, 100, 7),
            ttl: 57,
            id: 7,
            fragment: 0,
            class: 0xb8,
        };
        let frame = over(ip.udp(5, (123, 80), &[1, 2, 3, 4], 100));
        let packet = Packet::parse(&frame.header, frame.length).unwrap();
        let get = |field| packet.get(field).unwrap();
        assert_eq!((get(Field::SourcePort), get(Field::Ttl), get(Field::TrafficClass)), (123, 57, 0xb8));
        assert_eq!((packet.length(), frame.length, get(Field::Payload0)), (152, 152, 0x0102_0304));
        let ping = over(ip.icmp(5, (8, 0), &[], 40));
        assert_eq!(Packet::parse(&ping.header, ping.length).unwrap().get(Field::IcmpType), Some(128 << 8));
        let part = over(Ip { fragment: 0x2000 | 3, ..ip }.frame(5, 17, &[0; 32], 100));
        let part = Packet::parse(&part.header, part.length).unwrap();
        assert!(part.is_fragment() && part.get(Field::Protocol) == Some(17));
        let near = address(Ipv4Addr::new(192, 0, 2, 10));
        assert_eq!(near.octets()[..8], address(ip.source).octets()[..8], "one network stays one");
        assert_eq!(packet.source, std::net::IpAddr::from(address(ip.source)));
    }
}
