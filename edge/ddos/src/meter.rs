//! Counts and samples packets as the filter does, of a recording: so that a capture can be judged without a kernel, and
//! detection measured on packets that no filter of ours saw.

use crate::packet::HEADER_BYTES;
use crate::{Counters, Field, Packet, Reason, Sample, service};
use std::net::IpAddr;

/// Bits of the bitmap of sources: as large as the filter's.
const BITMAP_BITS: usize = 1 << 16;

/// One second of one destination being counted.
#[derive(Debug, Clone)]
pub struct Meter {
    counters: Counters,
    samples: Vec<Sample>,
    /// Sample every n-th packet.
    every: u64,
    /// What `every` is at the begin of a second.
    least: u64,
    most: usize,
    bitmap: Vec<u64>,
}

impl Meter {
    /// Samples every `every`-th packet, at most `most` (and at least 2) a second: when they are too many, every other one is
    /// kept, so that they are always spread evenly over the second.
    pub fn new(every: u64, most: usize) -> Meter {
        let (bitmap, every) = (vec![0; BITMAP_BITS / 64], every.max(1));
        let (counters, samples) = (Counters::default(), Vec::new());
        Meter { counters, samples, every, least: every, most: most.max(2), bitmap }
    }

    /// Counts a packet that begins with its IP header; `length` is that on the wire. What is no IP packet counts as a packet only.
    pub fn packet(&mut self, at_ns: u64, header: &[u8], length: u16) {
        self.packet_held(at_ns, header, length, None);
    }

    /// Counts a packet that did not get through for a reason.
    pub fn packet_held(&mut self, at_ns: u64, header: &[u8], length: u16, reason: Option<Reason>) {
        self.counters.packets += 1;
        self.counters.bytes += u64::from(length);
        if let Some(reason) = reason {
            self.counters.dropped[reason.index()] += 1;
            self.counters.dropped_bytes[reason.index()] += u64::from(length);
        }
        if self.counters.packets.is_multiple_of(self.every) {
            if self.samples.len() >= self.most {
                self.thin();
            }
            let header = header[..header.len().min(HEADER_BYTES)].into();
            self.samples.push(Sample { at_ns, length, reason, header });
        }
        let Some(packet) = Packet::parse(header, length) else { return };
        self.count(&packet, u64::from(length));
    }

    /// Keeps every other sample, and takes half as many from here on.
    fn thin(&mut self) {
        let mut odd = false;
        self.samples.retain(|_| {
            odd = !odd;
            !odd
        });
        self.every = self.every.saturating_mul(2);
    }

    fn count(&mut self, packet: &Packet, length: u64) {
        let counters = &mut self.counters;
        counters.len_sq += (length * length) >> 6;
        counters.fragments += u64::from(packet.is_fragment());
        match packet.get(Field::Protocol) {
            Some(6) => {
                counters.tcp_bytes += length;
                let flags = packet.get(Field::TcpFlags).unwrap_or(0) & 0x17;
                let counter = match flags {
                    0x02 => &mut counters.tcp_syn,
                    0x12 => &mut counters.tcp_synack,
                    0x10 => &mut counters.tcp_ack,
                    0x04 | 0x14 => &mut counters.tcp_rst,
                    0x11 => &mut counters.tcp_fin,
                    _ => &mut counters.tcp_other,
                };
                *counter += 1;
            }
            Some(17) => {
                counters.udp += 1;
                counters.udp_bytes += length;
                let port = packet.get(Field::SourcePort).and_then(|port| u16::try_from(port).ok());
                if port.is_some_and(|port| service::of_port(port).is_some()) {
                    counters.amp_packets += 1;
                    counters.amp_bytes += length;
                }
            }
            Some(1 | 58) => {
                counters.icmp += 1;
                counters.icmp_bytes += length;
            }
            _ => counters.other += 1,
        }
        let bit = hash(packet.source) as usize % BITMAP_BITS;
        let (word, mask) = (bit / 64, 1 << (bit % 64));
        counters.new_sources += u64::from(self.bitmap[word] & mask == 0);
        self.bitmap[word] |= mask;
    }

    /// Ends the second: what was counted and sampled in it.
    pub fn second(&mut self) -> (Counters, Vec<Sample>) {
        self.bitmap.fill(0);
        self.every = self.least;
        (std::mem::take(&mut self.counters), std::mem::take(&mut self.samples))
    }
}

/// The finisher of MurmurHash3 (Appleby) over an address.
pub(crate) fn hash(address: IpAddr) -> u64 {
    let number = match address {
        IpAddr::V4(address) => u64::from(u32::from(address)),
        IpAddr::V6(address) => {
            let number = u128::from(address);
            (number >> 64) as u64 ^ number as u64
        }
    };
    let mixed = (number ^ number >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ mixed >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ mixed >> 33
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packets_are_counted_once_by_what_they_are() {
        let mut meter = Meter::new(2, 10);
        let mut packet = [0; 40];
        packet[..20].copy_from_slice(&[0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7]);
        packet[32] = 0x50;
        for flags in [0x02, 0x12, 0x10, 0x18, 0x14, 0x11, 0x03, 0x00] {
            packet[33] = flags;
            meter.packet(0, &packet, 40);
        }
        let (counters, samples) = meter.second();
        let tcp = [
            counters.tcp_syn,
            counters.tcp_synack,
            counters.tcp_ack,
            counters.tcp_rst,
            counters.tcp_fin,
            counters.tcp_other,
        ];
        assert_eq!(tcp, [1, 1, 2, 1, 1, 2]);
        assert_eq!((counters.packets, counters.new_sources, samples.len()), (8, 1, 4));
        meter.packet(0, &packet, 40);
        assert_eq!(meter.second().0.new_sources, 1, "a new second knows no source");
    }

    #[test]
    fn samples_are_spread_over_a_second_of_any_size() {
        let mut meter = Meter::new(1, 100);
        for at in 0..10_000 {
            meter.packet_held(at, &[0x45; 20], 20, Some(Reason::Banned));
        }
        let (counters, samples) = meter.second();
        assert!((50..=100).contains(&samples.len()), "{}", samples.len());
        let late = samples.iter().filter(|sample| sample.at_ns >= 5_000).count();
        assert!(late.abs_diff(samples.len() / 2) <= 2, "{late} of {}", samples.len());
        assert_eq!(counters.dropped[Reason::Banned.index()], 10_000);
    }

    proptest! {
        #[test]
        fn any_bytes_are_counted(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..128), 0..50)) {
            let mut meter = Meter::new(1, 20);
            for frame in &frames {
                meter.packet(0, frame, frame.len() as u16);
            }
            let (counters, samples) = meter.second();
            prop_assert_eq!(counters.packets, frames.len() as u64);
            prop_assert!(samples.len() <= 20);
            let parts = counters.tcp() + counters.udp + counters.icmp + counters.other;
            prop_assert!(parts <= counters.packets);
        }
    }
}
