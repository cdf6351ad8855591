//! The OpenAPI document: committed as it is made, and true to what is sent.

use crate::house::{AGENT, alert, incident, order};
use api::story::{IncidentView, OrderView};
use api::tables::StoredAlert;
use record::{Entry, Receipt};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_committed_document_is_the_one_that_the_code_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let made = api::document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "docs/openapi.json is old: run the tests of `api` with UPDATE=1 and look at the change");
}

/// Names of the properties of a schema, those of its parts included.
fn properties(document: &Value, schema: &Value) -> BTreeSet<String> {
    let mut names: BTreeSet<String> =
        schema["properties"].as_object().into_iter().flat_map(|map| map.keys().cloned()).collect();
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        names.extend(properties(document, &document["components"]["schemas"][name]));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        names.extend(properties(document, part));
    }
    names
}

#[test]
fn the_forms_of_records_are_those_that_are_sent() {
    let document = serde_json::to_value(api::document()).unwrap();
    let stored = StoredAlert::new(alert(), json!({}));
    let view = OrderView::new(order(), Vec::new());
    let entry = Entry {
        seq: 1,
        time_us: 1,
        who: String::new(),
        what: String::new(),
        object: String::new(),
        details: String::new(),
        previous: String::new(),
        hash: String::new(),
    };
    let receipt = Receipt { agent: AGENT.into(), ..Receipt::default() };
    let sent = [
        ("Alert", serde_json::to_value(&stored).unwrap()),
        ("Technique", serde_json::to_value(&alert().techniques[0]).unwrap()),
        ("Match", serde_json::to_value(record::Match::default()).unwrap()),
        ("Response", serde_json::to_value(record::Response::default()).unwrap()),
        ("Incident", serde_json::to_value(incident()).unwrap()),
        ("Stage", serde_json::to_value(&incident().stages[0]).unwrap()),
        ("Order", serde_json::to_value(order()).unwrap()),
        ("Receipt", serde_json::to_value(receipt).unwrap()),
        ("Entry", serde_json::to_value(entry).unwrap()),
        ("OrderView", serde_json::to_value(&view).unwrap()),
        ("IncidentView", serde_json::to_value(IncidentView::new(incident(), vec![stored], vec![view])).unwrap()),
        ("PipelineStage", serde_json::to_value(api::view::Stage::default()).unwrap()),
        ("Rows", serde_json::to_value(port::Rows::default()).unwrap()),
    ];
    for (name, json) in sent {
        let schema = &document["components"]["schemas"][name];
        let said = properties(&document, schema);
        let sent: BTreeSet<String> = json.as_object().unwrap().keys().cloned().collect();
        assert_eq!(said, sent, "{name}");
    }
}
