//! Incidents: newest first, one told whole, closing.

use super::alerts::{self, LOOKED_AT, drill_fits};
use super::{Answer, check_reason, orders};
use crate::caller::Caller;
use crate::extract::{Ask, Body};
use crate::form::Reason;
use crate::page::{self, Page};
use crate::schema::{ChainForm, IncidentForm, IncidentViewForm};
use crate::story::{IncidentView, OrderView};
use crate::tables::{self, INCIDENT_TIMES, INCIDENTS, StoredAlert};
use crate::{ApiState, Problem, fault};
use axum::extract::{Path, State};
use base::{Fault, Result};
use port::Write;
use record::{Chain, ChainActor, Incident, IncidentStatus, Severity};

/// Most alerts shown of one incident; the rest is found by `GET /alerts`.
const ALERTS_SHOWN: usize = 500;
/// Most orders shown of one incident.
const ORDERS_SHOWN: usize = 200;
/// How often closing is tried when the correlator writes at the same time.
const TRIES: usize = 5;

/// Which incidents.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct IncidentFilter {
    /// `open`, `contained` or `closed`.
    pub status: Option<String>,
    /// Least severity: `low`, `medium`, `high`, `critical`.
    pub severity: Option<String>,
    /// Agent id.
    pub host: Option<String>,
    /// `only` drills, or `without` them; both when absent.
    pub drill: Option<String>,
    /// Most rows, 1 to 1000; 100 when absent.
    pub limit: Option<usize>,
    /// Cursor from the page before.
    pub cursor: Option<String>,
}

impl IncidentFilter {
    fn status(&self) -> Result<Option<IncidentStatus>> {
        match self.status.as_deref() {
            None | Some("") => Ok(None),
            Some("open") => Ok(Some(IncidentStatus::Open)),
            Some("contained") => Ok(Some(IncidentStatus::Contained)),
            Some("closed") => Ok(Some(IncidentStatus::Closed)),
            Some(other) => {
                Err(Fault::new(&fault::INVALID).object("status").expected("open, contained or closed").found(other))
            }
        }
    }

    fn keeps(&self, incident: &Incident, status: Option<IncidentStatus>, least: Severity) -> bool {
        status.is_none_or(|status| status == incident.status)
            && incident.severity >= least
            && self.host.as_ref().is_none_or(|host| incident.hosts.contains(host))
            && drill_fits(self.drill.as_deref(), &incident.drill)
    }
}

/// Incidents, newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(IncidentFilter),
    responses((status = 200, body = Page<IncidentForm>), (status = "default", body = Problem)))]
pub(crate) async fn incidents(
    State(state): State<ApiState>,
    Ask(filter): Ask<IncidentFilter>,
) -> Answer<Page<Incident>> {
    let limit = page::limit(filter.limit)?;
    let (status, least) = (filter.status()?, alerts::least(filter.severity.as_deref())?);
    let mut before = page::place(filter.cursor.as_deref())?;
    let mut items = Vec::new();
    for _ in 0..LOOKED_AT / base::limits::PAGE_ROWS {
        let found = state.tables.scan_back(INCIDENT_TIMES, "", &before, base::limits::PAGE_ROWS).await?;
        let Some(last) = found.last() else { return Ok(axum::Json(Page { items, next: None })) };
        before = last.key.clone();
        for item in &found {
            let id = String::from_utf8_lossy(&item.value);
            let incident: Option<Incident> = tables::find(&*state.tables, INCIDENTS, &id).await?;
            // An incident whose first time moved back stands under two times; the older row is not the valid one.
            let valid = |incident: &Incident| tables::timed(incident.first_us, &incident.id) == item.key;
            items.extend(incident.filter(|one| valid(one) && filter.keeps(one, status, least)));
            if items.len() == limit {
                return Ok(axum::Json(Page { items, next: Some(page::cursor(&item.key)) }));
            }
        }
    }
    Ok(axum::Json(Page { items, next: Some(page::cursor(&before)) }))
}

/// One incident with its alerts, orders, process tree and timeline.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = IncidentViewForm), (status = "default", body = Problem)))]
pub(crate) async fn incident(State(state): State<ApiState>, Path(id): Path<String>) -> Answer<IncidentView> {
    let incident: Incident = tables::incident(&*state.tables, &id).await?;
    let mut findings: Vec<StoredAlert> = Vec::new();
    for alert in incident.alerts.iter().take(ALERTS_SHOWN) {
        findings.extend(alerts::find(&state, alert).await?);
    }
    let mut actions: Vec<OrderView> = Vec::new();
    for order in incident.orders.iter().take(ORDERS_SHOWN) {
        actions.extend(orders::find(&state, order).await?);
    }
    Ok(axum::Json(IncidentView::new(incident, findings, actions)))
}

/// Most actors and programs named behind a chain.
const ACTORS: usize = 3;

/// The attack chain of an incident: graph, entry, spread, control and impact.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/chain", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = ChainForm), (status = "default", body = Problem)))]
pub(crate) async fn chain(State(state): State<ApiState>, Path(id): Path<String>) -> Answer<Chain> {
    let mut chain = state.control.chain(&id).await?;
    if let Some(desk) = &state.intelligence {
        // The chain stands without a name behind it.
        match desk.attribute(&chain.incident).await {
            Ok(told) => chain.actors = actors(&told),
            Err(fault) => tracing::warn!(fault = %fault.inside(), "no actor was sought for a chain"),
        }
    }
    Ok(axum::Json(chain))
}

fn actors(told: &serde_json::Value) -> Vec<ChainActor> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let list = |name: &str, kind: &str| -> Vec<ChainActor> {
        let all = told[name].as_array().into_iter().flatten().take(ACTORS);
        all.map(|one| ChainActor {
            id: text(&one["id"]),
            name: text(&one["name"]),
            kind: kind.to_owned(),
            confidence: one["confidence"].as_u64().and_then(|sure| u8::try_from(sure).ok()).unwrap_or(0),
        })
        .collect()
    };
    [list("actors", "actor"), list("software", "software")].concat()
}

/// Closes an incident.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/close", tag = "incidents", params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = IncidentForm), (status = "default", body = Problem)))]
pub(crate) async fn close_incident(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(Reason { reason }): Body<Reason>,
) -> Answer<Incident> {
    check_reason(&reason)?;
    let incident: Incident = tables::incident(&*state.tables, &id).await?;
    let id = incident.id.clone();
    if incident.status == IncidentStatus::Closed {
        let fault = Fault::new(&fault::WRONG_STATE).object(&id);
        return Err(fault.expected("open or contained").found("closed").into());
    }
    state.seal(&caller, "incident.close", &id, serde_json::json!({ "reason": reason })).await?;
    let incident = store_closed(&state, &id).await?;
    state.control.incident_closed(&id).await?;
    Ok(axum::Json(incident))
}

/// Stores the state, again when the correlator was faster.
async fn store_closed(state: &ApiState, id: &str) -> Result<Incident> {
    let mut last = Fault::new(&fault::MISSING).object(id);
    for _ in 0..TRIES {
        let Some(item) = state.tables.get(INCIDENTS, id).await? else { return Err(last) };
        let mut incident: Incident = tables::parse(INCIDENTS, &item)?;
        incident.status = IncidentStatus::Closed;
        let value = tables::json(&incident);
        let write = Write::PutIf { table: INCIDENTS, key: id.to_string(), value, version: item.version };
        match state.tables.commit(vec![write]).await {
            Ok(()) => return Ok(incident),
            Err(fault) if fault.is(&port::fault::CONFLICT) => last = fault,
            Err(fault) => return Err(fault),
        }
    }
    Err(last)
}
