//! One request as a line of JSON, without its secrets.

use gateway::{Captured, Exchange};
use hyper::HeaderMap;
use serde_json::{Map, Value, json};

/// Fields whose values are never told, whatever the policy says.
const SECRET_FIELDS: &[&str] =
    &["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"];
/// Variables of rules that hold a request's text with whatever secrets are in it.
const WHOLE: &[&str] = &[
    "REQUEST_BODY",
    "REQUEST_URI",
    "REQUEST_URI_RAW",
    "REQUEST_LINE",
    "QUERY_STRING",
    "FULL_REQUEST",
    "REQUEST_COOKIES",
    "MATCHED_VAR",
    "MATCHED_VARS",
    "RESPONSE_BODY",
    "XML",
];
/// What stands for a secret.
const HIDDEN: &str = "***";
/// Deepest document of JSON that is looked through.
const DEPTH: usize = 64;

/// The line; values that `redact` names are hidden.
pub fn of(exchange: &Exchange, captured: &Captured, redact: &[String]) -> Value {
    let http = exchange.record(redact);
    let client = http.client().map(|client| client.to_string()).unwrap_or_default();
    let content = captured.request.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    json!({
        "time_us": exchange.time, "site": http.site, "client": client, "tls": http.tls, "ja4": http.ja4,
        "decision": http.decision().word(), "reason": http.reason, "reference": http.reference, "score": http.score,
        "request": {
            "method": http.method, "host": http.host, "path": http.path, "query": form(exchange.target.query().unwrap_or_default(), redact), "version": http.version,
            "fields": fields(&captured.request, redact),
            "body_bytes": http.request_bytes, "body": body(content, &captured.body, captured.whole, redact),
        },
        "answer": {
            "status": http.status, "bytes": http.response_bytes,
            "fields": captured.answer.as_ref().map(|answer| fields(answer, redact)),
        },
        "rules": rules(exchange, redact),
        "hidden_left_out": exchange.finding.as_ref().map(|finding| finding.verdict.left_out),
        "duration_us": http.duration_us,
    })
}

fn hidden(name: &str, redact: &[String]) -> bool {
    gateway::is_secret(name, redact)
}

/// Names and values, in order.
fn fields(headers: &HeaderMap, redact: &[String]) -> Vec<Value> {
    let field = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        let secret = SECRET_FIELDS.contains(&name.as_str()) || hidden(name.as_str(), redact);
        let value = if secret { HIDDEN.into() } else { String::from_utf8_lossy(value.as_bytes()) };
        // An address with a query may hold what the query of the request may.
        let query = matches!(name.as_str(), "referer" | "location").then(|| value.split_once('?')).flatten();
        let value = match query {
            Some((page, query)) => format!("{page}?{}", form(query, redact)),
            None => value.into_owned(),
        };
        json!([name.as_str(), value])
    };
    headers.iter().map(field).collect()
}

/// A form or query with hidden values.
fn form(text: &str, redact: &[String]) -> String {
    let argument = |argument: &str| match argument.split_once('=') {
        Some((name, _)) if hidden(&gateway::unescaped(name), redact) => format!("{name}={HIDDEN}"),
        _ => argument.to_string(),
    };
    text.split('&').map(argument).collect::<Vec<_>>().join("&")
}

/// The body where its secrets can be told from the rest: a form, or a whole document of JSON. None of others.
fn body(content: &str, kept: &[u8], whole: bool, redact: &[String]) -> Value {
    let kind = content.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kept.is_empty() {
        return Value::Null;
    }
    match kind.as_str() {
        "application/x-www-form-urlencoded" => {
            let text = String::from_utf8_lossy(kept);
            // The last argument of what was cut may have lost its name's end.
            let end = if whole { text.len() } else { text.rfind('&').unwrap_or(0) };
            Value::String(form(&text[..end], redact))
        }
        kind if whole && (kind == "application/json" || kind.ends_with("+json")) => {
            serde_json::from_slice(kept).map_or(Value::Null, |document| masked(document, redact, DEPTH))
        }
        _ => Value::Null,
    }
}

