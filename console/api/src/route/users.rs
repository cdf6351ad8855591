//! Accounts, for system administrators.

use super::Answer;
use super::login::hashing;
use crate::access::{Role, Scope};
use crate::account::{self, Account};
use crate::caller::Caller;
use crate::extract::{Ask, Body};
use crate::form::{NewUser, RolesRequest, UserRequest, UserView};
use crate::page::{self, Page, Pages};
use crate::tables::{self, ACCOUNTS};
use crate::{ApiState, Failure, Problem, fault, password};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base::Fault;
use port::{Item, Write};
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
    Body(UserRequest { name, roles }): Body<UserRequest>,
) -> Answer<NewUser> {
    account::check_name(&name)?;
    let roles = account::check_roles(roles, &[])?;
    let known = account::all(&*state.tables).await?;
    if known.len() >= account::MOST {
        let fault = Fault::new(&fault::WRONG_STATE).object("users");
        return Err(fault.expected(format!("under {}", account::MOST)).into());
    }
    if known.iter().any(|account| account.name == name) {
        return Err(Fault::new(&fault::EXISTS).object(&name).into());
    }
    let (password, hash) = fresh(&state).await?;
    let account = Account { name, hash, roles, must_change: true, epoch: state.now() as u64, created_us: state.now() };
    state.seal(&caller, "user.create", &account.name, json!({ "roles": account.roles })).await?;
    state.tables.commit(vec![account::put_new(&account)]).await?;
    Ok(axum::Json(NewUser { user: account.into(), password }))
}

/// A password for the next login, and its hash.
async fn fresh(state: &ApiState) -> base::Result<(String, String)> {
    let password = password::make(&*state.random);
    let (random, text) = (state.random.clone(), password.clone());
    let hash = hashing(state, move || password::hash(&text, &*random)).await?;
    Ok((password, hash))
}

/// Gives an account other roles; they hold from the next request on, also for its tokens.
#[utoipa::path(put, path = "/api/v1/users/{name}/roles", tag = "accounts", params(("name" = String, Path)),
    request_body = RolesRequest, responses((status = 200, body = UserView), (status = "default", body = Problem)))]
pub(crate) async fn change_roles(
    State(state): State<ApiState>,
    caller: Caller,
    Path(name): Path<String>,
    Body(RolesRequest { roles }): Body<RolesRequest>,
) -> Answer<UserView> {
    let found = Found::read(&state, &name).await?;
    let roles = account::check_roles(roles, &found.account.roles)?;
    let mut writes = if roles.contains(&Role::SystemAdmin) { Vec::new() } else { found.without_administrator()? };
    let account = Account { roles, ..found.account.clone() };
    let details = json!({ "before": found.account.roles, "roles": account.roles });
    state.seal(&caller, "user.roles", &name, details).await?;
    writes.push(found.put(&account));
    state.tables.commit(writes).await?;
    Ok(axum::Json(account.into()))
}

/// Gives an account a new first password: its sessions end, its tokens stay. For one who forgot it.
#[utoipa::path(post, path = "/api/v1/users/{name}/password", tag = "accounts", params(("name" = String, Path)),
    responses((status = 200, body = NewUser), (status = "default", body = Problem)))]
pub(crate) async fn reset_password(
    State(state): State<ApiState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Answer<NewUser> {
    // The password opens everything that the account may do: a weaker token must not make itself stronger by it.
    if let Some(scope) = Scope::ALL.iter().find(|scope| caller.scopes().is_some_and(|held| !held.contains(scope))) {
        let fault = Fault::new(&fault::DENIED).object(&caller.account.name);
        return Err(fault
            .expected("a session, or a token of every scope")
            .found(format!("no {}", scope.word()))
            .into());
    }
    let found = Found::read(&state, &name).await?;
    let (password, hash) = fresh(&state).await?;
    let epoch = found.account.epoch + 1;
    let account = Account { hash, epoch, must_change: true, ..found.account.clone() };
    state.seal(&caller, "user.password-reset", &name, json!({})).await?;
    state.tables.commit(vec![found.put(&account)]).await?;
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
    let found = Found::read(&state, &name).await?;
    let mut writes = found.without_administrator()?;
    state.seal(&caller, "user.delete", &name, json!({ "roles": found.account.roles })).await?;
    // Written once more as it was read: it must not have become the last administrator in the meantime.
    writes.push(found.put(&found.account));
    writes.push(Write::Delete { table: ACCOUNTS, key: name.clone() });
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

/// An account that is to change, and another system administrator if there is one.
struct Found {
    account: Account,
    version: u64,
    other: Option<Item>,
}

impl Found {
    async fn read(state: &ApiState, name: &str) -> base::Result<Found> {
        let (mut found, mut other) = (None, None);
        for item in state.tables.scan(ACCOUNTS, "", "", account::MOST).await? {
            let account: Account = tables::parse(ACCOUNTS, &item)?;
            if account.name == name {
                found = Some((account, item.version));
            } else if account.roles.contains(&Role::SystemAdmin) && account::check_name(&account.name).is_ok() {
                // A person's: the machine's own account has a name that nobody can log in with.
                other = Some(item);
            }
        }
        let (account, version) = found.ok_or_else(|| Fault::new(&fault::MISSING).object(name))?;
        Ok(Found { account, version, other })
    }

    /// The write that stores the account unless it changed since it was read.
    fn put(&self, account: &Account) -> Write {
        let (key, value) = (account.name.clone(), tables::json(account));
        Write::PutIf { table: ACCOUNTS, key, value, version: self.version }
    }

    /// What must stand so that the installation keeps a system administrator without this one; a fault when there is no
    /// other. The other one is written as it was read: two who remove each other at once meet in a conflict.
    fn without_administrator(&self) -> base::Result<Vec<Write>> {
        if !self.account.roles.contains(&Role::SystemAdmin) {
            return Ok(Vec::new());
        }
        let last = || Fault::new(&fault::LAST_ADMINISTRATOR).object(&self.account.name);
        let Item { key, value, version } = self.other.clone().ok_or_else(last)?;
        Ok(vec![Write::PutIf { table: ACCOUNTS, key, value, version }])
    }
}
