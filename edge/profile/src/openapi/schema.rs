//! The schema of one scalar value, as JSON Schema 2020-12 (and as OpenAPI 3.0 had it) says it.

use super::REPEATED;
use crate::model::Schema;
use crate::value::{Characters, Kind};
use serde_json::{Map, Number, Value, json};

/// Names of scalar types.
pub(super) const SCALARS: &[&str] = &["boolean", "integer", "number", "string"];

/// Writes the keywords of a scalar, all but that it may be repeated.
pub(super) fn write(schema: &Schema) -> Map<String, Value> {
    let mut out = Map::new();
    let (name, format) = schema.kind.names();
    out.insert("type".into(), if schema.empty { json!([name, "null"]) } else { json!(name) });
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(key.into(), value);
        }
    };
    put("format", format.map(Value::from));
    put("minLength", (schema.min_length > 0).then(|| schema.min_length.into()));
    put("maxLength", schema.max_length.map(Value::from));
    put("minimum", schema.minimum.and_then(Number::from_f64).map(Value::Number));
    put("maximum", schema.maximum.and_then(Number::from_f64).map(Value::Number));
    put("pattern", schema.characters.map(|set| set.pattern().into()));
    let values: Vec<Value> = schema.values.iter().map(|value| scalar(schema.kind, value)).collect();
    put("enum", (!values.is_empty()).then(|| values.into()));
    out
}

/// A value as JSON has it, where that reads back as the same text.
fn scalar(kind: Kind, value: &str) -> Value {
    let plain = matches!(kind, Kind::Boolean | Kind::Integer | Kind::Number);
    let read = serde_json::from_str::<Value>(value).ok().filter(|_| plain);
    let read = read.filter(|read| {
        let again = read.to_string();
        again == value
    });
    read.unwrap_or_else(|| value.into())
}

/// Reads the keywords of a scalar; what is not held to is told to `note`.
pub(super) fn read(from: &Map<String, Value>, note: &mut dyn FnMut(&str)) -> Schema {
    let types = types(from);
    let text = |key: &str| from.get(key).and_then(Value::as_str);
    let length = |key: &str| from.get(key).and_then(Value::as_u64).map(|length| length.min(u32::MAX.into()) as u32);
    let number = |key: &str| from.get(key).and_then(Value::as_f64);
    let scalars: Vec<&str> = types.iter().copied().filter(|name| SCALARS.contains(name)).collect();
    let kind = match (scalars.as_slice(), text("format")) {
        (["boolean"], _) => Kind::Boolean,
        (["integer"], _) => Kind::Integer,
        (["number"], _) | (["integer", "number"] | ["number", "integer"], _) => Kind::Number,
        (["string"], Some("uuid")) => Kind::Uuid,
        (["string"], Some("date")) => Kind::Date,
        (["string"], Some("date-time")) => Kind::DateTime,
        (["string"], Some("email")) => Kind::Email,
        _ => Kind::Text,
    };
    let characters = text("pattern").and_then(Characters::from_pattern);
    if characters.is_none() && from.contains_key("pattern") {
        note("pattern");
    }
    for key in ["multipleOf", "exclusiveMinimum", "exclusiveMaximum", "not", "if"] {
        if from.contains_key(key) {
            note(key);
        }
    }
    let known = from.get("enum").and_then(Value::as_array).cloned().or_else(|| Some(vec![from.get("const")?.clone()]));
    let word = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    let nullable = from.get("nullable").and_then(Value::as_bool).unwrap_or(false);
    Schema {
        kind,
        empty: types.contains(&"null") || nullable,
        repeated: from.get(REPEATED) == Some(&Value::Bool(true)),
        min_length: length("minLength").unwrap_or(0),
        max_length: length("maxLength"),
        minimum: number("minimum"),
        maximum: number("maximum"),
        characters,
        values: known.unwrap_or_default().iter().filter_map(word).collect(),
    }
}

/// `type`, which may be one or several.
pub(super) fn types(from: &Map<String, Value>) -> Vec<&str> {
    match from.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
