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
        serde_json::from_slice(&bytes).map(Body).map_err(|cause| invalid().object("body").found(place(&cause)).into())
    }
}

/// Where a body is wrong. What stands there is not repeated, as it may be a password; the name of a field that is
/// missing is ours.
fn place(cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    let at = format!("line {} column {}", cause.line(), cause.column());
    match text.strip_prefix("missing field").and_then(|rest| rest.split('`').nth(1)) {
        Some(field) => format!("no field `{field}` ({at})"),
        None if cause.is_data() => format!("a field or value that does not fit ({at})"),
        None => format!("no whole JSON ({at})"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Login;

    #[test]
    fn a_fault_names_the_place_and_never_what_was_sent() {
        let said = |text: &str| place(&serde_json::from_str::<Login>(text).unwrap_err());
        assert_eq!(said(r#"{"user":"a","password":314159}"#), "a field or value that does not fit (line 1 column 29)");
        assert!(!said(r#"{"user":"a","hunter2":"x"}"#).contains("hunter2"));
        assert_eq!(said(r#"{"user":"a"}"#), "no field `password` (line 1 column 12)");
        assert_eq!(said("{"), "no whole JSON (line 1 column 1)");
    }
}
