//! Address ranges in messages (RFC 4271, 4.3): the length in bits, then as many bytes as needed.

use crate::fault;
use crate::wire::Reader;
use base::{Fault, Prefix, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Puts a range behind what is in `out`.
pub(crate) fn write(prefix: Prefix, out: &mut Vec<u8>) {
    out.push(prefix.length());
    let count = usize::from(prefix.length().div_ceil(8));
    match prefix.address() {
        IpAddr::V4(address) => out.extend(&address.octets()[..count]),
        IpAddr::V6(address) => out.extend(&address.octets()[..count]),
    }
}

/// Reads one of a family; bits behind the length are cleared, as RFC 4271 says that they have no meaning.
pub(crate) fn read(reader: &mut Reader<'_>, ipv6: bool) -> Result<Prefix> {
    let length = reader.u8()?;
    let taken = reader.take(usize::from(length.div_ceil(8)).min(16))?;
    let mut bytes = [0; 16];
    bytes[..taken.len()].copy_from_slice(taken);
    of_bytes(bytes, length, ipv6)
}

/// From bytes in network order. [`fault::UPDATE`] when the family has fewer bits, or when a range of IPv6 is one of
/// IPv4-mapped addresses: it would be one of IPv4 everywhere else, and has no business between routers.
pub(crate) fn of_bytes(bytes: [u8; 16], length: u8, ipv6: bool) -> Result<Prefix> {
    let wrong = |expected: &str, found: String| {
        Err(Fault::new(&fault::UPDATE).object("prefix").expected(expected).found(found))
    };
    let address = match ipv6 {
        true => IpAddr::V6(Ipv6Addr::from(bytes)),
        false => IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])),
    };
    match Prefix::new(address, length) {
        Some(prefix) if prefix.is_ipv6() == ipv6 => Ok(prefix),
        Some(_) => wrong("no IPv4-mapped range", format!("{address}/{length}")),
        None => wrong(if ipv6 { "at most 128 bits" } else { "at most 32 bits" }, length.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn the_form_in_messages_is_that_of_the_standard() {
        let mut out = Vec::new();
        write(prefix("203.0.113.64/26"), &mut out);
        write(prefix("0.0.0.0/0"), &mut out);
        write(prefix("2001:db8::/33"), &mut out);
        assert_eq!(out, [26, 203, 0, 113, 64, 0, 33, 0x20, 1, 0xd, 0xb8, 0]);
        let read = |bytes: &[u8], ipv6| read(&mut Reader::new(bytes, "prefix"), ipv6);
        assert_eq!(read(&[4, 0xff], false).unwrap(), prefix("240.0.0.0/4"), "bits behind the length are cleared");
        for (bytes, ipv6) in [(&[33, 1, 2, 3, 4, 5][..], false), (&[129; 18], true), (&[255; 33], false)] {
            assert!(read(bytes, ipv6).unwrap_err().is(&fault::UPDATE), "{bytes:?}");
        }
        assert!(read(&[32, 1, 2, 3], false).unwrap_err().is(&fault::TRUNCATED));
    }

    #[test]
    fn a_mapped_range_stays_out() {
        let mapped = Ipv4Addr::new(192, 0, 2, 0).to_ipv6_mapped().octets();
        assert!(of_bytes(mapped, 120, true).unwrap_err().is(&fault::UPDATE));
        assert_eq!(of_bytes(mapped, 95, true).unwrap(), prefix("::fffe:0:0/95"));
    }
}
