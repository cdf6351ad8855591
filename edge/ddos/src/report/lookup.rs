//! What others know of an address: where it is announced from, what threat intelligence says, whose it is.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Where an address is announced from; what no database says is 0 or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Number of the autonomous system.
    pub asn: u32,
    /// Its name.
    pub name: String,
    /// Country, ISO 3166-1 alpha-2.
    pub country: String,
}

/// A threat-intelligence entry that lists an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listed {
    /// Kind of the indicator: `ip`, or `cidr` for a range.
    pub kind: String,
    /// The value that was looked up, in its canonical form: by it the server finds the indicator again.
    pub value: String,
    /// What it is worth now, 0 to 100.
    pub score: u8,
    /// Traffic Light Protocol 2.0: who may see it.
    pub tlp: String,
    /// Who lists it.
    pub sources: Vec<String>,
    /// Malware and actors that are named with it.
    pub names: Vec<String>,
}

/// A host of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ours {
    /// Its agent, 32 hexadecimal digits: the id of the host.
    pub agent: String,
    /// Its name.
    pub name: String,
}

/// What the server answers when it is asked about a sender ([`About::ASK`]), as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// Threat-intelligence entries that list it.
    pub listed: Vec<Listed>,
    /// The host of ours that has the address.
    pub host: Option<Ours>,
}

impl About {
    /// The kind of question that is answered so: what is known of the sender of an attack.
    pub const ASK: &str = "sender";
}

/// What others know of an address. A report is made without any of it as well.
pub struct Lookups<'l> {
    /// Origin, when a database is present.
    pub origin: &'l dyn Fn(IpAddr) -> Option<Origin>,
    /// Threat-intelligence entries that list it.
    pub intel: &'l dyn Fn(IpAddr) -> Vec<Listed>,
    /// The host of ours that has it.
    pub host: &'l dyn Fn(IpAddr) -> Option<Ours>,
}

impl Default for Lookups<'_> {
    fn default() -> Self {
        Lookups { origin: &|_| None, intel: &|_| Vec::new(), host: &|_| None }
    }
}
