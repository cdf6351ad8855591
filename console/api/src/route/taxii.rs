//! The TAXII 2.1 server: HTTP in and out of [`crate::Intelligence::taxii`].

use super::Reply;
use crate::access::Role;
use crate::caller::Caller;
use crate::intelligence::TaxiiRequest;
use crate::{ApiState, Problem, fault};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base::Fault;
use serde_json::json;

/// Largest addition read, bytes; the server says what it takes.
const BODY_BYTES: usize = 10 << 20;

/// Discovery (TAXII 2.1 §4.1).
#[utoipa::path(get, path = "/taxii2/", tag = "taxii",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub(crate) async fn discovery(state: State<ApiState>, caller: Caller, request: Request) -> Reply<Response> {
    answer(state, caller, request).await
}

/// Reads the API root, its collections, objects, manifests and statuses (TAXII 2.1 §4.2–5.8).
#[utoipa::path(get, path = "/taxii2/{*rest}", tag = "taxii", params(("rest" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub(crate) async fn read(state: State<ApiState>, caller: Caller, request: Request) -> Reply<Response> {
    answer(state, caller, request).await
}

/// Adds objects to a collection (TAXII 2.1 §5.5).
#[utoipa::path(post, path = "/taxii2/{*rest}", tag = "taxii", params(("rest" = String, Path)),
    responses((status = 202, body = serde_json::Value), (status = "default", body = Problem)))]
pub(crate) async fn add(state: State<ApiState>, caller: Caller, request: Request) -> Reply<Response> {
    state.seal(&caller, "intel.taxii-add", request.uri().path(), json!({})).await?;
    answer(state, caller, request).await
}

/// Deletes an object that was added (TAXII 2.1 §5.7).
#[utoipa::path(delete, path = "/taxii2/{*rest}", tag = "taxii", params(("rest" = String, Path)),
    responses((status = 200), (status = "default", body = Problem)))]
pub(crate) async fn delete(state: State<ApiState>, caller: Caller, request: Request) -> Reply<Response> {
    state.seal(&caller, "intel.taxii-delete", request.uri().path(), json!({})).await?;
    answer(state, caller, request).await
}

async fn answer(State(state): State<ApiState>, caller: Caller, request: Request) -> Reply<Response> {
    let missing = || Fault::new(&fault::MISSING).object("threat intelligence");
    let desk = state.intelligence.clone().ok_or_else(missing)?;
    let (parts, body) = request.into_parts();
    let text =
        |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let read = axum::body::to_bytes(body, BODY_BYTES + 1).await;
    let asked = TaxiiRequest {
        method: parts.method.as_str().into(),
        path: parts.uri.path().into(),
        query: parts.uri.query().unwrap_or_default().into(),
        accept: text(header::ACCEPT),
        content_type: text(header::CONTENT_TYPE),
        too_large: read.is_err(),
        body: read.unwrap_or_default(),
    };
    let all = caller.has(Role::SecurityAdmin);
    let said = desk.taxii(&caller.account.name, all, asked).await?;
    let mut response = Response::new(Body::from(said.body));
    *response.status_mut() = StatusCode::from_u16(said.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in said.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}
