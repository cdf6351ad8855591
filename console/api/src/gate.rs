//! The gate before every handler: finds the route in the table, the caller behind the request, and compares.

use crate::access::{self, Door};
use crate::caller::{self, Caller, Via};
use crate::{ApiState, Failure, fault, secret, session};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base::{Fault, Result};

/// Lets a request through, with its [`Caller`] for the handler, or answers with the fault.
pub(crate) async fn pass(State(state): State<ApiState>, mut request: Request, next: Next) -> Response {
    // Only parts of the request are lent over the wait: its body is not `Sync`.
    let path = request.extensions().get::<MatchedPath>().cloned();
    match judge(&state, request.method(), path.as_ref(), request.headers()).await {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => next.run(request).await,
        Err(fault) => Failure::from(fault).into_response(),
    }
}

async fn judge(
    state: &ApiState,
    method: &Method,
    path: Option<&MatchedPath>,
    headers: &HeaderMap,
) -> Result<Option<Caller>> {
    // Without a pattern the request goes to the fallback, which knows nothing worth guarding.
    let Some(path) = path else { return Ok(None) };
    let missing = || Fault::new(&fault::BUG).object(path.as_str()).because("route is missing in the access table");
    let endpoint = access::endpoint(method.as_str(), path.as_str());
    let Some(endpoint) = endpoint else {
        // A pattern that stands under another method: the router answers that itself.
        let known = access::ENDPOINTS.iter().any(|endpoint| endpoint.path == path.as_str());
        return if known { Ok(None) } else { Err(missing()) };
    };
    if endpoint.door == Door::Open {
        return Ok(None);
    }
    let caller = caller::identify(state, headers).await?;
    if let Via::Session { csrf, .. } = &caller.via {
        check_csrf(method, headers, csrf)?;
    }
    if caller.account.must_change && caller.token().is_none() && endpoint.door != Door::Self_ {
        return Err(Fault::new(&fault::MUST_CHANGE).object(&caller.account.name));
    }
    if !access::allows(endpoint.door, &caller.account.roles, caller.scopes()) {
        return Err(denied(endpoint.door, &caller));
    }
    Ok(Some(caller))
}

/// A cookie alone proves only that the browser holds it, not that our console made the request.
fn check_csrf(method: &Method, headers: &HeaderMap, wanted: &str) -> Result<()> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let given = headers.get(session::CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or("");
    if secret::equal(given, wanted) { Ok(()) } else { Err(Fault::new(&fault::FORGED)) }
}

fn denied(door: Door, caller: &Caller) -> Fault {
    let words = |list: Vec<&'static str>| list.join(", ");
    let held = words(caller.account.roles.iter().map(|role| role.word()).collect());
    let fault = Fault::new(&fault::DENIED).object(&caller.account.name);
    match (door, caller.scopes()) {
        (Door::Roles(roles, scope), Some(scopes)) => {
            let scopes = words(scopes.iter().map(|scope| scope.word()).collect());
            let wanted = words(roles.iter().map(|role| role.word()).collect());
            let fault = fault.expected(format!("a role of {wanted} and the scope {}", scope.word()));
            fault.found(format!("roles {held}, scopes {scopes}"))
        }
        (Door::Roles(roles, _), None) => {
            let wanted = words(roles.iter().map(|role| role.word()).collect());
            fault.expected(format!("a role of {wanted}")).found(format!("roles {held}"))
        }
        (Door::Self_ | Door::Open, _) => fault.expected("a session").found("a token"),
    }
}
