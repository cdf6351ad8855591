//! Threat intelligence: look-ups, imports, exports, feeds, partners.

use super::{Answer, Reply};
use crate::caller::Caller;
use crate::extract::{Ask, Body};
use crate::{ApiState, Intelligence, Problem, fault};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::{Fault, Result};
use futures::StreamExt;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;

/// Largest upload, bytes.
const UPLOAD_BYTES: u64 = 4 << 30;
/// Longest hunt, days.
const HUNT_DAYS: u64 = 3650;

fn desk(state: &ApiState) -> Result<Arc<dyn Intelligence>> {
    state.intelligence.clone().ok_or_else(|| Fault::new(&fault::MISSING).object("threat intelligence"))
}

/// A value to look up.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Address, network, domain, URL, hash, fingerprint, e-mail address or path; may be written defanged.
    pub value: String,
    /// Days of the past to search, 30 when absent; hunts only.
    #[serde(default)]
    pub days: Option<u64>,
}

/// How many indicators there are, and how they are.
#[utoipa::path(get, path = "/api/v1/intel", tag = "intel",
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn status(State(state): State<ApiState>) -> Answer<Value> {
    Ok(axum::Json(desk(&state)?.status().await?))
}

/// What a value is: its indicator with all claims, the verdict, warning lists.
#[utoipa::path(get, path = "/api/v1/intel/lookup", tag = "intel", params(Wanted),
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn lookup(State(state): State<ApiState>, Ask(wanted): Ask<Wanted>) -> Answer<Value> {
    Ok(axum::Json(desk(&state)?.lookup(&wanted.value).await?))
}

/// Names an indicator: `{value, kind?, confidence?, tlp?, valid_s?, tags?, description?}`.
#[utoipa::path(post, path = "/api/v1/intel/indicators", tag = "intel", request_body = Value,
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn add(State(state): State<ApiState>, caller: Caller, Body(indicator): Body<Value>) -> Answer<Value> {
    let object = indicator["value"].as_str().unwrap_or_default().to_owned();
    state.seal(&caller, "intel.add", &object, json!({ "indicator": indicator })).await?;
    Ok(axum::Json(desk(&state)?.add(indicator).await?))
}

/// Withdraws what people of this installation said of a value; what feeds say stays.
#[utoipa::path(delete, path = "/api/v1/intel/indicators", tag = "intel", params(Wanted),
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn withdraw(State(state): State<ApiState>, caller: Caller, Ask(wanted): Ask<Wanted>) -> Answer<Value> {
    state.seal(&caller, "intel.withdraw", &wanted.value, json!({})).await?;
    Ok(axum::Json(desk(&state)?.withdraw(&wanted.value).await?))
}

/// How to take an upload.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Upload {
    /// Id of the source.
    pub source: String,
    /// Format: absent looks at the content; also `warning-lists` and `attack`.
    pub format: String,
    /// Confidence of what names none, 0–100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// Marking of what names none: clear, green, amber, amber+strict, red.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tlp: Option<String>,
    /// Kind of every value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether what the source named before and does not name now is withdrawn.
    pub whole: bool,
}

/// Imports the body, plain or packed with xz or gzip. Answers the job's id; the job shows the progress.
#[utoipa::path(post, path = "/api/v1/intel/import", tag = "intel", params(Upload), request_body = Vec<u8>,
    responses((status = 202, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn import(
    State(state): State<ApiState>,
    caller: Caller,
    Ask(upload): Ask<Upload>,
    body: axum::body::Body,
) -> Reply<(StatusCode, axum::Json<Value>)> {
    let desk = desk(&state)?;
    let order = serde_json::to_value(&upload).unwrap_or_default();
    state.seal(&caller, "intel.import", &upload.source, order.clone()).await?;
    let (mut file, path) = desk.place().await?;
    if let Err(fault) = receive(&mut file, body).await {
        // The upload is only ours; what is left of it is of no use to anyone.
        let _ = std::fs::remove_file(&path);
        return Err(fault.into());
    }
    let id = desk.import(order, path).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(json!({ "id": id }))))
}

/// Writes a body to a file, piece by piece.
pub(super) async fn receive(file: &mut std::fs::File, body: axum::body::Body) -> Result<()> {
    let (mut pieces, mut bytes) = (body.into_data_stream(), 0u64);
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|cause| Fault::new(&fault::INVALID).object("body").because(cause))?;
        bytes += piece.len() as u64;
        if bytes > UPLOAD_BYTES {
            return Err(Fault::new(&fault::TOO_LARGE).expected(format!("at most {UPLOAD_BYTES} bytes")));
        }
        file.write_all(&piece).map_err(|cause| Fault::new(&fault::CORRUPT).object("upload").because(cause))?;
    }
    Ok(())
}

/// An import: how far it is, or how it ended.
#[utoipa::path(get, path = "/api/v1/intel/imports/{id}", tag = "intel", params(("id" = String, Path)),
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn job(State(state): State<ApiState>, Path(id): Path<String>) -> Answer<Value> {
    Ok(axum::Json(desk(&state)?.job(&id).await?))
}

