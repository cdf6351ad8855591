//! Marks: one bit for each hash of a source that stands in a table, so that the program asks the table for those only.

use crate::object::Map;
use base::Result;
use libbpf_rs::MapCore;

/// Bits of the number of a word of marks, as in `bpf/hash.h`.
pub(crate) const MARK_BITS: u32 = 14;
pub(crate) const SERVICE_BITS: u32 = 6;

/// Word and bit of a source in the marks, as `bpf/hash.h` has them.
fn mark(hash: u64, bits: u32) -> (u32, u64) {
    ((hash >> (64 - bits)) as u32, 1 << (hash >> (58 - bits) & 63))
}

pub(crate) fn set_mark(marks: &Map, hash: u64, bits: u32) -> Result<()> {
    let (word, bit) = mark(hash, bits);
    let before = marks.get::<u64>(&word)?.unwrap_or(0);
    if before & bit != 0 { Ok(()) } else { marks.put(&word, &(before | bit)) }
}

pub(crate) fn write_marks(marks: &Map, hashes: impl Iterator<Item = u64>, bits: u32) -> Result<()> {
    let mut words = vec![0_u64; marks.handle.max_entries() as usize];
    for (word, bit) in hashes.map(|hash| mark(hash, bits)) {
        if let Some(word) = words.get_mut(word as usize) {
            *word |= bit;
        }
    }
    for (index, word) in words.iter().enumerate() {
        // Most are as they were.
        if marks.get::<u64>(&(index as u32))? != Some(*word) {
            marks.put(&(index as u32), word)?;
        }
    }
    Ok(())
}
