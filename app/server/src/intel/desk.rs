//! Threat intelligence as the API asks for it.

use super::import::OWN;
use super::store::Edit;
use super::{Feed, Intel, Order, Past, share::Share};
use crate::pipeline::Pipeline;
use api::intelligence::{TaxiiAnswer, TaxiiRequest};
use api::tables::{ALERT_KEYS, ALERTS, INCIDENTS, StoredAlert};
use async_trait::async_trait;
use base::{Fault, Result};
use bytes::Bytes;
use intel::attack::Evidence;
use intel::format::export::Profile;
use intel::format::export::stix::indicator_id;
use intel::format::taxii::server::Request;
use intel::{Claim, Indicator, Kind, Tlp};
use port::Fetch;
use record::Incident;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// The desk: intelligence, the lake's past, and the way out to feeds.
pub struct Desk {
    /// Intelligence.
    pub intel: Arc<Intel>,
    /// Where alerts about the past go.
    pub pipeline: Arc<Pipeline>,
    /// The network.
    pub fetch: Arc<dyn Fetch>,
}

fn form<T: serde::de::DeserializeOwned>(what: &str, value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|cause| Fault::new(&api::fault::INVALID).object(what).found(cause))
}

fn missing(what: impl std::fmt::Display) -> Fault {
    Fault::new(&api::fault::MISSING).object(what)
}

/// What a person says of a value.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    value: String,
    #[serde(default)]
    kind: Option<Kind>,
    #[serde(default = "sure")]
    confidence: u8,
    #[serde(default)]
    tlp: Tlp,
    #[serde(default)]
    valid_s: u64,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    actors: Vec<String>,
    #[serde(default)]
    malware: Vec<String>,
    #[serde(default)]
    description: String,
}

const fn sure() -> u8 {
    90
}

/// What an export lets out, as a query says it.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Leaving {
    ceiling: Option<String>,
    kinds: Option<String>,
    min_confidence: Option<u8>,
    title: Option<String>,
    place: Option<String>,
}

impl Leaving {
    fn profile(self) -> Result<Profile> {
        let usual = Profile::default();
        let ceiling = self.ceiling.as_deref().map(Tlp::from_word).transpose()?.unwrap_or_default();
        let kinds = match self.kinds {
            None => Vec::new(),
            Some(words) => words.split(',').map(|word| Kind::from_word(word.trim())).collect::<Result<_>>()?,
        };
        let min_confidence = self.min_confidence.unwrap_or(0).min(100);
        let (title, place) = (self.title.unwrap_or(usual.title), self.place.unwrap_or_default());
        Ok(Profile { ceiling, kinds, min_confidence, title, place, ..Profile::default() })
    }
}

impl Desk {
    /// Stores what the past showed.
    pub async fn tell(&self, past: &Past) -> Result<()> {
        for (host, alert) in &past.alerts {
            self.pipeline.found(host, std::slice::from_ref(alert)).await?;
        }
        Ok(())
    }

    async fn evidence(&self, incident: &str) -> Result<Evidence> {
        let item = self.pipeline.tables.get(INCIDENTS, incident).await?.ok_or_else(|| missing(incident))?;
        let incident: Incident = serde_json::from_slice(&item.value)
            .map_err(|cause| Fault::new(&api::fault::CORRUPT).object(incident).because(cause))?;
        let mut evidence = Evidence::default();
        evidence.techniques.extend(incident.stages.iter().flat_map(|stage| stage.techniques.iter().cloned()));
        for id in &incident.alerts {
            let Some(place) = self.pipeline.tables.get(ALERT_KEYS, id).await? else { continue };
            let key = String::from_utf8_lossy(&place.value).into_owned();
            let Some(item) = self.pipeline.tables.get(ALERTS, &key).await? else { continue };
            let Ok(stored) = serde_json::from_slice::<StoredAlert>(&item.value) else { continue };
            let score = stored.alert.matches.iter().find(|one| one.field == "score");
            let score = score.and_then(|one| one.value.parse().ok()).unwrap_or(50);
            for one in &stored.alert.matches {
                match one.field.as_str() {
                    "malware" => evidence.malware.push((one.value.clone(), score)),
                    "actor" => evidence.actors.push((one.value.clone(), score)),
                    _ => {}
                }
            }
        }
        Ok(evidence)
    }
}

#[async_trait]
impl api::Intelligence for Desk {
    async fn status(&self) -> Result<Value> {
        let known = self.intel.known();
        let lists = known.warnings.lists();
        let feeds = self.intel.feeds().await?;
        Ok(json!({
            "indicators": known.index.rows(), "version": known.index.epoch(), "index_bytes": known.index.bytes(),
            "filter": self.intel.offered(),
            "warning_lists": lists.len(), "warning_entries": lists.iter().map(|list| list.entries).sum::<usize>(),
            "techniques": known.graph.techniques.len(), "actors_and_software": known.graph.nodes.len(),
            "feeds": feeds.len(), "feeds_failing": feeds.iter().filter(|feed| feed.health.failures > 0).count(),
        }))
    }

