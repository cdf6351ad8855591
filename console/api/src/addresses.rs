//! What the API asks of the pool of protected addresses, and the forms of its answers. Addresses and ranges are texts:
//! `192.0.2.7`, `192.0.2.0/24`, `192.0.2.5-192.0.2.9`. Counts of addresses are texts too: IPv6 does not fit in a number of JSON.

use async_trait::async_trait;
use base::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Counts of the pool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PoolSummary {
    /// IPv4 addresses held.
    pub ipv4_held: String,
    /// IPv4 addresses free.
    pub ipv4_free: String,
    /// IPv6 addresses held.
    pub ipv6_held: String,
    /// IPv6 addresses free.
    pub ipv6_free: String,
    /// Holders.
    pub holders: usize,
    /// Runs of addresses with one holder: what the pool costs.
    pub runs: usize,
    /// Changes that were ever made.
    pub changes: u64,
}

/// One address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PoolAddress {
    /// The address.
    pub address: String,
    /// `absent` (not in the pool), `free` or `held`.
    pub state: String,
    /// Who holds it; null when nobody does.
    pub holder: Option<String>,
}

/// A customer or site.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PoolHolder {
    /// Name.
    pub name: String,
    /// `customer` or `site`.
    pub kind: String,
    /// IPv4 addresses held.
    pub ipv4: String,
    /// IPv6 addresses held.
    pub ipv6: String,
}

/// A change of the pool. Each says who holds the addresses now, so that of two that meet one is refused.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PoolChange {
    /// `add`, `remove` (a free range), `assign` (a free range), `move`, `release` (a range), `move-all` (of a holder),
    /// `add-holder`, `remove-holder`.
    #[serde(rename = "do")]
    pub deed: String,
    /// Which addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Who holds them now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Who gets them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The holder that is added or removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `customer` or `site`, of a holder that is added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Why; goes into the ledger.
    pub reason: String,
}

/// Asks for free addresses, whichever they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PoolAllocation {
    /// Who gets them.
    pub holder: String,
    /// Of IPv6 rather than IPv4.
    pub ipv6: bool,
    /// So many single addresses, 1 to 65536; or
    pub count: Option<u32>,
    /// one prefix of this length.
    pub bits: Option<u8>,
    /// Why; goes into the ledger.
    pub reason: String,
}

/// What was allocated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PoolAllocated {
    /// The ranges.
    pub ranges: Vec<String>,
}

/// A part of a list, and where the next begins.
pub type Part<T> = (Vec<T>, Option<String>);

/// The pool of protected addresses, as the API needs it.
#[async_trait]
pub trait Addresses: Send + Sync {
    /// Counts.
    async fn summary(&self) -> Result<PoolSummary>;
    /// Who holds an address.
    async fn address(&self, address: &str) -> Result<PoolAddress>;
    /// Holders from a place on (the beginning when it is empty), at most `limit`.
    async fn holders(&self, place: &str, limit: usize) -> Result<Part<PoolHolder>>;
    /// Ranges of a holder, or the free ones, from a place on, at most `limit`.
    async fn ranges(&self, holder: Option<&str>, place: &str, limit: usize) -> Result<Part<String>>;
    /// Whether a change could be made now.
    async fn check(&self, change: &PoolChange) -> Result<()>;
    /// Makes a change: all of it or nothing.
    async fn change(&self, change: &PoolChange, who: &str) -> Result<()>;
    /// Assigns free addresses.
    async fn allocate(&self, wish: &PoolAllocation, who: &str) -> Result<PoolAllocated>;
}
