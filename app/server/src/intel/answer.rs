//! What a value is: for agents that ask, and for people.

use super::{Intel, Known, store};
use crate::pipeline::Notice;
use async_trait::async_trait;
use base::{Micros, Result};
use bytes::Bytes;
use fleet::Oracle;
use fleet::wire::Ask;
use intel::{Indicator, Kind, Verdict, parents};
use record::{AgentId, Alert};
use std::sync::Arc;

/// Answers the questions of agents.
pub struct Answers(pub Arc<Intel>);

#[async_trait]
impl Oracle for Answers {
    async fn answer(&self, _agent: AgentId, ask: Ask) -> Result<Option<Bytes>> {
        let kind = Kind::from_word(&ask.kind)?;
        for spelling in spellings(kind, &ask.value) {
            let value = intel::canonical(kind, &spelling)?;
            // What has decayed is shown to people who look it up; an agent does nothing because of it.
            if let Some(verdict) = self.0.verdict(kind, &value).await?.filter(|verdict| !verdict.decayed) {
                return Ok(serde_json::to_vec(&verdict).ok().map(Bytes::from));
            }
        }
        Ok(None)
    }
}

/// How a value may be listed: a log often shows a URL without its scheme.
fn spellings(kind: Kind, value: &str) -> Vec<String> {
    if kind == Kind::Url && !value.contains("://") {
        return ["http://", "https://"].iter().map(|scheme| format!("{scheme}{value}")).collect();
    }
    vec![value.to_owned()]
}

#[async_trait]
impl Notice for Answers {
    async fn alerts(&self, alerts: &[&Alert]) -> Result<()> {
        self.0.sighted(alerts).await
    }
}

impl Known {
    /// The verdict of the index alone: two values may share a key.
    pub fn verdict(&self, kind: Kind, value: &str, now: Micros) -> Option<Verdict> {
        let found = self.index.lookup(kind, value)?;
        Some(self.judge.verdict(value, &found, &self.warnings.of(kind, value), now))
    }
}

impl Intel {
    /// What a value in canonical form is, `None` when it is no indicator. Where the index found the value itself or a
    /// parent domain, the tables must name it too.
    pub async fn verdict(&self, kind: Kind, value: &str) -> Result<Option<Verdict>> {
        let known = self.known();
        let Some(verdict) = known.verdict(kind, value, self.clock.wall()) else { return Ok(None) };
        if verdict.kind == kind && self.stored(kind, value).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(verdict))
    }

    /// The stored indicator that a value is a case of: itself, or for a domain its nearest parent.
    pub async fn stored(&self, kind: Kind, value: &str) -> Result<Option<Indicator>> {
        if kind != Kind::Domain {
            return Ok(store::read(&*self.tables, kind, value).await?.map(|(_, row)| row.indicator));
        }
        for name in parents(value) {
            if let Some((_, row)) = store::read(&*self.tables, kind, name).await? {
                return Ok(Some(row.indicator));
            }
        }
        Ok(None)
    }

    /// Notes the indicators that alerts were about. Called for alerts that are stored now and were not before.
    pub async fn sighted(&self, alerts: &[&Alert]) -> Result<()> {
        let mut edits = Vec::new();
        for alert in alerts {
            let Some((kind, value)) = subject(alert) else { continue };
            if let Some(indicator) = self.stored(kind, &value).await? {
                edits.push(store::Edit::Sighted { kind, value: indicator.value, time_us: alert.time_us });
            }
        }
        if edits.is_empty() { Ok(()) } else { self.edit(edits).await.map(drop) }
    }
}

/// The indicator that an alert is about.
pub fn subject(alert: &Alert) -> Option<(Kind, String)> {
    let field = |name: &str| alert.matches.iter().find(|one| one.field == name).map(|one| one.value.as_str());
    let kind = Kind::from_word(field("kind")?).ok()?;
    Some((kind, intel::canonical(kind, field("indicator")?).ok()?))
}
