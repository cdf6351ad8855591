//! The installation and its agents.

use super::{Answer, Reply, check_reason};
use crate::caller::Caller;
use crate::extract::{Ask, Body};
use crate::form::Reason;
use crate::page::{self, Page, Pages};
use crate::view::{Agent, Status};
use crate::{ApiState, Problem, fault};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base::Fault;

/// The installation now: programs, agents, lake, disk, pipeline.
#[utoipa::path(get, path = "/api/v1/status", tag = "status",
    responses((status = 200, body = Status), (status = "default", body = Problem)))]
pub(crate) async fn status(State(state): State<ApiState>) -> Answer<Status> {
    Ok(axum::Json(state.control.status().await?))
}

/// Enrolled agents by id.
#[utoipa::path(get, path = "/api/v1/agents", tag = "status", params(Pages),
    responses((status = 200, body = Page<Agent>), (status = "default", body = Problem)))]
pub(crate) async fn agents(State(state): State<ApiState>, Ask(pages): Ask<Pages>) -> Answer<Page<Agent>> {
    let limit = page::limit(pages.limit)?;
    let after = page::place(pages.cursor.as_deref())?;
    let mut agents = state.control.status().await?.agents;
    agents.sort_by(|left, right| left.id.cmp(&right.id));
    let mut items: Vec<Agent> = agents.into_iter().filter(|agent| agent.id > after).take(limit + 1).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|agent| page::cursor(&agent.id));
    Ok(axum::Json(Page { items, next }))
}

/// Shuts an agent out: its link ends at once and its certificates open no other. A new enrolment lets the host back in.
#[utoipa::path(post, path = "/api/v1/agents/{id}/deny", tag = "agents", params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn deny_agent(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(Reason { reason }): Body<Reason>,
) -> Reply<StatusCode> {
    check_reason(&reason)?;
    if !state.control.status().await?.agents.iter().any(|agent| agent.id == id) {
        return Err(Fault::new(&fault::MISSING).object(format!("agent {id}")).into());
    }
    state.seal(&caller, "agent.deny", &id, serde_json::json!({ "reason": reason })).await?;
    state.control.deny_agent(&id, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
