//! Reading requests: every rejection becomes a fault that names what is wrong.

use crate::{Failure, fault};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::{StatusCode, header, request::Parts};
use axum::response::IntoResponse;
use base::Fault;
use bytes::Bytes;
use serde::de::DeserializeOwned;

/// A JSON body. The content type must say so: a form of another site cannot.
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Failure> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let invalid = || Fault::new(&fault::INVALID);
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            return Err(invalid().object("content-type").expected("application/json").found(kind).into());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let large = rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE;
            let most = base::limits::API_BODY_BYTES;
            let too_large = || Fault::new(&fault::TOO_LARGE).expected(format!("at most {most} bytes"));
            if large { too_large() } else { invalid().object("body") }
        })?;
        serde_json::from_slice(&bytes).map(Body).map_err(|cause| invalid().object("body").found(cause).into())
    }
}

/// The query of the address.
pub(crate) struct Ask<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Ask<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Ask<T>, Failure> {
        let invalid = |cause| Fault::new(&fault::INVALID).object("query").found(cause);
        Query::try_from_uri(&parts.uri).map(|Query(asked)| Ask(asked)).map_err(|cause| invalid(cause).into())
    }
}

/// Address of the other end, put on each request by the server that accepted the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote(pub std::net::IpAddr);