/// A document with hidden members.
fn masked(document: Value, redact: &[String], depth: usize) -> Value {
    match document {
        _ if depth == 0 => HIDDEN.into(),
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| {
                let value = if hidden(&name, redact) { HIDDEN.into() } else { masked(value, redact, depth - 1) };
                (name, value)
            };
            Value::Object(members.into_iter().map(member).collect::<Map<String, Value>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(|item| masked(item, redact, depth - 1)).collect()),
        plain => plain,
    }
}

/// Every rule that held, on what.
fn rules(exchange: &Exchange, redact: &[String]) -> Vec<Value> {
    let hits = exchange.finding.as_ref().map(|finding| finding.verdict.hits.as_slice()).unwrap_or_default();
    let rule = |hit: &waf::Hit| {
        let key = String::from_utf8_lossy(&hit.key);
        let field = hit.variable.contains("HEADERS") && SECRET_FIELDS.contains(&key.to_ascii_lowercase().as_str());
        // What a rule has captured (`TX:0` to `TX:9`) may be any part of the request.
        let captured = hit.variable == "TX" && key.bytes().all(|digit| digit.is_ascii_digit());
        let secret = field || captured || WHOLE.contains(&hit.variable) || hidden(&key, redact);
        let value = String::from_utf8_lossy(&hit.value);
        let message = String::from_utf8_lossy(&hit.message);
        // A message may quote what was found.
        let quotes = secret && !value.is_empty() && message.contains(&*value);
        let message = if quotes { message.replace(&*value, HIDDEN) } else { message.into_owned() };
        let value = if secret { HIDDEN.into() } else { value };
        json!({"id": hit.id, "message": message, "severity": hit.severity, "tags": hit.tags,
            "variable": hit.variable, "key": key, "value": value, "file": hit.file.as_ref(), "line": hit.line})
    };
    hits.iter().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redact() -> Vec<String> {
        ["password", "token"].map(String::from).to_vec()
    }

    #[test]
    fn secrets_are_hidden_in_fields_and_bodies() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("cookie", "session=hunter2"),
            ("authorization", "Basic hunter2"),
            ("token", "hunter2"),
            ("referer", "https://shop/login?token=hunter2&a=b"),
            ("accept", "*/*"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let told = json!(fields(&headers, &redact())).to_string();
        assert!(!told.contains("hunter2") && told.contains("https://shop/login?token=***&a=b"), "{told}");
        for (content, text, shown) in [
            ("application/x-www-form-urlencoded", "a=b&PASSWORD=hunter2", json!("a=b&PASSWORD=***")),
            ("application/x-www-form-urlencoded", "pass%77ord=hunter2", json!("pass%77ord=***")),
            ("application/x-www-form-urlencoded", "user[password]=hunter2", json!("user[password]=***")),
            (
                "application/json; charset=utf-8",
                r#"{"u":[{"Token":"hunter2","n":1}]}"#,
                json!({"u": [{"Token": "***", "n": 1}]}),
            ),
            ("application/json", r#"{"token":"hunter2""#, Value::Null),
            ("multipart/form-data; boundary=x", "--x hunter2", Value::Null),
            ("", "hunter2", Value::Null),
        ] {
            assert_eq!(body(content, text.as_bytes(), true, &redact()), shown, "{text}");
        }
        let cut = "a=b&c=d&pass";
        assert_eq!(body("application/x-www-form-urlencoded", cut.as_bytes(), false, &redact()), json!("a=b&c=d"));
        assert_eq!(body("application/json", b"{}", false, &redact()), Value::Null, "a part of a document is none");
    }

    proptest! {
        #[test]
        fn no_named_value_is_told(before in "[a-z=&%0-9]{0,12}", name in "(password|pass%77ord|TOKEN)", cut in 0..60_usize) {
            let text = format!("{before}&{name}=hunter2&z=1");
            let kept = &text.as_bytes()[..cut.min(text.len())];
            for content in ["application/x-www-form-urlencoded", "application/json", "text/plain"] {
                let told = body(content, kept, kept.len() == text.len(), &redact()).to_string();
                prop_assert!(!told.contains("hunter2"), "{}", told);
            }
        }
    }
}
