//! What agents and gateways carry: whether a value may be listed, in eighteen bits a value.
//!
//! A binary fuse filter (Graf and Lemire, arXiv 2201.01174; fingerprints of 16 bits) says *no* for sure and *yes* for
//! one unlisted value in 65,000, so a hit is confirmed at the server. Keys are split into shards by their top bits: a
//! shard is built in thirty megabytes where one filter for all would need more than a hundred.

mod delta;
mod keys;

pub use delta::{Changes, FilterDelta};

use crate::frame::{corrupt, take, take_u32, take_u64};
use crate::ranges::{Range, Ranges, read_ranges, write_ranges};
use crate::{Key, fault, limits};
use base::{Fault, Result};
use delta::{follows, read_keys, write_keys};
use keys::KeySet;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use xorf::{BinaryFuse16, Descriptor, Filter as _};

const MAGIC: &[u8; 8] = b"GFLT\x01\0\0\0";
const WHAT: &str = "indicator filter";
/// Keys of a shard, about. Fewer cost more bits a key, more cost more memory to build.
const SHARD_KEYS: usize = 1_250_000;
/// Most shards.
const SHARD_BITS: u32 = 8;

/// A filter in one state.
#[derive(Debug, Clone)]
pub struct Filter {
    epoch: u64,
    /// One for each value of the key's top bits.
    /// Shared by the states before and after a change, for they are megabytes and a change is a few keys.
    shards: Vec<Arc<BinaryFuse16>>,
    shard_bits: u32,
    /// Listed since the shards were built.
    added: KeySet,
    /// In the shards, but not listed any more.
    removed: KeySet,
    ranges: Ranges,
}

/// Builds a filter from keys in ascending order.
#[derive(Debug)]
pub struct FilterBuilder {
    epoch: u64,
    shard_bits: u32,
    shards: Vec<BinaryFuse16>,
    keys: Vec<u64>,
    last: Option<u64>,
}

impl FilterBuilder {
    /// Begins a filter of a state with about so many keys.
    pub fn new(epoch: u64, expected: usize) -> FilterBuilder {
        let shard_bits = (expected / SHARD_KEYS).max(1).ilog2().min(SHARD_BITS);
        FilterBuilder { epoch, shard_bits, shards: Vec::new(), keys: Vec::new(), last: None }
    }

    /// The next key. Fails when it is not greater than the one before.
    pub fn push(&mut self, key: Key) -> Result<()> {
        if self.last >= Some(key.0) {
            return Err(Fault::new(&fault::CORRUPT).object(WHAT).expected("keys in ascending order"));
        }
        self.last = Some(key.0);
        while self.shards.len() < shard(key, self.shard_bits) {
            self.close()?;
        }
        self.keys.push(key.0);
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let made = BinaryFuse16::try_from(self.keys.as_slice());
        self.keys.clear();
        self.shards.push(made.map_err(|cause| Fault::new(&fault::CORRUPT).object(WHAT).because(cause))?);
        Ok(())
    }

    /// The filter of the keys, and of these ranges.
    pub fn finish(mut self, ranges: Vec<Range>) -> Result<Filter> {
        while self.shards.len() < 1 << self.shard_bits {
            self.close()?;
        }
        Ok(Filter {
            epoch: self.epoch,
            shards: self.shards.into_iter().map(Arc::new).collect(),
            shard_bits: self.shard_bits,
            added: KeySet::default(),
            removed: KeySet::default(),
            ranges: Ranges::new(ranges),
        })
    }
}

fn shard(key: Key, bits: u32) -> usize {
    key.0.checked_shr(64 - bits).unwrap_or(0) as usize
}

impl Filter {
    /// The state it shows.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether a value with this key may be listed.
    pub fn contains(&self, key: Key) -> bool {
        let base = self.shards.get(shard(key, self.shard_bits)).is_some_and(|shard| shard.contains(&key.0));
        if base { !self.removed.has(key) } else { self.added.has(key) }
    }

    /// Whether an address lies in a listed range; this answer is exact.
    pub fn contains_address(&self, address: IpAddr) -> bool {
        self.ranges.has(address)
    }

