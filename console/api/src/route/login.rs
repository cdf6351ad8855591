//! Login, logout, one's own password.

use super::{Answer, Reply};
use crate::account::{self, Account};
use crate::caller::{Caller, Via};
use crate::extract::{Body, Remote};
use crate::form::{Login, Me, PasswordChange};
use crate::limiter::network;
use crate::session::{self, Session};
use crate::tables::{self, ACCOUNTS};
use crate::{ApiState, Draft, Failure, Problem, fault, password};
use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::{Fault, Result};
use port::Write;
use serde_json::json;

/// Opens a session: sets the cookie and returns the CSRF value.
#[utoipa::path(post, path = "/api/v1/login", tag = "accounts", request_body = Login, security(()),
    responses((status = 200, body = Me), (status = "default", body = Problem)))]
pub(crate) async fn login(
    State(state): State<ApiState>,
    remote: Option<Extension<Remote>>,
    Body(Login { user, password }): Body<Login>,
) -> Reply<Response> {
    let remote = remote.map(|Extension(Remote(address))| address);
    let address = remote.map_or_else(|| "unknown".to_string(), |address| address.to_string());
    let network = remote.map_or_else(|| "unknown".to_string(), network);
    // A name that no account can have would only fill limiter and ledger.
    account::check_name(&user).map_err(|_| Fault::new(&fault::BAD_CREDENTIAL))?;
    admit(&state, &user, &network)?;
    let account = account::find(&*state.tables, &user).await?;
    let hash = account.as_ref().map_or(String::new(), |account| account.hash.clone());
    let good = verify(&state, password, hash).await?;
    let Some(account) = account.filter(|_| good) else {
        seal(&state, &user, "login.failed", &address).await?;
        return Err(Fault::new(&fault::BAD_CREDENTIAL).into());
    };
    seal(&state, &user, "login", &address).await?;
    state.limiter.success(&user, &network, state.clock.monotonic());
    opened(&state, &account).await
}

/// A fault while this account has failed too often from here; counts the attempt otherwise.
fn admit(state: &ApiState, user: &str, network: &str) -> Reply<()> {
    state.limiter.admit(user, network, state.clock.monotonic()).map_err(|seconds| {
        let fault = Fault::new(&fault::TOO_MANY_LOGINS).object(user).found(format!("wait {seconds} s"));
        Failure::from(fault).after(seconds)
    })
}

async fn seal(state: &ApiState, user: &str, what: &str, address: &str) -> Result<()> {
    let details = json!({ "address": address });
    let draft = Draft { who: format!("user:{user}"), what: what.into(), object: user.into(), details };
    state.control.seal(draft).await.map(|_| ())
}

/// Opens a session for the account and answers with cookie and CSRF value.
async fn opened(state: &ApiState, account: &Account) -> Reply<Response> {
    let (cookie, session) = session::open(&*state.tables, &*state.random, &*state.clock, account).await?;
    let headers = [(header::SET_COOKIE, session::set_cookie(&cookie))];
    Ok((headers, axum::Json(me(account, &session, session::csrf(&cookie)))).into_response())
}

fn me(account: &Account, session: &Session, csrf: String) -> Me {
    Me {
        user: account.name.clone(),
        roles: account.roles.clone(),
        must_change: account.must_change,
        csrf,
        expires_us: session.expires_us,
    }
}

/// Checks a password off the async threads, few at a time.
async fn verify(state: &ApiState, password: String, hash: String) -> Result<bool> {
    hashing(state, move || password::verify(&password, &hash)).await
}

/// Runs a password hash off the async threads, few at a time; a fault when too many wait already.
pub(crate) async fn hashing<T: Send + 'static>(
    state: &ApiState,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let bug = |cause: String| Fault::new(&fault::BUG).object("password hash").because(cause);
    let busy = |_| Fault::new(&fault::TOO_MANY_CHECKS);
    let place = state.hash_places.clone().try_acquire_owned().map_err(busy)?;
    let turn = state.hashes.clone().acquire_owned().await.map_err(|cause| bug(cause.to_string()))?;
    // Turn and place go along: a client that hangs up does not stop its hash, and must not let another one in early.
    let held = move || {
        let done = work();
        drop((turn, place));
        done
    };
    tokio::task::spawn_blocking(held).await.map_err(|cause| bug(cause.to_string()))?
}

/// Ends the session.
#[utoipa::path(post, path = "/api/v1/logout", tag = "accounts",
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn logout(State(state): State<ApiState>, caller: Caller) -> Reply<Response> {
    state.seal(&caller, "logout", &caller.account.name, json!({})).await?;
    if let Via::Session { cookie, .. } = &caller.via {
        session::close(&*state.tables, cookie).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, session::clear_cookie())]).into_response())
}

/// Who is logged in, with the session's CSRF value.
#[utoipa::path(get, path = "/api/v1/me", tag = "accounts",
    responses((status = 200, body = Me), (status = "default", body = Problem)))]
pub(crate) async fn who(caller: Caller) -> Answer<Me> {
    let Via::Session { csrf, expires_us, .. } = caller.via else { return Err(Fault::new(&fault::BUG).into()) };
    let Account { name, roles, must_change, .. } = caller.account;
    Ok(axum::Json(Me { user: name, roles, must_change, csrf, expires_us }))
}

/// Changes one's own password. Every other session of the account ends; this one goes on under a new cookie.
#[utoipa::path(post, path = "/api/v1/password", tag = "accounts", request_body = PasswordChange,
    responses((status = 200, body = Me), (status = "default", body = Problem)))]
pub(crate) async fn change_password(
    State(state): State<ApiState>,
    caller: Caller,
    Body(PasswordChange { old, new }): Body<PasswordChange>,
) -> Reply<Response> {
    let name = caller.account.name.clone();
    // Of its own, so that those who guess at the login cannot keep the person from changing the password.
    let place = format!("session of {name}");
    admit(&state, &name, &place)?;
    if !verify(&state, old.clone(), caller.account.hash.clone()).await? {
        return Err(Fault::new(&fault::BAD_CREDENTIAL).object(&name).into());
    }
    state.limiter.success(&name, &place, state.clock.monotonic());
    password::check(&new, &name)?;
    if old == new {
        return Err(Fault::new(&fault::WEAK_PASSWORD).object(&name).found("the old password").into());
    }
    let random = state.random.clone();
    let hash = hashing(&state, move || password::hash(&new, &*random)).await?;
    state.seal(&caller, "password.change", &name, json!({})).await?;
    let account = store(&state, &caller.account, hash).await?;
    if let Via::Session { cookie, .. } = &caller.via {
        session::close(&*state.tables, cookie).await?;
    }
    opened(&state, &account).await
}

/// Stores the new hash unless the account changed since the caller was let in.
async fn store(state: &ApiState, known: &Account, hash: String) -> Result<Account> {
    let missing = || Fault::new(&fault::MISSING).object(&known.name);
    let item = state.tables.get(ACCOUNTS, &known.name).await?.ok_or_else(missing)?;
    let mut account: Account = tables::parse(ACCOUNTS, &item)?;
    if account.epoch != known.epoch {
        return Err(Fault::new(&port::fault::CONFLICT).object(&known.name));
    }
    account.hash = hash;
    account.must_change = false;
    account.epoch += 1;
    let value = tables::json(&account);
    let write = Write::PutIf { table: ACCOUNTS, key: account.name.clone(), value, version: item.version };
    state.tables.commit(vec![write]).await?;
    Ok(account)
}
