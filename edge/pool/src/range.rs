//! Ranges of addresses: from a first to a last one of the same family.

use crate::fault;
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Shortest IPv6 prefix in a pool, bits: counts of addresses then never overflow.
const SHORTEST_V6: u8 = 16;

/// A range of addresses, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Range(pub(crate) Ends);

/// The ends as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Ends {
    V4(u32, u32),
    V6(u128, u128),
}

impl Range {
    /// From the first to the last address; [`fault::RANGE`] when they are of two families, the wrong way round, or more
    /// than an IPv6 prefix of 16 bits holds.
    pub fn new(first: IpAddr, last: IpAddr) -> Result<Range> {
        let wrong = || Fault::new(&fault::RANGE).object("range").found(format!("{first}-{last}"));
        let ends = match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => Ends::V4(first.to_bits(), last.to_bits()),
            (IpAddr::V6(first), IpAddr::V6(last)) => Ends::V6(first.to_bits(), last.to_bits()),
            _ => return Err(wrong()),
        };
        let good = match ends {
            Ends::V4(first, last) => first <= last,
            Ends::V6(first, last) => first <= last && last - first <= u128::MAX >> SHORTEST_V6,
        };
        if good { Ok(Range(ends)) } else { Err(wrong()) }
    }

    /// One address.
    pub fn single(address: IpAddr) -> Range {
        Range(match address {
            IpAddr::V4(address) => Ends::V4(address.to_bits(), address.to_bits()),
            IpAddr::V6(address) => Ends::V6(address.to_bits(), address.to_bits()),
        })
    }

    /// The addresses of a prefix; bits behind the length are ignored.
    pub fn prefix(address: IpAddr, bits: u8) -> Result<Range> {
        let wrong = || Fault::new(&fault::RANGE).object("range").found(format!("{address}/{bits}"));
        let ends = match address {
            IpAddr::V4(address) if bits <= 32 => {
                let behind = u32::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
                let first = address.to_bits() & !behind;
                Ends::V4(first, first | behind)
            }
            IpAddr::V6(address) if (SHORTEST_V6..=128).contains(&bits) => {
                let behind = u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
                let first = address.to_bits() & !behind;
                Ends::V6(first, first | behind)
            }
            _ => return Err(wrong()),
        };
        Ok(Range(ends))
    }

    /// Its first address.
    pub fn first(self) -> IpAddr {
        match self.0 {
            Ends::V4(first, _) => IpAddr::V4(Ipv4Addr::from_bits(first)),
            Ends::V6(first, _) => IpAddr::V6(Ipv6Addr::from_bits(first)),
        }
    }

    /// Its last address.
    pub fn last(self) -> IpAddr {
        match self.0 {
            Ends::V4(_, last) => IpAddr::V4(Ipv4Addr::from_bits(last)),
            Ends::V6(_, last) => IpAddr::V6(Ipv6Addr::from_bits(last)),
        }
    }

    /// The address behind it, in the order of [`crate::Pool::rows`]: IPv6 begins behind the last of IPv4.
    pub fn after(self) -> Option<IpAddr> {
        match self.0 {
            Ends::V4(_, last) => Some(match last.checked_add(1) {
                Some(next) => IpAddr::V4(Ipv4Addr::from_bits(next)),
                None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            }),
            Ends::V6(_, last) => last.checked_add(1).map(|next| IpAddr::V6(Ipv6Addr::from_bits(next))),
        }
    }

    /// How many addresses.
    pub fn count(self) -> u128 {
        match self.0 {
            Ends::V4(first, last) => u128::from(last - first) + 1,
            Ends::V6(first, last) => last - first + 1,
        }
    }

    /// Whether it is one of IPv6.
    pub fn is_ipv6(self) -> bool {
        matches!(self.0, Ends::V6(..))
    }

    /// The length in bits when it is exactly a prefix.
    pub fn bits(self) -> Option<u8> {
        let (size, first, width) = match self.0 {
            Ends::V4(first, last) => (u128::from(last - first), u128::from(first), 32),
            Ends::V6(first, last) => (last - first, first, 128),
        };
        let whole = size & size.wrapping_add(1) == 0 && first & size == 0;
        whole.then(|| width - size.count_ones() as u8)
    }
}

impl FromStr for Range {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Range> {
        let wrong = || Fault::new(&fault::RANGE).object("range").found(text);
        let address = |text: &str| text.parse::<IpAddr>().map_err(|_| wrong());
        if let Some((first, bits)) = text.split_once('/') {
            return Range::prefix(address(first)?, bits.parse().map_err(|_| wrong())?);
        }
        match text.split_once('-') {
            Some((first, last)) => Range::new(address(first)?, address(last)?),
            None => Ok(Range::single(address(text)?)),
        }
    }
}

impl TryFrom<String> for Range {
    type Error = Fault;

    fn try_from(text: String) -> Result<Range> {
        text.parse()
    }
}

impl From<Range> for String {
    fn from(range: Range) -> String {
        range.to_string()
    }
}

/// A single address, a prefix, or both ends.
impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.count(), self.bits()) {
            (1, _) => write!(f, "{}", self.first()),
            (_, Some(bits)) => write!(f, "{}/{bits}", self.first()),
            (_, None) => write!(f, "{}-{}", self.first(), self.last()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts() {
        for (text, shown, count) in [
            ("192.0.2.7", "192.0.2.7", 1),
            ("192.0.2.7/24", "192.0.2.0/24", 256),
            ("192.0.2.0-192.0.2.255", "192.0.2.0/24", 256),
            ("192.0.2.1-192.0.2.2", "192.0.2.1-192.0.2.2", 2),
            ("0.0.0.0/0", "0.0.0.0/0", 1 << 32),
            ("2001:db8::/32", "2001:db8::/32", 1 << 96),
            ("2001:db8::5-2001:db8::6", "2001:db8::5-2001:db8::6", 2),
        ] {
            let range: Range = text.parse().unwrap();
            assert_eq!((range.to_string().as_str(), range.count()), (shown, count));
        }
        for wrong in ["", "::/0", "192.0.2.0/33", "192.0.2.2-192.0.2.1", "192.0.2.1-::1", "::-ffff::", "x-y", "::1/129"]
        {
            assert!(wrong.parse::<Range>().unwrap_err().is(&fault::RANGE), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn text_goes_both_ways(first: u32, size in 0..5000_u32) {
            let last = first.saturating_add(size);
            let range = Range::new(Ipv4Addr::from_bits(first).into(), Ipv4Addr::from_bits(last).into()).unwrap();
            prop_assert_eq!(range.to_string().parse::<Range>().unwrap(), range);
        }

        #[test]
        fn any_text_is_read_or_named(text in "[0-9a-f:./-]{0,40}") {
            if let Err(fault) = text.parse::<Range>() {
                prop_assert!(fault.is(&fault::RANGE));
            }
        }
    }
}
