//! Address ranges and their form in messages (RFC 4271, 4.3: length in bits, then as many bytes as needed).

use crate::fault;
use crate::wire::Reader;
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address range in CIDR notation; bits behind the length are zero. IPv4 and IPv6 stay apart, as they do in BGP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Prefix {
    address: IpAddr,
    bits: u8,
}

impl Prefix {
    /// The range of an address and a length in bits; bits behind it are cleared. `None` when the length is too long.
    pub fn new(address: IpAddr, bits: u8) -> Option<Prefix> {
        let address = match address {
            IpAddr::V4(address) if bits <= 32 => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask4(bits))),
            IpAddr::V6(address) if bits <= 128 => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask6(bits))),
            _ => return None,
        };
        Some(Prefix { address, bits })
    }

    /// The range of one address.
    pub fn single(address: IpAddr) -> Prefix {
        Prefix { address, bits: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// Its length in bits.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// Whether it is one of IPv6.
    pub fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    /// The range of this length around it; itself when that length is not shorter.
    pub fn shortened(self, bits: u8) -> Prefix {
        Prefix::new(self.address, bits.min(self.bits)).unwrap_or(self)
    }

    /// Whether every address of the other is in it.
    pub fn covers(self, other: Prefix) -> bool {
        self.is_ipv6() == other.is_ipv6() && self.bits <= other.bits && other.shortened(self.bits) == self
    }

    /// Its form in a message.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.push(self.bits);
        self.write_bytes(out);
    }

    /// The bytes without the length.
    pub(crate) fn write_bytes(self, out: &mut Vec<u8>) {
        let count = usize::from(self.bits.div_ceil(8));
        match self.address {
            IpAddr::V4(address) => out.extend(&address.octets()[..count]),
            IpAddr::V6(address) => out.extend(&address.octets()[..count]),
        }
    }

    /// Reads one; bits behind the length are cleared, as RFC 4271 says that they have no meaning.
    pub(crate) fn read(reader: &mut Reader<'_>, ipv6: bool) -> Result<Prefix> {
        let bits = reader.u8()?;
        let longest = if ipv6 { 128 } else { 32 };
        if bits > longest {
            return Err(Fault::new(&fault::UPDATE)
                .object("prefix")
                .expected(format!("at most {longest} bits"))
                .found(bits));
        }
        let taken = reader.take(usize::from(bits.div_ceil(8)))?;
        let mut bytes = [0; 16];
        bytes[..taken.len()].copy_from_slice(taken);
        Ok(Prefix::of_bytes(bytes, bits, ipv6))
    }

    /// From bytes in network order; the caller has checked the length.
    pub(crate) fn of_bytes(bytes: [u8; 16], bits: u8, ipv6: bool) -> Prefix {
        let address = if ipv6 {
            IpAddr::V6(Ipv6Addr::from(bytes))
        } else {
            IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]))
        };
        Prefix::new(address, bits).unwrap_or(Prefix { address, bits })
    }
}

const fn mask4(bits: u8) -> u32 {
    if bits == 0 { 0 } else { u32::MAX << (32 - bits) }
}

const fn mask6(bits: u8) -> u128 {
    if bits == 0 { 0 } else { u128::MAX << (128 - bits) }
}

impl FromStr for Prefix {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Prefix> {
        let wrong = || Fault::new(&fault::PREFIX).object("prefix").found(text);
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

impl std::fmt::Display for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn text_goes_both_ways_and_host_bits_are_cleared() {
        assert_eq!(prefix("192.0.2.77/24").to_string(), "192.0.2.0/24");
        assert_eq!(prefix("2001:db8::1").to_string(), "2001:db8::1/128");
        for wrong in ["", "192.0.2.1/33", "2001:db8::/129", "192.0.2.1/", "x/8", "192.0.2.1/-1"] {
            assert!(wrong.parse::<Prefix>().unwrap_err().is(&fault::PREFIX), "{wrong}");
        }
    }

    #[test]
    fn cover_is_within_a_family() {
        assert!(prefix("192.0.2.0/24").covers(prefix("192.0.2.9/32")));
        assert!(prefix("192.0.2.0/24").covers(prefix("192.0.2.0/24")));
        assert!(!prefix("192.0.2.9/32").covers(prefix("192.0.2.0/24")));
        assert!(!prefix("::/0").covers(prefix("192.0.2.9/32")), "families are apart");
        assert!(prefix("::/0").covers(prefix("2001:db8::1/128")));
    }

    #[test]
    fn the_form_in_messages_is_that_of_the_standard() {
        let mut out = Vec::new();
        prefix("203.0.113.64/26").write(&mut out);
        prefix("0.0.0.0/0").write(&mut out);
        prefix("2001:db8::/33").write(&mut out);
        assert_eq!(out, [26, 203, 0, 113, 64, 0, 33, 0x20, 1, 0xd, 0xb8, 0]);
        let mut reader = Reader::new(&[33, 1, 2, 3, 4, 5], "prefix");
        assert!(Prefix::read(&mut reader, false).unwrap_err().is(&fault::UPDATE));
        let mut reader = Reader::new(&[4, 0xff], "prefix");
        assert_eq!(
            Prefix::read(&mut reader, false).unwrap(),
            prefix("240.0.0.0/4"),
            "bits behind the length are cleared"
        );
    }
}
