//! Liveness and the OpenAPI document.

use super::Answer;
use crate::form::Health;
use crate::tables::ACCOUNTS;
use crate::{ApiState, Problem};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Whether the server answers and its state can be read.
#[utoipa::path(get, path = "/api/v1/healthz", tag = "health",
    responses((status = 200, body = Health), (status = "default", body = Problem)))]
pub(crate) async fn healthz(State(state): State<ApiState>) -> Answer<Health> {
    state.tables.scan(ACCOUNTS, "", "", 1).await?;
    Ok(axum::Json(Health { ok: true }))
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health", responses((status = 200, body = Object)))]
pub(crate) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], crate::router::document_text()).into_response()
}
