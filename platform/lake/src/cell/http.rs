//! Cells of requests through a gateway.

use super::Cell::*;
use super::{Cell, Value, ip, number, text};
use record::{HttpActivity, HttpDecision};
use std::borrow::Cow;

/// The cell of a request.
pub(super) fn read(http: &HttpActivity, cell: Cell) -> Value<'_> {
    match cell {
        Source => text(&http.site),
        Op => text(&http.method),
        Name => text(&http.host),
        Path => text(&http.path),
        Query => text(&http.query),
        Version => text(&http.version),
        Code => number(http.status),
        RemoteIp => ip(&http.client_ip),
        RemotePort => number(http.client_port),
        LocalIp => ip(&http.server_ip),
        LocalPort => number(http.server_port),
        UserAgent => text(&http.user_agent),
        Ja4 => text(&http.ja4),
        H2 => text(&http.h2),
        Decision => decision(http.decision),
        Message => text(&http.reason),
        Score => number(http.score),
        Model => number(http.model),
        Rules => rules(&http.rules),
        Level => number(http.level),
        BytesIn => number(http.request_bytes),
        BytesOut => number(http.response_bytes),
        LivedUs => number(http.duration_us),
        _ => Value::None,
    }
}

/// Puts a cell back.
pub(super) fn write(http: &mut HttpActivity, cell: Cell, value: Value<'_>) {
    match cell {
        Source => http.site = value.into_text(),
        Op => http.method = value.into_text(),
        Name => http.host = value.into_text(),
        Path => http.path = value.into_text(),
        Query => http.query = value.into_text(),
        Version => http.version = value.into_text(),
        Code => http.status = value.small(),
        RemoteIp => http.client_ip = value.into_ip(),
        RemotePort => http.client_port = value.small(),
        LocalIp => http.server_ip = value.into_ip(),
        LocalPort => http.server_port = value.small(),
        UserAgent => http.user_agent = value.into_text(),
        Ja4 => http.ja4 = value.into_text(),
        H2 => http.h2 = value.into_text(),
        Decision => http.decision = HttpDecision::from_word(&value.into_text()).map_or(0, |decision| decision as i32),
        Message => http.reason = value.into_text(),
        Score => http.score = value.small(),
        Model => http.model = value.small(),
        Rules => http.rules = value.into_text().split(' ').filter_map(|rule| rule.parse().ok()).collect(),
        Level => http.level = value.small(),
        BytesIn => http.request_bytes = value.large(),
        BytesOut => http.response_bytes = value.large(),
        LivedUs => http.duration_us = value.large(),
        _ => {}
    }
}

/// A decision by its word; 0 and unknown numbers have none.
fn decision<'e>(number: i32) -> Value<'e> {
    match HttpDecision::try_from(number) {
        Ok(HttpDecision::Unjudged) | Err(_) => Value::None,
        Ok(decision) => Value::Text(Cow::Borrowed(decision.word())),
    }
}

fn rules(rules: &[u64]) -> Value<'static> {
    let words: Vec<String> = rules.iter().map(u64::to_string).collect();
    if words.is_empty() { Value::None } else { Value::Text(Cow::Owned(words.join(" "))) }
}
