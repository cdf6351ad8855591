//! The table of bans as the program reads it: buckets of four, two for each source. Only this side writes.

use crate::layout::{Bans4, Bans6, Plain};
use crate::lists::Ban;
use crate::object::Map;
use base::Result;
use libbpf_rs::MapCore;
use std::time::Duration;

/// Places of a bucket.
pub(crate) const WAYS: usize = 4;

/// A bucket of a family.
pub(crate) trait Bucket: Plain {
    /// A source.
    type Source: Copy + PartialEq;
    /// Without bans.
    const EMPTY: Self;
    /// Source, end (ns) and reason of a place.
    fn get(&self, way: usize) -> (Self::Source, u64, u32);
    /// Fills a place.
    fn set(&mut self, way: usize, ban: (Self::Source, u64, u32));
}

macro_rules! bucket {
    ($name:ident, $source:ty, $($empty:tt)*) => {
        impl Bucket for $name {
            type Source = $source;
            const EMPTY: Self = $name { until: [0; WAYS], reason: [0; WAYS], $($empty)* };

            fn get(&self, way: usize) -> ($source, u64, u32) {
                (self.address[way], self.until[way], self.reason[way])
            }

            fn set(&mut self, way: usize, ban: ($source, u64, u32)) {
                (self.address[way], self.until[way], self.reason[way]) = ban;
            }
        }
    };
}

bucket!(Bans4, u32, address: [0; WAYS]);
bucket!(Bans6, [u32; 4], address: [[0; 4]; WAYS], reserved: [0; WAYS]);

/// Buckets for so many bans of a family, a power of two; some more than would hold them, so that hardly any gives way before
/// there are so many.
pub(crate) fn buckets(bans: u32) -> u32 {
    (bans.saturating_add(bans / 4)).div_ceil(WAYS as u32).clamp(1, 1 << 18).next_power_of_two()
}

/// The two buckets of a source, as `bpf/lists.h` has them.
fn places(hash: u64, mask: u32) -> [u32; 2] {
    [hash >> 16, hash >> 32].map(|part| part as u32 & mask)
}

fn way_of<B: Bucket>(bucket: &B, source: B::Source, now: u64) -> Option<usize> {
    (0..WAYS).find(|way| matches!(bucket.get(*way), (found, until, _) if found == source && until > now))
}

fn read<B: Bucket>(map: &Map, hash: u64, mask: u32) -> Result<[(u32, B); 2]> {
    let bucket = |index: u32| Ok((index, map.get::<B>(&index)?.unwrap_or(B::EMPTY)));
    let [first, second] = places(hash, mask);
    Ok([bucket(first)?, bucket(second)?])
}

/// Where a ban goes: over the one that the source has, else to a place that is empty in the emptier bucket, else over the
/// ban that ends first.
fn place<B: Bucket>(buckets: &[(u32, B); 2], source: B::Source, now: u64) -> (usize, usize) {
    let held = (0..2).find_map(|which| Some((which, way_of(&buckets[which].1, source, now)?)));
    held.unwrap_or_else(|| {
        let full = |which: usize| (0..WAYS).filter(|way| buckets[which].1.get(*way).1 > now).count();
        let all = (0..2).flat_map(|which| (0..WAYS).map(move |way| (which, way)));
        // What is over is as good as never begun.
        let end = |(which, way): &(usize, usize)| {
            let until = buckets[*which].1.get(*way).1;
            if until > now { (until, 0) } else { (0, full(*which)) }
        };
        all.min_by_key(end).unwrap_or((0, 0))
    })
}

/// Bans a source until then.
pub(crate) fn put<B: Bucket>(map: &Map, hash: u64, mask: u32, ban: (B::Source, u64, u32), now: u64) -> Result<()> {
    let mut buckets = read::<B>(map, hash, mask)?;
    let (which, way) = place(&buckets, ban.0, now);
    let (index, bucket) = &mut buckets[which];
    bucket.set(way, ban);
    map.put(index, bucket)
}

/// Ends the ban of a source.
pub(crate) fn remove<B: Bucket>(map: &Map, hash: u64, mask: u32, source: B::Source, now: u64) -> Result<()> {
    for (index, mut bucket) in read::<B>(map, hash, mask)? {
        if let Some(way) = way_of(&bucket, source, now) {
            bucket.set(way, B::EMPTY.get(way));
            map.put(&index, &bucket)?;
        }
    }
    Ok(())
}

/// The ban of a source that is not over.
pub(crate) fn get<B: Bucket>(map: &Map, hash: u64, mask: u32, source: B::Source, now: u64) -> Result<Option<Ban>> {
    let buckets = read::<B>(map, hash, mask)?;
    let found = buckets.iter().find_map(|(_, bucket)| Some(bucket.get(way_of(bucket, source, now)?)));
    Ok(found.map(|(_, until, reason)| Ban { left: Duration::from_nanos(until - now), reason }))
}

/// All that are not over.
pub(crate) fn all<B: Bucket>(map: &Map, now: u64) -> Result<Vec<(B::Source, Ban)>> {
    let buckets = map.entries::<u32, B>()?;
    let places = buckets.iter().flat_map(|(_, bucket)| (0..WAYS).map(|way| bucket.get(way)));
    let running = places.filter(|(_, until, _)| *until > now);
    Ok(running
        .map(|(source, until, reason)| (source, Ban { left: Duration::from_nanos(until - now), reason }))
        .collect())
}

/// Number of buckets of a map less one.
pub(crate) fn mask(map: &Map) -> u32 {
    map.handle.max_entries().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_gives_up_what_ends_first() {
        let mut buckets = [(0, Bans4::EMPTY), (1, Bans4::EMPTY)];
        for n in 0..8_u32 {
            let (which, way) = place(&buckets, n, 10);
            buckets[which].1.set(way, (n, 1000 - u64::from(n), 0));
        }
        let held = |buckets: &[(u32, Bans4); 2], source| buckets.iter().any(|(_, b)| way_of(b, source, 10).is_some());
        assert!((0..8).all(|n| held(&buckets, n)));
        let (which, way) = place(&buckets, 8, 10);
        buckets[which].1.set(way, (8, 2000, 0));
        assert!(held(&buckets, 8) && !held(&buckets, 7) && held(&buckets, 6));
        assert_eq!(place(&buckets, 3, 10), place(&buckets, 3, 10));
        let (which, way) = place(&buckets, 3, 10);
        assert_eq!(buckets[which].1.get(way).0, 3, "renewed in its place");
        let (which, way) = place(&buckets, 99, 995);
        assert!(buckets[which].1.get(way).1 <= 995, "what is over is an empty place");
    }

    #[test]
    fn nearly_all_places_are_filled_before_any_ban_gives_way() {
        let mut table = vec![Bans4::EMPTY; 1024];
        for n in 0..3700_u32 {
            let hash = u64::from(n)
                .wrapping_add(1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(31)
                .wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mut two = places(hash, 1023).map(|index| (index, table[index as usize]));
            let (which, way) = place(&two, n, 0);
            two[which].1.set(way, (n, 1000 + u64::from(n), 0));
            table[two[which].0 as usize] = two[which].1;
        }
        let kept = table.iter().flat_map(|b| b.until).filter(|until| *until > 0).count();
        assert!(kept > 3600, "{kept} of 3700 in 4096 places");
        assert_eq!([buckets(0), buckets(1), buckets(1024), buckets(65_536)], [1, 1, 512, 32_768]);
    }
}
