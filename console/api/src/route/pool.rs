//! The pool of protected addresses.

use super::{Answer, Reply, check_reason};
use crate::addresses::{Addresses, PoolAddress, PoolAllocated, PoolAllocation, PoolChange, PoolHolder, PoolSummary};
use crate::caller::Caller;
use crate::extract::{Ask, Body};
use crate::page::{self, Page, Pages};
use crate::{ApiState, Problem, fault};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base::{Fault, Result};
use serde_json::json;
use std::sync::Arc;

fn desk(state: &ApiState) -> Result<Arc<dyn Addresses>> {
    state.addresses.clone().ok_or_else(|| Fault::new(&fault::MISSING).object("address pool"))
}

/// Counts of the pool.
#[utoipa::path(get, path = "/api/v1/pool", tag = "pool",
    responses((status = 200, body = PoolSummary), (status = "default", body = Problem)))]
pub(crate) async fn summary(State(state): State<ApiState>) -> Answer<PoolSummary> {
    Ok(axum::Json(desk(&state)?.summary().await?))
}

/// Who holds an address.
#[utoipa::path(get, path = "/api/v1/pool/addresses/{address}", tag = "pool", params(("address" = String, Path)),
    responses((status = 200, body = PoolAddress), (status = "default", body = Problem)))]
pub(crate) async fn address(State(state): State<ApiState>, Path(address): Path<String>) -> Answer<PoolAddress> {
    Ok(axum::Json(desk(&state)?.address(&address).await?))
}

/// Customers and sites, by name.
#[utoipa::path(get, path = "/api/v1/pool/holders", tag = "pool", params(Pages),
    responses((status = 200, body = Page<PoolHolder>), (status = "default", body = Problem)))]
pub(crate) async fn holders(State(state): State<ApiState>, Ask(pages): Ask<Pages>) -> Answer<Page<PoolHolder>> {
    let (limit, place) = (page::limit(pages.limit)?, page::place(pages.cursor.as_deref())?);
    let (items, next) = desk(&state)?.holders(&place, limit).await?;
    Ok(axum::Json(Page { items, next: next.as_deref().map(page::cursor) }))
}

/// Whose ranges, and which page.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct RangeFilter {
    /// Name of the holder; what is free when absent.
    pub holder: Option<String>,
    /// Cursor from the page before.
    pub cursor: Option<String>,
    /// Most rows, 1 to 1000; 100 when absent.
    pub limit: Option<usize>,
}

/// Ranges of a holder, or the free ones, in the order of addresses, IPv4 first.
#[utoipa::path(get, path = "/api/v1/pool/ranges", tag = "pool", params(RangeFilter),
    responses((status = 200, body = Page<String>), (status = "default", body = Problem)))]
pub(crate) async fn ranges(State(state): State<ApiState>, Ask(filter): Ask<RangeFilter>) -> Answer<Page<String>> {
    let (limit, place) = (page::limit(filter.limit)?, page::place(filter.cursor.as_deref())?);
    let (items, next) = desk(&state)?.ranges(filter.holder.as_deref(), &place, limit).await?;
    Ok(axum::Json(Page { items, next: next.as_deref().map(page::cursor) }))
}

/// Changes the pool: all of the change, or nothing and a problem that names the address and who holds it.
#[utoipa::path(post, path = "/api/v1/pool/changes", tag = "pool", request_body = PoolChange,
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn change(
    State(state): State<ApiState>,
    caller: Caller,
    Body(asked): Body<PoolChange>,
) -> Reply<StatusCode> {
    check_reason(&asked.reason)?;
    let desk = desk(&state)?;
    desk.check(&asked).await?;
    let object = asked.range.as_ref().or(asked.name.as_ref()).or(asked.from.as_ref()).cloned().unwrap_or_default();
    state.seal(&caller, "pool.change", &object, json!(asked)).await?;
    desk.change(&asked, &caller.who()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Assigns free addresses to a holder, the lowest there are.
#[utoipa::path(post, path = "/api/v1/pool/allocations", tag = "pool", request_body = PoolAllocation,
    responses((status = 200, body = PoolAllocated), (status = "default", body = Problem)))]
pub(crate) async fn allocate(
    State(state): State<ApiState>,
    caller: Caller,
    Body(asked): Body<PoolAllocation>,
) -> Answer<PoolAllocated> {
    check_reason(&asked.reason)?;
    let desk = desk(&state)?;
    state.seal(&caller, "pool.allocate", &asked.holder, json!(asked)).await?;
    Ok(axum::Json(desk.allocate(&asked, &caller.who()).await?))
}
