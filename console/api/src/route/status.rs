//! The installation and its agents.

use super::Answer;
use crate::extract::Ask;
use crate::page::{self, Page, Pages};
use crate::view::{Agent, Status};
use crate::{ApiState, Problem};
use axum::extract::State;

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
