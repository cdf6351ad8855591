//! Header samples as a capture file that tcpdump and Wireshark read (classic pcap, `LINKTYPE_RAW`: from the IP header on).
//!
//! Source: <https://www.tcpdump.org/manpages/pcap-savefile.5.html>, <https://www.tcpdump.org/linktypes.html>.

use base::Micros;
use ddos::Sample;
use serde::{Deserialize, Serialize};

/// Magic of a file with nanoseconds, in this machine's byte order.
const MAGIC_NS: u32 = 0xa1b2_3c4d;
/// Raw IP.
const LINKTYPE_RAW: u32 = 101;
/// Bytes kept of a packet.
const SNAP: u32 = 96;

/// One sample on its way through the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// When, ns since the Unix epoch.
    pub at_ns: u64,
    /// Length of the packet on the wire from the IP header on, bytes.
    pub length: u16,
    /// Why it was dropped, empty when it was let through.
    pub reason: String,
    /// Its first bytes, hexadecimal.
    #[serde(with = "bytes")]
    pub header: Vec<u8>,
}

impl Taken {
    /// A sample taken by now, µs since the Unix epoch: its stamp counts from the machine's start.
    pub fn of(sample: Sample, now: Micros) -> Taken {
        let at = i64::try_from(sample.at_ns).unwrap_or(i64::MAX).saturating_add(now * 1000 - since_boot());
        Taken {
            at_ns: u64::try_from(at).unwrap_or(0),
            length: sample.length,
            reason: sample.reason.map_or("", |reason| reason.word()).into(),
            header: sample.header.to_vec(),
        }
    }
}

/// Time since boot, ns, by the clock that stamps samples.
fn since_boot() -> i64 {
    let uptime = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    uptime.tv_sec * 1_000_000_000 + uptime.tv_nsec
}

/// Bytes as hexadecimal text.
mod bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// A capture file of samples.
pub fn pcap(samples: &[Taken]) -> Vec<u8> {
    let mut file = Vec::with_capacity(24 + samples.len() * 112);
    for word in [MAGIC_NS, u32::from_ne_bytes(version()), 0, 0, SNAP, LINKTYPE_RAW] {
        file.extend(word.to_ne_bytes());
    }
    for sample in samples {
        let seconds = u32::try_from(sample.at_ns / 1_000_000_000).unwrap_or(u32::MAX);
        // Below a thousand million by the remainder.
        let rest = (sample.at_ns % 1_000_000_000) as u32;
        let kept = &sample.header[..sample.header.len().min(SNAP as usize)];
        for word in [seconds, rest, kept.len() as u32, u32::from(sample.length).max(kept.len() as u32)] {
            file.extend(word.to_ne_bytes());
        }
        file.extend(kept);
    }
    file
}

/// Major and minor number of the format, two 16-bit words.
fn version() -> [u8; 4] {
    let ([a, b], [c, d]) = (2u16.to_ne_bytes(), 4u16.to_ne_bytes());
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_one_record_a_sample() {
        let one = Taken { at_ns: 1_500_000_001, length: 1500, reason: String::new(), header: vec![0x45; 96] };
        let file = pcap(&[one.clone(), Taken { header: vec![0x60; 40], length: 40, ..one }]);
        assert_eq!(file.len(), 24 + 16 + 96 + 16 + 40);
        assert_eq!(&file[..8], [MAGIC_NS.to_ne_bytes(), version()].concat());
        assert_eq!(&file[24..40], [1u32, 500_000_001, 96, 1500].map(u32::to_ne_bytes).concat());
    }
}
