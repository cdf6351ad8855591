//! Where a site is served from.

use base::config::units;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// Addresses that serve the same.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// `host:port` each; names are looked up when a connection is made.
    pub addresses: Vec<String>,
    /// How a request's address is chosen.
    #[serde(default)]
    pub balance: Balance,
    /// What is spoken to them.
    #[serde(default)]
    pub protocol: Protocol,
    /// TLS to them; without it they are spoken to in the clear.
    #[serde(default)]
    pub tls: Option<PoolTls>,
    /// Requests at once to one address.
    #[serde(default = "connections")]
    pub connections: usize,
    /// Time for a connection.
    #[serde(default = "connect", deserialize_with = "units::duration")]
    pub connect: Duration,
    /// Time that a request may wait when every connection is taken.
    #[serde(default = "wait", deserialize_with = "units::duration")]
    pub wait: Duration,
    /// Age at which a connection that rests is closed; must be below the server's own.
    #[serde(default = "keep", deserialize_with = "units::duration")]
    pub keep: Duration,
    /// Other addresses that are tried when a connection fails and nothing was sent twice.
    #[serde(default = "retries")]
    pub retries: u32,
    /// Checks of health; without them an address counts as down for a while when connections to it fail.
    #[serde(default)]
    pub health: Option<Health>,
}

fn connections() -> usize {
    512
}

fn connect() -> Duration {
    Duration::from_secs(3)
}

fn wait() -> Duration {
    Duration::from_secs(5)
}

fn keep() -> Duration {
    Duration::from_secs(30)
}

fn retries() -> u32 {
    1
}

/// How an address is chosen among those that are up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The one with the fewest requests now.
    LeastRequests,
    /// The same client to the same address while it is up (rendezvous hashing).
    Client,
}

/// What is spoken to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2, as gRPC servers speak it.
    Http2,
}

/// How origins prove who they are (RFC 9110 §4.3.4).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolTls {
    /// PEM file with the authorities that may have signed their certificates; nothing else is trusted.
    pub authority: PathBuf,
    /// Name that is asked for (SNI) and that certificates must have; without it, the host of each address.
    #[serde(default)]
    pub name: Option<String>,
}

/// How health is checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Path that is asked for; any 2xx or 3xx is healthy.
    pub path: String,
    /// Host that is asked for.
    #[serde(default = "health_host")]
    pub host: String,
    /// Time between two checks.
    #[serde(default = "every", deserialize_with = "units::duration")]
    pub every: Duration,
    /// Time for an answer.
    #[serde(default = "answer", deserialize_with = "units::duration")]
    pub answer: Duration,
    /// Failures in a row that take an address out.
    #[serde(default = "fall")]
    pub fall: u32,
    /// Successes in a row that take it in again.
    #[serde(default = "rise")]
    pub rise: u32,
}

fn health_host() -> String {
    "health.garrison.internal".into()
}

fn every() -> Duration {
    Duration::from_secs(5)
}

fn answer() -> Duration {
    Duration::from_secs(2)
}

fn fall() -> u32 {
    3
}

fn rise() -> u32 {
    2
}
