//! API tokens: one's own; a system administrator sees and revokes everybody's.

use super::Answer;
use crate::access::Role;
use crate::caller::Caller;
use crate::extract::{Ask, Body};
use crate::form::{NewToken, TokenRequest, TokenView};
use crate::page::{self, Page, Pages};
use crate::tables::{self, TOKENS};
use crate::token::{self, Token, Wish};
use crate::{ApiState, Failure, Problem, fault};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base::Fault;
use port::Write;
use serde_json::json;

/// Most tokens of an installation.
const MOST: usize = 10_000;

impl From<Token> for TokenView {
    fn from(token: Token) -> TokenView {
        let Token { id, name, owner, scopes, created_us, expires_us, .. } = token;
        TokenView { id, name, owner, scopes, created_us, expires_us }
    }
}

/// Tokens without their secrets.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", params(Pages),
    responses((status = 200, body = Page<TokenView>), (status = "default", body = Problem)))]
pub(crate) async fn tokens(
    State(state): State<ApiState>,
    caller: Caller,
    Ask(pages): Ask<Pages>,
) -> Answer<Page<TokenView>> {
    let limit = page::limit(pages.limit)?;
    let after = page::place(pages.cursor.as_deref())?;
    let mut items = Vec::new();
    for item in state.tables.scan(TOKENS, "", &after, MOST).await? {
        let token: Token = tables::parse(TOKENS, &item)?;
        if token.owner == caller.account.name || caller.has(Role::SystemAdmin) {
            items.push(TokenView::from(token));
        }
        if items.len() > limit {
            break;
        }
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|token| page::cursor(&token.id));
    Ok(axum::Json(Page { items, next }))
}

/// Makes a token for oneself. A token cannot make one with scopes that it lacks.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = TokenRequest,
    responses((status = 200, body = NewToken), (status = "default", body = Problem)))]
pub(crate) async fn create_token(
    State(state): State<ApiState>,
    caller: Caller,
    Body(TokenRequest { name, scopes, life_s }): Body<TokenRequest>,
) -> Answer<NewToken> {
    if let Some(held) = caller.scopes()
        && let Some(scope) = scopes.iter().find(|scope| !held.contains(scope))
    {
        let fault = Fault::new(&fault::DENIED).object(&caller.account.name);
        return Err(fault.expected("scopes that the token itself has").found(scope.word()).into());
    }
    if state.tables.scan(TOKENS, "", "", MOST).await?.len() >= MOST {
        return Err(Fault::new(&fault::WRONG_STATE).object("tokens").expected(format!("under {MOST}")).into());
    }
    let wish = Wish { name, owner: caller.account.name.clone(), scopes, life_s };
    let (token, text) = token::prepare(&*state.random, &*state.clock, wish)?;
    let details = json!({"name": token.name, "scopes": token.scopes, "expires_us": token.expires_us});
    state.seal(&caller, "token.create", &token.id, details).await?;
    token::store(&*state.tables, &token).await?;
    Ok(axum::Json(NewToken { token: text, kept: token.into() }))
}

/// Revokes a token at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub(crate) async fn revoke_token(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let token: Token = tables::load(&*state.tables, TOKENS, &id).await?;
    if token.owner != caller.account.name && !caller.has(Role::SystemAdmin) {
        return Err(Fault::new(&fault::MISSING).object(&id).into());
    }
    state.seal(&caller, "token.revoke", &id, json!({"name": token.name, "owner": token.owner})).await?;
    state.tables.commit(vec![Write::Delete { table: TOKENS, key: id }]).await?;
    Ok(StatusCode::NO_CONTENT)
}
