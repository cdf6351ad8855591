//! Address ranges whose two halves can be read: the filter's maps, routers and reports need address and length apart.
//! (`pattern::Prefix` keeps IPv4 as mapped IPv6 for its one order, and shows neither.)

use crate::fault;
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address range in CIDR notation; IPv4 stays IPv4, host bits are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Prefix {
    /// The range of an address and a length in bits; host bits are cleared. `None` when the length is too long.
    pub fn new(address: IpAddr, length: u8) -> Option<Prefix> {
        let address = match address {
            IpAddr::V4(address) if length <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(address) & mask))
            }
            IpAddr::V6(address) if length <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
            }
            _ => return None,
        };
        Some(Prefix { address, length })
    }

    /// The range of one address.
    pub fn single(address: IpAddr) -> Prefix {
        Prefix { address, length: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// The network that a source is counted with: its /24, of IPv6 its /64.
    pub fn network(address: IpAddr) -> Prefix {
        Prefix::new(address, if address.is_ipv4() { 24 } else { 64 }).unwrap_or_else(|| Prefix::single(address))
    }

    /// First address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// Length, bits.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether it is a single address.
    pub fn is_single(self) -> bool {
        self.length == if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// Whether an address of the same family is in it.
    pub fn has(self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && Prefix::new(address, self.length).is_some_and(|other| other.address == self.address)
    }

    /// Whether all of another range is in it.
    pub fn holds(self, other: Prefix) -> bool {
        self.length <= other.length && self.has(other.address)
    }
}

impl FromStr for Prefix {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Prefix> {
        let wrong = || Fault::new(&fault::PREFIX).object("address range").found(text);
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        match length {
            None => Ok(Prefix::single(address)),
            Some(length) => Prefix::new(address, length).ok_or_else(wrong),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> String {
        prefix.to_string()
    }
}

impl TryFrom<String> for Prefix {
    type Error = Fault;

    fn try_from(text: String) -> Result<Prefix> {
        text.parse()
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
        let json = serde_json::to_string(&Prefix::network("192.0.2.77".parse().unwrap())).unwrap();
        assert_eq!(json, "\"192.0.2.0/24\"");
        assert_eq!(serde_json::from_str::<Prefix>(&json).unwrap().length(), 24);
    }

    proptest! {
        #[test]
        fn a_range_has_its_own_addresses(address in any::<u128>(), length in 0..=128u8, other in any::<u128>()) {
            let prefix = Prefix::new(IpAddr::V6(address.into()), length).unwrap();
            prop_assert!(prefix.has(IpAddr::V6(address.into())) && prefix.holds(Prefix::single(IpAddr::V6(address.into()))));
            let shared = (address ^ other).leading_zeros();
            prop_assert_eq!(prefix.has(IpAddr::V6(other.into())), shared >= u32::from(length));
        }
    }
}
