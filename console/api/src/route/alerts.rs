//! Alerts, newest first.

use super::Answer;
use crate::extract::Ask;
use crate::page::{self, Page};
use crate::schema::AlertForm;
use crate::tables::{self, ALERT_KEYS, ALERTS, StoredAlert};
use crate::{ApiState, Problem, fault};
use axum::extract::{Path, State};
use base::{Fault, Result};
use record::Severity;

/// Most documents looked at for one page: a filter that fits nothing must not read the whole table.
pub(crate) const LOOKED_AT: usize = 20_000;

/// Which alerts.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct AlertFilter {
    /// Host name or agent id.
    pub host: Option<String>,
    /// Rule id.
    pub rule: Option<String>,
    /// Least severity: `low`, `medium`, `high`, `critical`.
    pub severity: Option<String>,
    /// `only` drills, or `without` them; both when absent.
    pub drill: Option<String>,
    /// Not before, µs since the Unix epoch.
    pub since: Option<i64>,
    /// Before, µs since the Unix epoch.
    pub until: Option<i64>,
    /// Most rows, 1 to 1000; 100 when absent.
    pub limit: Option<usize>,
    /// Cursor from the page before.
    pub cursor: Option<String>,
}

impl AlertFilter {
    fn keeps(&self, stored: &StoredAlert, least: Severity) -> bool {
        let alert = &stored.alert;
        let host = |host: &String| *host == stored.host || *host == alert.agent;
        self.host.as_ref().is_none_or(host)
            && self.rule.as_ref().is_none_or(|rule| *rule == alert.rule)
            && alert.severity() >= least
            && drill_fits(self.drill.as_deref(), &alert.drill)
    }
}

/// Whether a record of this drill (empty for none) is wanted.
pub(crate) fn drill_fits(wanted: Option<&str>, drill: &str) -> bool {
    match wanted {
        Some("only") => !drill.is_empty(),
        Some("without") => drill.is_empty(),
        _ => true,
    }
}

/// The least severity that a filter names.
pub(crate) fn least(word: Option<&str>) -> Result<Severity> {
    let Some(word) = word else { return Ok(Severity::Unknown) };
    let wrong = || Fault::new(&fault::INVALID).object("severity").expected("low, medium, high or critical").found(word);
    Severity::from_word(word).ok_or_else(wrong)
}

/// Alerts, newest first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(AlertFilter),
    responses((status = 200, body = Page<AlertForm>), (status = "default", body = Problem)))]
pub(crate) async fn alerts(State(state): State<ApiState>, Ask(filter): Ask<AlertFilter>) -> Answer<Page<StoredAlert>> {
    let limit = page::limit(filter.limit)?;
    let least = least(filter.severity.as_deref())?;
    let mut before = page::place(filter.cursor.as_deref())?;
    if before.is_empty() {
        before = filter.until.map_or(String::new(), |until| format!("{:020}", until.max(0)));
    }
    let since = filter.since.map_or(String::new(), |since| format!("{:020}", since.max(0)));
    let mut items = Vec::new();
    for _ in 0..LOOKED_AT / base::limits::PAGE_ROWS {
        let found = state.tables.scan_back(ALERTS, "", &before, base::limits::PAGE_ROWS).await?;
        let Some(last) = found.last() else { return Ok(axum::Json(Page { items, next: None })) };
        before = last.key.clone();
        for item in &found {
            if item.key < since {
                return Ok(axum::Json(Page { items, next: None }));
            }
            let stored: StoredAlert = tables::parse(ALERTS, item)?;
            if filter.keeps(&stored, least) {
                items.push(stored);
            }
            if items.len() == limit {
                return Ok(axum::Json(Page { items, next: Some(page::cursor(&item.key)) }));
            }
        }
    }
    Ok(axum::Json(Page { items, next: Some(page::cursor(&before)) }))
}

/// One alert.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, body = AlertForm), (status = "default", body = Problem)))]
pub(crate) async fn alert(State(state): State<ApiState>, Path(id): Path<String>) -> Answer<StoredAlert> {
    let missing = || Fault::new(&fault::MISSING).object(&id);
    Ok(axum::Json(find(&state, &id).await?.ok_or_else(missing)?))
}

/// An alert by its id.
pub(crate) async fn find(state: &ApiState, id: &str) -> Result<Option<StoredAlert>> {
    let Some(place) = state.tables.get(ALERT_KEYS, id).await? else { return Ok(None) };
    let key = String::from_utf8_lossy(&place.value).into_owned();
    tables::find(&*state.tables, ALERTS, &key).await
}
