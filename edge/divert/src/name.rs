//! What is switched: a name of a zone, and the set of addresses that it has.

use crate::fault;
use base::{Fault, Result};
use hickory_proto::rr::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Most addresses that a name has here. An RRset is compared as a whole, so all of it travels in every change.
pub const ADDRESSES_MAX: usize = 64;
/// Longest TTL of a protected name, seconds: resolvers keep a dead address as long as this.
pub const TTL_MAX_S: u32 = 5;

/// The addresses of a name, of both families, without order: the value that is compared and swapped as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<IpAddr>", into = "Vec<IpAddr>")]
pub struct Addresses(BTreeSet<IpAddr>);

impl Addresses {
    /// A set that a name may be given: 1 to [`ADDRESSES_MAX`] unicast addresses.
    ///
    /// # Errors
    /// `divert.addresses` for an empty or too big set and for addresses that lead to nobody or to many.
    pub fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Result<Addresses> {
        let set: BTreeSet<IpAddr> = addresses.into_iter().take(ADDRESSES_MAX + 1).collect();
        if set.is_empty() || set.len() > ADDRESSES_MAX {
            let found = if set.is_empty() { "none".to_string() } else { format!("more than {ADDRESSES_MAX}") };
            return Err(Fault::new(&fault::ADDRESSES).expected(format!("1 to {ADDRESSES_MAX} addresses")).found(found));
        }
        match set.iter().find(|address| !fit(address)) {
            Some(address) => Err(Fault::new(&fault::ADDRESSES).object(address).expected("a unicast address")),
            None => Ok(Addresses(set)),
        }
    }

    /// What a name server told, whatever it is.
    pub(crate) fn told(addresses: impl IntoIterator<Item = IpAddr>) -> Addresses {
        Addresses(addresses.into_iter().collect())
    }

    /// Those of IPv4.
    pub fn v4(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.0.iter().filter_map(|address| if let IpAddr::V4(address) = address { Some(*address) } else { None })
    }

    /// Those of IPv6.
    pub fn v6(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        self.0.iter().filter_map(|address| if let IpAddr::V6(address) = address { Some(*address) } else { None })
    }

    /// All, IPv4 first.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.0.iter().copied()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the name has none: it does not exist, or has other records only.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One that a client can open a connection to, written in its own family.
fn fit(address: &IpAddr) -> bool {
    let mapped = matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !(address.is_unspecified() || address.is_multicast() || mapped || broadcast)
}

impl TryFrom<Vec<IpAddr>> for Addresses {
    type Error = Fault;

    fn try_from(addresses: Vec<IpAddr>) -> Result<Addresses> {
        Addresses::new(addresses)
    }
}

impl From<Addresses> for Vec<IpAddr> {
    fn from(addresses: Addresses) -> Vec<IpAddr> {
        addresses.0.into_iter().collect()
    }
}

impl FromStr for Addresses {
    type Err = Fault;

    /// Addresses with commas between them, as they are shown.
    fn from_str(text: &str) -> Result<Addresses> {
        let wrong = |part: &str| Fault::new(&fault::ADDRESSES).object(part.chars().take(64).collect::<String>());
        let parts = text.split(',').take(ADDRESSES_MAX + 1).map(str::trim);
        let read: Result<Vec<IpAddr>> = parts.map(|part| part.parse().map_err(|_| wrong(part))).collect();
        let read = read?;
        if read.len() > ADDRESSES_MAX {
            return Err(wrong("the list").expected(format!("at most {ADDRESSES_MAX} addresses")));
        }
        Addresses::new(read)
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no address");
        }
        for (at, address) in self.0.iter().enumerate() {
            write!(f, "{}{address}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// What a name server says of a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Its addresses; empty when it has none.
    pub addresses: Addresses,
    /// The longest TTL among them, seconds.
    pub ttl_s: u32,
}

/// A name that may be switched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    zone: Name,
    name: Name,
    ttl_s: u32,
}

impl Protected {
    /// A name of a zone, with the TTL (seconds) that its addresses are given.
    ///
    /// # Errors
    /// `divert.name` when either is not a name of DNS (RFC 1035 2.3.4, in A-labels) or the name is not in the zone;
    /// `divert.ttl` for a TTL of 0 or more than [`TTL_MAX_S`].
    pub fn new(zone: &str, name: &str, ttl_s: u32) -> Result<Protected> {
        if ttl_s == 0 || ttl_s > TTL_MAX_S {
            let fault = Fault::new(&fault::TTL).object(name);
            return Err(fault.expected(format!("1 to {TTL_MAX_S} s")).found(format!("{ttl_s} s")));
        }
        let (zone, name) = (parse(zone)?, parse(name)?);
        if zone.is_root() || !zone.zone_of(&name) {
            let fault = Fault::new(&fault::NAME).object(name.to_ascii());
            return Err(fault.expected(format!("a name in {}", zone.to_ascii())));
        }
        Ok(Protected { zone, name, ttl_s })
    }

