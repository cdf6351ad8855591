//! Packet filters at the edge: what they do now.

use super::Answer;
use crate::view::Scrubber;
use crate::{ApiState, Problem, fault};
use axum::extract::{Path, State};
use base::Fault;

/// Every scrubber with its live counters: destinations, levels, drops by reason, neighbours, names.
#[utoipa::path(get, path = "/api/v1/scrubbers", tag = "scrubbers",
    responses((status = 200, body = Vec<Scrubber>), (status = "default", body = Problem)))]
pub(crate) async fn scrubbers(State(state): State<ApiState>) -> Answer<Vec<Scrubber>> {
    Ok(axum::Json(state.control.scrubbers()))
}

/// One scrubber.
#[utoipa::path(get, path = "/api/v1/scrubbers/{agent}", tag = "scrubbers", params(("agent" = String, Path)),
    responses((status = 200, body = Scrubber), (status = "default", body = Problem)))]
pub(crate) async fn scrubber(State(state): State<ApiState>, Path(agent): Path<String>) -> Answer<Scrubber> {
    let found = state.control.scrubbers().into_iter().find(|scrubber| scrubber.agent == agent);
    let missing = || Fault::new(&fault::MISSING).object(format!("scrubber {agent}"));
    Ok(axum::Json(found.ok_or_else(missing)?))
}
