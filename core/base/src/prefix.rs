//! Address ranges in CIDR notation, in one canonical form for every room.

use crate::{Class, Code, Fault, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Longest text that a fault shows, characters.
const SHOWN: usize = 64;

/// The address range cannot be read.
pub const UNREADABLE: Code = Code {
    id: "base.prefix",
    class: Class::Invalid,
    title: "this is not an address range",
    title_zh: "不是有效的地址段",
    hint: "write 192.0.2.0/24, 2001:db8::/32 or a single address",
    hint_zh: "请写成 192.0.2.0/24、2001:db8::/32 或单个地址",
};

/// An address range, canonical: two that hold the same addresses are equal.
///
/// - Host bits are cleared, never refused: `192.0.2.77/24` is `192.0.2.0/24`.
/// - IPv4 and IPv6 are apart: `::/0` holds no IPv4 address. An IPv4-mapped address (RFC 4291, 2.5.5.2) is its IPv4 self, and
///   a range that lies within `::ffff:0:0/96` is one of IPv4; a wider one stays IPv6.
/// - In order: IPv4 first, then by first address, the wider range before those in it.
///
/// Text (and serde's form) is `address/length`; a single address may be read without its length, and `{:#}` writes it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

/// The address with all bits behind the length cleared.
fn cleared(address: IpAddr, length: u8) -> IpAddr {
    let behind = u32::from(length);
    match address {
        IpAddr::V4(address) => {
            Ipv4Addr::from_bits(address.to_bits() & !u32::MAX.checked_shr(behind).unwrap_or(0)).into()
        }
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::MAX.checked_shr(behind).unwrap_or(0)).into()
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl Prefix {
    /// The range around an address of so many leading bits. `None` when the family has fewer.
    pub fn new(address: IpAddr, length: u8) -> Option<Prefix> {
        if length > width(address) {
            return None;
        }
        let (address, length) = match (address, address.to_canonical()) {
            (IpAddr::V6(_), mapped @ IpAddr::V4(_)) if length >= 96 => (mapped, length - 96),
            _ => (address, length),
        };
        Some(Prefix { address: cleared(address, length), length })
    }

    /// The range of one address.
    pub fn single(address: IpAddr) -> Prefix {
        let address = address.to_canonical();
        Prefix { address, length: width(address) }
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// How many leading bits its addresses share: 0 to 32, of IPv6 to 128.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether it is one of IPv6.
    pub fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    /// Whether it is a single address.
    pub fn is_single(self) -> bool {
        self.length == width(self.address)
    }

    /// Its netmask: `255.255.255.0` for a /24 of IPv4.
    pub fn mask(self) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => cleared(Ipv4Addr::BROADCAST.into(), self.length),
            IpAddr::V6(_) => cleared(Ipv6Addr::from_bits(u128::MAX).into(), self.length),
        }
    }

    /// The wider range of this length around it; itself when the length is not shorter.
    #[must_use]
    pub fn widened(self, length: u8) -> Prefix {
        let length = length.min(self.length);
        Prefix { address: cleared(self.address, length), length }
    }

    /// Whether an address is in it.
    pub fn has(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.is_ipv6() == address.is_ipv6() && cleared(address, self.length) == self.address
    }

    /// Whether every address of the other is in it.
    pub fn covers(self, other: Prefix) -> bool {
        self.is_ipv6() == other.is_ipv6() && other.length >= self.length && other.widened(self.length) == self
    }

    /// Whether the two share an address. Ranges are nested or apart.
    pub fn overlaps(self, other: Prefix) -> bool {
        self.covers(other) || other.covers(self)
    }
}

impl FromStr for Prefix {
    type Err = Fault;

    /// Reads `address/length` or one address; [`UNREADABLE`] for anything else.
    fn from_str(text: &str) -> Result<Prefix> {
        let read = || match text.split_once('/') {
            // u8 would take a sign too.
            Some((_, length)) if !length.bytes().all(|byte| byte.is_ascii_digit()) => None,
            Some((address, length)) => Prefix::new(address.parse().ok()?, length.parse().ok()?),
            None => text.parse().ok().map(Prefix::single),
        };
        read().ok_or_else(|| {
            let shown: String = text.chars().take(SHOWN).collect();
            Fault::new(&UNREADABLE).object("address range").found(shown)
        })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match f.alternate() && self.is_single() {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.length),
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_read_back_as_written() {
        for text in ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32", "::/0", "0.0.0.0/0", "::fffe:0:0/95"] {
            assert_eq!(prefix(text).to_string(), text);
            assert_eq!(serde_saphyr::from_str::<Prefix>(&format!("\"{text}\"")).unwrap(), prefix(text));
        }
        for text in ["192.0.2.7", "2001:db8::1"] {
            assert_eq!(format!("{:#}", prefix(text)), text);
        }
        assert_eq!(format!("{:#}", prefix("192.0.2.0/24")), "192.0.2.0/24");
    }

    #[test]
    fn what_is_none_is_named() {
        let wrong = [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "a/b",
            "1.2.3.4/-1",
            "1.2.3.4/+8",
            "1.2.3.4/8/8",
        ];
        for text in wrong {
            assert!(text.parse::<Prefix>().unwrap_err().is(&UNREADABLE), "{text}");
        }
        let long = "9".repeat(1000).parse::<Prefix>().unwrap_err();
        assert!(long.to_string().len() < 200, "{long}");
    }

    #[test]
    fn there_is_one_form() {
        for (text, form) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("192.0.2.77/0", "0.0.0.0/0"),
            ("2001:db8::1/64", "2001:db8::/64"),
            ("::ffff:10.1.2.3", "10.1.2.3/32"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:0:0/95", "::fffe:0:0/95"),
        ] {
            assert_eq!(prefix(text).to_string(), form);
        }
        assert_eq!(prefix("10.0.0.0/8").mask().to_string(), "255.0.0.0");
        assert_eq!(prefix("0.0.0.0/0").mask().to_string(), "0.0.0.0");
        assert_eq!(prefix("2001:db8::/64").mask().to_string(), "ffff:ffff:ffff:ffff::");
    }

    #[test]
    fn families_are_apart_and_a_mapped_address_is_its_ipv4_self() {
        let loopback = prefix("127.0.0.0/8");
        assert!(loopback.has("::ffff:127.0.0.1".parse().unwrap()) && !loopback.has("::1".parse().unwrap()));
        for all in ["::/0", "::fffe:0:0/95"].map(prefix) {
            assert!(!all.has("192.0.2.1".parse().unwrap()) && !all.has("::ffff:192.0.2.1".parse().unwrap()), "{all}");
            assert!(!all.covers(prefix("192.0.2.1")) && !all.overlaps(prefix("0.0.0.0/0")), "{all}");
        }
    }

    #[test]
    fn ranges_are_nested_or_apart() {
        let (wide, narrow) = (prefix("192.0.2.0/24"), prefix("192.0.2.9/32"));
        assert!(wide.covers(narrow) && wide.covers(wide) && !narrow.covers(wide));
        assert!(wide.overlaps(narrow) && narrow.overlaps(wide) && wide.has(narrow.address()));
        assert!(!prefix("10.0.0.0/9").overlaps(prefix("10.128.0.0/9")));
        assert_eq!((narrow.widened(24), wide.widened(32)), (wide, wide));
        assert!(wide < narrow && narrow < prefix("::/0"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_range_or_a_named_fault(text in "(.{0,60}|[0-9a-f:./]{0,50})") {
            match text.parse::<Prefix>() {
                Ok(read) => {
                    prop_assert_eq!(read.to_string().parse::<Prefix>().unwrap(), read);
                    prop_assert_eq!(format!("{read:#}").parse::<Prefix>().unwrap(), read);
                }
                Err(fault) => prop_assert!(fault.is(&UNREADABLE)),
            }
        }

        #[test]
        fn it_has_the_addresses_that_share_its_bits(one in any::<u128>(), length in 0..=128u8, flip in 0..128u32) {
            let other = one ^ (1 << flip);
            let [one, other] = [one, other].map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)));
            let prefix = Prefix::new(one, length).unwrap();
            prop_assume!(prefix.is_ipv6() && other.to_canonical().is_ipv6() && one.to_canonical().is_ipv6());
            prop_assert!(prefix.has(one) && prefix.covers(Prefix::single(one)));
            prop_assert_eq!(prefix.has(other), 127 - flip >= u32::from(length));
        }

        #[test]
        fn cover_and_overlap_are_what_single_addresses_say(a in 0..64u32, x in 24..=32u8, b in 0..64u32, y in 24..=32u8) {
            let at = |low: u32| IpAddr::V4(Ipv4Addr::from_bits(0xc000_0200 | low));
            let (one, two) = (Prefix::new(at(a), x).unwrap(), Prefix::new(at(b), y).unwrap());
            let both = |test: fn(bool, bool) -> bool| (0..256).map(move |low| test(one.has(at(low)), two.has(at(low))));
            prop_assert_eq!(one.covers(two), both(|one, two| one || !two).all(|holds| holds));
            prop_assert_eq!(one.overlaps(two), both(|one, two| one && two).any(|holds| holds));
        }
    }
}