/// What leaves in an export.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Leaving {
    /// Nothing more secret leaves: clear (when absent), green, amber, amber+strict, red.
    pub ceiling: Option<String>,
    /// Kinds, separated by commas; all when absent.
    pub kinds: Option<String>,
    /// Least confidence, 0–100.
    pub min_confidence: Option<u8>,
    /// Title.
    pub title: Option<String>,
    /// Origin of an RPZ zone, or name of an nftables table.
    pub place: Option<String>,
}

/// Everything that may leave, as stix, misp, suricata, rpz, nftables, csv, zeek or plain.
#[utoipa::path(get, path = "/api/v1/intel/export/{format}", tag = "intel", params(("format" = String, Path), Leaving),
    responses((status = 200, body = Vec<u8>), (status = "default", body = Problem)))]
pub(crate) async fn export(
    State(state): State<ApiState>,
    Path(format): Path<String>,
    Ask(leaving): Ask<Leaving>,
) -> Reply<Response> {
    let profile = serde_json::to_value(&leaving).unwrap_or_default();
    let (media, bytes) = desk(&state)?.export(&format, profile).await?;
    Ok(([(header::CONTENT_TYPE, media)], bytes).into_response())
}

/// Searches the kept events for a value; what is found becomes alerts marked as past.
#[utoipa::path(post, path = "/api/v1/intel/hunt", tag = "intel", params(Wanted),
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn hunt(State(state): State<ApiState>, caller: Caller, Ask(wanted): Ask<Wanted>) -> Answer<Value> {
    let days = wanted.days.unwrap_or(30).clamp(1, HUNT_DAYS);
    state.seal(&caller, "intel.hunt", &wanted.value, json!({ "days": days })).await?;
    Ok(axum::Json(desk(&state)?.hunt(&wanted.value, days).await?))
}

/// Who and what may be behind an incident, each with the way that leads there.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/attribution", tag = "intel", params(("id" = String, Path)),
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn attribute(State(state): State<ApiState>, Path(id): Path<String>) -> Answer<Value> {
    Ok(axum::Json(desk(&state)?.attribute(&id).await?))
}

/// Feeds and how they are.
#[utoipa::path(get, path = "/api/v1/intel/feeds", tag = "intel",
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn feeds(State(state): State<ApiState>) -> Answer<Value> {
    Ok(axum::Json(desk(&state)?.feeds().await?))
}

/// Adds or changes a feed: `{id, manner, url, format?, every_s, confidence?, tlp?, kind?, authorization?, plain?}`.
#[utoipa::path(post, path = "/api/v1/intel/feeds", tag = "intel", request_body = Value,
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn put_feed(
    State(state): State<ApiState>,
    caller: Caller,
    Body(feed): Body<Value>,
) -> Reply<StatusCode> {
    let mut told = feed.clone();
    if let Some(told) = told.as_object_mut() {
        told.remove("authorization");
    }
    let id = feed["id"].as_str().unwrap_or_default().to_owned();
    state.seal(&caller, "intel.feed", &id, told).await?;
    desk(&state)?.put_feed(feed).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a feed; what it said stays.
#[utoipa::path(delete, path = "/api/v1/intel/feeds/{id}", tag = "intel", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn drop_feed(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Reply<StatusCode> {
    state.seal(&caller, "intel.feed-remove", &id, json!({})).await?;
    desk(&state)?.drop_feed(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fetches a feed now.
#[utoipa::path(post, path = "/api/v1/intel/feeds/{id}/run", tag = "intel", params(("id" = String, Path)),
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn run_feed(State(state): State<ApiState>, caller: Caller, Path(id): Path<String>) -> Answer<Value> {
    state.seal(&caller, "intel.feed-run", &id, json!({})).await?;
    Ok(axum::Json(desk(&state)?.run_feed(&id).await?))
}

/// Sharing profiles: what each partner gets.
#[utoipa::path(get, path = "/api/v1/intel/shares", tag = "intel",
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub(crate) async fn shares(State(state): State<ApiState>) -> Answer<Value> {
    Ok(axum::Json(desk(&state)?.shares().await?))
}

/// Adds or changes a sharing profile.
#[utoipa::path(post, path = "/api/v1/intel/shares", tag = "intel", request_body = Value,
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn put_share(
    State(state): State<ApiState>,
    caller: Caller,
    Body(share): Body<Value>,
) -> Reply<StatusCode> {
    let id = share["id"].as_str().unwrap_or_default().to_owned();
    state.seal(&caller, "intel.share", &id, share.clone()).await?;
    desk(&state)?.put_share(share).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a sharing profile.
#[utoipa::path(delete, path = "/api/v1/intel/shares/{id}", tag = "intel", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn drop_share(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Reply<StatusCode> {
    state.seal(&caller, "intel.share-end", &id, json!({})).await?;
    desk(&state)?.drop_share(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
