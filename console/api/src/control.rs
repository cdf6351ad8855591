//! What the app gives the API: the hands of the server.

use crate::view::{Draft, LedgerReport, Live, Status};
use async_trait::async_trait;
use base::Result;
use record::{Entry, Order};
use tokio::sync::broadcast;

/// The server behind the API. The app implements it; tests fake it.
#[async_trait]
pub trait Control: Send + Sync {
    /// Accepts a checked order: stores it under [`crate::tables::ORDERS`] (key: its id) and sends it to its agent.
    /// Returns it as stored. Giving an id a second time returns the stored order and sends nothing.
    /// The intent is already sealed when this is called; the app seals the result when the receipt comes.
    async fn give(&self, order: Order) -> Result<Order>;

    /// The installation now.
    async fn status(&self) -> Result<Status>;

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

    /// A person closed this incident (already stored): the correlator must not open it again by a late write.
    async fn incident_closed(&self, id: &str) -> Result<()>;
}
