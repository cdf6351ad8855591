//! Carpet bombing: an attack spread over the addresses of a range, too thin for any one of them to alarm.
//!
//! The /24 (of IPv6 the /64) around several protected addresses is judged as if it were one destination, while its traffic is
//! spread; the level that this asks for holds for each of them. A range that is protected itself is judged anyway.

use ddos::{Counters, Prefix, Sample};
use std::collections::{BTreeMap, BTreeSet};

/// Protected addresses of a range that must have traffic for it to be judged.
const MEMBERS: usize = 8;
/// A range is judged while its busiest address has at most one in so many of its packets.
const SPREAD: u64 = 2;
/// Samples of a range and second.
const SAMPLES: usize = 2048;

/// The ranges of protected addresses, with their members.
pub fn ranges(protected: impl Iterator<Item = Prefix>) -> BTreeMap<Prefix, Vec<Prefix>> {
    let protected: BTreeSet<Prefix> = protected.collect();
    let mut ranges: BTreeMap<Prefix, Vec<Prefix>> = BTreeMap::new();
    for single in protected.iter().filter(|prefix| prefix.is_single()) {
        ranges.entry(ddos::network(single.address())).or_default().push(*single);
    }
    ranges.retain(|range, members| members.len() >= MEMBERS && !protected.contains(range));
    ranges
}

/// What came to a range in a second, when it was spread.
pub fn spread(members: &[Prefix], deltas: &BTreeMap<Prefix, Counters>) -> Option<Counters> {
    let busy = members.iter().filter_map(|member| deltas.get(member)).filter(|delta| delta.packets > 0);
    let (mut all, mut busiest, mut count) = (Counters::default(), 0, 0);
    for delta in busy {
        all += *delta;
        busiest = busiest.max(delta.packets);
        count += 1;
    }
    (count >= MEMBERS && busiest <= all.packets / SPREAD).then_some(all)
}

/// Samples of a range, some of each member.
pub fn samples(members: &[Prefix], sampled: &BTreeMap<Prefix, Vec<Sample>>) -> Vec<Sample> {
    let each = (SAMPLES / members.len().max(1)).max(1);
    let some = members.iter().filter_map(|member| sampled.get(member)).flat_map(|found| found.iter().take(each));
    some.take(SAMPLES).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single(last: u8) -> Prefix {
        Prefix::single([203, 0, 113, last].into())
    }

    #[test]
    fn a_range_is_judged_when_its_traffic_is_spread() {
        let few = ranges((1..8).map(single));
        assert!(few.is_empty());
        let found = ranges((1..=8).map(single));
        let (range, members) = found.first_key_value().unwrap();
        assert_eq!((range.to_string().as_str(), members.len()), ("203.0.113.0/24", 8));
        assert!(ranges((1..=8).map(single).chain([*range])).is_empty());
        let delta = |packets| Counters { packets, ..Counters::default() };
        let mut deltas: BTreeMap<Prefix, Counters> = members.iter().map(|member| (*member, delta(10))).collect();
        assert_eq!(spread(members, &deltas).map(|all| all.packets), Some(80));
        deltas.insert(single(1), delta(1_000));
        assert_eq!(spread(members, &deltas), None);
        deltas.insert(single(1), delta(0));
        assert_eq!(spread(members, &deltas), None, "only seven have traffic");
    }
}
