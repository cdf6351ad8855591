//! Settings of one neighbour, and their bounds.

use crate::{Family, fault};
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Longest password of TCP MD5 signatures, bytes (Linux `TCP_MD5SIG_MAXKEYLEN`).
pub const PASSWORD_BYTES: usize = 80;

/// The router that we tell.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// Its address.
    pub address: IpAddr,
    /// Its port.
    #[serde(default = "port")]
    pub port: u16,
    /// Our address, where the system's choice is not the one that the neighbour expects.
    #[serde(default)]
    pub source: Option<IpAddr>,
    /// Our AS.
    pub local_as: u32,
    /// Its AS; the same as ours makes the session internal.
    pub peer_as: u32,
    /// Our router id, unlike that of any other speaker nearby.
    pub router_id: Ipv4Addr,
    /// Password of TCP MD5 signatures (RFC 2385); comes from a file and is in no record.
    #[serde(skip)]
    pub password: Option<Secret>,
    /// Hops at most to the neighbour, 1 when it is on the same link: packets that came further are dropped by the kernel
    /// (RFC 5082). None leaves TTLs alone.
    #[serde(default)]
    pub ttl_security: Option<u8>,
    /// Hold time offered, 3–180 s: how long a neighbour keeps our announcements after our machine lost power.
    #[serde(default = "hold")]
    pub hold_s: u16,
    /// Families that we tell.
    #[serde(default = "families")]
    pub families: Vec<Family>,
    /// Next hop of IPv4 prefixes; the session's own address when none is given.
    #[serde(default)]
    pub next_hop_v4: Option<Ipv4Addr>,
    /// Next hop of IPv6 prefixes; the session's own address when none is given.
    #[serde(default)]
    pub next_hop_v6: Option<Ipv6Addr>,
    /// Most routes that the neighbour may tell within a minute. We use none; reading a whole table would only cost time.
    #[serde(default = "received")]
    pub max_received: usize,
    /// Longest wait between two attempts to connect, seconds, 1–300.
    #[serde(default = "retry")]
    pub retry_s: u16,
}

fn port() -> u16 {
    179
}

fn hold() -> u16 {
    9
}

fn families() -> Vec<Family> {
    Family::ALL.to_vec()
}

fn received() -> usize {
    10_000
}

fn retry() -> u16 {
    30
}

/// A secret that no text shows.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Of at most [`PASSWORD_BYTES`], not empty, without a zero byte or a line end.
    pub fn new(text: &str) -> Result<Password> {
        let good = (1..=PASSWORD_BYTES).contains(&text.len()) && !text.contains(['\0', '\n', '\r']);
        if good {
            Ok(Password(text.into()))
        } else {
            Err(wrong("password", "1 to 80 bytes of one line", "another length"))
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(not shown)")
    }
}

/// Where a password comes from. It is asked before each connection: one that was changed at both ends holds from the next session
/// on, without a restart that would take back what is announced.
#[derive(Clone)]
pub struct Secret(Arc<dyn Fn() -> Result<Password> + Send + Sync>);

impl Secret {
    /// Asks this, which may read a file.
    pub fn new(ask: impl Fn() -> Result<Password> + Send + Sync + 'static) -> Secret {
        Secret(Arc::new(ask))
    }

    /// The password of now.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub fn ask(&self) -> Result<Password> {
        (self.0)()
    }
}

