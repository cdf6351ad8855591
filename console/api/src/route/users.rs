//! Accounts, for system administrators.

use super::Answer;
use super::login::hashing;
use crate::access::Role;
use crate::account::{self, Account};
use crate::caller::Caller;
use crate::extract::{Ask, Body};
use crate::form::{NewUser, UserRequest, UserView};
use crate::page::{self, Page, Pages};
use crate::tables::{self, ACCOUNTS};
use crate::{ApiState, Failure, Problem, fault, password};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base::Fault;
use port::Write;
use serde_json::json;

impl From<Account> for UserView {
    fn from(account: Account) -> UserView {
        let Account { name, roles, must_change, created_us, .. } = account;
        UserView { name, roles, must_change, created_us }
    }
}

/// Accounts by name.
#[utoipa::path(get, path = "/api/v1/users", tag = "accounts", params(Pages),
    responses((status = 200, body = Page<UserView>), (status = "default", body = Problem)))]
pub(crate) async fn users(State(state): State<ApiState>, Ask(pages): Ask<Pages>) -> Answer<Page<UserView>> {
    let limit = page::limit(pages.limit)?;
    let after = page::place(pages.cursor.as_deref())?;
    let mut found = state.tables.scan(ACCOUNTS, "", &after, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|item| page::cursor(&item.key));
    let parse = |item| tables::parse::<Account>(ACCOUNTS, item).map(UserView::from);
    let items = found.iter().map(parse).collect::<base::Result<Vec<_>>>()?;
    Ok(axum::Json(Page { items, next }))
}

/// Makes an account with a first password that must be changed at the first login.
#[utoipa::path(post, path = "/api/v1/users", tag = "accounts", request_body = UserRequest,
    responses((status = 200, body = NewUser), (status = "default", body = Problem)))]
pub(crate) async fn create_user(
    State(state): State<ApiState>,
    caller: Caller,
    Body(UserRequest { name, mut roles }): Body<UserRequest>,
) -> Answer<NewUser> {
    account::check_name(&name)?;
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        return Err(Fault::new(&fault::INVALID).object("roles").expected("at least one").into());
    }
    let known = account::all(&*state.tables).await?;
    if known.len() >= account::MOST {
        return Err(Fault::new(&fault::WRONG_STATE)
            .object("users")
            .expected(format!("under {}", account::MOST))
            .into());
    }
    if known.iter().any(|account| account.name == name) {
        return Err(Fault::new(&fault::EXISTS).object(&name).into());
    }
    let password = password::make(&*state.random);
    let (random, text) = (state.random.clone(), password.clone());
    let hash = hashing(&state, move || password::hash(&text, &*random)).await?;
    let account = Account { name, hash, roles, must_change: true, epoch: state.now() as u64, created_us: state.now() };
    state.seal(&caller, "user.create", &account.name, json!({ "roles": account.roles })).await?;
    state.tables.commit(vec![account::put_new(&account)]).await?;
    Ok(axum::Json(NewUser { user: account.into(), password }))
}

/// Deletes an account; its sessions and tokens are void at once.
#[utoipa::path(delete, path = "/api/v1/users/{name}", tag = "accounts", params(("name" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn delete_user(
    State(state): State<ApiState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    let known = account::all(&*state.tables).await?;
    let missing = || Fault::new(&fault::MISSING).object(&name);
    let account = known.iter().find(|account| account.name == name).ok_or_else(missing)?;
    let administrators = known.iter().filter(|account| account.roles.contains(&Role::SystemAdmin)).count();
    if account.roles.contains(&Role::SystemAdmin) && administrators == 1 {
        return Err(Fault::new(&fault::LAST_ADMINISTRATOR).object(&name).into());
    }
    state.seal(&caller, "user.delete", &name, json!({ "roles": account.roles })).await?;
    let mut writes = vec![Write::Delete { table: ACCOUNTS, key: name.clone() }];
    for item in state.tables.scan(tables::TOKENS, "", "", 10_000).await? {
        // A token of a deleted account must not come to life again under a new account of the same name.
        let token: crate::token::Token = tables::parse(tables::TOKENS, &item)?;
        if token.owner == name {
            writes.push(Write::Delete { table: tables::TOKENS, key: item.key });
        }
    }
    state.tables.commit(writes).await?;
    Ok(StatusCode::NO_CONTENT)
}
