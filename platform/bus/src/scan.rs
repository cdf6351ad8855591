//! The form of a record and what a file of records holds.
//!
//! A record is `length u32 · checksum u32 · payload`, little endian. The checksum (CRC32C) covers length, offset and
//! payload: zeros that a file system left behind, or a segment that was copied to another name, never check.

use crate::Offset;

/// Bytes before the payload.
pub(crate) const HEADER_BYTES: usize = 8;

/// The record of a payload at an offset.
pub(crate) fn encode(offset: Offset, payload: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(HEADER_BYTES + payload.len());
    let length = (payload.len() as u32).to_le_bytes();
    record.extend(length);
    record.extend(checksum(length, offset, payload).to_le_bytes());
    record.extend(payload);
    record
}

fn checksum(length: [u8; 4], offset: Offset, payload: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&length);
    let crc = crc32c::crc32c_append(crc, &offset.to_le_bytes());
    crc32c::crc32c_append(crc, payload)
}

/// What stands where a record should begin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'b> {
    /// A record with this payload.
    Record(&'b [u8]),
    /// The bytes end before the record does, or are zeros to the end: a write that was cut short.
    Torn,
    /// A record that does not check although more bytes follow it.
    Damaged,
}

/// Looks at the record that begins `bytes`.
pub(crate) fn look(bytes: &[u8], offset: Offset, longest: usize) -> Found<'_> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return Found::Torn };
    let Some((crc, rest)) = rest.split_first_chunk::<4>() else { return Found::Torn };
    let size = u32::from_le_bytes(*length) as usize;
    let payload = rest.get(..size).filter(|_| size <= longest);
    match payload {
        Some(payload) if u32::from_le_bytes(*crc) == checksum(*length, offset, payload) => Found::Record(payload),
        Some(payload) if payload.len() < rest.len() && bytes.iter().any(|byte| *byte != 0) => Found::Damaged,
        None if size > longest && bytes.iter().any(|byte| *byte != 0) => Found::Damaged,
        _ => Found::Torn,
    }
}

/// How a file of records ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With its last record.
    Clean,
    /// With a record that was cut short.
    Torn,
    /// With bytes that are no records.
    Damaged,
}

/// Where each good record of a file begins, and how it ends.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) positions: Vec<u32>,
    pub(crate) good_bytes: u64,
    pub(crate) ending: Ending,
}

/// Reads a whole file of records that begins with offset `base`.
pub(crate) fn scan(bytes: &[u8], base: Offset, longest: usize) -> Scan {
    let mut positions = Vec::new();
    let mut at = 0;
    let ending = loop {
        if at == bytes.len() {
            break Ending::Clean;
        }
        match look(&bytes[at..], base + positions.len() as u64, longest) {
            Found::Record(payload) => {
                positions.push(at as u32);
                at += HEADER_BYTES + payload.len();
            }
            Found::Torn => break Ending::Torn,
            Found::Damaged => break Ending::Damaged,
        }
    };
    Scan { positions, good_bytes: at as u64, ending }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zeros_are_no_record_and_a_copied_record_does_not_check() {
        assert_eq!(look(&[0; 64], 0, 1000), Found::Torn);
        let record = encode(7, b"payload");
        assert_eq!(look(&record, 7, 1000), Found::Record(b"payload"));
        assert_eq!(look(&record, 8, 1000), Found::Torn);
        let followed = [record.as_slice(), b"more"].concat();
        assert_eq!(look(&followed, 8, 1000), Found::Damaged);
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), base in any::<u32>()) {
            let found = scan(&bytes, u64::from(base), 64);
            prop_assert!(found.good_bytes <= bytes.len() as u64);
        }

        #[test]
        fn every_prefix_holds_the_whole_records_before_the_cut(
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 1..6), cut in any::<prop::sample::Index>()
        ) {
            let records: Vec<Vec<u8>> = payloads.iter().enumerate().map(|(n, payload)| encode(n as u64, payload)).collect();
            let whole = records.concat();
            let cut = cut.index(whole.len() + 1);
            let mut end = 0;
            let fitting = records.iter().take_while(|record| { end += record.len(); end <= cut }).count();
            prop_assert_eq!(scan(&whole[..cut], 0, 64).positions.len(), fitting);
        }
    }
}
