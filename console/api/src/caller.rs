//! Who calls: an account behind a session cookie or an API token.

use crate::access::{Role, Scope};
use crate::account::Account;
use crate::{ApiState, Draft, Failure, fault, session, token};
use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use base::{Fault, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The caller of a request, put there by the gate.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The account.
    pub account: Account,
    /// By which credential.
    pub via: Via,
}

/// By which credential.
#[derive(Debug, Clone)]
pub(crate) enum Via {
    /// A session: its cookie and the CSRF value it demands.
    Session { cookie: String, csrf: String, expires_us: i64 },
    /// A token: its id and scopes.
    Token { id: String, scopes: Vec<Scope> },
}

impl Caller {
    /// As the ledger names it.
    pub fn who(&self) -> String {
        format!("user:{}", self.account.name)
    }

    /// What this caller does, as the ledger notes it; with the token's id when it is one.
    pub fn draft(&self, what: &str, object: &str, mut details: serde_json::Value) -> Draft {
        if let (Some(token), Some(details)) = (self.token(), details.as_object_mut()) {
            details.insert("token".into(), token.into());
        }
        Draft { who: self.who(), what: what.into(), object: object.into(), details }
    }

    /// Id of the token, `None` for a session.
    pub fn token(&self) -> Option<&str> {
        match &self.via {
            Via::Session { .. } => None,
            Via::Token { id, .. } => Some(id),
        }
    }

    /// Scopes of the token, `None` for a session.
    pub fn scopes(&self) -> Option<&[Scope]> {
        match &self.via {
            Via::Session { .. } => None,
            Via::Token { scopes, .. } => Some(scopes),
        }
    }

    /// Whether the account has the role.
    pub fn has(&self, role: Role) -> bool {
        self.account.roles.contains(&role)
    }
}

/// The caller of these headers. A token goes before a cookie; a credential that is there and wrong is a fault even if
/// another one is right.
pub(crate) async fn identify(state: &ApiState, headers: &HeaderMap) -> Result<Caller> {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let (name, epoch, via) = if let Some(value) = text(header::AUTHORIZATION) {
        let (name, given) = credential(value).ok_or_else(bad)?;
        let token = token::find(&*state.tables, &*state.clock, &given).await?.ok_or_else(bad)?;
        if name.is_some_and(|name| name != token.owner) {
            return Err(bad());
        }
        (token.owner, None, Via::Token { id: token.id, scopes: token.scopes })
    } else if let Some(cookie) = text(header::COOKIE).and_then(session::in_header) {
        let found = session::find(&*state.tables, &*state.clock, cookie).await?.ok_or_else(bad)?;
        let via = Via::Session { cookie: cookie.into(), csrf: session::csrf(cookie), expires_us: found.expires_us };
        (found.user, Some(found.epoch), via)
    } else {
        return Err(Fault::new(&fault::NOT_LOGGED_IN));
    };
    let account = crate::account::find(&*state.tables, &name).await?.ok_or_else(bad)?;
    if epoch.is_some_and(|epoch| epoch != account.epoch) {
        return Err(bad());
    }
    Ok(Caller { account, via })
}

/// A token as `Bearer`, or as the password of `Basic` beside the account's name (RFC 7617): TAXII clients know no other.
fn credential(value: &str) -> Option<(Option<String>, String)> {
    let Some(packed) = value.strip_prefix("Basic ") else {
        return Some((None, value.strip_prefix("Bearer ").unwrap_or(value).trim().to_owned()));
    };
    let text = String::from_utf8(STANDARD.decode(packed.trim()).ok()?).ok()?;
    let (name, token) = text.split_once(':')?;
    Some((Some(name.to_owned()), token.to_owned()))
}

fn bad() -> Fault {
    Fault::new(&fault::BAD_CREDENTIAL)
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Caller, Failure> {
        // Only a route without a gate has none: our mistake, never the caller's.
        parts.extensions.get::<Caller>().cloned().ok_or_else(|| Fault::new(&fault::BUG).object("gate").into())
    }
}
