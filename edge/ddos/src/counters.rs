//! Exact counters of one destination.

use crate::Reason;
use serde::{Deserialize, Serialize};
use std::ops::{AddAssign, Sub};

/// What arrived for a destination since the program was loaded, **whatever became of it**: a packet that was dropped is
/// counted here too, so that an attack does not seem over because it is being filtered.
///
/// All 64 bits wide, no padding. Lengths are those of the IP packet (total length), bytes. A packet is one of `tcp_*`, `udp`, `icmp` or `other`, or none when it is malformed;
/// a fragment behind the first counts by its protocol: as `tcp_other`, `udp`, `icmp` or `other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// SYN without ACK, RST and FIN.
    pub tcp_syn: u64,
    /// SYN with ACK, without RST and FIN.
    pub tcp_synack: u64,
    /// ACK without SYN, RST and FIN, with or without data.
    pub tcp_ack: u64,
    /// RST without SYN and FIN.
    pub tcp_rst: u64,
    /// FIN with ACK, without SYN and RST.
    pub tcp_fin: u64,
    /// TCP with flags that make no sense together (none, SYN with FIN, …), and fragments behind the first.
    pub tcp_other: u64,
    /// UDP packets.
    pub udp: u64,
    /// ICMP and ICMPv6 packets.
    pub icmp: u64,
    /// Any other protocol.
    pub other: u64,
    /// Fragments, first ones among them (they count in their protocol too).
    pub fragments: u64,
    /// Bytes of TCP.
    pub tcp_bytes: u64,
    /// Bytes of UDP.
    pub udp_bytes: u64,
    /// Bytes of ICMP.
    pub icmp_bytes: u64,
    /// UDP packets from a port of [`crate::service::ALL`].
    pub amp_packets: u64,
    /// Their bytes.
    pub amp_bytes: u64,
    /// Packets whose source was not yet in this second's hashed bitmap.
    pub new_sources: u64,
    /// Sum of (length² >> 6).
    pub len_sq: u64,
    /// Packets that did not get through, by [`Reason`].
    pub dropped: [u64; Reason::COUNT],
    /// Their bytes.
    pub dropped_bytes: [u64; Reason::COUNT],
}

impl Counters {
    /// Number of 64-bit numbers.
    pub const WORDS: usize = 19 + 2 * Reason::COUNT;

    /// From the numbers in the order of the structure.
    pub fn from_words(words: &[u64; Counters::WORDS]) -> Counters {
        let mut dropped = [0; Reason::COUNT];
        let mut dropped_bytes = [0; Reason::COUNT];
        dropped.copy_from_slice(&words[19..19 + Reason::COUNT]);
        dropped_bytes.copy_from_slice(&words[19 + Reason::COUNT..]);
        Counters {
            packets: words[0],
            bytes: words[1],
            tcp_syn: words[2],
            tcp_synack: words[3],
            tcp_ack: words[4],
            tcp_rst: words[5],
            tcp_fin: words[6],
            tcp_other: words[7],
            udp: words[8],
            icmp: words[9],
            other: words[10],
            fragments: words[11],
            tcp_bytes: words[12],
            udp_bytes: words[13],
            icmp_bytes: words[14],
            amp_packets: words[15],
            amp_bytes: words[16],
            new_sources: words[17],
            len_sq: words[18],
            dropped,
            dropped_bytes,
        }
    }

    /// The numbers in the order of the structure.
    pub fn words(&self) -> [u64; Counters::WORDS] {
        let mut words = [0; Counters::WORDS];
        let head = [
            self.packets,
            self.bytes,
            self.tcp_syn,
            self.tcp_synack,
            self.tcp_ack,
            self.tcp_rst,
            self.tcp_fin,
            self.tcp_other,
            self.udp,
            self.icmp,
            self.other,
            self.fragments,
            self.tcp_bytes,
            self.udp_bytes,
            self.icmp_bytes,
            self.amp_packets,
            self.amp_bytes,
            self.new_sources,
            self.len_sq,
        ];
        words[..19].copy_from_slice(&head);
        words[19..19 + Reason::COUNT].copy_from_slice(&self.dropped);
        words[19 + Reason::COUNT..].copy_from_slice(&self.dropped_bytes);
        words
    }

    /// All TCP packets.
    pub fn tcp(&self) -> u64 {
        let parts = [self.tcp_syn, self.tcp_synack, self.tcp_ack, self.tcp_rst, self.tcp_fin, self.tcp_other];
        parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// Packets that did not get through, SYNs that were answered with a cookie left out.
    pub fn lost(&self) -> u64 {
        let lost = Reason::ALL.into_iter().filter(|reason| reason.loses());
        lost.fold(0, |sum, reason| sum.saturating_add(self.dropped[reason.index()]))
    }

    /// Packets that did not reach the destination, those answered in its stead among them.
    pub fn held(&self) -> u64 {
        self.dropped.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// All of them times a factor: counts of a span that was no second, as of one.
    pub fn scaled(self, factor: f64) -> Counters {
        Counters::from_words(&self.words().map(|word| (word as f64 * factor) as u64))
    }

    /// Each of them, at most this.
    pub fn at_most(self, most: u64) -> Counters {
        Counters::from_words(&self.words().map(|word| word.min(most)))
    }

    fn each(self, other: Counters, with: impl Fn(u64, u64) -> u64) -> Counters {
        let (mut words, others) = (self.words(), other.words());
        for (word, other) in words.iter_mut().zip(others) {
            *word = with(*word, other);
        }
        Counters::from_words(&words)
    }
}

impl Sub for Counters {
    type Output = Counters;

    /// What was counted between two readings. A program that was loaded anew counts from 0: its reading is below the last
    /// one, and counts as it stands.
    fn sub(self, earlier: Counters) -> Counters {
        if self.packets < earlier.packets { self } else { self.each(earlier, u64::saturating_sub) }
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Counters) {
        *self = self.each(other, u64::saturating_add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_fields_are_the_same_memory() {
        assert_eq!(size_of::<Counters>(), 8 * Counters::WORDS);
        let mut words = [0; Counters::WORDS];
        for (index, word) in words.iter_mut().enumerate() {
            *word = index as u64 + 1;
        }
        assert_eq!(Counters::from_words(&words).words(), words);
    }

    #[test]
    fn a_program_loaded_anew_counts_as_it_stands() {
        let before = Counters { packets: 10, bytes: 400, udp: 10, ..Counters::default() };
        let after = Counters { packets: 14, bytes: 560, udp: 14, ..Counters::default() };
        assert_eq!(after - before, Counters { packets: 4, bytes: 160, udp: 4, ..Counters::default() });
        assert_eq!(before - after, before);
    }
}
