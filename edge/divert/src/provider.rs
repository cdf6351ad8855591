//! Who keeps the records of names: the port, and the table of those that stand behind it.

mod rfc2136;

use crate::fault;
use crate::name::{Addresses, Found, Protected};
use async_trait::async_trait;
use base::{Clock, Fault, Random, Result};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// How a provider is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Word of the provider: one of [`ALL`].
    pub provider: String,
    /// The zone's primary server.
    pub server: SocketAddr,
    /// File of the TSIG key.
    pub key_file: PathBuf,
    /// Servers beside it whose answer is read after a switch: secondaries, or resolvers that clients use.
    #[serde(default)]
    pub witnesses: Vec<SocketAddr>,
}

/// What came of a swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    /// This call changed the name.
    Done,
    /// It was already so: an answer to our own change was lost, or another controller did the same.
    Already,
    /// Nothing was changed: somebody else changed the name, to this.
    Changed(Found),
}

/// What one server says after a switch.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which server.
    pub server: SocketAddr,
    /// What it says.
    pub found: Result<Found>,
}

impl Seen {
    /// Whether it says this.
    pub fn says(&self, wanted: &Addresses) -> bool {
        self.found.as_ref().is_ok_and(|found| found.addresses == *wanted)
    }
}

/// The records of one zone at a provider.
#[async_trait]
pub trait Records: Send + Sync {
    /// What the name is now, from the server that would change it.
    async fn read(&self, name: &Protected) -> Result<Found>;

    /// Makes it `to` if it is `from`, all or nothing.
    async fn compare_and_swap(&self, name: &Protected, from: &Addresses, to: &Addresses) -> Result<Swap>;

    /// What everybody is told: the primary's plain answer first, then each witness's.
    async fn verify(&self, name: &Protected) -> Vec<Seen>;
}

/// A kind of provider.
pub trait Provider: Send + Sync {
    /// Its word in a configuration.
    fn word(&self) -> &'static str;

    /// Makes ready; asks nobody yet.
    ///
    /// # Errors
    /// What is wrong with the settings.
    fn open(&self, settings: &Settings, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Box<dyn Records>>;
}

/// Every kind.
pub const ALL: &[&dyn Provider] = &[&rfc2136::Rfc2136];

/// Opens the provider that the settings name.
///
/// # Errors
/// `divert.provider` for an unknown word; what is wrong with the settings.
pub fn open(settings: &Settings, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Box<dyn Records>> {
    let known = ALL.iter().find(|provider| provider.word() == settings.provider);
    let unknown = || Fault::new(&fault::PROVIDER).object(&settings.provider);
    known.ok_or_else(unknown)?.open(settings, clock, random)
}
