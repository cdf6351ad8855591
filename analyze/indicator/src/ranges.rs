//! Address ranges flattened: which is the narrowest range around an address, in a few nanoseconds.

use crate::{Key, Kind, fault};
use base::{Fault, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address range; IPv4 and IPv6 apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Range {
    /// The first address; IPv4 in the upper 32 bits, so that one rule for masks serves both.
    first: u128,
    bits: u8,
    v6: bool,
}

impl Range {
    /// The range of an address and a length; host bits are cleared. `None` when the length is too long.
    pub fn new(address: IpAddr, bits: u8) -> Option<Range> {
        let (number, most, v6) = match address {
            IpAddr::V4(ip) => (u128::from(u32::from(ip)) << 96, 32, false),
            IpAddr::V6(ip) => (u128::from(ip), 128, true),
        };
        (bits <= most).then(|| Range { first: number & mask(bits), bits, v6 })
    }

    /// From the canonical form `address/length`.
    pub fn from_canonical(text: &str) -> Result<Range> {
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let made = address.parse().ok().zip(bits.parse().ok()).and_then(|(address, bits)| Range::new(address, bits));
        made.ok_or_else(|| Fault::new(&fault::VALUE).object("cidr").found(text))
    }

    /// Its name as an indicator.
    pub fn key(self) -> Key {
        Key::of(Kind::Cidr, &self.to_string())
    }

    /// Last number within it, on the scale of `first`.
    fn last(self) -> u128 {
        self.first | !mask(self.bits)
    }

    /// Appends its five or seventeen bytes.
    fn write(self, out: &mut Vec<u8>) {
        match self.v6 {
            false => out.extend_from_slice(&((self.first >> 96) as u32).to_be_bytes()),
            true => out.extend_from_slice(&self.first.to_be_bytes()),
        }
        out.push(self.bits);
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.v6 {
            false => write!(f, "{}/{}", Ipv4Addr::from((self.first >> 96) as u32), self.bits),
            true => write!(f, "{}/{}", Ipv6Addr::from(self.first), self.bits),
        }
    }
}

const fn mask(bits: u8) -> u128 {
    if bits == 0 { 0 } else { u128::MAX << (128 - bits) }
}

/// No range.
const NONE: u32 = u32::MAX;

/// Many ranges, cut into pieces that do not overlap; each piece knows the narrowest range around it.
#[derive(Debug, Clone, Default)]
pub struct Ranges {
    ranges: Vec<Range>,
    keys: Vec<Key>,
    /// Number of the range around each range, or [`NONE`].
    around: Vec<u32>,
    v4: Pieces<u32>,
    /// For each upper half of an IPv4 address the piece that its first address lies in.
    halves: Vec<u32>,
    v6: Pieces<u128>,
}

#[derive(Debug, Clone, Default)]
struct Pieces<N> {
    starts: Vec<N>,
    owners: Vec<u32>,
}

impl<N: Copy + Ord> Pieces<N> {
    fn push(&mut self, start: N, owner: u32) {
        // A later cut at the same place replaces the earlier one; equal neighbours are one piece.
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.owners.pop();
        }
        if self.owners.last() != Some(&owner) {
            self.starts.push(start);
            self.owners.push(owner);
        }
    }

    fn owner(&self, number: N, low: usize, high: usize) -> u32 {
        let within = self.starts.get(low..high).unwrap_or(&[]);
        let at = low + within.partition_point(|start| *start <= number);
        at.checked_sub(1).and_then(|at| self.owners.get(at)).copied().unwrap_or(NONE)
    }
}

impl Ranges {
    /// From ranges in any order; equal ones count once.
    pub fn new(ranges: impl IntoIterator<Item = Range>) -> Ranges {
        let mut made = Ranges { ranges: ranges.into_iter().collect(), ..Ranges::default() };
        made.ranges.sort_unstable_by_key(|range| (range.v6, range.first, range.bits));
        made.ranges.dedup();
        made.keys = made.ranges.iter().map(|range| range.key()).collect();
        made.around = vec![NONE; made.ranges.len()];
        made.flatten(false);
        made.flatten(true);
        if !made.v4.starts.is_empty() {
            let half = |half: u32| made.v4.starts.partition_point(|start| *start <= half << 16) as u32;
            made.halves = (0..1 << 16).map(half).collect();
        }
        made
    }

    /// One sweep over the sorted ranges with those that are open on a stack.
    fn flatten(&mut self, v6: bool) {
        let mut open: Vec<u32> = Vec::new();
        for number in 0..self.ranges.len() {
            let range = self.ranges[number];
            if range.v6 == v6 {
                self.close(&mut open, Some(range.first), v6);
                self.around[number] = open.last().copied().unwrap_or(NONE);
                open.push(number as u32);
                self.cut(range.first, number as u32, v6);
            }
        }
        self.close(&mut open, None, v6);
    }

    /// Closes the ranges that end before `until` (all for `None`): behind each the one around it goes on.
    fn close(&mut self, open: &mut Vec<u32>, until: Option<u128>, v6: bool) {
        while let Some(top) = open.last().copied() {
            let last = self.ranges[top as usize].last();
            if until.is_some_and(|until| last >= until) {
                break;
            }
            open.pop();
            // Behind the last address of all there is nothing to cut.
            if let Some(next) = last.checked_add(1) {
                self.cut(next, open.last().copied().unwrap_or(NONE), v6);
            }
        }
    }

