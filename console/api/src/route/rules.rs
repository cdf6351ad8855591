//! Rules: list, changes and their roll-out, exceptions, tests on the past.

use super::{Answer, Reply, check_reason};
use crate::caller::Caller;
use crate::extract::{Ask, Body};
use crate::page::Page;
use crate::rules::{
    RuleChangeRequest, RuleChanged, RuleException, RuleFull, RuleProposal, RuleProposalRequest, RuleRollout, RuleRow,
    RuleTest, RuleTestRequest, RuleVersion, Rules,
};
use crate::{ApiState, Problem, fault};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base::{Fault, Result};
use std::sync::Arc;

/// Longest window of a test, seconds (ten years).
const SINCE_MOST_S: u64 = 315_360_000;
/// Most samples of a rule.
const SAMPLES_MOST: usize = 100;

fn desk(state: &ApiState) -> Result<Arc<dyn Rules>> {
    state.rules.clone().ok_or_else(|| Fault::new(&fault::MISSING).object("rules"))
}

const fn whole<T>(items: Vec<T>) -> axum::Json<Page<T>> {
    axum::Json(Page { items, next: None })
}

/// Which rules.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct RuleFilter {
    /// `built-in` or `own`.
    pub source: Option<String>,
    /// `informational`, `low`, `medium`, `high`, `critical`.
    pub level: Option<String>,
    /// `on`, `off` or `unrouted`.
    pub state: Option<String>,
}

/// Every rule, its own first.
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules", params(RuleFilter),
    responses((status = 200, body = Page<RuleRow>), (status = "default", body = Problem)))]
pub(crate) async fn rules(State(state): State<ApiState>, Ask(filter): Ask<RuleFilter>) -> Answer<Page<RuleRow>> {
    let fits = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
    let mut rules = desk(&state)?.list().await?;
    rules.retain(|rule| {
        fits(&filter.source, &rule.source) && fits(&filter.level, &rule.level) && fits(&filter.state, &rule.state)
    });
    Ok(whole(rules))
}

/// A rule whole, with its text and exceptions.
#[utoipa::path(get, path = "/api/v1/rules/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 200, body = RuleFull), (status = "default", body = Problem)))]
pub(crate) async fn rule(State(state): State<ApiState>, Path(id): Path<String>) -> Answer<RuleFull> {
    Ok(axum::Json(desk(&state)?.show(&id).await?))
}

/// Changes the set of rules and publishes it; a change that does not compile is refused.
#[utoipa::path(post, path = "/api/v1/rules/changes", tag = "rules", request_body = RuleChangeRequest,
    responses((status = 200, body = RuleChanged), (status = "default", body = Problem)))]
pub(crate) async fn change(
    State(state): State<ApiState>,
    caller: Caller,
    Body(asked): Body<RuleChangeRequest>,
) -> Answer<RuleChanged> {
    check_reason(&asked.reason)?;
    let desk = desk(&state)?;
    let details = desk.check(&asked).await?;
    state.seal(&caller, "rules.change", "rules", details).await?;
    Ok(axum::Json(desk.change(asked, &caller.who()).await?))
}

/// Versions of the set that are kept, the newest first.
#[utoipa::path(get, path = "/api/v1/rules/changes", tag = "rules",
    responses((status = 200, body = Page<RuleVersion>), (status = "default", body = Problem)))]
pub(crate) async fn versions(State(state): State<ApiState>) -> Answer<Page<RuleVersion>> {
    Ok(whole(desk(&state)?.versions().await?))
}

/// Which version agents are to hold, which they hold, and who refused it.
#[utoipa::path(get, path = "/api/v1/rules/rollout", tag = "rules",
    responses((status = 200, body = RuleRollout), (status = "default", body = Problem)))]
pub(crate) async fn rollout(State(state): State<ApiState>) -> Answer<RuleRollout> {
    Ok(axum::Json(desk(&state)?.rollout().await?))
}

/// Exceptions of the present set, also those that are over.
#[utoipa::path(get, path = "/api/v1/rules/exceptions", tag = "rules",
    responses((status = 200, body = Page<RuleException>), (status = "default", body = Problem)))]
pub(crate) async fn exceptions(State(state): State<ApiState>) -> Answer<Page<RuleException>> {
    Ok(whole(desk(&state)?.exceptions().await?))
}

/// Proposes an exception from an alert; changes nothing.
#[utoipa::path(post, path = "/api/v1/rules/proposals", tag = "rules", request_body = RuleProposalRequest,
    responses((status = 200, body = RuleProposal), (status = "default", body = Problem)))]
pub(crate) async fn propose(
    State(state): State<ApiState>,
    Body(asked): Body<RuleProposalRequest>,
) -> Answer<RuleProposal> {
    Ok(axum::Json(desk(&state)?.propose(asked).await?))
}

/// Tries rules on the kept events; changes nothing. The test goes on by itself: ask for it by its id.
#[utoipa::path(post, path = "/api/v1/rules/tests", tag = "rules", request_body = RuleTestRequest,
    responses((status = 202, body = RuleTest), (status = "default", body = Problem)))]
pub(crate) async fn test(
    State(state): State<ApiState>,
    Body(mut asked): Body<RuleTestRequest>,
) -> Reply<(StatusCode, axum::Json<RuleTest>)> {
    asked.since_s = asked.since_s.clamp(1, SINCE_MOST_S);
    asked.limit = asked.limit.min(SAMPLES_MOST);
    Ok((StatusCode::ACCEPTED, axum::Json(desk(&state)?.test(asked).await?)))
}

/// A test: how far it is, or what it found.
#[utoipa::path(get, path = "/api/v1/rules/tests/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 200, body = RuleTest), (status = "default", body = Problem)))]
pub(crate) async fn tested(State(state): State<ApiState>, Path(id): Path<String>) -> Answer<RuleTest> {
    Ok(axum::Json(desk(&state)?.tested(&id).await?))
}

/// Ends a test.
#[utoipa::path(delete, path = "/api/v1/rules/tests/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn cancel(State(state): State<ApiState>, Path(id): Path<String>) -> Reply<StatusCode> {
    desk(&state)?.cancel(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
