//! Addresses of clients: in one form, and what counts as one client.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The address without a mapping: `::ffff:192.0.2.1` is 192.0.2.1 (RFC 4291 §2.5.5.2).
pub(crate) fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// What counts as one client: the address, of IPv6 its /64, which one subscriber has whole (RFC 6177).
pub(crate) fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_one_client() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(client(address("2001:db8::1")), client(address("2001:db8::ffff:2")));
        assert_ne!(client(address("2001:db8::1")), client(address("2001:db8:0:1::1")));
        assert_eq!(client(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
