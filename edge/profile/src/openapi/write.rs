//! A profile written.

use super::{EXTENSION, UNKNOWN_PATHS, field::Field, schema};
use crate::model::{Operation, Parameter, Path, Profile, Schema, Segment};
use crate::request::{Place, body_place};
use serde_json::{Map, Value, json};

/// Methods that OpenAPI knows.
pub(super) const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The profile as an OpenAPI 3.1 document. Methods that OpenAPI does not know are left out.
pub fn write(profile: &Profile, title: &str, version: &str) -> Value {
    let paths: Map<String, Value> = profile.paths().iter().map(|path| (path.template(), item(path))).collect();
    let mut out = json!({ "openapi": "3.1.0", "info": { "title": title, "version": version }, "paths": paths });
    if profile.takes_unknown_paths() {
        out[EXTENSION] = json!({ UNKNOWN_PATHS: true });
    }
    out
}

fn item(path: &Path) -> Value {
    let mut out = Map::new();
    let in_path: Vec<Value> = path
        .segments
        .iter()
        .filter_map(|segment| match segment {
            Segment::Fixed(_) => None,
            Segment::Parameter { name, schema, .. } => Some(parameter("path", name, true, schema)),
        })
        .collect();
    if !in_path.is_empty() {
        out.insert("parameters".into(), in_path.into());
    }
    for (method, operation) in &path.operations {
        let method = method.to_ascii_lowercase();
        if METHODS.contains(&method.as_str()) {
            out.insert(method, self::operation(operation));
        }
    }
    out.into()
}

fn parameter(place: &str, name: &str, required: bool, schema: &Schema) -> Value {
    json!({ "name": name, "in": place, "required": required, "schema": repeatable(schema) })
}

/// The schema of something that may stand more than once.
fn repeatable(schema: &Schema) -> Value {
    let one = schema::write(schema);
    if schema.repeated { json!({ "type": "array", "items": one }) } else { one.into() }
}

fn operation(operation: &Operation) -> Value {
    let mut out = Map::new();
    let outside = operation.parameters.iter().filter(|((place, _), _)| !matches!(place, Place::Form | Place::Json));
    let outside: Vec<Value> =
        outside.map(|((place, name), known)| parameter(place.name(), name, known.required, &known.schema)).collect();
    if !outside.is_empty() {
        out.insert("parameters".into(), outside.into());
    }
    if let Some(body) = body(operation) {
        out.insert("requestBody".into(), body);
    }
    out.insert("responses".into(), json!({ "default": { "description": "any answer" } }));
    let closed: Vec<&str> = operation.closed.iter().map(|place| place.name()).collect();
    let mut more = json!({ "closed": closed, "media-types-closed": operation.media_types_closed });
    if let Some(learned) = operation.learned {
        more["requests"] = learned.into();
    }
    let listed = out.get("requestBody").and_then(|body| body["content"].as_object()).map_or(0, Map::len);
    if listed != operation.media_types.len() {
        more["media-types"] = operation.media_types.iter().cloned().collect();
    }
    out.insert(EXTENSION.into(), more);
    out.into()
}

fn body(operation: &Operation) -> Option<Value> {
    let of = |wanted: Place| {
        let here = operation.parameters.iter().filter(move |((place, _), _)| *place == wanted);
        here.map(|((_, name), parameter)| (name.as_str(), parameter))
    };
    let mut media_types: Vec<&str> = operation.media_types.iter().map(String::as_str).collect();
    // Parameters of a body that came without a media type keep their place.
    for (place, media_type) in [(Place::Form, "application/x-www-form-urlencoded"), (Place::Json, "application/json")] {
        if of(place).next().is_some() && !media_types.iter().any(|known| body_place(known) == Some(place)) {
            media_types.push(media_type);
        }
    }
    let fields = Field::tree(of(Place::Json));
    let form = form(of(Place::Form), operation.closed.contains(&Place::Form));
    let content = media_types.iter().map(|media_type| {
        let schema = match body_place(media_type) {
            Some(Place::Json) => fields.schema(operation.closed.contains(&Place::Json)),
            Some(_) => form.clone(),
            None => json!({}),
        };
        (media_type.to_string(), json!({ "schema": schema }))
    });
    let content: Map<String, Value> = content.collect();
    let required = fields.required() || of(Place::Form).any(|(_, parameter)| parameter.required);
    (!content.is_empty()).then(|| json!({ "required": required, "content": content }))
}

fn form<'p>(parameters: impl Iterator<Item = (&'p str, &'p Parameter)>, closed: bool) -> Value {
    let parameters: Vec<_> = parameters.collect();
    let members = parameters.iter().map(|(name, known)| (name.to_string(), repeatable(&known.schema)));
    let members: Map<String, Value> = members.collect();
    let needed: Vec<&str> = parameters.iter().filter(|(_, known)| known.required).map(|(name, _)| *name).collect();
    let mut out = json!({ "type": "object", "properties": members });
    if let Some(out) = out.as_object_mut() {
        if !needed.is_empty() {
            out.insert("required".into(), json!(needed));
        }
        if closed {
            out.insert("additionalProperties".into(), false.into());
        }
    }
    out
}
