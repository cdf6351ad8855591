//! A response policy zone for name servers (BIND, Knot, PowerDNS, Unbound): domains with all names below them, and
//! addresses, answer "no such domain". Form: draft-vixie-dnsop-dns-rpz.

use super::{Export, Files, Gate};
use crate::Kind;
use base::Result;
use std::net::IpAddr;

/// How long a resolver may keep an answer, seconds: a withdrawn value is free again after it.
const TTL_S: u32 = 300;
const ZONE: &str = "rpz.zone";

/// The format.
pub struct Rpz;

impl Export for Rpz {
    fn name(&self) -> &'static str {
        "rpz"
    }

    fn media_type(&self) -> &'static str {
        "text/dns"
    }

    fn fill(&self, gate: &mut Gate<'_>, files: &mut dyn Files) -> Result<()> {
        let origin = origin(&gate.profile.place);
        // Serial numbers wrap (RFC 1982); seconds fit until 2106 and grow with every export.
        let serial = (gate.profile.now_us / 1_000_000).rem_euclid(1 << 32);
        let head = format!(
            "$ORIGIN {origin}.\n$TTL {TTL_S}\n@ SOA localhost. hostmaster.localhost. {serial} 3600 600 86400 {TTL_S}\n@ NS localhost.\n"
        );
        files.append(ZONE, head.as_bytes())?;
        while let Some(said) = gate.next() {
            let lines = match said.kind {
                Kind::Domain if is_name(&said.value, origin.len()) => {
                    format!("{0} CNAME .\n*.{0} CNAME .\n", said.value)
                }
                Kind::Ip | Kind::Cidr => match address(&said.value) {
                    Some(owner) => format!("{owner}.rpz-ip CNAME .\n"),
                    None => String::new(),
                },
                _ => String::new(),
            };
            if lines.is_empty() {
                gate.unfit();
            } else {
                files.append(ZONE, lines.as_bytes())?;
            }
        }
        Ok(())
    }
}

fn origin(place: &str) -> String {
    let bare = place.trim_end_matches('.').to_ascii_lowercase();
    if is_name(&bare, 0) { bare } else { "rpz.garrison".to_string() }
}

/// Whether a name fits in front of an origin of so many bytes, with `*.`: 253 characters in all, labels of 1–63 letters,
/// digits, hyphens and underscores.
fn is_name(name: &str, origin: usize) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() + origin + 3 <= 253 && name.split('.').all(label)
}

/// `192.0.2.0/24` is `24.0.2.0.192`; the longest run of zero groups of an IPv6 address is `zz`.
fn address(value: &str) -> Option<String> {
    let (address, bits) = value.split_once('/').unwrap_or((value, ""));
    Some(match address.parse().ok()? {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            let bits = if bits.is_empty() { "32" } else { bits };
            format!("{bits}.{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(ip) => {
            // The text form of the address already marks the longest run of zeros.
            let text = ip.to_string();
            let mut groups: Vec<&str> = Vec::new();
            for (part, side) in text.split("::").enumerate() {
                if part > 0 {
                    groups.push("zz");
                }
                groups.extend(side.split(':').filter(|group| !group.is_empty()));
            }
            groups.reverse();
            let bits = if bits.is_empty() { "128" } else { bits };
            if text.contains('.') { return None } else { format!("{bits}.{}", groups.join(".")) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_of_addresses_are_those_of_the_draft() {
        for (value, owner) in [
            ("192.0.2.1", "32.1.2.0.192"),
            ("192.0.2.0/24", "24.0.2.0.192"),
            ("2001:db8::1", "128.1.zz.db8.2001"),
            ("2001:db8::/32", "32.zz.db8.2001"),
            ("::1", "128.1.zz"),
            ("2001:db8:1:2:3:4:5:6", "128.6.5.4.3.2.1.db8.2001"),
        ] {
            assert_eq!(address(value).as_deref(), Some(owner));
        }
        assert!(is_name("_dmarc.evil.example", 12) && !is_name("evil..example", 12) && !is_name("a b.example", 12));
        assert!(!is_name(&format!("{}.example", "a".repeat(64)), 0) && !is_name(&"abc.".repeat(62), 12));
    }
}
