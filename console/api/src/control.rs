//! What the app gives the API: the hands of the server.

use crate::view::{Draft, LedgerReport, Live, Scrubber, Status};
use async_trait::async_trait;
use base::Result;
use record::{Chain, Entry, Order};
use tokio::sync::broadcast;

/// The server behind the API. The app implements it; tests fake it.
#[async_trait]
pub trait Control: Send + Sync {
    /// Accepts a checked order: seals `intent`, stores the order under [`crate::tables::ORDERS`] (key: its id) and among
    /// the open ones in one commit, and sends it to its agent, again and again until it answers or the order expires.
    /// An agent that is away is no fault. Giving an id a second time seals nothing and returns the stored order; it is
    /// sent again when it is still open. The app seals the result when the receipt comes.
    async fn give(&self, order: Order, intent: Draft) -> Result<Order>;

    /// The installation now.
    async fn status(&self) -> Result<Status>;

    /// What packet filters at the edge show of themselves, by agent.
    fn scrubbers(&self) -> Vec<Scrubber>;

    /// Seals a line; it is durable on return.
    async fn seal(&self, draft: Draft) -> Result<Entry>;

    /// Entries with a number greater than `after`, in order, at most `limit`.
    async fn ledger_page(&self, after: u64, limit: usize) -> Result<Vec<Entry>>;

    /// Reads the whole ledger and checks every link.
    async fn ledger_verify(&self) -> Result<LedgerReport>;

    /// What happens from now on. A slow reader loses the oldest and is told how many.
    fn subscribe(&self) -> broadcast::Receiver<Live>;

    /// A token that enrols up to `uses` agents into `group` within `ttl_s` seconds.
    async fn enroll_token(&self, group: &str, uses: u32, ttl_s: u64) -> Result<String>;

    /// Shuts an agent out: its link ends and none of its certificates opens another. A fault when there is no such agent.
    async fn deny_agent(&self, agent: &str, reason: &str) -> Result<()>;

    /// The attack chain of an incident, of an old id that of the incident it became part of; without actors.
    async fn chain(&self, incident: &str) -> Result<Chain>;

    /// A person closed this incident (already stored): the correlator lets go of it, and it is stored as closed once
    /// more in case a late write of the correlator had opened it again.
    async fn incident_closed(&self, id: &str) -> Result<()>;
}
