//! What the API asks of threat intelligence. The forms of its answers are those of crate `intel`, as JSON.

use async_trait::async_trait;
use base::Result;
use bytes::Bytes;
use serde_json::Value;
use std::path::PathBuf;

/// A request to the TAXII server.
#[derive(Debug, Clone, Default)]
pub struct TaxiiRequest {
    /// `GET`, `POST` or `DELETE`.
    pub method: String,
    /// Path without its query.
    pub path: String,
    /// The query.
    pub query: String,
    /// Header `Accept`.
    pub accept: String,
    /// Header `Content-Type`.
    pub content_type: String,
    /// The body, empty when it was too large.
    pub body: Bytes,
    /// Whether it was too large.
    pub too_large: bool,
}

/// Its answer.
#[derive(Debug, Clone, Default)]
pub struct TaxiiAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// Threat intelligence, as the API needs it.
#[async_trait]
pub trait Intelligence: Send + Sync {
    /// Indicators, memory, filter, warning lists, ATT&CK.
    async fn status(&self) -> Result<Value>;
    /// What a value is: its indicator, the verdict, who may be behind it.
    async fn lookup(&self, value: &str) -> Result<Value>;
    /// A person names an indicator.
    async fn add(&self, indicator: Value) -> Result<Value>;
    /// A person withdraws what people said of a value.
    async fn withdraw(&self, value: &str) -> Result<Value>;
    /// A file to write an import to.
    async fn place(&self) -> Result<(std::fs::File, PathBuf)>;
    /// Imports that file; answers the job's id.
    async fn import(&self, order: Value, file: PathBuf) -> Result<String>;
    /// An import.
    async fn job(&self, id: &str) -> Result<Value>;
    /// Everything that a profile lets out, in a format: media type and bytes.
    async fn export(&self, format: &str, profile: Value) -> Result<(&'static str, Bytes)>;
    /// Searches the past for a value; answers what was found.
    async fn hunt(&self, value: &str, days: u64) -> Result<Value>;
    /// Who and what may be behind an incident.
    async fn attribute(&self, incident: &str) -> Result<Value>;
    /// Feeds without their secrets.
    async fn feeds(&self) -> Result<Value>;
    /// Adds or changes a feed.
    async fn put_feed(&self, feed: Value) -> Result<()>;
    /// Removes a feed.
    async fn drop_feed(&self, id: &str) -> Result<()>;
    /// Fetches a feed now.
    async fn run_feed(&self, id: &str) -> Result<Value>;
    /// Sharing profiles.
    async fn shares(&self) -> Result<Value>;
    /// Adds or changes a sharing profile.
    async fn put_share(&self, share: Value) -> Result<()>;
    /// Ends a sharing profile.
    async fn drop_share(&self, id: &str) -> Result<()>;
    /// Answers a request to the TAXII server of an account; `all` when it may read every collection.
    async fn taxii(&self, account: &str, all: bool, request: TaxiiRequest) -> Result<TaxiiAnswer>;
}
