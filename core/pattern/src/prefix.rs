//! Sets of address ranges.

use crate::Bits;
use base::Prefix;
use std::net::IpAddr;

/// Many ranges in one order. Two ranges are nested or apart, so the ranges of an address are the last one that begins
/// at or before it and those around that one. IPv4 and IPv6 are apart, and an IPv4-mapped address is its IPv4 self.
#[derive(Debug, Default)]
pub struct PrefixSet {
    ranges: Vec<Range>,
}

#[derive(Debug)]
struct Range {
    prefix: Prefix,
    /// Index of the range around it.
    around: Option<u32>,
    answer: u32,
}

impl PrefixSet {
    /// From ranges and the numbers to report for them; equal ranges may stand several times.
    pub fn new(prefixes: impl IntoIterator<Item = (Prefix, u32)>) -> PrefixSet {
        let mut sorted: Vec<(Prefix, u32)> = prefixes.into_iter().collect();
        sorted.sort_unstable();
        let mut ranges: Vec<Range> = Vec::with_capacity(sorted.len());
        for (prefix, answer) in sorted {
            let mut around = ranges.len().checked_sub(1);
            while let Some(index) = around {
                if ranges[index].prefix.covers(prefix) {
                    break;
                }
                around = ranges[index].around.map(|index| index as usize);
            }
            ranges.push(Range { prefix, around: around.map(|index| index as u32), answer });
        }
        PrefixSet { ranges }
    }

    /// Whether it holds no range.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Reports every range that an address is in.
    pub fn scan(&self, address: IpAddr, answers: &mut Bits) {
        let address = address.to_canonical();
        let mut at = self.ranges.partition_point(|range| range.prefix.address() <= address).checked_sub(1);
        while let Some(range) = at.and_then(|index| self.ranges.get(index)) {
            if range.prefix.has(address) {
                answers.insert(range.answer);
            }
            at = range.around.map(|index| index as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn families_are_apart() {
        let ranges = ["::/0", "0.0.0.0/0", "::fffe:0:0/95", "192.0.2.0/24"].map(|text| text.parse().unwrap());
        let set = PrefixSet::new(ranges.into_iter().zip(0..));
        for (address, found) in
            [("192.0.2.1", &[1, 3][..]), ("::ffff:192.0.2.1", &[1, 3]), ("::fffe:1:1", &[0, 2]), ("2001:db8::1", &[0])]
        {
            let mut answers = Bits::new(4);
            set.scan(address.parse().unwrap(), &mut answers);
            assert_eq!((0..4).filter(|answer| answers.has(*answer)).collect::<Vec<u32>>(), found, "{address}");
        }
    }

    proptest! {
        #[test]
        fn one_search_finds_what_one_by_one_finds(
            ranges in prop::collection::vec((any::<u32>(), 0..=32u8, any::<bool>()), 0..40),
            address in any::<u32>(), six in any::<bool>(), near in 0..40usize,
        ) {
            // IPv6 with all that differs in the first 32 bits.
            let place = |address: u32, six: bool| match six {
                true => IpAddr::from((u128::from(address) << 96).to_be_bytes()),
                false => IpAddr::from(address.to_be_bytes()),
            };
            let prefixes: Vec<(Prefix, u32)> = ranges.iter().zip(0..)
                .map(|((address, bits, six), answer)| (Prefix::new(place(*address, *six), *bits).unwrap(), answer))
                .collect();
            let address = ranges.get(near).map_or(address, |(base, ..)| base ^ (address & 0xff));
            let address = place(address, six);
            let mut answers = Bits::new(64);
            PrefixSet::new(prefixes.iter().copied()).scan(address, &mut answers);
            for (prefix, answer) in prefixes {
                prop_assert_eq!(answers.has(answer), prefix.has(address));
            }
        }
    }
}
