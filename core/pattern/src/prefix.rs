//! Address ranges.

use crate::{Bits, fault};
use base::{Fault, Result};
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// An address range in CIDR notation. IPv4 is kept as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2), so that one order serves
/// both and a mapped address is found by its IPv4 range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    first: u128,
    bits: u8,
}

/// An address as a number in that one order.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    }
}

impl Prefix {
    /// The range of an address and a length in bits; host bits are cleared. `None` when the length is too long.
    pub fn new(address: IpAddr, bits: u8) -> Option<Prefix> {
        let bits = match address {
            IpAddr::V4(_) if bits <= 32 => bits + 96,
            IpAddr::V6(_) if bits <= 128 => bits,
            _ => return None,
        };
        Some(Prefix { first: number(address) & mask(bits), bits })
    }

    /// The range of one address.
    pub fn single(address: IpAddr) -> Prefix {
        Prefix { first: number(address), bits: 128 }
    }

    /// The range around an address with so many leading bits of the IPv4-mapped form ([`Prefix::bits`]); more than 128 count
    /// as 128.
    pub fn around(address: IpAddr, bits: u8) -> Prefix {
        let bits = bits.min(128);
        Prefix { first: number(address) & mask(bits), bits }
    }

    /// Leading bits of the IPv4-mapped form: 120 for `192.0.2.0/24`.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// Whether an address is in it.
    pub fn has(self, address: IpAddr) -> bool {
        self.holds(number(address))
    }

    fn holds(self, address: u128) -> bool {
        address & mask(self.bits) == self.first
    }
}

const fn mask(bits: u8) -> u128 {
    if bits == 0 { 0 } else { u128::MAX << (128 - bits) }
}

impl FromStr for Prefix {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Prefix> {
        let wrong = || Fault::new(&fault::PREFIX).object("address range").found(text);
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        match bits {
            None => Ok(Prefix::single(address)),
            Some(bits) => Prefix::new(address, bits).ok_or_else(wrong),
        }
    }
}

impl std::fmt::Display for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = Ipv6Addr::from(self.first);
        match address.to_ipv4_mapped() {
            Some(address) if self.bits >= 96 => write!(f, "{address}/{}", self.bits - 96),
            _ => write!(f, "{address}/{}", self.bits),
        }
    }
}

/// Many ranges in one order. Two ranges are nested or apart, so the ranges of an address are the last one that begins
/// at or before it and those around that one.
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
                if ranges[index].prefix.holds(prefix.first) {
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
        let address = number(address);
        let mut at = self.ranges.partition_point(|range| range.prefix.first <= address).checked_sub(1);
        while let Some(range) = at.and_then(|index| self.ranges.get(index)) {
            if range.prefix.holds(address) {
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
    fn ranges_read_back_as_written() {
        for text in ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32", "::/0", "0.0.0.0/0"] {
            assert_eq!(text.parse::<Prefix>().unwrap().to_string(), text);
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "a/b", "1.2.3.4/-1"] {
            assert!(text.parse::<Prefix>().unwrap_err().is(&fault::PREFIX), "{text}");
        }
    }

    #[test]
    fn a_mapped_address_is_its_ipv4_self() {
        let prefix: Prefix = "127.0.0.0/8".parse().unwrap();
        assert!(prefix.has("::ffff:127.0.0.1".parse().unwrap()) && !prefix.has("::1".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn one_search_finds_what_one_by_one_finds(
            ranges in prop::collection::vec((any::<u32>(), 0..=32u8), 0..40), address in any::<u32>(), near in 0..40usize,
        ) {
            let prefixes: Vec<(Prefix, u32)> = ranges.iter().zip(0..)
                .map(|((address, bits), answer)| (Prefix::new(IpAddr::from(address.to_be_bytes()), *bits).unwrap(), answer))
                .collect();
            let address = ranges.get(near).map_or(address, |(base, _)| base ^ (address & 0xff));
            let address = IpAddr::from(address.to_be_bytes());
            let mut answers = Bits::new(64);
            PrefixSet::new(prefixes.iter().copied()).scan(address, &mut answers);
            for (prefix, answer) in prefixes {
                prop_assert_eq!(answers.has(answer), prefix.has(address));
            }
        }
    }
}
