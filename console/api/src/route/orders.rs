//! Orders to hosts: giving, reading, undoing.

use super::{Answer, check_reason};
use crate::caller::Caller;
use crate::extract::{Ask, Body};
use crate::form::{OrderRequest, Reason};
use crate::order::{self, Key};
use crate::page::{self, Page, Pages};
use crate::schema::{OrderForm, OrderViewForm};
use crate::story::OrderView;
use crate::tables::{self, ORDER_TIMES, ORDERS, RECEIPTS};
use crate::{ApiState, Problem, fault};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use base::{Fault, Result};
use record::{Order, OrderMode, Receipt, ReceiptState};

/// Most receipts shown of one order.
const RECEIPTS_SHOWN: usize = 100;

/// Orders, newest first.
#[utoipa::path(get, path = "/api/v1/orders", tag = "orders", params(Pages),
    responses((status = 200, body = Page<OrderViewForm>), (status = "default", body = Problem)))]
pub(crate) async fn orders(State(state): State<ApiState>, Ask(pages): Ask<Pages>) -> Answer<Page<OrderView>> {
    let limit = page::limit(pages.limit)?;
    let before = page::place(pages.cursor.as_deref())?;
    let mut found = state.tables.scan_back(ORDER_TIMES, "", &before, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|item| page::cursor(&item.key));
    let mut items = Vec::new();
    for item in &found {
        items.extend(find(&state, &String::from_utf8_lossy(&item.value)).await?);
    }
    Ok(axum::Json(Page { items, next }))
}

/// One order with its receipts.
#[utoipa::path(get, path = "/api/v1/orders/{id}", tag = "orders", params(("id" = String, Path)),
    responses((status = 200, body = OrderViewForm), (status = "default", body = Problem)))]
pub(crate) async fn order(State(state): State<ApiState>, Path(id): Path<String>) -> Answer<OrderView> {
    let missing = || Fault::new(&fault::MISSING).object(&id);
    Ok(axum::Json(find(&state, &id).await?.ok_or_else(missing)?))
}

/// An order with its receipts by its id.
pub(crate) async fn find(state: &ApiState, id: &str) -> Result<Option<OrderView>> {
    let Some(order) = tables::find::<Order>(&*state.tables, ORDERS, id).await? else { return Ok(None) };
    let items = state.tables.scan(RECEIPTS, &format!("{id}/"), "", RECEIPTS_SHOWN).await?;
    let receipts: Result<Vec<Receipt>> = items.iter().map(|item| tables::parse(RECEIPTS, item)).collect();
    Ok(Some(OrderView::new(order, receipts?)))
}

/// Gives an order, or asks what it would touch (`mode` `dry-run`). The answer is the order as stored; what became of it is
/// read at `/orders/{id}`: `waiting` until the host answers, `expired` when it does not within ten minutes. The same
/// `Idempotency-Key` with the same body gives the order once, and sends it again while it waits.
#[utoipa::path(post, path = "/api/v1/orders", tag = "orders", request_body = OrderRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible characters")),
    responses((status = 200, body = OrderForm), (status = "default", body = Problem)))]
pub(crate) async fn give_order(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Body(wish): Body<OrderRequest>,
) -> Answer<Order> {
    let mut checked = order::check(&wish)?;
    let key = Key::of(&headers, &caller, &wish)?;
    if let Some(key) = &key
        && let Some(given) = key.claim(&state).await?
    {
        return Ok(axum::Json(order::give(&state, &caller, given).await?));
    }
    checked.id = key.as_ref().map_or_else(|| order::new_id(&*state.random), Key::order_id);
    checked.agent = order::agent(&state.control.status().await?.agents, &wish.host)?;
    checked.by = caller.account.name.clone();
    checked.issued_us = state.now();
    Ok(axum::Json(order::give(&state, &caller, checked).await?))
}

/// Takes an applied order back.
#[utoipa::path(post, path = "/api/v1/orders/{id}/undo", tag = "orders", params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = OrderForm), (status = "default", body = Problem)))]
pub(crate) async fn undo_order(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(Reason { reason }): Body<Reason>,
) -> Answer<Order> {
    check_reason(&reason)?;
    let missing = || Fault::new(&fault::MISSING).object(&id);
    let view = find(&state, &id).await?.ok_or_else(missing)?;
    check_undoable(&view)?;
    let undo = Order {
        id: order::new_id(&*state.random),
        mode: OrderMode::Undo as i32,
        origin: record::Origin::Operator as i32,
        lease_s: 0,
        by: caller.account.name.clone(),
        reason,
        issued_us: state.now(),
        undoes: id.clone(),
        ..view.order
    };
    Ok(axum::Json(order::give(&state, &caller, undo).await?))
}

fn check_undoable(view: &OrderView) -> Result<()> {
    let wrong = || Fault::new(&fault::WRONG_STATE).object(&view.order.id);
    if view.order.mode() != OrderMode::Apply {
        return Err(wrong().expected("an applied order").found(crate::story::word(&view.order.mode())));
    }
    if !view.order.action().undoable() {
        return Err(wrong().expected("an action that can be undone").found(view.order.action().word()));
    }
    let ended = [ReceiptState::Undone, ReceiptState::Expired, ReceiptState::Refused];
    match view.newest().map(Receipt::state).filter(|state| ended.contains(state)) {
        Some(state) => Err(wrong().expected("an order in force").found(crate::story::word(&state))),
        None => Ok(()),
    }
}
