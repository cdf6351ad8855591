//! An address or a network, in its one canonical form.

use crate::fault;
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network: the host bits are zero, and an IPv4 address that came mapped into IPv6 is IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Prefix {
    /// A network of `length` leading bits; more bits than the family has are cut to one address.
    pub fn new(address: IpAddr, length: u8) -> Prefix {
        match address {
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() && length >= 96 => {
                let v4 = v6.to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED);
                Prefix::new(IpAddr::V4(v4), length - 96)
            }
            IpAddr::V4(v4) => {
                let length = length.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                Prefix { address: IpAddr::V4(Ipv4Addr::from(u32::from(v4) & mask)), length }
            }
            IpAddr::V6(v6) => {
                let length = length.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                Prefix { address: IpAddr::V6(Ipv6Addr::from(u128::from(v6) & mask)), length }
            }
        }
    }

    /// One address.
    pub fn of(address: IpAddr) -> Prefix {
        Prefix::new(address, 128)
    }

    /// The network address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Leading bits.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// Whether it is a single address.
    pub fn is_single(&self) -> bool {
        self.length == if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// The netmask, as nft writes it.
    pub fn mask(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => Prefix::new(IpAddr::V4(Ipv4Addr::BROADCAST), self.length).address,
            IpAddr::V6(_) => Prefix::new(IpAddr::V6(Ipv6Addr::from(u128::MAX)), self.length).address,
        }
    }

    /// Whether the two networks share an address.
    pub fn overlaps(&self, other: &Prefix) -> bool {
        let length = self.length.min(other.length);
        self.address.is_ipv4() == other.address.is_ipv4()
            && Prefix::new(self.address, length).address == Prefix::new(other.address, length).address
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_single() {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.length),
        }
    }
}

impl FromStr for Prefix {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Prefix> {
        let shown: String = text.chars().take(64).collect();
        let wrong =
            || Fault::new(&fault::BAD_ORDER).object("address").expected("an address or address/length").found(&shown);
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(most), |length| length.parse().map_err(|_| wrong()))?;
        if length > most {
            return Err(wrong());
        }
        Ok(Prefix::new(address, length))
    }
}

impl TryFrom<String> for Prefix {
    type Error = Fault;

    fn try_from(text: String) -> Result<Prefix> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> String {
        prefix.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn host_bits_are_cleared_and_mapped_addresses_are_ipv4() {
        assert_eq!(prefix("10.1.2.3/8").to_string(), "10.0.0.0/8");
        assert_eq!(prefix("::ffff:10.1.2.3"), prefix("10.1.2.3"));
        assert_eq!(prefix("::ffff:10.1.2.3/104"), prefix("10.0.0.0/8"));
        assert_eq!(prefix("2001:db8::1/64").to_string(), "2001:db8::/64");
        assert_eq!(prefix("0.0.0.0/0").mask().to_string(), "0.0.0.0");
        assert_eq!(prefix("2001:db8::/64").mask().to_string(), "ffff:ffff:ffff:ffff::");
    }

    #[test]
    fn overlap_is_symmetric_and_by_family() {
        assert!(prefix("10.0.0.0/8").overlaps(&prefix("10.9.9.9")));
        assert!(prefix("10.9.9.9").overlaps(&prefix("10.0.0.0/8")));
        assert!(prefix("0.0.0.0/0").overlaps(&prefix("127.0.0.1")));
        assert!(!prefix("0.0.0.0/0").overlaps(&prefix("::1")));
        assert!(!prefix("10.0.0.0/9").overlaps(&prefix("10.128.0.0/9")));
    }

    proptest! {
        #[test]
        fn any_text_gives_a_prefix_or_a_fault(text in ".{0,60}") {
            if let Ok(read) = text.parse::<Prefix>() {
                prop_assert_eq!(read.to_string().parse::<Prefix>().unwrap(), read);
            }
        }
    }
}
