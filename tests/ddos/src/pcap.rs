//! Recordings as frames of sessions.

use crate::frame::Frame;
use capture::Reader;
use ddos::Packet;
use std::net::IpAddr;

/// A packet of a recording.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// When, µs since 1970.
    pub at_us: i64,
    /// First bytes from the IP header on.
    pub header: Vec<u8>,
    /// Length, bytes.
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

/// The IP packets of a recording; a torn end is left off. `None` when it is no recording.
pub fn read(bytes: &[u8]) -> Option<Vec<Recorded>> {
    let mut reader = Reader::new(bytes).ok()?;
    let mut packets = Vec::new();
    while let Some(packet) = reader.packet().ok()? {
        let Some(read) = Packet::parse(&packet.header, packet.length) else { continue };
        packets.push(Recorded {
            at_us: (packet.at_ns / 1_000) as i64,
            header: packet.header,
            length: packet.length,
            addresses: (read.source, read.destination),
        });
    }
    Some(packets)
}
