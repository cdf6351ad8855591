//! Programs that were packed or tampered with: what an honest linker does not write.

use crate::elf::{self, Elf, Purpose, Segment};
use crate::entropy::entropy;
use crate::finding::{detail, finding};
use crate::kind;
use record::Scan;

/// Least score told.
const TOLD: u32 = 50;
/// Bits a byte above which code is compressed or encrypted; machine code of any architecture stays below 6.8.
const PACKED_BITS: f64 = 7.2;
/// Shortest segment whose entropy says something.
const MEASURED_BYTES: usize = 8 * 1024;
/// Bytes of a segment that are measured: more says no more.
const SAMPLE_BYTES: usize = 1024 * 1024;
/// Bytes behind the end that are no padding.
const PAYLOAD_BYTES: u64 = 4096;

/// A reason and what it adds to the score.
struct Reason(&'static str, u32, String);

/// Looks at a program. `length` is that of the file, of which `bytes` may be only the beginning.
pub fn look(bytes: &[u8], length: u64) -> Option<Scan> {
    let elf = elf::read(bytes, length)?;
    if !matches!(elf.purpose, Purpose::Program | Purpose::Shared) || elf.loads.is_empty() {
        return None;
    }
    let reasons = reasons(&elf, bytes, length);
    let upx = reasons.iter().any(|Reason(name, _, _)| *name == "upx-mark");
    let packed = reasons.iter().any(|Reason(name, _, _)| *name == "packed-code");
    let score: u32 = reasons.iter().map(|Reason(_, points, _)| points).sum();
    if score < TOLD {
        return None;
    }
    let (name, family) = match (upx, packed) {
        (true, _) => ("upx", "upx"),
        (false, true) => ("packed-program", ""),
        (false, false) => ("odd-program", ""),
    };
    let mut scan = finding("packer", name, family, score);
    for Reason(name, _, value) in reasons {
        detail(&mut scan, name, value);
    }
    Some(scan)
}

fn reasons(elf: &Elf, bytes: &[u8], length: u64) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut add = |name, points, value: String| reasons.push(Reason(name, points, value));
    if let Some(place) = upx(bytes) {
        add("upx-mark", 60, format!("at {place}"));
    }
    let entered = elf.loads.iter().find(|load| elf.entry.wrapping_sub(load.address) < load.memory_bytes);
    let mut codes = elf.loads.iter().filter(|load| load.executable);
    let highest = codes.clone().filter_map(|load| bits(load, bytes)).fold(0.0, f64::max);
    if highest >= PACKED_BITS {
        add("packed-code", 45, format!("{highest:.2} bits a byte"));
    }
    // The loader of a library never runs from its entry.
    if elf.entry != 0 && entered.is_none_or(|load| !load.executable) {
        add("entry-outside-code", 30, format!("{:#x}", elf.entry));
    }
    if codes.any(|load| load.writable) {
        add("writable-code", 30, "a segment is writable and executable".into());
    }
    if elf.sections == 0 {
        add("no-sections", 20, "the table of sections is not there".into());
    }
    if elf.sections_torn {
        add("torn-sections", 25, "the table of sections lies past the end".into());
    }
    if length > elf.end.saturating_add(PAYLOAD_BYTES) {
        payload(elf, bytes, length, &mut add);
    }
    reasons
}

/// What hangs behind the end.
fn payload(elf: &Elf, bytes: &[u8], length: u64, add: &mut impl FnMut(&'static str, u32, String)) {
    let behind = usize::try_from(elf.end).ok().and_then(|end| bytes.get(end..)).unwrap_or_default();
    let size = length - elf.end;
    let kind = kind::of(behind);
    let points = match kind {
        // Two programs in one file: a dropper, or an old way to ship for two systems.
        kind::Kind::Elf => 50,
        kind::Kind::Other if bits_of(behind).is_some_and(|bits| bits >= PACKED_BITS) => 25,
        kind::Kind::Other => 5,
        // Programs that carry their files as an archive are common.
        _ => 15,
    };
    add("payload", points, format!("{size} bytes behind the end, {kind:?}"));
}

fn bits(load: &Segment, bytes: &[u8]) -> Option<f64> {
    let begun = usize::try_from(load.offset).ok()?;
    let end = usize::try_from(load.offset.checked_add(load.file_bytes)?).ok()?;
    bits_of(bytes.get(begun..end.min(bytes.len()))?)
}

fn bits_of(bytes: &[u8]) -> Option<f64> {
    (bytes.len() >= MEASURED_BYTES).then(|| entropy(&bytes[..bytes.len().min(SAMPLE_BYTES)]))
}

/// UPX leaves its mark behind the headers and in the last bytes.
fn upx(bytes: &[u8]) -> Option<usize> {
    let head = memchr::memmem::find(&bytes[..bytes.len().min(1024)], b"UPX!");
    let tail = bytes.len().saturating_sub(256);
    head.or_else(|| memchr::memmem::find(&bytes[tail..], b"UPX!").map(|at| tail + at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::tests::program;
    use base::{Random, SeededRandom};

    fn noise(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        SeededRandom::new(3).fill(&mut bytes);
        bytes
    }

    fn looked(bytes: &[u8]) -> Option<(String, u32)> {
        look(bytes, bytes.len() as u64).map(|scan| (scan.name, scan.score))
    }

    #[test]
    fn ordinary_programs_are_none() {
        assert_eq!(looked(&program(&[0x90; 20_000], 5)), None);
        assert_eq!(looked(&std::fs::read(std::env::current_exe().unwrap()).unwrap()), None);
        assert_eq!(looked(b"\x7fELF\x02\x01"), None);
    }

    #[test]
    fn packed_ones_are_told_with_reasons() {
        assert_eq!(looked(&program(&noise(50_000), 7)), Some(("packed-program".into(), 95)));
        let marked = [noise(50_000).as_slice(), b"UPX!\0\0"].concat();
        let scan = look(&program(&marked, 5), marked.len() as u64).unwrap();
        assert_eq!((scan.name.as_str(), scan.score), ("upx", 100));
        assert!(scan.details.iter().any(|pair| pair.name == "packed-code"));
    }

    #[test]
    fn a_program_behind_a_program_is_told() {
        let plain = program(&[0x90; 9000], 5);
        let two = [plain.as_slice(), &plain].concat();
        assert_eq!(looked(&two), Some(("odd-program".into(), 70)));
    }
}