impl From<Password> for Secret {
    fn from(password: Password) -> Secret {
        Secret::new(move || Ok(password.clone()))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

fn wrong(key: &str, expected: &str, found: impl std::fmt::Display) -> Fault {
    Fault::new(&fault::NEIGHBOUR).object(key).expected(expected).found(found)
}

impl Neighbour {
    /// One on the same link with the usual settings.
    pub fn new(address: IpAddr, local_as: u32, peer_as: u32, router_id: Ipv4Addr) -> Neighbour {
        Neighbour {
            address,
            port: port(),
            source: None,
            local_as,
            peer_as,
            router_id,
            password: None,
            ttl_security: None,
            hold_s: hold(),
            families: families(),
            next_hop_v4: None,
            next_hop_v6: None,
            max_received: received(),
            retry_s: retry(),
        }
    }

    /// Whether both ends are in one AS.
    pub fn is_internal(&self) -> bool {
        self.local_as == self.peer_as
    }

    /// The next hop of a family, when this is the session's own address.
    pub(crate) fn next_hop(&self, ipv6: bool, own: IpAddr) -> Option<IpAddr> {
        let set = if ipv6 { self.next_hop_v6.map(IpAddr::V6) } else { self.next_hop_v4.map(IpAddr::V4) };
        set.or(Some(own).filter(|own| own.is_ipv6() == ipv6))
    }

    /// Whether prefixes of a family can have a next hop at all.
    pub(crate) fn has_next_hop(&self, ipv6: bool) -> bool {
        self.next_hop(ipv6, self.address).is_some()
    }

    /// [`fault::NEIGHBOUR`] naming the first key that is out of its bounds.
    pub fn check(&self) -> Result<()> {
        let asn = |asn: u32| asn != 0 && asn != 23_456 && asn != 65_535 && asn != u32::MAX;
        if self.address.is_unspecified() || self.address.is_multicast() {
            return Err(wrong("address", "an address of a host", self.address));
        }
        if self.source.is_some_and(|source| source.is_ipv6() != self.address.is_ipv6()) {
            return Err(wrong("source", "the family of the neighbour", self.address));
        }
        if self.port == 0 {
            return Err(wrong("port", "1–65535", 0));
        }
        for (key, number) in [("local_as", self.local_as), ("peer_as", self.peer_as)] {
            if !asn(number) {
                return Err(wrong(key, "a number of a network (RFC 7607, 6793, 7300)", number));
            }
        }
        if self.router_id.is_unspecified() || self.router_id.is_multicast() || self.router_id.is_broadcast() {
            return Err(wrong("router_id", "an address of a host", self.router_id));
        }
        if !(3..=180).contains(&self.hold_s) {
            return Err(wrong("hold_s", "3–180", self.hold_s));
        }
        if !(1..=300).contains(&self.retry_s) {
            return Err(wrong("retry_s", "1–300", self.retry_s));
        }
        if self.ttl_security.is_some_and(|hops| hops == 0 || hops == 255) {
            return Err(wrong("ttl_security", "1–254 hops", self.ttl_security.unwrap_or_default()));
        }
        if self.families.is_empty() {
            return Err(wrong("families", "at least one", 0));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Neighbour {
        Neighbour::new("192.0.2.1".parse().unwrap(), 65_001, 65_002, Ipv4Addr::new(192, 0, 2, 2))
    }

    type Spoil = fn(&mut Neighbour);

    #[test]
    fn each_key_has_bounds() {
        good().check().unwrap();
        let wrong: [(&str, Spoil); 8] = [
            ("address", |neighbour| neighbour.address = "0.0.0.0".parse().unwrap()),
            ("source", |neighbour| neighbour.source = "::1".parse().ok()),
            ("local_as", |neighbour| neighbour.local_as = 23_456),
            ("peer_as", |neighbour| neighbour.peer_as = 0),
            ("router_id", |neighbour| neighbour.router_id = Ipv4Addr::UNSPECIFIED),
            ("hold_s", |neighbour| neighbour.hold_s = 0),
            ("ttl_security", |neighbour| neighbour.ttl_security = Some(0)),
            ("families", |neighbour| neighbour.families.clear()),
        ];
        for (key, spoil) in wrong {
            let mut neighbour = good();
            spoil(&mut neighbour);
            let fault = neighbour.check().unwrap_err();
            assert!(fault.is(&fault::NEIGHBOUR) && fault.named() == key, "{key}: {fault}");
        }
    }

    #[test]
    fn a_password_is_in_no_text() {
        let mut neighbour = good();
        neighbour.password = Some(Password::new("s3cret").unwrap().into());
        assert!(!format!("{neighbour:?}").contains("s3cret"));
        assert!(!serde_json::to_string(&neighbour).unwrap().contains("s3cret"));
        assert!(Password::new("").is_err() && Password::new(&"x".repeat(81)).is_err() && Password::new("a\n").is_err());
    }

    #[test]
    fn settings_are_read_with_their_usual_values() {
        let text = r#"{"address": "2001:db8::1", "local_as": 65001, "peer_as": 65001, "router_id": "192.0.2.2"}"#;
        let neighbour: Neighbour = serde_json::from_str(text).unwrap();
        assert!(neighbour.is_internal() && neighbour.hold_s == 9 && neighbour.port == 179);
        assert!(neighbour.has_next_hop(true) && !neighbour.has_next_hop(false));
        assert!(serde_json::from_str::<Neighbour>(&text.replace("peer_as", "peer")).is_err());
    }
}
