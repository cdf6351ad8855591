//! What the API asks of web sites behind gateways, and the forms of its answers. Times are µs since the Unix epoch.

use async_trait::async_trait;
use base::Result;
use record::Alert;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One item of tuning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TunedItem {
    /// Its number; hits of its rules carry it.
    pub id: u64,
    /// `exclusion`, `variable`, `patch`.
    pub kind: String,
    /// What it does, in one line.
    pub what: String,
    /// Who made it.
    pub by: String,
    /// Day, `YYYY-MM-DD`.
    pub at: String,
    /// Why.
    pub why: String,
    /// Last day on which it holds; empty for no end.
    pub until: String,
}

/// The tuning of a site.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TunedSite {
    /// Name, as gateways are configured.
    pub site: String,
    /// When it was changed last.
    pub time_us: i64,
    /// By whom.
    pub who: String,
    /// Why.
    pub reason: String,
    /// Its items.
    pub items: Vec<TunedItem>,
    /// The whole as YAML; empty in lists.
    pub yaml: String,
}

/// All sites that are tuned.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TunedSites {
    /// Version offered to gateways; 0 while nothing was tuned.
    pub version: u64,
    /// Gateways that hold it.
    pub hold: usize,
    /// Gateways that refused it.
    pub refused: usize,
    /// The sites, by name.
    pub sites: Vec<TunedSite>,
}

/// Asks for exclusions from an alert.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExcludeRequest {
    /// Id of the alert.
    pub alert: String,
    /// Only these of the rules that it names; all when empty.
    pub rules: Vec<u64>,
    /// Last day on which they hold, `YYYY-MM-DD`; no end when absent.
    pub until: Option<String>,
    /// Why; goes into the ledger and to the item.
    pub reason: String,
}

/// What was excluded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Excluded {
    /// The site.
    pub site: String,
    /// Numbers of the new items.
    pub ids: Vec<u64>,
    /// The items.
    pub items: Vec<TunedItem>,
}

/// The tuning of a site, whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TuningRequest {
    /// YAML.
    pub yaml: String,
    /// Why.
    pub reason: String,
}

/// Tuning of web sites, as the API needs it.
#[async_trait]
pub trait Web: Send + Sync {
    /// Every site that is tuned.
    async fn sites(&self) -> Result<TunedSites>;
    /// One site with its YAML; empty when it is not tuned.
    async fn site(&self, name: &str) -> Result<TunedSite>;
    /// Puts another tuning in the place of a site's.
    async fn replace(&self, site: &str, yaml: &str, who: &str, reason: &str) -> Result<()>;
    /// Adds the narrowest exclusions that would have let the request of an alert pass.
    async fn exclude(
        &self,
        alert: &Alert,
        only: &[u64],
        until: Option<&str>,
        who: &str,
        reason: &str,
    ) -> Result<Excluded>;
    /// Removes an item.
    async fn remove(&self, site: &str, id: u64, who: &str, reason: &str) -> Result<()>;
}
