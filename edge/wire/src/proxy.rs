//! The PROXY protocol, versions 1 and 2 (HAProxy, doc/proxy-protocol.txt): whom a balancer in front speaks for.
//!
//! Only a listener that is told to expect the header reads it, and only from balancers it trusts: anyone else could claim to
//! be anyone.

use base::{Fault, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Longest header of version 1, with its CRLF.
const LINE_BYTES: usize = 107;
/// First bytes of version 2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Longest addresses and TLVs of version 2 taken, bytes; balancers send below 1 KiB, the standard would allow 64 KiB.
const BLOCK_BYTES: usize = 4096;

/// A header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its length, bytes; the connection's own bytes begin behind it.
    pub length: usize,
    /// Source and destination of the connection, unless the balancer speaks for itself (health checks) or of no address that we know.
    pub addresses: Option<(SocketAddr, SocketAddr)>,
}

/// Reads the header from the first bytes of a connection; `None` asks for more. A header has at most 4112 bytes, so
/// reading again with more bytes costs little. Faults with [`crate::fault::PROXY`].
pub fn read(bytes: &[u8]) -> Result<Option<Header>> {
    let common = SIGNATURE.len().min(bytes.len());
    if !bytes.is_empty() && bytes[..common] == SIGNATURE[..common] {
        return second(bytes);
    }
    let common = 6.min(bytes.len());
    if bytes[..common] != b"PROXY "[..common] {
        return Err(wrong("a PROXY header", "other bytes"));
    }
    first(bytes)
}

fn wrong(expected: &str, found: impl std::fmt::Display) -> Fault {
    Fault::new(&crate::fault::PROXY).expected(expected).found(found)
}

fn first(bytes: &[u8]) -> Result<Option<Header>> {
    let window = &bytes[..bytes.len().min(LINE_BYTES)];
    let Some(end) = memchr::memchr(b'\n', window) else {
        let more = bytes.len() < LINE_BYTES;
        return if more { Ok(None) } else { Err(wrong("a line of at most 107 bytes", "a longer one")) };
    };
    let line = window[..end].strip_suffix(b"\r").ok_or_else(|| wrong("CRLF", "LF alone"))?;
    let text = std::str::from_utf8(line).map_err(|_| wrong("ASCII", "other bytes"))?;
    let mut words = text.split(' ').skip(1);
    let header = |addresses| Ok(Some(Header { length: end + 1, addresses }));
    let kind = words.next().unwrap_or_default();
    if kind == "UNKNOWN" {
        return header(None);
    }
    let mut next = || words.next().ok_or_else(|| wrong("five words", "fewer"));
    let (from, to, from_port, to_port) = (next()?, next()?, next()?, next()?);
    if words.next().is_some() || !matches!(kind, "TCP4" | "TCP6") {
        return Err(wrong("TCP4, TCP6 or UNKNOWN and four words", "another line"));
    }
    let pair = |address: &str, port: &str| {
        let address: Option<IpAddr> = match kind {
            "TCP4" => address.parse().ok().map(IpAddr::V4),
            _ => address.parse().ok().map(IpAddr::V6),
        };
        let plain = port.len() <= 5 && port.bytes().all(|digit| digit.is_ascii_digit());
        let port = port.parse().ok().filter(|_| plain);
        address.zip(port).map(SocketAddr::from).ok_or_else(|| wrong("an address and a port of its family", "others"))
    };
    header(Some((pair(from, from_port)?, pair(to, to_port)?)))
}

fn second(bytes: &[u8]) -> Result<Option<Header>> {
    let [_, _, _, _, _, _, _, _, _, _, _, _, version, family, high, low, block @ ..] = bytes else {
        return Ok(None);
    };
    let length = usize::from(*high) << 8 | usize::from(*low);
    let own = match version {
        0x20 => true,
        0x21 => false,
        _ => return Err(wrong("version 2, LOCAL or PROXY", format!("{version:#04x}"))),
    };
    if length > BLOCK_BYTES {
        return Err(wrong("at most 4096 bytes", format!("{length} bytes")));
    }
    if block.len() < length {
        return Ok(None);
    }
    let block = &block[..length];
    let addresses = match family {
        _ if own => None,
        0x11 => Some(inet(block).ok_or_else(|| wrong("12 bytes of addresses", format!("{length} bytes")))?),
        0x21 => Some(inet6(block).ok_or_else(|| wrong("36 bytes of addresses", format!("{length} bytes")))?),
        // No address, datagrams, sockets of a file system: to be accepted, and the addresses ignored.
        0x00 | 0x12 | 0x22 | 0x31 | 0x32 => None,
        _ => return Err(wrong("a known family and protocol", format!("{family:#04x}"))),
    };
    Ok(Some(Header { length: 16 + length, addresses }))
}

