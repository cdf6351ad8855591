//! What is on each host now, in the state tables.

use crate::book::SCAN;
use base::{Fault, Micros, Result};
use port::{Tables, Write};
use record::Asset;
use std::collections::BTreeMap;

/// Assets: key `{agent}/{kind}/{key}`, value JSON [`Held`].
pub const ASSETS: &str = "assets";
/// Hosts: key agent, value JSON [`Host`].
pub const HOSTS: &str = "asset-hosts";

/// Key of the line that ends a whole inventory, of kind `host`.
const WHOLE: &str = "inventory";

/// An asset of a host.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Held {
    /// Agent.
    pub agent: String,
    /// Name of its host.
    pub host: String,
    /// Kind, as in [`Asset::kind`].
    pub kind: String,
    /// Key within its kind.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// Version.
    pub version: String,
    /// Everything else.
    pub details: BTreeMap<String, String>,
    /// When it was told first, µs.
    pub first_us: Micros,
    /// When it was told last, µs.
    pub seen_us: Micros,
}

/// A host with an inventory.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Host {
    /// Agent.
    pub agent: String,
    /// Its name.
    pub host: String,
    /// Last change, µs.
    pub updated_us: Micros,
    /// Last whole inventory, µs.
    pub whole_us: Micros,
    /// Last change of packages or of the system, µs; every change gives a greater one.
    pub packages_us: Micros,
}

/// A fault of a document that does not read.
pub fn damaged(what: &str, cause: impl std::fmt::Display) -> Fault {
    Fault::new(&api::fault::CORRUPT).object(what).because(cause)
}

/// A document as its form.
pub fn read<T: serde::de::DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|cause| damaged(what, cause))
}

/// A write of a document.
pub fn put(table: &'static str, key: String, document: &impl serde::Serialize) -> Write {
    Write::Put { table, key, value: serde_json::to_vec(document).unwrap_or_default().into() }
}

/// The host of an agent.
pub async fn host(tables: &dyn Tables, agent: &str) -> Result<Host> {
    let item = tables.get(HOSTS, agent).await?;
    item.map_or_else(|| Ok(Host { agent: agent.into(), ..Host::default() }), |item| read("host", &item.value))
}

/// Takes changes in, in their order. Says whether packages or the system changed.
pub async fn take(tables: &dyn Tables, agent: &str, name: &str, changes: &[(Micros, &Asset)]) -> Result<bool> {
    let mut rows: BTreeMap<String, Option<Held>> = BTreeMap::new();
    let (mut packages, mut whole) = (false, None);
    for (time_us, asset) in changes {
        if asset.kind == "host" && asset.key == WHOLE {
            whole = Some((*time_us, number(asset)));
            continue;
        }
        let key = format!("{agent}/{}/{}", asset.kind, asset.key);
        let before = match rows.get(&key) {
            Some(row) => row.clone(),
            None => tables.get(ASSETS, &key).await?.and_then(|item| serde_json::from_slice::<Held>(&item.value).ok()),
        };
        // What is walked again after a crash may be older than what is there.
        if before.as_ref().is_some_and(|held| held.seen_us > *time_us) {
            continue;
        }
        let after = (asset.change != "removed").then(|| held(agent, name, *time_us, asset, before.as_ref()));
        let same = |one: &Held, other: &Held| one.version == other.version && one.details == other.details;
        let moved = match (&before, &after) {
            (Some(one), Some(other)) => !same(one, other),
            (None, None) => false,
            _ => true,
        };
        packages |= moved && matches!(asset.kind.as_str(), "package" | "host");
        rows.insert(key, after);
    }
    let mut host = host(tables, agent).await?;
    host.host = name.into();
    host.updated_us = changes.iter().map(|change| change.0).fold(host.updated_us, Micros::max);
    if packages {
        host.packages_us = (host.packages_us + 1).max(host.updated_us);
    }
    let mut writes: Vec<Write> = rows
        .into_iter()
        .map(|(key, row)| match row {
            Some(held) => put(ASSETS, key, &held),
            None => Write::Delete { table: ASSETS, key },
        })
        .collect();
    writes.push(put(HOSTS, agent.to_owned(), &host));
    tables.commit(writes).await?;
    if let Some((time_us, count)) = whole {
        packages |= sweep(tables, agent, host, time_us, count).await?;
    }
    Ok(packages)
}

fn number(asset: &Asset) -> usize {
    let value =
        asset.details.iter().find(|pair| pair.name == "assets").map(|pair| pair.value.parse().unwrap_or(usize::MAX));
    value.unwrap_or(usize::MAX)
}

fn held(agent: &str, host: &str, time_us: Micros, asset: &Asset, before: Option<&Held>) -> Held {
    Held {
        agent: agent.into(),
        host: host.into(),
        kind: asset.kind.clone(),
        key: asset.key.clone(),
        name: asset.name.clone(),
        version: asset.version.clone(),
        details: asset.details.iter().map(|pair| (pair.name.clone(), pair.value.clone())).collect(),
        first_us: before.map_or(time_us, |held| held.first_us),
        seen_us: time_us,
    }
}

/// Removes what a whole inventory did not name; only when all of it arrived, for telemetry may be shed on its way.
async fn sweep(tables: &dyn Tables, agent: &str, mut host: Host, time_us: Micros, count: usize) -> Result<bool> {
    let (mut stale, mut named) = (Vec::new(), 0usize);
    each(tables, &format!("{agent}/"), |key, held| {
        if held.seen_us < time_us {
            stale.push((key.to_owned(), held.kind))
        } else {
            named += 1
        }
        true
    })
    .await?;
    if named < count {
        tracing::info!(agent, named, count, "a whole inventory arrived in part; what it does not name stays");
        return Ok(false);
    }
    let packages = stale.iter().any(|(_, kind)| kind == "package");
    host.whole_us = time_us;
    if packages {
        host.packages_us = (host.packages_us + 1).max(time_us);
    }
    let mut writes: Vec<Write> = stale.into_iter().map(|(key, _)| Write::Delete { table: ASSETS, key }).collect();
    writes.push(put(HOSTS, agent.to_owned(), &host));
    tables.commit(writes).await?;
    Ok(packages)
}

/// Goes over the assets whose key begins so, until told to stop. One that does not read is passed over.
pub async fn each(tables: &dyn Tables, prefix: &str, mut one: impl FnMut(&str, Held) -> bool + Send) -> Result<()> {
    let mut after = String::new();
    loop {
        let rows = tables.scan(ASSETS, prefix, &after, SCAN).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.key.clone();
        for item in &rows {
            if let Ok(held) = serde_json::from_slice(&item.value)
                && !one(&item.key, held)
            {
                return Ok(());
            }
        }
    }
}

/// The agents that a host's name or an agent's id means; all when empty.
pub async fn agents(tables: &dyn Tables, wanted: &str) -> Result<Vec<Host>> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let rows = tables.scan(HOSTS, "", &after, SCAN).await?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.key.clone();
        let hosts = rows.iter().filter_map(|item| serde_json::from_slice::<Host>(&item.value).ok());
        found.extend(hosts.filter(|host| wanted.is_empty() || host.host == wanted || host.agent == wanted));
    }
}
