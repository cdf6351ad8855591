//! What the API asks of inventory and vulnerabilities. The forms of its answers are the server's, as JSON.

use async_trait::async_trait;
use base::Result;
use serde_json::Value;
use std::path::PathBuf;

/// Which assets.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AssetFilter {
    /// Host name or agent id; all when absent.
    pub host: String,
    /// `host`, `package`, `port`, `user`, `group`, `sudo`, `service`, `cron`, `module`, `container`, `web-app`, `key`; all
    /// when absent.
    pub kind: String,
    /// Text that the name, key or version has in it.
    pub text: String,
    /// Cursor from the page before.
    pub cursor: Option<String>,
    /// Most rows, 1 to 1000; 100 when absent.
    pub limit: Option<usize>,
}

/// Which vulnerabilities.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct FindingFilter {
    /// Host name or agent id; all when absent.
    pub host: String,
    /// Least severity: low, medium, high, critical; all when absent.
    pub severity: String,
    /// Only those with a fixed version.
    pub fixable: bool,
    /// Only those known to be exploited.
    pub exploited: bool,
    /// Only those of a package.
    pub package: String,
    /// Only those of a CVE or an advisory.
    pub name: String,
    /// Cursor from the page before.
    pub cursor: Option<String>,
    /// Most rows, 1 to 1000; 100 when absent.
    pub limit: Option<usize>,
}

/// Rows, and the place to go on from.
pub type Found = (Vec<Value>, Option<String>);

/// Inventory and vulnerabilities, as the API needs them.
#[async_trait]
pub trait Posture: Send + Sync {
    /// Hosts with an inventory.
    async fn hosts(&self) -> Result<Vec<Value>>;
    /// What is on hosts now, behind a place.
    async fn assets(&self, filter: &AssetFilter, after: &str, limit: usize) -> Result<Found>;
    /// Vulnerabilities of hosts, behind a place; those of a host with the worst first.
    async fn findings(&self, filter: &FindingFilter, after: &str, limit: usize) -> Result<Found>;
    /// What is known of a CVE or an advisory, and which hosts have it.
    async fn vulnerability(&self, name: &str) -> Result<Value>;
    /// Sources of advisories.
    async fn sources(&self) -> Result<Vec<Value>>;
    /// Takes a source out of force.
    async fn forget(&self, source: &str) -> Result<()>;
    /// A file to write an import to.
    async fn place(&self) -> Result<(std::fs::File, PathBuf)>;
    /// Imports that file, or what an address in the order gives into it; answers the job's id.
    async fn import(&self, order: Value, file: PathBuf) -> Result<String>;
    /// An import.
    async fn job(&self, id: &str) -> Result<Value>;
}