fn inet(block: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let (from, rest) = block.split_first_chunk::<4>()?;
    let (to, rest) = rest.split_first_chunk::<4>()?;
    let (from_port, rest) = rest.split_first_chunk::<2>()?;
    let to_port = rest.first_chunk::<2>()?;
    let pair = |address: &[u8; 4], port: &[u8; 2]| (Ipv4Addr::from(*address), u16::from_be_bytes(*port)).into();
    Some((pair(from, from_port), pair(to, to_port)))
}

fn inet6(block: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let (from, rest) = block.split_first_chunk::<16>()?;
    let (to, rest) = rest.split_first_chunk::<16>()?;
    let (from_port, rest) = rest.split_first_chunk::<2>()?;
    let to_port = rest.first_chunk::<2>()?;
    let pair = |address: &[u8; 16], port: &[u8; 2]| (Ipv6Addr::from(*address), u16::from_be_bytes(*port)).into();
    Some((pair(from, from_port), pair(to, to_port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn binary(version: u8, family: u8, block: &[u8]) -> Vec<u8> {
        [&SIGNATURE[..], &[version, family], &(block.len() as u16).to_be_bytes(), block].concat()
    }

    #[test]
    fn both_versions_give_their_addresses() {
        let line = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET /";
        let header = read(line).unwrap().unwrap();
        assert_eq!(header.length, 45);
        assert_eq!(header.addresses, Some(("192.0.2.1:56324".parse().unwrap(), "198.51.100.1:443".parse().unwrap())));
        let line = b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n";
        let addresses = read(line).unwrap().unwrap().addresses.unwrap();
        assert_eq!(addresses, ("[2001:db8::1]:1".parse().unwrap(), "[2001:db8::2]:2".parse().unwrap()));
        assert_eq!(read(b"PROXY UNKNOWN x y z\r\n").unwrap(), Some(Header { length: 21, addresses: None }));

        let block = [&[192, 0, 2, 1, 198, 51, 100, 1, 0xdc, 4, 1, 187][..], &[4, 0, 1, 9]].concat();
        let header = read(&binary(0x21, 0x11, &block)).unwrap().unwrap();
        assert_eq!(header.length, 32);
        assert_eq!(header.addresses, Some(("192.0.2.1:56324".parse().unwrap(), "198.51.100.1:443".parse().unwrap())));
        let mut block = [0; 36];
        (block[15], block[31], block[33], block[35]) = (1, 2, 3, 4);
        let addresses = read(&binary(0x21, 0x21, &block)).unwrap().unwrap().addresses.unwrap();
        assert_eq!(addresses, ("[::1]:3".parse().unwrap(), "[::2]:4".parse().unwrap()));
        assert_eq!(read(&binary(0x20, 0x11, &[])).unwrap().unwrap().addresses, None, "a balancer's own check");
    }

    #[test]
    fn what_is_incomplete_asks_for_more_and_what_is_wrong_is_named() {
        let line = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
        for end in 0..line.len() {
            assert_eq!(read(&line[..end]).unwrap(), None, "{end}");
        }
        let whole = binary(0x21, 0x11, &[0; 12]);
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]).unwrap(), None, "{end}");
        }
        let lines: [&[u8]; 9] = [
            b"GET / HTTP/1.1\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 +1 443\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n",
            b"PROXY TCP4 ::1 ::1 1 2\r\n",
            b"PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n",
            &[b"PROXY UNKNOWN ", &[b'a'; 100][..]].concat(),
        ];
        let blocks = [
            binary(0x11, 0x11, &[0; 12]),
            binary(0x21, 0x11, &[0; 11]),
            binary(0x21, 0x21, &[0; 35]),
            binary(0x21, 0x13, &[0; 12]),
            binary(0x21, 0x11, &[0; 5000]),
        ];
        for bytes in lines.into_iter().chain(blocks.iter().map(Vec::as_slice)) {
            let fault = read(bytes).unwrap_err();
            assert!(fault.is(&crate::fault::PROXY), "{}", String::from_utf8_lossy(bytes));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_more_bytes_change_nothing(
            start in prop_oneof![Just(b"PROXY TCP4 ".to_vec()), Just(binary(0x21, 0x11, &[])[..14].to_vec()), Just(Vec::new())],
            rest in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = [start, rest].concat();
            if let Ok(Some(header)) = read(&bytes) {
                prop_assert!(header.length <= bytes.len());
                prop_assert_eq!(read(&bytes[..header.length]).unwrap(), Some(header));
            }
        }
    }
}
