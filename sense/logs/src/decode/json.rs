//! JSON lines of any program, flattened into dotted names; and what cloud trails have in common.

use super::flatten::{Element, Flatten};
use super::{Around, Decoder, Fields, Found, request};
use base::Micros;

/// `json`: the input says which source it is (`azure.activitylogs`, `gcp.audit`, `m365.audit`).
pub struct Json;

/// Lists that deliveries wrap their records in.
const LISTS: &[&str] = &["Records", "records", "value", "items", "events"];
/// Objects that public rules search as text.
const WHOLE: &[&str] = &[
    "requestParameters",
    "responseElements",
    "event.requestParameters",
    "event.responseElements",
    "TargetResources",
    "targetResources",
    "properties.targetResources",
    "properties.message",
    "Target",
    "Initiatedby",
    "Payload",
];
/// Names of the time of a record, best first.
const TIMES: &[&str] = &[
    "eventTime",
    "requestReceivedTimestamp",
    "stageTimestamp",
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "TimeGenerated",
    "CreationTime",
    "createdDateTime",
    "activityDateTime",
    "receiveTimestamp",
    "id.time",
];
/// What Google's audit log says, and the names that public rules know it by.
const GCP: &[(&str, &[&str])] = &[
    ("protoPayload.methodName", &["gcp.audit.method_name", "data.protoPayload.methodName"]),
    ("protoPayload.serviceName", &["data.protoPayload.serviceName"]),
    ("protoPayload.resource.type", &["data.protoPayload.resource.type"]),
    ("protoPayload.logName", &["data.protoPayload.logName"]),
    ("logName", &["data.protoPayload.logName"]),
    ("resource.type", &["data.protoPayload.resource.type"]),
    ("protoPayload.authorizationInfo.permission", &["data.protoPayload.authorizationInfo.permission"]),
    ("protoPayload.authorizationInfo.granted", &["data.protoPayload.authorizationInfo.granted"]),
];

impl Decoder for Json {
    fn word(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> (&'static str, &'static str) {
        (
            "JSON lines of any program as dotted names; give `source` to say which (azure.activitylogs, gcp.audit)",
            "任意程序的 JSON 行，展开为点分名称；用 `source` 指明来源（azure.activitylogs、gcp.audit）",
        )
    }

    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
        let source = if around.word.is_empty() { "json" } else { around.word };
        let first = out.len();
        let known = records(source, line, around, out);
        if source == "gcp.audit" {
            out[first..].iter_mut().for_each(|found| also(&mut found.fields));
        }
        known
    }

    fn is_whole(&self, end: &[u8]) -> bool {
        is_closed(end)
    }
}

/// Whether JSON may end here.
pub(super) fn is_closed(end: &[u8]) -> bool {
    end.trim_ascii_end().last().is_some_and(|byte| matches!(byte, b'}' | b']'))
}

/// Adds the names that public rules use for Google's audit log.
fn also(fields: &mut Fields) {
    let mut more = Vec::new();
    for (name, others) in GCP {
        for value in fields.all(name) {
            more.extend(others.iter().map(|other| (*other, value.to_owned())));
        }
    }
    more.iter().for_each(|(name, value)| fields.put(name, value));
}

/// Reads one object, or a list of them as clouds deliver it, into records of a source.
pub(super) fn records<'l>(source: &'l str, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
    let first = out.len();
    let mut json = Flatten::new(line, WHOLE);
    let known =
        if json.enter(LISTS) { list(source, &mut json, around, out) } else { single(source, line, around, out) };
    // Every line is at least one record, even an empty list.
    if out.len() == first {
        out.push(Found::plain(source, line));
    }
    known
}

fn single<'l>(source: &'l str, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
    let mut json = Flatten::new(line, WHOLE);
    let mut found = Found::plain(source, line);
    found.fields = Fields::with_room(32);
    let known = line.trim_start().starts_with('{') && json.value(&mut found.fields).is_some() && json.at_end();
    found.time_us = time(&found.fields, around);
    out.push(found);
    known
}

fn list<'l>(source: &'l str, json: &mut Flatten<'l, '_>, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
    loop {
        let mut fields = Fields::with_room(32);
        match json.element(&mut fields) {
            Element::Text(text) => {
                let time_us = time(&fields, around);
                out.push(Found { source, time_us, host: "", text, fields });
            }
            Element::End => return true,
            Element::Broken => return false,
        }
    }
}

fn time(fields: &Fields, around: &Around<'_>) -> Option<Micros> {
    TIMES.iter().find_map(|name| request::time(fields.get(name)?, around.zone))
}
