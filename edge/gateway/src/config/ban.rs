//! Who is banned without a person having asked for it, and who never is.

use super::Act;
use base::config::units;
use serde::Deserialize;
use std::time::Duration;

/// Bans of all sites.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bans {
    /// Bans that the gateway gives by itself in a minute; what is above is counted and not carried out.
    pub budget: u32,
    /// Addresses and networks that nobody can ban; loopback and trusted proxies never are.
    pub never: Vec<String>,
}

impl Default for Bans {
    fn default() -> Bans {
        Bans { budget: 300, never: Vec::new() }
    }
}

/// When a source of attacks on a site is banned: confirmed by flood defence, or refused by the rules again and again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ban {
    /// What is done: nothing, a dry run that says what would be, a ban.
    pub mode: Act,
    /// Requests refused by the rules that make a source an attacker.
    pub after: u32,
    /// Within this time.
    #[serde(deserialize_with = "units::duration")]
    pub within: Duration,
    /// How long it is banned.
    #[serde(deserialize_with = "units::duration")]
    pub lease: Duration,
}

impl Default for Ban {
    fn default() -> Ban {
        Ban { mode: Act::Observe, after: 5, within: Duration::from_secs(60), lease: Duration::from_secs(600) }
    }
}
