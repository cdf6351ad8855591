//! Figures of a window that the model judges: shares, ratios and spreads, no rates. A model of rates would learn the
//! laboratory's.

use crate::{Counters, Window};

/// One figure.
type Figure = (&'static str, fn(&Window) -> f32);

/// Names and figures, in the order of a row.
const FIGURES: &[Figure] = &[
    ("tcp", |w| part(w.counters.tcp(), w.counters.packets)),
    ("udp", |w| part(w.counters.udp, w.counters.packets)),
    ("icmp", |w| part(w.counters.icmp, w.counters.packets)),
    ("other", |w| part(w.counters.other, w.counters.packets)),
    ("fragments", |w| part(w.counters.fragments, w.counters.packets)),
    ("amplified", |w| part(w.counters.amp_packets, w.counters.packets)),
    ("amplified_bytes", |w| part(w.counters.amp_bytes, w.counters.bytes)),
    ("syn", |w| part(w.counters.tcp_syn, w.counters.tcp())),
    ("syn_ack", |w| part(w.counters.tcp_synack, w.counters.tcp())),
    ("ack", |w| part(w.counters.tcp_ack, w.counters.tcp())),
    ("rst", |w| part(w.counters.tcp_rst, w.counters.tcp())),
    ("fin", |w| part(w.counters.tcp_fin, w.counters.tcp())),
    ("odd", |w| part(w.counters.tcp_other, w.counters.tcp())),
    ("syn_per_ack", |w| ratio(w.counters.tcp_syn, w.counters.tcp_ack)),
    ("end_per_syn", |w| ratio(w.counters.tcp_rst.saturating_add(w.counters.tcp_fin), w.counters.tcp_syn)),
    ("tcp_length", |w| part(w.counters.tcp_bytes, w.counters.tcp())),
    ("udp_length", |w| part(w.counters.udp_bytes, w.counters.udp)),
    ("icmp_length", |w| part(w.counters.icmp_bytes, w.counters.icmp)),
    ("new_sources", |w| part(w.counters.new_sources, w.counters.packets)),
    ("length_mean", |w| part(w.counters.bytes, w.counters.packets)),
    ("length_deviation", |w| length_deviation(&w.counters)),
    ("source_entropy", |w| w.shape.sources.entropy),
    ("source_top", |w| w.shape.sources.top),
    ("network_entropy", |w| w.shape.networks.entropy),
    ("source_port_entropy", |w| w.shape.source_ports.entropy),
    ("source_port_top", |w| w.shape.source_ports.top),
    ("destination_port_entropy", |w| w.shape.destination_ports.entropy),
    ("destination_port_top", |w| w.shape.destination_ports.top),
    ("length_entropy", |w| w.shape.lengths.entropy),
    ("length_top", |w| w.shape.lengths.top),
    ("ttl_entropy", |w| w.shape.ttls.entropy),
    ("window_entropy", |w| w.shape.windows.entropy),
    ("window_top", |w| w.shape.windows.top),
    ("payload_entropy", |w| w.shape.payloads.entropy),
    ("payload_top", |w| w.shape.payloads.top),
    ("id_entropy", |w| w.shape.ids.entropy),
    ("bare_syns", |w| w.shape.bare_syns),
    ("bare_syn_acks", |w| w.shape.bare_syn_acks),
    ("empty_acks", |w| w.shape.empty_acks),
    ("null_acks", |w| w.shape.null_acks),
    ("unfragmented", |w| w.shape.unfragmented),
    ("ack_share", |w| w.shape.acks.share),
    ("ack_length", |w| if w.shape.acks.share.is_nan() { f32::NAN } else { w.shape.acks.length as f32 }),
    ("ack_source_entropy", |w| w.shape.acks.sources.entropy),
    ("ack_ttl_entropy", |w| w.shape.acks.ttls.entropy),
    ("ack_fresh", |w| w.shape.acks.fresh),
    ("ack_steady", |w| w.shape.acks.steady),
    ("ack_bare", |w| w.shape.acks.bare),
    ("udp_share", |w| w.shape.udp.share),
    ("udp_source_entropy", |w| w.shape.udp.sources.entropy),
    ("udp_source_port_entropy", |w| w.shape.udp.source_ports.entropy),
    ("udp_port_entropy", |w| w.shape.udp.destination_ports.entropy),
    ("udp_port_top", |w| w.shape.udp.destination_ports.top),
    ("udp_ttl_entropy", |w| w.shape.udp.ttls.entropy),
    ("udp_payload_top", |w| w.shape.udp.payloads.top),
    ("udp_fresh", |w| w.shape.udp.fresh),
    ("other_share", |w| w.shape.others.share),
    ("other_source_entropy", |w| w.shape.others.sources.entropy),
    ("other_payload_top", |w| w.shape.others.payloads.top),
    ("long_udp", |w| part(w.long.udp, w.long.packets)),
    ("long_icmp", |w| part(w.long.icmp, w.long.packets)),
    ("long_amplified", |w| part(w.long.amp_packets, w.long.packets)),
    ("long_syn", |w| part(w.long.tcp_syn, w.long.tcp())),
    ("long_syn_per_ack", |w| ratio(w.long.tcp_syn, w.long.tcp_ack)),
    ("long_new_sources", |w| part(w.long.new_sources, w.long.packets)),
    ("long_length_mean", |w| part(w.long.bytes, w.long.packets)),
];

/// Number of figures.
pub const COUNT: usize = FIGURES.len();

/// Names of the figures in the order of a row.
pub fn names() -> Vec<&'static str> {
    FIGURES.iter().map(|(name, _)| *name).collect()
}

/// The row of a window. What cannot be said of it is not-a-number.
pub fn row(window: &Window) -> [f32; COUNT] {
    std::array::from_fn(|index| FIGURES[index].1(window))
}

/// A part of a whole; not-a-number without the whole.
fn part(part: u64, whole: u64) -> f32 {
    if whole == 0 { f32::NAN } else { (part as f64 / whole as f64) as f32 }
}

/// One number over another, both plus one, as a logarithm.
fn ratio(one: u64, other: u64) -> f32 {
    ((one as f64 + 1.0) / (other as f64 + 1.0)).log2() as f32
}

/// Standard deviation of the lengths, bytes.
fn length_deviation(counters: &Counters) -> f32 {
    if counters.packets == 0 {
        return f32::NAN;
    }
    let mean = counters.bytes as f64 / counters.packets as f64;
    let square = counters.len_sq as f64 * 64.0 / counters.packets as f64;
    (square - mean * mean).max(0.0).sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Windows;

    #[test]
    fn a_row_says_what_it_can() {
        let counters =
            Counters { packets: 10, bytes: 400, tcp_syn: 8, tcp_ack: 2, new_sources: 9, ..Counters::default() };
        let row = row(&Windows::default().push(&counters, &[], None));
        let get = |name: &str| row[names().iter().position(|found| *found == name).unwrap()];
        assert_eq!((get("tcp"), get("syn"), get("new_sources")), (1.0, 0.8, 0.9));
        assert!(get("source_entropy").is_nan() && get("udp_length").is_nan());
        let mut distinct = names();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), COUNT);
    }
}
