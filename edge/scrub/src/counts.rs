//! From the program's rows to the counters that detection knows.

use crate::layout::{Counts, ROWS, Row, Tally};
use ddos::{Counters, Reason};

impl Tally {
    fn add(self, other: Tally) -> Tally {
        Tally { packets: self.packets.wrapping_add(other.packets), bytes: self.bytes.wrapping_add(other.bytes) }
    }
}

/// What all processors counted for a destination. A number of the program that went beyond 64 bits begins anew, and so do
/// sums of them: differences stay right.
pub(crate) fn counters(processors: &[Counts]) -> Counters {
    let mut row = [Tally { packets: 0, bytes: 0 }; ROWS];
    let mut dropped = [Tally { packets: 0, bytes: 0 }; Reason::COUNT];
    let mut sum = Counters::default();
    for counts in processors {
        for (sum, part) in row.iter_mut().zip(counts.row).chain(dropped.iter_mut().zip(counts.dropped)) {
            *sum = sum.add(part);
        }
        sum.new_sources = sum.new_sources.wrapping_add(counts.new_sources);
        sum.len_sq = sum.len_sq.wrapping_add(counts.length_squares);
        sum.fragments = sum.fragments.wrapping_add(counts.fragments);
    }
    let of = |rows: &[Row]| rows.iter().fold(Tally { packets: 0, bytes: 0 }, |sum, each| sum.add(row[*each as usize]));
    let packets = |each: Row| row[each as usize].packets;
    let all = row.iter().fold(Tally { packets: 0, bytes: 0 }, |sum, each| sum.add(*each));
    let tcp = [Row::TcpOther, Row::Syn, Row::Synack, Row::Ack, Row::Rst, Row::Fin, Row::TcpUnread];
    Counters {
        packets: all.packets,
        bytes: all.bytes,
        tcp_syn: packets(Row::Syn),
        tcp_synack: packets(Row::Synack),
        tcp_ack: packets(Row::Ack),
        tcp_rst: packets(Row::Rst),
        tcp_fin: packets(Row::Fin),
        tcp_other: packets(Row::TcpOther),
        udp: of(&[Row::Udp, Row::Amplified]).packets,
        icmp: packets(Row::Icmp),
        other: packets(Row::Other),
        tcp_bytes: of(&tcp).bytes,
        udp_bytes: of(&[Row::Udp, Row::Amplified, Row::UdpUnread]).bytes,
        icmp_bytes: row[Row::Icmp as usize].bytes,
        amp_packets: packets(Row::Amplified),
        amp_bytes: row[Row::Amplified as usize].bytes,
        dropped: dropped.map(|tally| tally.packets),
        dropped_bytes: dropped.map(|tally| tally.bytes),
        ..sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(seed: u64) -> Counts {
        let tally = |n: usize| Tally { packets: seed * 1000 + n as u64, bytes: seed * 100_000 + 10 * n as u64 };
        Counts {
            new_sources: seed,
            length_squares: 2 * seed,
            fragments: 3 * seed,
            row: std::array::from_fn(tally),
            dropped: std::array::from_fn(|n| tally(n + 50)),
        }
    }

    #[test]
    fn every_row_counts_once() {
        let sum = counters(&[counts(1), counts(2)]);
        let rows: u64 = (0..ROWS as u64).sum::<u64>() * 2;
        assert_eq!((sum.packets, sum.bytes), (3000 * ROWS as u64 + rows, 300_000 * ROWS as u64 + 10 * rows));
        let unread = 3000 * 2 + 2 * (Row::TcpUnread as u64 + Row::UdpUnread as u64);
        assert_eq!(sum.tcp() + sum.udp + sum.icmp + sum.other + unread, sum.packets);
        let other = 300_000 + 20 * Row::Other as u64;
        assert_eq!(sum.tcp_bytes + sum.udp_bytes + sum.icmp_bytes + other, sum.bytes);
        assert_eq!((sum.new_sources, sum.len_sq, sum.fragments), (3, 6, 9));
        assert_eq!((sum.tcp_syn, sum.amp_packets), (3002, 3000 + 2 * Row::Amplified as u64));
        assert_eq!(sum.dropped[2], 3000 + 2 * 52);
    }

    #[test]
    fn a_number_that_begins_anew_is_no_panic() {
        let mut high = counts(1);
        high.row[1].packets = u64::MAX;
        high.new_sources = u64::MAX;
        assert_eq!(counters(&[high, counts(1)]).tcp_syn, 1000);
    }
}
