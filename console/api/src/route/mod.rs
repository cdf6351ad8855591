//! The handlers, one file an area.

pub(crate) mod alerts;
pub(crate) mod assets;
pub(crate) mod enrolments;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod incidents;
pub(crate) mod intel;
pub(crate) mod ledger;
pub(crate) mod login;
pub(crate) mod orders;
pub(crate) mod pool;
pub(crate) mod rules;
pub(crate) mod scrubbers;
pub(crate) mod status;
pub(crate) mod stream;
pub(crate) mod taxii;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod vulnerabilities;
pub(crate) mod web;

use crate::page::Page;
use crate::{ApiState, Failure, fault};
use base::{Fault, Result};
use port::QueryLimits;
use serde_json::{Map, Value};

/// What a handler answers.
pub(crate) type Reply<T> = std::result::Result<T, Failure>;
/// What a handler answers as JSON.
pub(crate) type Answer<T> = Reply<axum::Json<T>>;

/// Longest reason, characters: it goes into the ledger.
const REASON_CHARS: usize = 1000;

/// The rows of a query as one page of JSON objects. The texts of columns named in `json` are JSON themselves.
pub(crate) async fn objects(state: &ApiState, statement: &str, limit: usize, json: &[&str]) -> Result<Page<Value>> {
    let rows = state.query.sql(statement, QueryLimits { rows: limit, ..QueryLimits::default() }).await?;
    let object = |row: &Vec<Value>| {
        let named = rows.columns.iter().zip(row).map(|(column, value)| {
            let text = value.as_str().filter(|_| json.contains(&column.name.as_str()));
            let inner = text.and_then(|text| serde_json::from_str(text).ok());
            (column.name.clone(), inner.unwrap_or_else(|| value.clone()))
        });
        Value::Object(named.collect::<Map<String, Value>>())
    };
    Ok(Page { items: rows.rows.iter().map(object).collect(), next: None })
}

/// A fault when a reason is missing or too long.
pub(crate) fn check_reason(reason: &str) -> Result<()> {
    let length = reason.trim().chars().count();
    if length == 0 || length > REASON_CHARS {
        let fault = Fault::new(&fault::INVALID).object("reason");
        return Err(fault.expected(format!("1 to {REASON_CHARS} characters")).found(length));
    }
    Ok(())
}
