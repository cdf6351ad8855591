//! What is on hosts: now, and how it changed.

use super::{Answer, objects};
use crate::extract::Ask;
use crate::filter::literal;
use crate::page::{self, Page};
use crate::posture::AssetFilter;
use crate::{ApiState, Posture, Problem, fault};
use axum::extract::State;
use base::{Fault, Result};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn desk(state: &ApiState) -> Result<Arc<dyn Posture>> {
    state.posture.clone().ok_or_else(|| Fault::new(&fault::MISSING).object("inventory"))
}

/// What is on hosts now, by host, kind and key.
#[utoipa::path(get, path = "/api/v1/assets", tag = "assets", params(AssetFilter),
    responses((status = 200, body = Page<Value>), (status = "default", body = Problem)))]
pub(crate) async fn assets(State(state): State<ApiState>, Ask(filter): Ask<AssetFilter>) -> Answer<Page<Value>> {
    let (limit, after) = (page::limit(filter.limit)?, page::place(filter.cursor.as_deref())?);
    let (items, next) = desk(&state)?.assets(&filter, &after, limit).await?;
    Ok(axum::Json(Page { items, next: next.map(|place| page::cursor(&place)) }))
}

/// Hosts with an inventory, and when it changed last.
#[utoipa::path(get, path = "/api/v1/assets/hosts", tag = "assets",
    responses((status = 200, body = Page<Value>), (status = "default", body = Problem)))]
pub(crate) async fn hosts(State(state): State<ApiState>) -> Answer<Page<Value>> {
    Ok(axum::Json(Page { items: desk(&state)?.hosts().await?, next: None }))
}

/// Which changes.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryFilter {
    /// Host name or agent id; all when absent.
    pub host: String,
    /// Kind; all when absent.
    pub kind: String,
    /// Key within the kind; all when absent.
    pub key: String,
    /// Whether whole inventories are shown too.
    pub whole: bool,
    /// Most rows, 1 to 1000; 100 when absent.
    pub limit: Option<usize>,
}

impl HistoryFilter {
    fn condition(&self) -> Result<String> {
        let mut parts = vec!["kind = 'asset'".to_owned()];
        if !self.host.is_empty() {
            let host = literal("host", &self.host)?;
            parts.push(format!("(host = {host} OR agent = {host})"));
        }
        for (column, name, value) in [("source", "kind", &self.kind), ("target", "key", &self.key)] {
            if !value.is_empty() {
                parts.push(format!("{column} = {}", literal(name, value)?));
            }
        }
        if !self.whole {
            parts.push("op <> 'present'".to_owned());
        }
        Ok(parts.join(" AND "))
    }
}

/// What appeared, went and changed, newest first, as far back as telemetry is kept.
#[utoipa::path(get, path = "/api/v1/assets/history", tag = "assets", params(HistoryFilter),
    responses((status = 200, body = Page<Value>), (status = "default", body = Problem)))]
pub(crate) async fn history(State(state): State<ApiState>, Ask(filter): Ask<HistoryFilter>) -> Answer<Page<Value>> {
    let (limit, condition) = (page::limit(filter.limit)?, filter.condition()?);
    let columns = "time, host, agent, op AS change, source AS kind, target AS key, name, version, fields AS details";
    let statement = format!("SELECT {columns} FROM observed WHERE {condition} ORDER BY time DESC LIMIT {limit}");
    Ok(axum::Json(objects(&state, &statement, limit, &["details"]).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_stays_a_literal() {
        let filter = HistoryFilter { host: "x' OR 1=1 --".into(), kind: "user".into(), ..HistoryFilter::default() };
        let wanted = "kind = 'asset' AND (host = 'x'' OR 1=1 --' OR agent = 'x'' OR 1=1 --') AND source = 'user' AND op <> 'present'";
        assert_eq!(filter.condition().unwrap(), wanted);
    }
}
