//! Compressed streams: gzip, xz, Zstandard. Each has one member, what it is made of.

use super::Allowance;
use crate::kind::Kind;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

/// Memory that unpacking may take for its window, KiB. The largest preset of xz needs 64 MiB, `zstd --long` 128 MiB.
const WINDOW_KIB: u32 = 128 * 1024 + 1024;
/// The same for Zstandard, as a power of two.
const WINDOW_LOG: u32 = 27;

/// Visits what comes out.
pub fn member(kind: Kind, bytes: &[u8], allowance: &mut Allowance, visit: &mut dyn FnMut(&str, &[u8], &mut Allowance)) {
    if !allowance.member() {
        return;
    }
    let packed = bytes.len() as u64;
    let unpacked = match kind {
        Kind::Gzip => allowance.unpack(MultiGzDecoder::new(bytes), packed),
        Kind::Xz => allowance.unpack(XzReader::new_mem_limit(bytes, true, WINDOW_KIB), packed),
        Kind::Zstd => zstd::stream::read::Decoder::with_buffer(bytes).ok().and_then(|mut decoder| {
            decoder.window_log_max(WINDOW_LOG).ok()?;
            allowance.unpack(decoder, packed)
        }),
        _ => None,
    };
    match unpacked {
        Some(content) => visit("", &content, allowance),
        None => allowance.leave_out(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::archive::{Bomb, listed};
    use std::io::Write;

    pub fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    /// `content of a member, content of a member` as `xz` packs it: the crate that unpacks does not pack here.
    pub fn xz() -> Vec<u8> {
        const PACKED: &str = concat!(
            "fd377a585a0000016922de360200210116000000742fe5a3e00027001b5d00319bca19daeda4f2bb7c5be1c09e9fba1e206c",
            "129c161b225ca000000069c29c8900013328e17858e19042990d010000000001595a",
        );
        hex::decode(PACKED).unwrap()
    }

    pub fn zstd(content: &[u8]) -> Vec<u8> {
        ::zstd::encode_all(content, 3).unwrap()
    }

    #[test]
    fn zeros_without_end_are_a_bomb_and_stop_early() {
        let zeros = vec![0; 40 * 1024 * 1024];
        let packed = gzip(&zeros);
        let (all, allowance) = listed(Kind::Gzip, &packed);
        assert_eq!(allowance.bomb, Some(Bomb::Ratio));
        assert!(all[0].1.len() < zeros.len());
        let packed = zstd(&zeros);
        assert_eq!(listed(Kind::Zstd, &packed).1.bomb, Some(Bomb::Ratio));
    }

    #[test]
    fn a_cut_stream_is_looked_at_as_far_as_it_reads() {
        let content: Vec<u8> = (0..100_000u32).flat_map(|number| number.to_le_bytes()).collect();
        let packed = gzip(&content);
        let (all, allowance) = listed(Kind::Gzip, &packed[..packed.len() / 2]);
        assert!(content.starts_with(&all[0].1) && all[0].1.len() > 1000);
        assert_eq!(allowance.left_out, 1);
    }
}
