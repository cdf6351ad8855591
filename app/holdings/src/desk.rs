//! Inventory and vulnerabilities as the API asks for them.

use crate::assets::{self, ASSETS, Held};
use crate::book::SCAN;
use crate::catalogue::Catalogue;
use crate::findings::{self, FINDINGS, Stored};
use crate::{Order, Posture};
use api::posture::{AssetFilter, FindingFilter, Found};
use async_trait::async_trait;
use base::{Fault, Result};
use posture::Severity;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// The desk.
pub struct Desk(pub Arc<Posture>);

/// Hosts shown of one vulnerability.
const SHOWN: usize = 1000;

fn missing(what: impl std::fmt::Display) -> Fault {
    Fault::new(&api::fault::MISSING).object(what)
}

fn severity(word: &str) -> Result<Severity> {
    if word.is_empty() {
        return Ok(Severity::Unknown);
    }
    let known = Severity::ALL.iter().copied().find(|severity| severity.word() == word);
    known.ok_or_else(|| {
        let words: Vec<&str> = Severity::ALL.iter().map(|severity| severity.word()).collect();
        Fault::new(&api::fault::INVALID).object("severity").expected(words.join(", ")).found(word)
    })
}

impl Desk {
    /// Rows of a table that fit, of the agents that a host's name means.
    async fn rows<T: serde::de::DeserializeOwned + serde::Serialize>(
        &self,
        table: &'static str,
        (host, inner): (&str, &str),
        (after, limit): (&str, usize),
        fits: impl Fn(&T) -> bool + Sync,
    ) -> Result<Found> {
        let tables = &*self.0.tables;
        let hosts = assets::agents(tables, host).await?;
        if hosts.is_empty() && !host.is_empty() {
            return Err(missing(format!("host {host}")));
        }
        let (mut items, mut place) = (Vec::new(), String::new());
        for host in hosts {
            let prefix = format!("{}/{inner}", host.agent);
            let mut after = after.to_owned();
            loop {
                let rows = tables.scan(table, &prefix, &after, SCAN).await?;
                for item in &rows {
                    let Ok(row) = serde_json::from_slice::<T>(&item.value) else { continue };
                    if !fits(&row) {
                        continue;
                    }
                    if items.len() == limit {
                        return Ok((items, Some(place)));
                    }
                    place.clone_from(&item.key);
                    items.push(serde_json::to_value(row).unwrap_or_default());
                }
                match rows.last() {
                    Some(last) if rows.len() == SCAN => after.clone_from(&last.key),
                    _ => break,
                }
            }
        }
        Ok((items, None))
    }
}

#[async_trait]
impl api::Posture for Desk {
    async fn hosts(&self) -> Result<Vec<Value>> {
        let hosts = assets::agents(&*self.0.tables, "").await?;
        let mut items = Vec::new();
        for host in hosts {
            let os = self.0.tables.get(ASSETS, &format!("{}/host/os", host.agent)).await?;
            let os: Option<Held> = os.and_then(|item| serde_json::from_slice(&item.value).ok());
            let name = os.map_or(String::new(), |os| os.name);
            items.push(json!({"agent": host.agent, "host": host.host, "os": name, "updated_us": host.updated_us,
                "whole_us": host.whole_us}));
        }
        Ok(items)
    }

    async fn assets(&self, filter: &AssetFilter, after: &str, limit: usize) -> Result<Found> {
        let inner = if filter.kind.is_empty() { String::new() } else { format!("{}/", filter.kind) };
        let fits = |held: &Held| {
            let has = |text: &str| text.contains(&filter.text);
            has(&held.name) || has(&held.key) || has(&held.version)
        };
        self.rows::<Held>(ASSETS, (&filter.host, &inner), (after, limit), fits).await
    }

    async fn findings(&self, filter: &FindingFilter, after: &str, limit: usize) -> Result<Found> {
        let least = severity(&filter.severity)?;
        let name = filter.name.to_uppercase();
        let fits = |stored: &Stored| {
            let one = &stored.finding;
            one.severity >= least
                && (!filter.fixable || one.fixed.is_some())
                && (!filter.exploited || one.exploited)
                && (filter.package.is_empty() || one.package == filter.package)
                && (name.is_empty()
                    || one.cves.contains(&name)
                    || one.advisories.iter().any(|id| id.to_uppercase() == name))
        };
        self.rows::<Stored>(FINDINGS, (&filter.host, ""), (after, limit), fits).await
    }

    async fn vulnerability(&self, name: &str) -> Result<Value> {
        let tables = &*self.0.tables;
        let catalogue = Catalogue::load(tables).await?;
        let rows = catalogue.named(tables, name).await?;
        let cve = name.to_uppercase();
        let exploited = catalogue.exploited(std::slice::from_ref(&cve));
        if rows.is_empty() && !exploited {
            return Err(missing(name));
        }
        let mut hosts = Vec::new();
        findings::all(tables, "", |_, stored| {
            let named = |list: &[String]| list.iter().any(|one| one.to_uppercase() == cve);
            if named(&stored.finding.cves) || named(&stored.finding.advisories) {
                hosts.push(json!({"agent": stored.agent, "host": stored.host, "package": stored.finding.package,
                    "version": stored.finding.version, "fixed": stored.finding.fixed, "first_us": stored.first_us}));
            }
            hosts.len() < SHOWN
        })
        .await?;
        let advisories: Vec<Value> = rows.into_iter().map(|(source, ecosystem, package, row)| {
            json!({"source": source, "ecosystem": ecosystem, "package": package, "advisory": row})
        }).collect();
        Ok(json!({"name": cve, "exploited": exploited, "advisories": advisories, "hosts": hosts}))
    }

    async fn sources(&self) -> Result<Vec<Value>> {
        let catalogue = Catalogue::load(&*self.0.tables).await?;
        Ok(catalogue.sources().iter().map(|source| serde_json::to_value(source).unwrap_or_default()).collect())
    }

    async fn forget(&self, source: &str) -> Result<()> {
        if self.0.forget(source).await? { Ok(()) } else { Err(missing(format!("source {source}"))) }
    }

    async fn place(&self) -> Result<(std::fs::File, PathBuf)> {
        self.0.place()
    }

    async fn import(&self, order: Value, file: PathBuf) -> Result<String> {
        let form = |cause| Fault::new(&api::fault::INVALID).object("import").found(cause);
        let order: Order = serde_json::from_value(order).map_err(|cause: serde_json::Error| form(cause))?;
        self.0.import(order, file).map(|(id, _)| id)
    }

    async fn job(&self, id: &str) -> Result<Value> {
        let job = self.0.shown_job(id).ok_or_else(|| missing(format!("import {id}")))?;
        Ok(serde_json::to_value(job).unwrap_or_default())
    }
}
