//! Tuning in the state tables: one document a site, and one with the version that is offered.

use base::{Fault, Result};
use port::{Tables, Write};
use serde::{Deserialize, Serialize};

/// Sites: key name of the site, value JSON [`Stored`].
pub const SITES: &str = "web-sites";
/// Single facts: key `now`, value JSON [`Facts`].
pub const FACTS: &str = "web-facts";
/// Most sites.
const MOST: usize = 1000;

/// The tuning of a site.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stored {
    /// Name of the site, as gateways are configured.
    pub site: String,
    /// YAML that `seclang::tuning` reads.
    pub yaml: String,
    /// When it was changed last, µs since the Unix epoch.
    pub time_us: i64,
    /// By whom.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// What gateways are to have.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The version offered; 0 while nothing was tuned.
    pub version: u64,
}

fn damaged(what: &str, cause: impl std::fmt::Display) -> Fault {
    Fault::new(&api::fault::CORRUPT).object(what).because(cause)
}

/// Every site that is tuned, by name.
pub async fn sites(tables: &dyn Tables) -> Result<Vec<Stored>> {
    let items = tables.scan(SITES, "", "", MOST).await?;
    items.iter().map(|item| serde_json::from_slice(&item.value).map_err(|cause| damaged(&item.key, cause))).collect()
}

/// A site with the version of its document; an empty one, version 0, when it is not tuned.
pub async fn site(tables: &dyn Tables, name: &str) -> Result<(Stored, u64)> {
    let Some(item) = tables.get(SITES, name).await? else {
        return Ok((Stored { site: name.into(), ..Stored::default() }, 0));
    };
    let stored = serde_json::from_slice(&item.value).map_err(|cause| damaged(name, cause))?;
    Ok((stored, item.version))
}

/// What gateways are to have, with the version of the document.
pub async fn facts(tables: &dyn Tables) -> Result<(Facts, u64)> {
    let Some(item) = tables.get(FACTS, "now").await? else { return Ok(Default::default()) };
    let facts = serde_json::from_slice(&item.value).map_err(|cause| damaged("tuning", cause))?;
    Ok((facts, item.version))
}

/// Stores a site and what gateways are to have; all or nothing. A conflict when someone else did.
pub async fn commit(tables: &dyn Tables, stored: &Stored, document: u64, facts: (&Facts, u64)) -> Result<()> {
    // Our own types with string keys only: they cannot fail.
    let value = serde_json::to_vec(stored).unwrap_or_default().into();
    let now = serde_json::to_vec(facts.0).unwrap_or_default().into();
    let writes = vec![
        Write::PutIf { table: SITES, key: stored.site.clone(), value, version: document },
        Write::PutIf { table: FACTS, key: "now".into(), value: now, version: facts.1 },
    ];
    tables.commit(writes).await
}