    async fn lookup(&self, value: &str) -> Result<Value> {
        let (kind, value) = intel::guess(value)?;
        let indicator = self.intel.stored(kind, &value).await?;
        let verdict = self.intel.verdict(kind, &value).await?;
        let warnings: Vec<Value> = self.intel.known().warnings.of(kind, &value).iter().map(|warning| {
            json!({"list": warning.list.name, "id": warning.list.id, "policy": warning.list.policy, "itself": warning.itself})
        }).collect();
        Ok(json!({"kind": kind, "value": value, "listed": verdict.is_some(), "verdict": verdict,
            "stix_id": indicator_id(kind, &value), "indicator": indicator, "warnings": warnings}))
    }

    async fn add(&self, indicator: Value) -> Result<Value> {
        let said: Said = form("indicator", indicator)?;
        let indicator = match said.kind {
            Some(kind) => Indicator::new(kind, &said.value)?,
            None => Indicator::guess(&said.value)?,
        };
        let now = self.intel.now();
        let valid = i64::try_from(said.valid_s).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let claim = Claim {
            source: OWN.into(),
            confidence: said.confidence,
            tlp: said.tlp,
            first_us: now,
            last_us: now,
            valid_until_us: if said.valid_s == 0 { 0 } else { now.saturating_add(valid) },
            tags: said.tags,
            actors: said.actors,
            malware: said.malware,
            description: said.description,
            ..Claim::default()
        };
        let (kind, value) = (indicator.kind, indicator.value.clone());
        self.intel.edit(vec![Edit::Claim(indicator.with(claim))]).await?;
        Ok(json!({"kind": kind, "value": value, "version": self.intel.known().index.epoch()}))
    }

    async fn withdraw(&self, value: &str) -> Result<Value> {
        let (kind, value) = intel::guess(value)?;
        let edit = Edit::Withdraw { kind, value: value.clone(), source: OWN.into(), id: None };
        let (changed, _) = self.intel.edit(vec![edit]).await?;
        if changed == 0 { Err(missing(value)) } else { Ok(json!({"kind": kind, "value": value})) }
    }

    async fn place(&self) -> Result<(std::fs::File, PathBuf)> {
        self.intel.place()
    }

    async fn import(&self, order: Value, file: PathBuf) -> Result<String> {
        let order: Order = form("import", order)?;
        if order.source == OWN {
            return Err(Fault::new(&api::fault::INVALID).object("source").expected("another word than `own`"));
        }
        self.intel.import(order, file).map(|(id, _)| id)
    }

    async fn job(&self, id: &str) -> Result<Value> {
        let job = self.intel.shown_job(id).ok_or_else(|| missing(format!("import {id}")))?;
        Ok(serde_json::to_value(job).unwrap_or_default())
    }

    async fn export(&self, format: &str, profile: Value) -> Result<(&'static str, Bytes)> {
        let leaving: Leaving = form("export", profile)?;
        self.intel.export(format, leaving.profile()?).await
    }

    async fn hunt(&self, value: &str, days: u64) -> Result<Value> {
        let (kind, value) = intel::guess(value)?;
        let stored = self.intel.stored(kind, &value).await?;
        let wanted = stored.ok_or_else(|| missing(format!("indicator {value}")))?;
        let past = self.intel.hunt(&self.pipeline.lake, &[wanted], days).await?;
        self.tell(&past).await?;
        let ids: Vec<&str> = past.alerts.iter().map(|(_, alert)| alert.id.as_str()).collect();
        Ok(json!({"kind": kind, "value": value, "days": days, "alerts": ids, "cut": past.cut}))
    }

    async fn attribute(&self, incident: &str) -> Result<Value> {
        let evidence = self.evidence(incident).await?;
        let told = self.intel.known().graph.attribute(&evidence);
        Ok(json!({"incident": incident, "techniques": evidence.techniques, "software": told.software,
            "actors": told.actors}))
    }

    async fn feeds(&self) -> Result<Value> {
        let feeds: Vec<Feed> = self.intel.feeds().await?.into_iter().map(Feed::shown).collect();
        Ok(json!({ "items": feeds }))
    }

    async fn put_feed(&self, feed: Value) -> Result<()> {
        self.intel.put_feed(form("feed", feed)?).await
    }

    async fn drop_feed(&self, id: &str) -> Result<()> {
        self.intel.drop_feed(id).await
    }

    async fn run_feed(&self, id: &str) -> Result<Value> {
        let feeds = self.intel.feeds().await?;
        let feed = feeds.into_iter().find(|feed| feed.id == id).ok_or_else(|| missing(format!("feed {id}")))?;
        let feed = self.intel.fetch(feed, &*self.fetch).await?;
        Ok(serde_json::to_value(feed.shown()).unwrap_or_default())
    }

    async fn shares(&self) -> Result<Value> {
        Ok(json!({ "items": self.intel.shares().await? }))
    }

    async fn put_share(&self, share: Value) -> Result<()> {
        let share: Share = form("share", share)?;
        self.intel.put_share(&share).await
    }

    async fn drop_share(&self, id: &str) -> Result<()> {
        self.intel.drop_share(id).await
    }

    async fn taxii(&self, account: &str, all: bool, asked: TaxiiRequest) -> Result<TaxiiAnswer> {
        let request = Request {
            method: &asked.method,
            path: &asked.path,
            query: &asked.query,
            accept: &asked.accept,
            content_type: &asked.content_type,
            body: &asked.body,
            too_large: asked.too_large,
            now_us: self.intel.now(),
        };
        let answer = self.intel.taxii(account, all, &request).await?;
        Ok(TaxiiAnswer { status: answer.status, headers: answer.headers, body: answer.body })
    }
}
