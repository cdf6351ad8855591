//! Pages: at most so many rows, and an opaque cursor to the next ones.

use crate::fault;
use base::limits::PAGE_ROWS;
use base::{Fault, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Rows of a page when nobody says how many.
const ROWS: usize = 100;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Cursor of the next page, null on the last one.
    pub next: Option<String>,
}

/// Which page.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Pages {
    /// Cursor from the page before.
    pub cursor: Option<String>,
    /// Most rows, 1 to 1000; 100 when absent.
    pub limit: Option<usize>,
}

/// The limit of a request within bounds.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize> {
    let limit = asked.unwrap_or(ROWS);
    if limit == 0 || limit > PAGE_ROWS {
        return Err(Fault::new(&fault::INVALID).object("limit").expected(format!("1 to {PAGE_ROWS}")).found(limit));
    }
    Ok(limit)
}

/// A cursor for a place.
pub(crate) fn cursor(place: &str) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

/// The place of a cursor; empty when there is none.
pub(crate) fn place(cursor: Option<&str>) -> Result<String> {
    let Some(cursor) = cursor else { return Ok(String::new()) };
    let wrong = || Fault::new(&fault::INVALID).object("cursor").expected("the `next` of a page");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    String::from_utf8(bytes).map_err(|_| wrong())
}
