//! Versions of the set of rules in the state tables: each whole, so that going back is reading.

use api::rules::RuleAudience;
use base::{Fault, Result};
use port::{Tables, Write};
use ruleset::Set;

/// Sets: key version (16 hexadecimal digits), value JSON [`Stored`].
pub const SETS: &str = "rule-sets";
/// Single facts: key `now`, value JSON [`Facts`].
pub const FACTS: &str = "rule-facts";
/// Versions kept.
const VERSIONS: usize = 50;

/// A version.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Stored {
    /// Its number.
    pub version: u64,
    /// The version that was everyone's before it, 0 for none.
    pub before: u64,
    /// When it was made, µs since the Unix epoch.
    pub time_us: i64,
    /// By whom.
    pub who: String,
    /// What was done.
    pub what: String,
    /// Ids that it was about.
    pub ids: Vec<String>,
    /// Why.
    pub reason: String,
    /// The set.
    pub set: Set,
}

/// What agents are to have.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The last number given: none is used for other bytes.
    pub last: u64,
    /// Everyone's version, 0 while nothing was changed.
    pub live: u64,
    /// The version on trial.
    pub trial: Option<(u64, RuleAudience)>,
}

fn key(version: u64) -> String {
    format!("{version:016x}")
}

fn damaged(what: &str, cause: impl std::fmt::Display) -> Fault {
    Fault::new(&api::fault::CORRUPT).object(what).because(cause)
}

/// What agents are to have, with the version of the document.
pub async fn facts(tables: &dyn Tables) -> Result<(Facts, u64)> {
    let Some(item) = tables.get(FACTS, "now").await? else { return Ok(Default::default()) };
    let facts = serde_json::from_slice(&item.value).map_err(|cause| damaged("rules", cause))?;
    Ok((facts, item.version))
}

/// A version; version 0 is the set that changes nothing.
pub async fn read(tables: &dyn Tables, version: u64) -> Result<Stored> {
    if version == 0 {
        return Ok(Stored::default());
    }
    let name = || format!("version {version} of the rules");
    let item = tables.get(SETS, &key(version)).await?;
    let item = item.ok_or_else(|| Fault::new(&api::fault::MISSING).object(name()))?;
    serde_json::from_slice(&item.value).map_err(|cause| damaged(&name(), cause))
}

/// The versions that are kept, the newest first.
pub async fn versions(tables: &dyn Tables) -> Result<Vec<Stored>> {
    let items = tables.scan_back(SETS, "", "", VERSIONS).await?;
    items.iter().map(|item| serde_json::from_slice(&item.value).map_err(|cause| damaged(&item.key, cause))).collect()
}

/// Stores a version, if there is one, and what agents are to have; all or nothing. A conflict when someone else did.
pub async fn commit(tables: &dyn Tables, stored: Option<&Stored>, facts: &Facts, document: u64) -> Result<()> {
    // Our own types with string keys only: they cannot fail.
    let value = serde_json::to_vec(facts).unwrap_or_default().into();
    let mut writes = vec![Write::PutIf { table: FACTS, key: "now".into(), value, version: document }];
    if let Some(stored) = stored {
        let value = serde_json::to_vec(stored).unwrap_or_default().into();
        writes.push(Write::PutIf { table: SETS, key: key(stored.version), value, version: 0 });
        let old = tables.scan_back(SETS, "", "", VERSIONS + 10).await?;
        let needed = |name: &str| *name == key(facts.live) || *name == key(stored.before);
        let old = old.into_iter().skip(VERSIONS - 1).map(|item| item.key).filter(|name| !needed(name));
        writes.extend(old.map(|key| Write::Delete { table: SETS, key }));
    }
    tables.commit(writes).await
}
