//! Which name an address was last resolved from, so that a connection can say where it meant to go.
//!
//! Fed by the answers the kernel programs deliver. Today they deliver queries only (datagrams that leave the host), so
//! `remote_name` stays empty until they deliver answers too. Bounded by count and by the answer's time to live, which is
//! kept between a minute (a connection may come long after the answer) and an hour.

use base::Micros;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// Most addresses remembered.
const NAMES_MAX: usize = 8 * 1024;
/// Bounds of the time an answer is believed, µs.
const SHORTEST: Micros = 60_000_000;
const LONGEST: Micros = 3_600_000_000;

/// The cache.
#[derive(Debug, Default)]
pub struct ResolvedNames {
    names: HashMap<IpAddr, (Box<str>, Micros)>,
    order: VecDeque<IpAddr>,
}

impl ResolvedNames {
    /// An empty cache.
    pub fn new() -> ResolvedNames {
        ResolvedNames::default()
    }

    /// Remembers an answer: `lifetime` in seconds as the record says, `now` monotonic.
    pub fn learn(&mut self, address: IpAddr, name: &str, lifetime: u32, now: Micros) {
        let keep = (Micros::from(lifetime) * 1_000_000).clamp(SHORTEST, LONGEST);
        let entry = (name.into(), now.saturating_add(keep));
        if self.names.insert(address.to_canonical(), entry).is_none() {
            self.order.push_back(address.to_canonical());
        }
        while self.names.len() > NAMES_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.names.remove(&oldest);
        }
    }

    /// The name of an address, while it is believed.
    pub fn name(&self, address: IpAddr, now: Micros) -> Option<&str> {
        let (name, until) = self.names.get(&address.to_canonical())?;
        (*until > now).then_some(name)
    }

    /// How many addresses are remembered.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// An address as records carry it: 4 or 16 bytes in network order, IPv4-mapped ones (RFC 4291 §2.5.5.2) as IPv4.
pub fn address_bytes(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_believed_for_its_time() {
        let mut names = ResolvedNames::new();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        names.learn(address, "a.example", 5, 0);
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(names.name(mapped, SHORTEST - 1), Some("a.example"));
        assert_eq!(names.name(address, SHORTEST), None);
        names.learn(address, "b.example", u32::MAX, 0);
        assert_eq!((names.name(address, LONGEST - 1), names.name(address, LONGEST)), (Some("b.example"), None));
        assert_eq!(address_bytes(mapped), [192, 0, 2, 1]);
    }

    #[test]
    fn the_cache_is_bounded() {
        let mut names = ResolvedNames::new();
        for number in 0..(NAMES_MAX as u32 * 2) {
            names.learn(std::net::Ipv4Addr::from(number).into(), "x", 60, 0);
        }
        assert!(names.len() == NAMES_MAX && names.order.len() == NAMES_MAX && !names.is_empty());
    }
}