    /// Follows a change. A change that is already in (it came twice) does nothing; one that does not follow fails, and
    /// the filter stays as it is.
    pub fn apply(&mut self, step: &FilterDelta) -> Result<()> {
        if step.to <= self.epoch {
            return Ok(());
        }
        follows(self.epoch, step)?;
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        let in_base =
            |key: &Key| self.shards.get(shard(*key, self.shard_bits)).is_some_and(|shard| shard.contains(&key.0));
        // An added key that the shards hold by chance or from before only must not be in `removed`.
        added.extend(self.added.list().iter().filter(|key| !step.removed.contains(key)));
        added.extend(step.added.iter().filter(|key| !in_base(key)));
        removed.extend(self.removed.list().iter().filter(|key| !step.added.contains(key)));
        removed.extend(step.removed.iter().filter(|key| in_base(key)));
        if added.len() + removed.len() > limits::INDEX_ROWS {
            return Err(Fault::new(&fault::FULL).object(WHAT));
        }
        if !step.ranges_added.is_empty() || !step.ranges_removed.is_empty() {
            let mut ranges: BTreeSet<Range> = self.ranges.list().iter().copied().collect();
            ranges.retain(|range| !step.ranges_removed.contains(range));
            ranges.extend(step.ranges_added.iter().copied());
            self.ranges = Ranges::new(ranges);
        }
        (self.added, self.removed, self.epoch) = (KeySet::new(added), KeySet::new(removed), step.to);
        Ok(())
    }

    /// Memory, bytes.
    pub fn bytes(&self) -> usize {
        let shards: usize = self.shards.iter().map(|shard| shard.fingerprints.len() * 2 + 40).sum();
        shards + self.added.bytes() + self.removed.bytes() + self.ranges.bytes()
    }

    /// As a message or file, with the changes it followed.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = crate::frame::begin(MAGIC);
        out.reserve(self.bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.shard_bits.to_le_bytes());
        for shard in &self.shards {
            let Descriptor { seed, segment_length, segment_count_length, .. } = shard.descriptor;
            out.extend_from_slice(&seed.to_le_bytes());
            out.extend_from_slice(&segment_length.to_le_bytes());
            out.extend_from_slice(&segment_count_length.to_le_bytes());
            out.extend(shard.fingerprints.iter().flat_map(|fingerprint| fingerprint.to_le_bytes()));
        }
        for keys in [&self.added, &self.removed] {
            write_keys(keys.list().iter().copied(), keys.list().len(), &mut out);
        }
        write_ranges(self.ranges.list(), &mut out);
        crate::frame::close(&mut out);
        out
    }

    /// From a message or file. Fails on anything that [`Filter::encode`] would not have written.
    pub fn decode(message: &[u8]) -> Result<Filter> {
        let mut bytes = crate::frame::open(message, MAGIC, WHAT)?;
        let epoch = take_u64(&mut bytes, WHAT)?;
        let shard_bits = take_u32(&mut bytes, WHAT)?;
        if shard_bits > SHARD_BITS {
            return Err(corrupt(WHAT, "too many shards"));
        }
        let shards = (0..1u32 << shard_bits).map(|_| read_shard(&mut bytes).map(Arc::new)).collect::<Result<_>>()?;
        let (added, removed) = (read_keys(&mut bytes, WHAT)?, read_keys(&mut bytes, WHAT)?);
        let ranges = read_ranges(&mut bytes).ok_or_else(|| corrupt(WHAT, "its ranges"))?;
        if !bytes.is_empty() || ranges.len() > limits::INDEX_RANGES {
            return Err(corrupt(WHAT, "its end"));
        }
        let (added, removed, ranges) = (KeySet::new(added), KeySet::new(removed), Ranges::new(ranges));
        Ok(Filter { epoch, shards, shard_bits, added, removed, ranges })
    }
}

/// Reads one shard; its lengths are such that no look-up leaves it.
fn read_shard(bytes: &mut &[u8]) -> Result<BinaryFuse16> {
    let seed = take_u64(bytes, WHAT)?;
    let (segment_length, segment_count_length) = (take_u32(bytes, WHAT)?, take_u32(bytes, WHAT)?);
    let whole = segment_length.is_power_of_two()
        && segment_count_length > 0
        && segment_count_length.is_multiple_of(segment_length);
    let length = u64::from(segment_count_length) + 2 * u64::from(segment_length);
    if !whole || length > 2 * limits::INDEX_ROWS as u64 {
        return Err(corrupt(WHAT, "the lengths of a shard"));
    }
    let rows = take(bytes, length as usize * 2, WHAT)?;
    let fingerprints = rows.as_chunks::<2>().0.iter().map(|row| u16::from_le_bytes(*row)).collect();
    let descriptor = Descriptor { seed, segment_length, segment_length_mask: segment_length - 1, segment_count_length };
    Ok(BinaryFuse16 { descriptor, fingerprints })
}

#[cfg(test)]
mod tests;