    fn cut(&mut self, start: u128, owner: u32, v6: bool) {
        match v6 {
            false => self.v4.push((start >> 96) as u32, owner),
            true => self.v6.push(start, owner),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges in order: IPv4 first.
    pub fn list(&self) -> &[Range] {
        &self.ranges
    }

    /// Memory, bytes.
    pub fn bytes(&self) -> usize {
        self.ranges.len() * (size_of::<Range>() + 12)
            + self.v4.starts.len() * 8
            + self.halves.len() * 4
            + self.v6.starts.len() * 20
    }

    /// The ranges around an address, the narrowest first.
    pub fn around(&self, address: IpAddr) -> impl Iterator<Item = Key> + '_ {
        let mut at = self.narrowest(address);
        std::iter::from_fn(move || {
            let key = self.keys.get(at as usize).copied()?;
            at = self.around.get(at as usize).copied().unwrap_or(NONE);
            Some(key)
        })
    }

    /// Whether some range is around an address.
    pub fn has(&self, address: IpAddr) -> bool {
        self.narrowest(address) != NONE
    }

    fn narrowest(&self, address: IpAddr) -> u32 {
        match address.to_canonical() {
            IpAddr::V4(ip) => {
                let number = u32::from(ip);
                let half = (number >> 16) as usize;
                let Some(low) = self.halves.get(half) else { return NONE };
                let high = self.halves.get(half + 1).copied().unwrap_or(self.v4.starts.len() as u32);
                self.v4.owner(number, *low as usize, high as usize)
            }
            IpAddr::V6(ip) => self.v6.owner(u128::from(ip), 0, self.v6.starts.len()),
        }
    }
}

/// Appends ranges sorted IPv4 first, each sort behind its count.
pub(crate) fn write_ranges(ranges: &[Range], out: &mut Vec<u8>) {
    for v6 in [false, true] {
        let of_sort = ranges.iter().filter(|range| range.v6 == v6);
        out.extend_from_slice(&(of_sort.clone().count() as u32).to_le_bytes());
        of_sort.for_each(|range| range.write(out));
    }
}

/// Reads what [`write_ranges`] wrote; `None` when the bytes are none or too few.
pub(crate) fn read_ranges(bytes: &mut &[u8]) -> Option<Vec<Range>> {
    let mut ranges = Vec::new();
    for v6 in [false, true] {
        let count = u32::from_le_bytes(*bytes.split_off(..4)?.first_chunk()?) as usize;
        let width = if v6 { 17 } else { 5 };
        let rows = bytes.split_off(..count.checked_mul(width)?)?;
        ranges.reserve(count);
        for row in rows.chunks_exact(width) {
            let (bits, number) = row.split_last()?;
            let address = match v6 {
                false => IpAddr::from(*number.first_chunk::<4>()?),
                true => IpAddr::from(*number.first_chunk::<16>()?),
            };
            ranges.push(Range::new(address, *bits)?);
        }
    }
    Some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(text: &str) -> Range {
        Range::from_canonical(text).unwrap()
    }

    #[test]
    fn the_narrowest_comes_first_and_gaps_are_gaps() {
        let texts = [
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.0/24",
            "192.0.2.0/24",
            "255.0.0.0/8",
            "2001:db8::/32",
            "2001:db8:1::/48",
        ];
        let ranges = Ranges::new(texts.map(range));
        let around = |ip: &str| ranges.around(ip.parse().unwrap()).collect::<Vec<_>>();
        let keys = |texts: &[&str]| texts.iter().map(|text| range(text).key()).collect::<Vec<_>>();
        assert_eq!(around("10.1.2.3"), keys(&["10.1.2.0/24", "10.1.0.0/16", "10.0.0.0/8"]));
        assert_eq!(around("10.1.3.0"), keys(&["10.1.0.0/16", "10.0.0.0/8"]));
        assert_eq!(around("::ffff:10.2.0.0"), keys(&["10.0.0.0/8"]));
        assert_eq!(around("255.255.255.255"), keys(&["255.0.0.0/8"]));
        assert_eq!(around("2001:db8:1::5"), keys(&["2001:db8:1::/48", "2001:db8::/32"]));
        for ip in ["11.0.0.0", "9.255.255.255", "192.0.3.0", "2001:db9::", "::", "0.0.0.0"] {
            assert!(around(ip).is_empty() && !ranges.has(ip.parse().unwrap()), "{ip}");
        }
        assert!(!Ranges::default().has("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn they_read_back_as_written() {
        let ranges = Ranges::new(["10.0.0.0/8", "2001:db8::/32", "192.0.2.0/24"].map(range));
        let mut bytes = Vec::new();
        write_ranges(ranges.list(), &mut bytes);
        assert_eq!(read_ranges(&mut bytes.as_slice()).unwrap(), ranges.list());
        for cut in 0..bytes.len() {
            assert!(read_ranges(&mut &bytes[..cut]).is_none());
        }
    }

    proptest! {
        #[test]
        fn one_search_finds_what_one_by_one_finds(
            rows in prop::collection::vec((any::<u32>(), 0..=32u8), 0..40), address in any::<u32>(), near in 0..40usize,
        ) {
            let list: Vec<Range> = rows.iter()
                .map(|(address, bits)| Range::new(IpAddr::from(address.to_be_bytes()), *bits).unwrap()).collect();
            let address = rows.get(near).map_or(address, |(base, _)| base ^ (address & 0x1ff));
            let number = u128::from(address) << 96;
            let mut expected: Vec<Range> = list.iter().copied()
                .filter(|range| (range.first..=range.last()).contains(&number)).collect();
            expected.sort_by_key(|range| std::cmp::Reverse(range.bits));
            expected.dedup();
            let expected: Vec<Key> = expected.into_iter().map(Range::key).collect();
            let ranges = Ranges::new(list);
            prop_assert_eq!(ranges.around(IpAddr::from(address.to_be_bytes())).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = read_ranges(&mut bytes.as_slice());
        }
    }
}
