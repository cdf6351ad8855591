//! The ledger, for auditors.

use super::Answer;
use crate::extract::Ask;
use crate::page::{self, Page};
use crate::schema::EntryForm;
use crate::view::LedgerReport;
use crate::{ApiState, Problem, fault};
use axum::extract::State;
use base::Fault;
use record::Entry;

/// Which entries.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntryPages {
    /// Number of the entry before the first one wanted.
    pub after: Option<u64>,
    /// Cursor from the page before; it goes before `after`.
    pub cursor: Option<String>,
    /// Most rows, 1 to 1000; 100 when absent.
    pub limit: Option<usize>,
}

/// Entries in order.
#[utoipa::path(get, path = "/api/v1/ledger", tag = "ledger", params(EntryPages),
    responses((status = 200, body = Page<EntryForm>), (status = "default", body = Problem)))]
pub(crate) async fn ledger(State(state): State<ApiState>, Ask(pages): Ask<EntryPages>) -> Answer<Page<Entry>> {
    let limit = page::limit(pages.limit)?;
    let place = page::place(pages.cursor.as_deref())?;
    let wrong = |_| Fault::new(&fault::INVALID).object("cursor").expected("the `next` of a page");
    let after = if place.is_empty() { pages.after.unwrap_or(0) } else { place.parse().map_err(wrong)? };
    let mut items = state.control.ledger_page(after, limit + 1).await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|entry| page::cursor(&entry.seq.to_string()));
    Ok(axum::Json(Page { items, next }))
}

/// Reads the whole ledger and checks every link.
#[utoipa::path(get, path = "/api/v1/ledger/verify", tag = "ledger",
    responses((status = 200, body = LedgerReport), (status = "default", body = Problem)))]
pub(crate) async fn verify_ledger(State(state): State<ApiState>) -> Answer<LedgerReport> {
    Ok(axum::Json(state.control.ledger_verify().await?))
}
