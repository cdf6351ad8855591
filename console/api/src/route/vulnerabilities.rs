//! Vulnerabilities of hosts, and the advisories they come from.

use super::assets::desk;
use super::intel::receive;
use super::{Answer, Reply};
use crate::caller::Caller;
use crate::extract::Ask;
use crate::page::{self, Page};
use crate::posture::FindingFilter;
use crate::{ApiState, Problem};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// Vulnerabilities of hosts; those of a host with the worst first.
#[utoipa::path(get, path = "/api/v1/vulnerabilities", tag = "vulnerabilities", params(FindingFilter),
    responses((status = 200, body = Page<Value>), (status = "default", body = Problem)))]
pub(crate) async fn findings(State(state): State<ApiState>, Ask(filter): Ask<FindingFilter>) -> Answer<Page<Value>> {
    let (limit, after) = (page::limit(filter.limit)?, page::place(filter.cursor.as_deref())?);
    let (items, next) = desk(&state)?.findings(&filter, &after, limit).await?;
    Ok(axum::Json(Page { items, next: next.map(|place| page::cursor(&place)) }))
}

/// What is known of a CVE or an advisory, and which hosts have it.
#[utoipa::path(get, path = "/api/v1/vulnerabilities/{name}", tag = "vulnerabilities", params(("name" = String, Path)),
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn vulnerability(State(state): State<ApiState>, Path(name): Path<String>) -> Answer<Value> {
    Ok(axum::Json(desk(&state)?.vulnerability(&name).await?))
}

/// How to take advisories.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Upload {
    /// Id of the source; what it said before is replaced.
    pub source: String,
    /// `osv`, `debian` or `kev`; absent looks at the content.
    pub format: String,
    /// Where the server fetches it; absent takes the body.
    pub url: String,
}

/// Imports the body, or what an address gives, plain or packed with xz or gzip. Answers the job's id; the job shows the
/// progress. The source's old advisories stay in force until all new ones are read.
#[utoipa::path(post, path = "/api/v1/vulnerabilities/import", tag = "vulnerabilities", params(Upload),
    request_body = Vec<u8>, responses((status = 202, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn import(
    State(state): State<ApiState>,
    caller: Caller,
    Ask(upload): Ask<Upload>,
    body: axum::body::Body,
) -> Reply<(StatusCode, axum::Json<Value>)> {
    let desk = desk(&state)?;
    let order = serde_json::to_value(&upload).unwrap_or_default();
    state.seal(&caller, "vulnerabilities.import", &upload.source, order.clone()).await?;
    let (mut file, path) = desk.place().await?;
    let begun = match receive(&mut file, body).await {
        Ok(()) => desk.import(order, path.clone()).await,
        Err(fault) => Err(fault),
    };
    match begun {
        Ok(id) => Ok((StatusCode::ACCEPTED, axum::Json(json!({ "id": id })))),
        Err(fault) => {
            // The upload is only ours; what is left of it is of no use to anyone.
            let _ = std::fs::remove_file(&path);
            Err(fault.into())
        }
    }
}

/// An import: how far it is, or how it ended.
#[utoipa::path(get, path = "/api/v1/vulnerabilities/imports/{id}", tag = "vulnerabilities",
    params(("id" = String, Path)), responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn job(State(state): State<ApiState>, Path(id): Path<String>) -> Answer<Value> {
    Ok(axum::Json(desk(&state)?.job(&id).await?))
}

/// Sources of advisories in force.
#[utoipa::path(get, path = "/api/v1/vulnerabilities/sources", tag = "vulnerabilities",
    responses((status = 200, body = Page<Value>), (status = "default", body = Problem)))]
pub(crate) async fn sources(State(state): State<ApiState>) -> Answer<Page<Value>> {
    Ok(axum::Json(Page { items: desk(&state)?.sources().await?, next: None }))
}

/// Takes a source out of force with everything it said.
#[utoipa::path(delete, path = "/api/v1/vulnerabilities/sources/{source}", tag = "vulnerabilities",
    params(("source" = String, Path)), responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn forget(
    State(state): State<ApiState>,
    caller: Caller,
    Path(source): Path<String>,
) -> Reply<StatusCode> {
    state.seal(&caller, "vulnerabilities.forget", &source, json!({})).await?;
    desk(&state)?.forget(&source).await?;
    Ok(StatusCode::NO_CONTENT)
}
