//! Tokens by which new agents enrol.

use super::Answer;
use crate::caller::Caller;
use crate::extract::Body;
use crate::form::{Enrolment, EnrolmentRequest};
use crate::{ApiState, Problem, fault};
use axum::extract::State;
use base::Fault;
use serde_json::json;

/// Longest life, seconds (30 days).
const LIFE_S_MAX: u64 = 30 * 24 * 3600;
/// Most agents by one token.
const USES_MAX: u32 = 10_000;

/// Makes an enrolment token.
#[utoipa::path(post, path = "/api/v1/enrolments", tag = "agents", request_body = EnrolmentRequest,
    responses((status = 200, body = Enrolment), (status = "default", body = Problem)))]
pub(crate) async fn create_enrolment(
    State(state): State<ApiState>,
    caller: Caller,
    Body(EnrolmentRequest { group, uses, ttl_s }): Body<EnrolmentRequest>,
) -> Answer<Enrolment> {
    let invalid = |object: &str| Fault::new(&fault::INVALID).object(object);
    let fits = |letter: char| letter.is_alphanumeric() || "._-".contains(letter);
    if group.is_empty() || group.len() > 64 || !group.chars().all(fits) {
        return Err(invalid("group").expected("1 to 64 bytes of letters, digits, `.`, `_`, `-`").found(group).into());
    }
    if uses == 0 || uses > USES_MAX {
        return Err(invalid("uses").expected(format!("1 to {USES_MAX}")).found(uses).into());
    }
    if ttl_s == 0 || ttl_s > LIFE_S_MAX {
        return Err(invalid("ttl_s").expected(format!("1 to {LIFE_S_MAX}")).found(ttl_s).into());
    }
    state.seal(&caller, "enrolment.create", &group, json!({"uses": uses, "ttl_s": ttl_s})).await?;
    let expires_us = state.now() + (ttl_s * 1_000_000) as i64;
    let token = state.control.enroll_token(&group, uses, ttl_s).await?;
    Ok(axum::Json(Enrolment { token, expires_us }))
}
