//! Records of logs: HTTP Activity (4002), Authentication (3002), API Activity (6003), and Base Event for the rest.

use super::draft::Draft;
use super::parts::{self, put};
use crate::{Log, Proc};
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// Which class a record has: what its fields say, not what its file is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Web,
    Login,
    Api,
    Plain,
}

/// Decoders whose records tell of logins and changes of account.
const LOGINS: &[&str] = &["sshd", "sudo", "auth", "vsftpd"];

impl Form {
    pub(super) fn of(log: &Log) -> Form {
        let has = |name: &str| log.field(name).is_some_and(|value| !value.is_empty());
        if has("cs-method") {
            return Form::Web;
        }
        if LOGINS.contains(&log.source.as_str()) && has("user") && has("outcome") {
            return Form::Login;
        }
        if ["eventName", "verb"].iter().any(|name| has(name)) { Form::Api } else { Form::Plain }
    }
}

/// Class and activity.
pub(super) fn class(log: &Log) -> (u32, u32) {
    match Form::of(log) {
        Form::Web => (4002, super::http::method(log.field("cs-method").unwrap_or_default())),
        Form::Login => (3002, 1),
        Form::Api => (6003, deed(operation(log))),
        Form::Plain => (0, super::class::OTHER),
    }
}

/// `activity_id` of an operation by its first word, as cloud interfaces name them.
fn deed(operation: &str) -> u32 {
    const DEEDS: &[(&str, u32)] = &[
        ("create", 1),
        ("run", 1),
        ("put", 1),
        ("get", 2),
        ("list", 2),
        ("describe", 2),
        ("watch", 2),
        ("update", 3),
        ("modify", 3),
        ("patch", 3),
        ("set", 3),
        ("delete", 4),
        ("terminate", 4),
        ("remove", 4),
    ];
    let known =
        |(word, _): &&(&str, u32)| operation.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    DEEDS.iter().find(known).map_or(super::class::OTHER, |(_, activity)| *activity)
}

fn operation(log: &Log) -> &str {
    log.field("eventName").or_else(|| log.field("verb")).unwrap_or_default()
}

/// Fills the attributes of a record.
pub(super) fn record(draft: &mut Draft, proc: Option<&Proc>, log: &Log) {
    draft.profile("host");
    match Form::of(log) {
        Form::Web => web(draft, log),
        Form::Login => login(draft, log),
        Form::Api => api(draft, log),
        Form::Plain => {}
    }
    if proc.is_some() {
        let actor = parts::actor(draft, proc);
        draft.set("actor", actor);
    }
    draft.text("message", &log.message);
    if log.truncated {
        draft.truncated();
    }
    draft.other("log_source", log.source.as_str());
    draft.other("log_origin", log.origin.as_str());
    draft.other("log_host", log.host.as_str());
    if !log.fields.is_empty() {
        draft.other("log_fields", Value::Object(fields(log)));
    }
}

/// Every field by its name; a name that stands several times gives a list.
fn fields(log: &Log) -> Map<String, Value> {
    let mut object = Map::new();
    for pair in &log.fields {
        match object.get_mut(&pair.name) {
            None => {
                object.insert(pair.name.clone(), pair.value.as_str().into());
            }
            Some(Value::Array(list)) => list.push(pair.value.as_str().into()),
            Some(one) => *one = json!([one.take(), pair.value]),
        }
    }
    object
}

/// An end of a connection from text: an address, or a name where it is none.
fn endpoint(text: &str) -> Option<Value> {
    match text.parse::<IpAddr>() {
        Ok(ip) => Some(json!({"ip": ip.to_canonical().to_string()})),
        Err(_) if text.is_empty() || text == "-" => None,
        Err(_) => Some(json!({"hostname": text})),
    }
}

fn web(draft: &mut Draft, log: &Log) {
    let field = |name: &str| log.field(name).filter(|value| *value != "-").unwrap_or_default();
    let mut url = Map::new();
    put(&mut url, "path", field("cs-uri-stem"));
    put(&mut url, "query_string", field("cs-uri-query"));
    put(&mut url, "hostname", field("cs-host"));
    put(&mut url, "url_string", field("cs-uri"));
    let mut request = Map::new();
    // The schema knows these methods only; another one (WebDAV) stays among the fields.
    if super::http::method(field("cs-method")) != super::class::OTHER {
        request.insert("http_method".into(), field("cs-method").into());
    }
    put(&mut request, "user_agent", field("cs-user-agent"));
    put(&mut request, "referrer", field("cs-referer"));
    if url.contains_key("path") || url.contains_key("url_string") {
        request.insert("url".into(), Value::Object(url));
    }
    draft.set("http_request", Value::Object(request));
    if let Ok(code) = field("sc-status").parse::<u32>() {
        draft.set("http_response", json!({"code": code}));
    }
    if let Some(client) = endpoint(field("c-ip")) {
        draft.set("src_endpoint", client);
    }
}

fn login(draft: &mut Draft, log: &Log) {
    let field = |name: &str| log.field(name).unwrap_or_default();
    draft.set("user", json!({"name": field("user")}));
    draft.set("service", json!({"name": log.source}));
    if let Some(client) = endpoint(field("src_ip")) {
        draft.set("src_endpoint", client);
    }
    let outcome = field("outcome");
    let (id, status) = match outcome {
        "accepted" | "success" | "opened" => (1, "Success"),
        "failed" | "failure" | "invalid_user" | "denied" => (2, "Failure"),
        _ => (99, outcome),
    };
    draft.set("status_id", id);
    draft.set("status", status);
}

fn api(draft: &mut Draft, log: &Log) {
    let first = |names: &[&str]| names.iter().find_map(|name| log.field(name)).unwrap_or_default().to_owned();
    let mut api = Map::new();
    api.insert("operation".into(), operation(log).into());
    let service = first(&["eventSource", "serviceName", "objectRef.apiGroup"]);
    if !service.is_empty() {
        api.insert("service".into(), json!({"name": service}));
    }
    draft.set("api", Value::Object(api));
    let who = first(&["userIdentity.arn", "userIdentity.userName", "userIdentity.principalId", "user.username"]);
    draft.set("actor", if who.is_empty() { json!({"app_name": log.source}) } else { json!({"user": {"name": who}}) });
    let from = endpoint(&first(&["sourceIPAddress", "sourceIpAddress", "sourceIPs"]));
    draft.set("src_endpoint", from.unwrap_or_else(|| json!({"svc_name": log.source})));
}
