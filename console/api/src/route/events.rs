//! Telemetry, asked by filters or by SQL.

use super::Answer;
use crate::extract::{Ask, Body};
use crate::filter::{EventFilter, Place};
use crate::form::{LakeTable, Question};
use crate::page::{self, Page};
use crate::schema::RowsForm;
use crate::{ApiState, Problem, fault};
use axum::extract::State;
use base::Fault;
use port::{QueryLimits, Rows};
use serde_json::Value;

/// Rows of a SQL answer when nobody says how many.
const ROWS: usize = 1000;

/// Events as OCSF 1.8 JSON, newest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventFilter),
    responses((status = 200, body = Page<Value>), (status = "default", body = Problem)))]
pub(crate) async fn events(State(state): State<ApiState>, Ask(filter): Ask<EventFilter>) -> Answer<Page<Value>> {
    let limit = page::limit(filter.limit)?;
    let place = Place::parse(filter.cursor.as_deref())?;
    let condition = filter.condition(place)?;
    // Events of the cursor's millisecond that were shown already come again and are skipped.
    let skip = place.map_or(0, |place| place.skip);
    let found = state.query.events(&condition, skip + limit + 1).await?;
    let mut items: Vec<Value> = found.into_iter().skip(skip).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { next(&items, place) } else { None };
    Ok(axum::Json(Page { items, next }))
}

/// Cursor after the last row.
fn next(items: &[Value], before: Option<Place>) -> Option<String> {
    let millis = |event: &Value| event.get("time").and_then(Value::as_i64);
    let last = items.last().and_then(millis)?;
    let same = items.iter().rev().take_while(|event| millis(event) == Some(last)).count();
    // A page that lies within one millisecond as a whole goes on counting.
    let counted = before.filter(|place| place.millis == last && same == items.len()).map_or(0, |place| place.skip);
    Some(Place { millis: last, skip: same + counted }.cursor())
}

/// One SELECT over the tables of the lake.
#[utoipa::path(post, path = "/api/v1/events/query", tag = "events", request_body = Question,
    responses((status = 200, body = RowsForm), (status = "default", body = Problem)))]
pub(crate) async fn query_events(State(state): State<ApiState>, Body(question): Body<Question>) -> Answer<Rows> {
    let most = QueryLimits::default();
    let rows = question.limit.unwrap_or(ROWS);
    if rows == 0 || rows > most.rows {
        let fault = Fault::new(&fault::INVALID).object("limit");
        return Err(fault.expected(format!("1 to {}", most.rows)).found(rows).into());
    }
    Ok(axum::Json(state.query.sql(&question.sql, QueryLimits { rows, ..most }).await?))
}

/// Tables of the lake and their columns.
#[utoipa::path(get, path = "/api/v1/events/tables", tag = "events",
    responses((status = 200, body = Vec<LakeTable>), (status = "default", body = Problem)))]
pub(crate) async fn event_tables(State(state): State<ApiState>) -> Answer<Vec<LakeTable>> {
    let tables = state.query.tables().await?;
    Ok(axum::Json(tables.into_iter().map(|(name, columns)| LakeTable { name, columns }).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pages_within_one_millisecond_go_on_counting() {
        let rows = |times: &[i64]| times.iter().map(|time| json!({"time": time})).collect::<Vec<_>>();
        let parse = |cursor: Option<String>| Place::parse(cursor.as_deref()).unwrap().unwrap();
        let first = parse(next(&rows(&[9, 8, 8]), None));
        assert_eq!(first, Place { millis: 8, skip: 2 });
        let second = parse(next(&rows(&[8, 8, 8]), Some(first)));
        assert_eq!(second, Place { millis: 8, skip: 5 });
        let third = parse(next(&rows(&[8, 7]), Some(second)));
        assert_eq!(third, Place { millis: 7, skip: 1 });
    }
}
