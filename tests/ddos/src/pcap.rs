//! Recordings in the format of libpcap (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds, of Ethernet, Linux
//! cooked captures and raw IP.

use crate::frame::Frame;
use ddos::Packet;
use std::net::IpAddr;

/// A packet of a recording.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// When, µs since 1970.
    pub at_us: i64,
    /// First bytes from the IP header on.
    pub header: Vec<u8>,
    /// Length on the wire from there, bytes.
    pub length: u16,
    /// Addresses.
    pub addresses: (IpAddr, IpAddr),
}

impl Recorded {
    /// As a frame of a session that began at a time.
    pub fn frame(&self, begin_us: i64, attack: bool) -> Frame {
        Frame { at_us: self.at_us - begin_us, header: self.header.clone(), length: self.length, attack }
    }
}

/// Bytes before the IP header, by link type; `None` for others. Of Ethernet one VLAN tag is skipped.
fn link(kind: u32, bytes: &[u8]) -> Option<usize> {
    match kind {
        1 if bytes.get(12..14) == Some(&[0x81, 0x00]) => Some(18),
        1 => Some(14),
        101 => Some(0),
        113 => Some(16),
        276 => Some(20),
        _ => None,
    }
}

/// The IP packets of a recording; what is none is left out, and a torn end is left off. `None` when it is no recording.
pub fn read(bytes: &[u8]) -> Option<Vec<Recorded>> {
    let magic: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
    let (big, nano) = match magic {
        [0xd4, 0xc3, 0xb2, 0xa1] => (false, false),
        [0x4d, 0x3c, 0xb2, 0xa1] => (false, true),
        [0xa1, 0xb2, 0xc3, 0xd4] => (true, false),
        [0xa1, 0xb2, 0x3c, 0x4d] => (true, true),
        _ => return None,
    };
    let number = |at: usize| {
        let word: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
    };
    let kind = number(20)? & 0x0fff_ffff;
    let (mut packets, mut at) = (Vec::new(), 24);
    while let (Some(seconds), Some(part), Some(kept), Some(whole)) =
        (number(at), number(at + 4), number(at + 8), number(at + 12))
    {
        let Some(frame) = bytes.get(at + 16..at + 16 + kept as usize) else { break };
        at += 16 + kept as usize;
        let Some(skip) = link(kind, frame).filter(|skip| *skip <= frame.len()) else { continue };
        let length = (whole as usize).saturating_sub(skip).min(65_535) as u16;
        let header = &frame[skip..frame.len().min(skip + ddos::HEADER_BYTES)];
        let Some(packet) = Packet::parse(header, length) else { continue };
        packets.push(Recorded {
            at_us: i64::from(seconds) * 1_000_000 + i64::from(if nano { part / 1_000 } else { part }),
            header: header.to_vec(),
            length,
            addresses: (packet.source, packet.destination),
        });
    }
    Some(packets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: u8, frame: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, kind, 0, 0, 0];
        bytes.extend([5, 0, 0, 0, 7, 0, 0, 0]);
        bytes.extend((frame.len() as u32).to_le_bytes());
        bytes.extend((frame.len() as u32).to_le_bytes());
        bytes.extend(frame);
        bytes
    }

    #[test]
    fn every_link_type_gives_the_same_packet_and_every_prefix_is_read() {
        let ip = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7, 0, 123, 0, 80, 0, 8, 0, 0];
        for (kind, before) in [(1, 14), (101, 0), (113, 16)] {
            let mut frame = vec![0; before];
            frame.extend(ip);
            let whole = file(kind, &frame);
            let packets = read(&whole).unwrap();
            assert_eq!((packets[0].at_us, packets[0].length, packets[0].header.len()), (5_000_007, 28, 28));
            for end in 0..whole.len() {
                assert!(read(&whole[..end]).is_none_or(|packets| packets.is_empty()));
            }
        }
        assert!(read(&file(9, &ip)).unwrap().is_empty());
    }
}
