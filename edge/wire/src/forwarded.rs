//! Who is behind a chain of proxies that we trust: `X-Forwarded-For`, `X-Real-IP`, `Forwarded` (RFC 7239).
//!
//! One header is chosen by configuration, the one that the proxies in front set: taking whichever is there would let a client
//! write the one that they leave alone. The list is walked from its end, where the nearest proxy wrote, and only as far as
//! trusted proxies vouch for it; whatever a client put at its beginning is never reached.

use std::net::{IpAddr, SocketAddr};

/// Most entries of a list looked at; chains are shorter, and a longer one was written by a client.
const HOPS: usize = 32;
/// Most bytes of the header looked at, from its end.
const BYTES: usize = 8 * 1024;

/// Which header the proxies in front set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// None: the peer is the client.
    #[default]
    Peer,
    /// `X-Forwarded-For`: a list of addresses.
    ForwardedFor,
    /// `Forwarded`: a list of elements with `for=` (RFC 7239).
    Forwarded,
    /// `X-Real-IP`: one address.
    RealIp,
}

impl Source {
    /// The name of the header, in lower case; empty for [`Source::Peer`].
    pub fn header(self) -> &'static str {
        match self {
            Source::Peer => "",
            Source::ForwardedFor => "x-forwarded-for",
            Source::Forwarded => "forwarded",
            Source::RealIp => "x-real-ip",
        }
    }
}

/// The client: the peer, or the last address in the chain that a trusted proxy vouches for. `values` are the values of
/// the chosen header, in the order of the lines; `trusted` says whether an address is a proxy of ours.
pub fn client(source: Source, peer: IpAddr, values: &[&[u8]], trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer.to_canonical();
    if source == Source::Peer {
        return client;
    }
    for entry in entries(values).take(if source == Source::RealIp { 1 } else { HOPS }) {
        if !trusted(client) {
            break;
        }
        let address = match source {
            Source::Forwarded => element(entry),
            _ => address(entry),
        };
        // `unknown` and hidden names: nobody knows who is behind the proxy that wrote them.
        let Some(address) = address else { break };
        client = address.to_canonical();
    }
    client
}

/// Entries of the lists, the last one first. A comma inside quotes is no boundary; addresses need none, so that an entry with
/// one is unreadable either way and ends the walk.
fn entries<'v>(values: &[&'v [u8]]) -> impl Iterator<Item = &'v [u8]> {
    let mut left = BYTES;
    values.iter().rev().flat_map(move |value| {
        let kept = &value[value.len().saturating_sub(left)..];
        left -= kept.len();
        kept.rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii)
    })
}

/// `for=` of one element.
fn element(entry: &[u8]) -> Option<IpAddr> {
    entry.split(|byte| *byte == b';').find_map(|pair| {
        let (name, value) = pair.split_at(memchr::memchr(b'=', pair)?);
        name.trim_ascii().eq_ignore_ascii_case(b"for").then(|| address(value[1..].trim_ascii()))?
    })
}

/// An address with or without port, brackets and quotes.
fn address(text: &[u8]) -> Option<IpAddr> {
    let quoted = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
    let text = std::str::from_utf8(quoted.unwrap_or(text)).ok()?;
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Proxies of ours are 10.0.0.0/8.
    fn ours(address: IpAddr) -> bool {
        matches!(address, IpAddr::V4(address) if address.octets()[0] == 10)
    }

    fn found(source: Source, peer: &str, values: &[&str]) -> String {
        let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
        client(source, ip(peer), &values, ours).to_string()
    }

    #[test]
    fn the_chain_is_walked_from_its_end_as_far_as_we_trust() {
        use Source::{Forwarded, ForwardedFor, Peer, RealIp};
        let cases: &[(Source, &str, &[&str], &str)] = &[
            (Peer, "10.0.0.1", &["1.1.1.1"], "10.0.0.1"),
            (ForwardedFor, "192.0.2.9", &["1.1.1.1"], "192.0.2.9"),
            (ForwardedFor, "10.0.0.1", &[], "10.0.0.1"),
            (ForwardedFor, "10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            (ForwardedFor, "10.0.0.1", &["127.0.0.1, 192.0.2.1"], "192.0.2.1"),
            (ForwardedFor, "10.0.0.1", &["6.6.6.6, 192.0.2.1 ,10.0.0.2"], "192.0.2.1"),
            (ForwardedFor, "10.0.0.1", &["6.6.6.6", "192.0.2.1", "10.0.0.2"], "192.0.2.1"),
            (ForwardedFor, "10.0.0.1", &["10.0.0.3,10.0.0.2"], "10.0.0.3"),
            (ForwardedFor, "10.0.0.1", &["192.0.2.1:4711"], "192.0.2.1"),
            (ForwardedFor, "10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            (ForwardedFor, "10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            (ForwardedFor, "::ffff:10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
            (ForwardedFor, "10.0.0.1", &["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
            (ForwardedFor, "10.0.0.1", &["192.0.2.1, 10.0.0.256"], "10.0.0.1"),
            (RealIp, "10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            (RealIp, "10.0.0.1", &["6.6.6.6, 10.0.0.2"], "10.0.0.2"),
            (Forwarded, "10.0.0.1", &["for=192.0.2.1;proto=http;by=203.0.113.43"], "192.0.2.1"),
            (Forwarded, "10.0.0.1", &["for=6.6.6.6, For=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
            (Forwarded, "10.0.0.1", &["for=192.0.2.1, proto=http ; for=10.0.0.9"], "192.0.2.1"),
            (Forwarded, "10.0.0.1", &["for=_hidden"], "10.0.0.1"),
            (Forwarded, "10.0.0.1", &["proto=http"], "10.0.0.1"),
        ];
        for (source, peer, values, expected) in cases {
            assert_eq!(found(*source, peer, values), *expected, "{source:?} {values:?}");
        }
    }

    #[test]
    fn a_long_list_ends_the_walk() {
        let long = "10.0.0.7,".repeat(100) + "10.0.0.2";
        assert_eq!(found(Source::ForwardedFor, "10.0.0.1", &[&("6.6.6.6,".to_owned() + &long)]), "10.0.0.7");
    }

    proptest! {
        #[test]
        fn what_an_untrusted_peer_writes_is_never_believed(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            for source in [Source::ForwardedFor, Source::Forwarded, Source::RealIp] {
                prop_assert_eq!(client(source, ip("192.0.2.9"), &[&value], ours), ip("192.0.2.9"));
                let _ = client(source, ip("10.0.0.1"), &[&value], ours);
            }
        }
    }
}
