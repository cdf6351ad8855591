//! Where connections come in, and what a client may take.

use base::config::units;
use serde::Deserialize;
use std::time::Duration;

/// One address that is listened on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Name, for sites and events.
    pub name: String,
    /// `address:port`; port 0 takes any free one.
    pub address: String,
    /// TLS with the certificates of the sites.
    #[serde(default)]
    pub tls: bool,
    /// HTTP/2: by ALPN under TLS, by prior knowledge without.
    #[serde(default = "yes")]
    pub http2: bool,
    /// Whether a PROXY protocol header stands before each connection.
    #[serde(default)]
    pub proxy_protocol: ProxyProtocol,
    /// Networks of proxies in front of us: what they say of the client is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// The one header in which they name the client.
    #[serde(default)]
    pub client_header: ClientHeader,
}

fn yes() -> bool {
    true
}

/// The header in which trusted proxies name the client. One is chosen: the others are whatever the client wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// `X-Real-IP`.
    XRealIp,
}

/// Use of the PROXY protocol (HAProxy's versions 1 and 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyProtocol {
    /// Not read.
    #[default]
    Off,
    /// Read from trusted proxies if they send one.
    Accept,
    /// A connection without one, or from anyone but a trusted proxy, is closed.
    Require,
}

/// Bounds on what clients may take.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at once. Stops a flood of connections from taking all memory and files.
    pub connections: usize,
    /// Connections at once of one client address (IPv6: of its /64).
    pub connections_per_client: usize,
    /// Bytes of a request's head.
    #[serde(deserialize_with = "units::size")]
    pub head: u64,
    /// Header fields of a request.
    pub headers: usize,
    /// HTTP/2 streams at once on a connection.
    pub streams: u32,
    /// Requests on one connection before it is closed; bounds what one connection may pin.
    pub requests_per_connection: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 20_000,
            connections_per_client: 500,
            head: 32 * 1024,
            headers: 100,
            streams: 100,
            requests_per_connection: 100_000,
        }
    }
}

/// How long clients may take.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// From the connection to the end of the TLS handshake, the PROXY protocol header included.
    #[serde(deserialize_with = "units::duration")]
    pub handshake: Duration,
    /// From the first byte of a request to the end of its head (slow-loris).
    #[serde(deserialize_with = "units::duration")]
    pub head: Duration,
    /// Between requests of a connection.
    #[serde(deserialize_with = "units::duration")]
    pub idle: Duration,
    /// Without progress in sending an answer (slow reading).
    #[serde(deserialize_with = "units::duration")]
    pub write: Duration,
    /// Given to connections to finish when the gateway stops or a listener is taken away.
    #[serde(deserialize_with = "units::duration")]
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(65),
            write: Duration::from_secs(30),
            drain: Duration::from_secs(30),
        }
    }
}
