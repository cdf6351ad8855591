//! What requests are counted by: client, network, fingerprint, route, and pairs of the last two, as keyed hashes.
//!
//! The hash is keyed with a secret of the process, so that nobody outside can choose addresses or paths that fall into the same
//! slot of a table.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_inline};
use std::net::IpAddr;

/// Longest route kept, bytes.
const ROUTE_BYTES: usize = 96;
/// Most segments of a path that make a route.
const SEGMENTS: usize = 5;

/// Hashes with the secret of the process.
#[derive(Clone)]
pub struct Hasher(RapidSecrets);

/// The keys of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// The client: an IPv4 address, or the /64 of an IPv6 one.
    pub client: u64,
    /// Its network: /24 or /56.
    pub network: u64,
    /// Its fingerprint.
    pub fingerprint: u64,
    /// The route.
    pub route: u64,
    /// Fingerprint and route together.
    pub pair: u64,
}

impl Hasher {
    /// A hasher with this secret.
    pub fn new(secret: u64) -> Hasher {
        Hasher(RapidSecrets::seed(secret))
    }

    /// The hash of bytes, of one kind.
    pub fn hash(&self, kind: u8, bytes: &[u8]) -> u64 {
        // The kind is a key of its own, so that equal bytes of two kinds differ.
        rapidhash_v3_inline::<true, false, true>(bytes, &self.0) ^ u64::from(kind).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// The keys of a request.
    pub fn keys(&self, client: IpAddr, fingerprint: &str, route: &str) -> Keys {
        let (fingerprint, route) = (self.hash(3, fingerprint.as_bytes()), self.hash(4, route.as_bytes()));
        Keys {
            client: self.hash(1, &prefix(client, 32, 64)),
            network: self.hash(2, &prefix(client, 24, 56)),
            fingerprint,
            route,
            pair: self.pair(fingerprint, route),
        }
    }

    /// The key of a fingerprint with a route.
    pub fn pair(&self, fingerprint: u64, route: u64) -> u64 {
        self.hash(5, &[fingerprint.to_le_bytes(), route.to_le_bytes()].concat())
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

/// The first bits of an address, by family.
pub(crate) fn prefix(address: IpAddr, v4: usize, v6: usize) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets()[..v4 / 8].to_vec(),
        IpAddr::V6(address) => address.octets()[..v6 / 8].to_vec(),
    }
}

/// The network of an address as people write it: `192.0.2.0/24`, `2001:db8::/56`.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let bits = u128::from(address) & !(u128::MAX >> 56);
            format!("{}/56", std::net::Ipv6Addr::from(bits))
        }
    }
}

/// The route of a path: segments that are numbers, identifiers or long become `*`, the query goes, and so does all behind the
/// fifth segment. So `/order/4711/items?page=2` and `/order/4712/items` are one.
pub fn route(method: &str, target: &str) -> String {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let mut route = String::with_capacity(ROUTE_BYTES);
    route.push_str(if method.len() <= 16 { method } else { "?" });
    route.push(' ');
    for segment in path.split('/').filter(|segment| !segment.is_empty()).take(SEGMENTS) {
        route.push('/');
        if varies(segment) || route.len() + segment.len() > ROUTE_BYTES {
            route.push('*');
        } else {
            route.push_str(segment);
        }
    }
    if route.ends_with(' ') {
        route.push('/');
    }
    route
}

/// Whether a segment names one thing of many: digits alone, a long hexadecimal word, or long at all.
fn varies(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let hexadecimal = segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    digits == segment.len() || (hexadecimal && segment.len() >= 12) || segment.len() > 40 || digits > 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_few() {
        assert_eq!(route("GET", "/order/4711/items?page=2"), "GET /order/*/items");
        assert_eq!(route("GET", "/"), "GET /");
        assert_eq!(route("POST", ""), "POST /");
        assert_eq!(route("GET", "//a//b/"), "GET /a/b");
        assert_eq!(route("GET", "/u/123e4567-e89b-12d3-a456-426614174000"), "GET /u/*");
        assert_eq!(route("GET", "/a/b/c/d/e/f/g"), "GET /a/b/c/d/e");
        assert!(route(&"M".repeat(99), &"/abcdefgh".repeat(99)).len() <= ROUTE_BYTES + 10);
    }

    #[test]
    fn clients_are_counted_by_what_one_subscriber_holds() {
        let hasher = Hasher::new(7);
        let keys = |address: &str| hasher.keys(address.parse().unwrap(), "f", "GET /");
        assert_eq!(keys("2001:db8::1").client, keys("2001:db8::2").client);
        assert_eq!(keys("2001:db8:0:1::1").network, keys("2001:db8:0:2::1").network);
        assert_ne!(keys("2001:db8:0:1::1").client, keys("2001:db8:0:2::1").client);
        assert_eq!(keys("192.0.2.1"), keys("::ffff:192.0.2.1"));
        assert_ne!(keys("192.0.2.1").client, keys("192.0.2.2").client);
        assert_eq!(keys("192.0.2.1").network, keys("192.0.2.2").network);
        assert_ne!(Hasher::new(8).keys("192.0.2.1".parse().unwrap(), "f", "GET /"), keys("192.0.2.1"));
        assert_eq!(network("192.0.2.77".parse().unwrap()), "192.0.2.0/24");
        assert_eq!(network("2001:db8:1:2ff::1".parse().unwrap()), "2001:db8:1:200::/56");
    }
}
