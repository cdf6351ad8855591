//! Web sites behind gateways: traffic, and tuning of the firewall.

use super::{Answer, Reply, alerts, check_reason, objects};
use crate::caller::Caller;
use crate::extract::{Ask, Body};
use crate::filter::literal;
use crate::page::{self, Page};
use crate::web::{ExcludeRequest, Excluded, TunedSite, TunedSites, TuningRequest, Web};
use crate::{ApiState, Problem, fault};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base::{Fault, Result};
use serde_json::{Value, json};
use std::sync::Arc;

fn desk(state: &ApiState) -> Result<Arc<dyn Web>> {
    state.web.clone().ok_or_else(|| Fault::new(&fault::MISSING).object("web sites"))
}

/// Every site that is tuned, and how far gateways are.
#[utoipa::path(get, path = "/api/v1/web/tuning", tag = "web",
    responses((status = 200, body = TunedSites), (status = "default", body = Problem)))]
pub(crate) async fn sites(State(state): State<ApiState>) -> Answer<TunedSites> {
    Ok(axum::Json(desk(&state)?.sites().await?))
}

/// The tuning of a site, with its YAML.
#[utoipa::path(get, path = "/api/v1/web/tuning/{site}", tag = "web", params(("site" = String, Path)),
    responses((status = 200, body = TunedSite), (status = "default", body = Problem)))]
pub(crate) async fn site(State(state): State<ApiState>, Path(site): Path<String>) -> Answer<TunedSite> {
    Ok(axum::Json(desk(&state)?.site(&site).await?))
}

/// Puts another tuning in the place of a site's and publishes it; one that does not compile is refused.
#[utoipa::path(put, path = "/api/v1/web/tuning/{site}", tag = "web", params(("site" = String, Path)),
    request_body = TuningRequest, responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn replace(
    State(state): State<ApiState>,
    caller: Caller,
    Path(site): Path<String>,
    Body(asked): Body<TuningRequest>,
) -> Reply<StatusCode> {
    check_reason(&asked.reason)?;
    let desk = desk(&state)?;
    state.seal(&caller, "web.tune", &site, json!({"reason": asked.reason, "yaml": asked.yaml})).await?;
    desk.replace(&site, &asked.yaml, &caller.who(), &asked.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Excludes what an alert of a gateway names: one rule on one target of one path each, published at once.
#[utoipa::path(post, path = "/api/v1/web/exclusions", tag = "web", request_body = ExcludeRequest,
    responses((status = 200, body = Excluded), (status = "default", body = Problem)))]
pub(crate) async fn exclude(
    State(state): State<ApiState>,
    caller: Caller,
    Body(asked): Body<ExcludeRequest>,
) -> Answer<Excluded> {
    check_reason(&asked.reason)?;
    let desk = desk(&state)?;
    let missing = || Fault::new(&fault::MISSING).object(&asked.alert);
    let alert = alerts::find(&state, &asked.alert).await?.ok_or_else(missing)?.alert;
    let details = json!({"reason": asked.reason, "rules": asked.rules, "until": asked.until});
    state.seal(&caller, "web.exclude", &asked.alert, details).await?;
    let until = asked.until.as_deref();
    Ok(axum::Json(desk.exclude(&alert, &asked.rules, until, &caller.who(), &asked.reason).await?))
}

/// Why an item goes.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Removal {
    /// Goes into the ledger.
    pub reason: String,
}

/// Removes an item of a site's tuning.
#[utoipa::path(delete, path = "/api/v1/web/tuning/{site}/{id}", tag = "web",
    params(("site" = String, Path), ("id" = u64, Path), Removal),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn remove(
    State(state): State<ApiState>,
    caller: Caller,
    Path((site, id)): Path<(String, u64)>,
    Ask(asked): Ask<Removal>,
) -> Reply<StatusCode> {
    let desk = desk(&state)?;
    state.seal(&caller, "web.tune", &site, json!({"reason": asked.reason, "remove": id})).await?;
    desk.remove(&site, id, &caller.who(), &asked.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which traffic.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct TrafficFilter {
    /// Site; all when absent.
    pub site: String,
    /// `rules`, `paths`, `clients`, `decisions` (when absent) or `fingerprints`.
    pub by: String,
    /// Only requests of this decision: `observed`, `blocked` …; all when absent.
    pub decision: String,
    /// How far back, seconds; a day when absent.
    pub since_s: Option<u32>,
    /// Most rows, 1 to 1000; 100 when absent.
    pub limit: Option<usize>,
}

/// Ways to count, and the columns that make a group.
const WAYS: &[(&str, &str)] = &[
    ("decisions", "source AS site, decision"),
    ("rules", "source AS site, rules, decision"),
    ("paths", "source AS site, op AS method, path, decision"),
    ("clients", "source AS site, remote_ip AS client, decision"),
    ("fingerprints", "source AS site, ja4, h2, decision"),
];

impl TrafficFilter {
    fn statement(&self, now_us: i64, limit: usize) -> Result<String> {
        let wanted = if self.by.is_empty() { "decisions" } else { &self.by };
        let way = WAYS.iter().find(|(name, _)| *name == wanted);
        let known = || WAYS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let (_, columns) =
            way.ok_or_else(|| Fault::new(&fault::INVALID).object("by").expected(known()).found(wanted))?;
        let from = now_us - i64::from(self.since_s.unwrap_or(86_400)) * 1_000_000;
        let mut parts = vec![format!("time >= to_timestamp_micros({from})")];
        for (column, name, value) in [("source", "site", &self.site), ("decision", "decision", &self.decision)] {
            if !value.is_empty() {
                parts.push(format!("{column} = {}", literal(name, value)?));
            }
        }
        let groups: Vec<&str> = columns.split(", ").map(|column| column.split(' ').next().unwrap_or(column)).collect();
        Ok(format!(
            "SELECT {columns}, count(*) AS requests, count(DISTINCT remote_ip) AS clients_seen, max(score) AS worst FROM http \
             WHERE {} GROUP BY {} ORDER BY requests DESC LIMIT {limit}",
            parts.join(" AND "),
            groups.join(", ")
        ))
    }
}

/// Requests counted by decision, rules, path, client or fingerprint: what a site in observe mode would refuse.
#[utoipa::path(get, path = "/api/v1/web/traffic", tag = "web", params(TrafficFilter),
    responses((status = 200, body = Page<Value>), (status = "default", body = Problem)))]
pub(crate) async fn traffic(State(state): State<ApiState>, Ask(filter): Ask<TrafficFilter>) -> Answer<Page<Value>> {
    let limit = page::limit(filter.limit)?;
    let statement = filter.statement(state.now(), limit)?;
    Ok(axum::Json(objects(&state, &statement, limit, &[]).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_stays_a_literal() {
        let filter = TrafficFilter { site: "x' OR 1=1 --".into(), by: "paths".into(), ..TrafficFilter::default() };
        let statement = filter.statement(86_400_000_000, 5).unwrap();
        assert!(
            statement.contains("source = 'x'' OR 1=1 --'") && statement.contains("to_timestamp_micros(0)"),
            "{statement}"
        );
        assert!(statement.contains("GROUP BY source, op, path, decision ORDER BY"), "{statement}");
        let unknown = TrafficFilter { by: "x".into(), ..TrafficFilter::default() };
        assert!(unknown.statement(0, 5).unwrap_err().is(&fault::INVALID));
    }
}