    /// The name, in lower case with its dot at the end.
    pub fn name(&self) -> String {
        self.name.to_ascii()
    }

    /// The zone, in lower case with its dot at the end.
    pub fn zone(&self) -> String {
        self.zone.to_ascii()
    }

    /// TTL of its addresses, seconds.
    pub fn ttl_s(&self) -> u32 {
        self.ttl_s
    }

    /// The name as DNS has it.
    pub(crate) fn dns_name(&self) -> &Name {
        &self.name
    }

    /// The zone as DNS has it.
    pub(crate) fn dns_zone(&self) -> &Name {
        &self.zone
    }
}

/// A name of DNS, absolute and in lower case. IDNs are written as A-labels, as the zone has them.
pub(crate) fn parse(text: &str) -> Result<Name> {
    let wrong = || Fault::new(&fault::NAME).object(text.chars().take(255).collect::<String>());
    if text.len() > 255 {
        return Err(wrong().expected("at most 255 octets"));
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | '/');
    if text.is_empty() || !text.chars().all(fine) {
        return Err(wrong().expected("letters, digits, -, _ and dots"));
    }
    let mut name = Name::from_ascii(text).map_err(|cause| wrong().because(cause))?.to_lowercase();
    name.set_fqdn(true);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_clients_can_reach_is_an_address() {
        let set = |texts: &[&str]| Addresses::new(texts.iter().map(|text| text.parse().unwrap()));
        let both = set(&["2001:db8::1", "192.0.2.9", "192.0.2.1", "192.0.2.9"]).unwrap();
        assert_eq!(both.to_string(), "192.0.2.1, 192.0.2.9, 2001:db8::1");
        assert_eq!(both.to_string().parse::<Addresses>().unwrap(), both);
        for bad in ["", ",", "192.0.2.1,", "192.0.2.1;192.0.2.2", &"192.0.2.1,".repeat(100)] {
            assert!(bad.parse::<Addresses>().is_err(), "{bad}");
        }
        assert_eq!((both.v4().count(), both.v6().count(), both.len()), (2, 1, 3));
        for bad in ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "::ffff:192.0.2.1"] {
            assert!(set(&["192.0.2.1", bad]).unwrap_err().is(&fault::ADDRESSES), "{bad}");
        }
        assert!(set(&[]).is_err());
        assert!(Addresses::new((0..=64_u32).map(|n| IpAddr::V4((0x0a00_0001 + n).into()))).is_err());
        assert!(serde_json::from_str::<Addresses>(r#"["224.0.0.1"]"#).is_err());
        let text = serde_json::to_string(&both).unwrap();
        assert_eq!(serde_json::from_str::<Addresses>(&text).unwrap(), both);
    }

    #[test]
    fn a_protected_name_is_in_its_zone_and_short_lived() {
        let name = Protected::new("Example.org", "WWW.example.org.", 5).unwrap();
        assert_eq!((name.name().as_str(), name.zone().as_str()), ("www.example.org.", "example.org."));
        assert!(Protected::new("example.org", "example.org", 1).is_ok());
        assert!(Protected::new("example.org", "*.shop.example.org", 1).is_ok());
        assert!(Protected::new("example.org", "www.example.net", 5).unwrap_err().is(&fault::NAME));
        assert!(Protected::new("example.org", "badexample.org", 5).unwrap_err().is(&fault::NAME));
        assert!(Protected::new(".", "www.example.org", 5).unwrap_err().is(&fault::NAME));
        for ttl in [0, 6, 3600] {
            assert!(Protected::new("example.org", "www.example.org", ttl).unwrap_err().is(&fault::TTL));
        }
        for bad in ["", "a..b.example.org", "a b.example.org", "中.example.org", &"a".repeat(64), &"a.".repeat(200)] {
            assert!(Protected::new("example.org", bad, 5).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_a_fault(text in ".{0,300}") {
            if let Ok(name) = parse(&text) {
                prop_assert_eq!(parse(&name.to_ascii()).unwrap(), name);
            }
        }
    }
}
