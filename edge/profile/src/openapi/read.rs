//! An OpenAPI document read: 3.1, and 3.0 as far as it says the same.

use super::write::METHODS;
use super::{EXTENSION, UNKNOWN_PATHS, schema};
use crate::fault::{OPENAPI, SIZE};
use crate::model::{Operation, Parameter, Path, Profile, Schema, Segment};
use crate::request::{Place, body_place, decoded, media_type};
use base::{Fault, Result};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Biggest document, bytes.
const BYTES: usize = 16 << 20;
/// References followed one after the other, and schemas within schemas.
const DEPTH: usize = 24;
/// Parameters of one operation, and of one document.
const PARAMETERS: usize = 2048;
const ALL_PARAMETERS: usize = 65_536;
/// Schemas that are looked at.
const STEPS: usize = 1 << 20;
/// Notes that are kept.
const NOTES: usize = 200;

/// What a document says.
#[derive(Debug, Clone)]
pub struct Read {
    /// The profile.
    pub profile: Profile,
    /// What the document says and the profile is not held to, with its place; at most some two hundred.
    pub notes: Vec<String>,
}

/// Reads a document. `closed`: whether a parameter that an operation does not name is a violation, where the document
/// itself does not say so.
///
/// # Errors
/// When it is too big, not JSON or not OpenAPI 3.
pub fn read(bytes: &[u8], closed: bool) -> Result<Read> {
    if bytes.len() > BYTES {
        return Err(Fault::new(&SIZE).expected(format!("at most {BYTES} bytes")).found(bytes.len()));
    }
    let root: Value =
        serde_json::from_slice(bytes).map_err(|cause| Fault::new(&OPENAPI).found("not JSON").because(cause))?;
    let version = root.get("openapi").and_then(Value::as_str).unwrap_or_default();
    if !version.starts_with("3.") {
        return Err(Fault::new(&OPENAPI).expected("openapi: 3.x").found(format!("openapi: {version}")));
    }
    let paths = root.get("paths").and_then(Value::as_object);
    let paths = paths.ok_or_else(|| Fault::new(&OPENAPI).expected("an object of paths").found("none"))?;
    let mut reader =
        Reader { root: &root, closed, notes: Vec::new(), place: String::new(), room: ALL_PARAMETERS, steps: STEPS };
    let base = reader.base();
    let read = paths.iter().filter_map(|(template, item)| reader.path(&format!("{base}{template}"), item)).collect();
    let open = root.get(EXTENSION).and_then(|said| said.get(UNKNOWN_PATHS)) == Some(&Value::Bool(true));
    Ok(Read { profile: Profile::new(read).with_unknown_paths(open), notes: reader.notes })
}

struct Reader<'d> {
    root: &'d Value,
    closed: bool,
    notes: Vec<String>,
    /// What is being read, for notes.
    place: String,
    /// Parameters that are still taken.
    room: usize,
    /// Schemas that are still looked at: those that hold themselves twice double at each level.
    steps: usize,
}

/// Flat names of a body.
#[derive(Default)]
struct Fields {
    known: BTreeMap<String, Parameter>,
    /// An object takes members that it does not name.
    open: bool,
}

impl<'d> Reader<'d> {
    fn note(&mut self, what: &str) {
        if self.notes.len() < NOTES {
            self.notes.push(format!("{}: {what}", self.place));
        }
    }

    /// The path that every path is below.
    fn base(&mut self) -> String {
        let url = self.root.pointer("/servers/0/url").and_then(Value::as_str).unwrap_or_default();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        if rest.contains('{') {
            self.place = "servers".into();
            self.note("variables of the address are not put in");
            return String::new();
        }
        rest.trim_end_matches('/').to_string()
    }

    /// What a reference leads to.
    fn resolve(&mut self, value: &'d Value) -> Option<&'d Map<String, Value>> {
        let mut at = value;
        for _ in 0..DEPTH {
            match at.get("$ref").and_then(Value::as_str) {
                None => return at.as_object(),
                Some(name) => match name.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) {
                    Some(next) => at = next,
                    None => {
                        self.note(&format!("the reference {name} leads nowhere in the document"));
                        return None;
                    }
                },
            }
        }
        self.note("references in a circle");
        None
    }

    fn path(&mut self, template: &str, item: &'d Value) -> Option<Path> {
        self.place = template.to_string();
        let item = self.resolve(item)?;
        let shared = self.parameters(item);
        let mut in_path: BTreeMap<String, Schema> = BTreeMap::new();
        let mut operations = BTreeMap::new();
        for method in METHODS {
            let Some(operation) = item.get(*method) else { continue };
            self.place = format!("{method} {template}");
            let Some(operation) = self.resolve(operation) else { continue };
            let mut parameters = shared.clone();
            parameters.extend(self.parameters(operation));
            for ((_, name), parameter) in parameters.extract_if(.., |(place, _), _| *place == Place::Path) {
                in_path.entry(name).or_insert(parameter.schema);
            }
            operations.insert(method.to_ascii_uppercase(), self.operation(operation, parameters));
        }
        for ((place, name), parameter) in shared {
            if place == Place::Path {
                in_path.entry(name).or_insert(parameter.schema);
            }
        }
        let parts = template.strip_prefix('/').unwrap_or(template).split('/');
        Some(Path { segments: parts.map(|part| segment(part, &in_path)).collect(), operations })
    }

    fn parameters(&mut self, holder: &'d Map<String, Value>) -> Named {
        let mut out = BTreeMap::new();
        for value in holder.get("parameters").and_then(Value::as_array).into_iter().flatten() {
            let Some(found) = self.resolve(value) else { continue };
            let text = |key: &str| found.get(key).and_then(Value::as_str).unwrap_or_default();
            let (place, name) = match text("in") {
                "path" => (Place::Path, text("name").to_string()),
                "query" => (Place::Query, text("name").to_string()),
                "cookie" => (Place::Cookie, text("name").to_string()),
                "header" => (Place::Header, text("name").to_ascii_lowercase()),
                other => {
                    self.note(&format!("a parameter in {other}"));
                    continue;
                }
            };
            // OpenAPI has other places for these.
            if place == Place::Header && ["accept", "content-type", "authorization"].contains(&name.as_str()) {
                continue;
            }
            if out.len() >= PARAMETERS || self.room == 0 {
                self.note("more parameters than are read");
                break;
            }
            self.room -= 1;
            let mut schema = found.get("schema").map_or_else(Schema::default, |schema| self.value(schema, 0));
            let flag = |key: &str| found.get(key).and_then(Value::as_bool).unwrap_or(false);
            schema.empty |= flag("allowEmptyValue");
            out.insert((place, name), Parameter { required: flag("required"), schema });
        }
        out
    }

    /// A value that stands alone, or several times.
    fn value(&mut self, from: &'d Value, depth: usize) -> Schema {
        let Some(found) = self.resolve(from).filter(|_| depth < DEPTH) else { return Schema::default() };
        if ["oneOf", "anyOf", "allOf"].iter().any(|key| found.contains_key(*key)) {
            self.note("a value of several schemas");
            return Schema { repeated: true, ..Schema::default() };
        }
        let types = schema::types(found);
        if types.contains(&"array") {
            let items = found.get("items").map_or_else(Schema::default, |items| self.value(items, depth + 1));
            return Schema { repeated: true, ..items };
        }
        if types.contains(&"object") {
            self.note("an object as one value");
            return Schema { repeated: true, ..Schema::default() };
        }
        self.scalar(found)
    }

    fn operation(&mut self, from: &'d Map<String, Value>, mut parameters: Named) -> Operation {
        let more = from.get(EXTENSION);
        let body = from.get("requestBody").and_then(|body| self.resolve(body));
        let content = body.and_then(|body| body.get("content")).and_then(Value::as_object);
        let needed = body.and_then(|body| body.get("required")).and_then(Value::as_bool).unwrap_or(false);
        let mut closed: BTreeSet<Place> = BTreeSet::new();
        if self.closed {
            closed.extend([Place::Query, Place::Form, Place::Json]);
        }
        let mut bodies = Vec::new();
        for (kind, value) in content.into_iter().flatten() {
            let place = body_place(&media_type(kind.as_bytes()));
            let fields = self.body(kind, value, needed);
            if let Some(place) = place.filter(|_| fields.open) {
                closed.remove(&place);
            }
            let named = fields.known.into_iter().filter_map(|(name, parameter)| Some(((place?, name), parameter)));
            bodies.push(named.collect());
        }
        together(&bodies, &mut parameters);
        let listed = more.and_then(|more| more.get("closed")).and_then(Value::as_array);
        if let Some(listed) = listed {
            let places = [Place::Query, Place::Header, Place::Cookie, Place::Form, Place::Json];
            closed = places.into_iter().filter(|place| listed.iter().any(|name| name == place.name())).collect();
        }
        let strict = more.and_then(|more| more.get("media-types-closed")).and_then(Value::as_bool);
        Operation {
            parameters,
            closed,
            media_types: match more.and_then(|more| more.get("media-types")).and_then(Value::as_array) {
                Some(names) => names.iter().filter_map(Value::as_str).map(str::to_string).collect(),
                None => content.into_iter().flatten().map(|(name, _)| media_type(name.as_bytes())).collect(),
            },
            media_types_closed: strict.unwrap_or(
                self.closed && !content.is_some_and(|content| content.keys().any(|name| name.contains('*'))),
            ),
            learned: more
                .and_then(|more| more.get("requests"))
                .and_then(Value::as_u64)
                .and_then(|count| count.try_into().ok()),
        }
    }

    /// What one media type of a body takes.
    fn body(&mut self, media_type: &str, value: &'d Value, needed: bool) -> Fields {
        let mut fields = Fields::default();
        match (body_place(media_type), value.get("schema")) {
            (Some(place), Some(schema)) => self.fields(schema, place, String::new(), needed, 0, &mut fields),
            _ => fields.open = true,
        }
        fields
    }

    /// Flat names below a schema of a body.
    fn fields(&mut self, from: &'d Value, place: Place, name: String, needed: bool, depth: usize, out: &mut Fields) {
        self.steps = self.steps.saturating_sub(1);
        if depth > DEPTH || out.known.len() >= PARAMETERS || self.room == 0 || self.steps == 0 {
            self.note("schemas nest too deeply or name too much");
            out.open = true;
            return;
        }
        let Some(found) = self.resolve(from) else {
            out.open = true;
            return;
        };
        for (key, all) in [("allOf", true), ("oneOf", false), ("anyOf", false)] {
            for one in found.get(key).and_then(Value::as_array).into_iter().flatten() {
                if !all {
                    self.note("of several schemas all are allowed at once");
                }
                self.fields(one, place, name.clone(), needed && all, depth + 1, out);
            }
        }
        let types = schema::types(found);
        let members = found.get("properties").and_then(Value::as_object);
        if types.contains(&"object") || members.is_some() {
            self.members(found, place, &name, needed, depth, out);
        }
        let array = types.contains(&"array") || found.contains_key("items");
        if array && place == Place::Json {
            let many = found.get("minItems").and_then(Value::as_u64).unwrap_or(0) > 0;
            match found.get("items") {
                Some(items) => self.fields(items, place, format!("{name}[]"), needed && many, depth + 1, out),
                None => out.open = true,
            }
        }
        let scalar = types.iter().any(|kind| schema::SCALARS.contains(kind)) || (place == Place::Form && array);
        let nothing = types.is_empty()
            && members.is_none()
            && !array
            && !["allOf", "oneOf", "anyOf"].iter().any(|key| found.contains_key(*key));
        if scalar || (nothing && !name.is_empty()) {
            self.room -= 1;
            let schema = if place == Place::Form && array { self.value(from, depth) } else { self.scalar(found) };
            let fresh = Parameter { required: needed, schema };
            match out.known.get_mut(&name) {
                Some(known) if known.schema != fresh.schema => {
                    known.schema = Schema { repeated: true, ..Schema::default() }
                }
                Some(_) => {}
                None => drop(out.known.insert(name, fresh)),
            }
        } else if nothing {
            out.open = true;
        }
    }

    fn scalar(&mut self, found: &'d Map<String, Value>) -> Schema {
        let mut unheld = Vec::new();
        let read = schema::read(found, &mut |key| unheld.push(key.to_string()));
        unheld.iter().for_each(|key| self.note(key));
        read
    }

    fn members(
        &mut self,
        found: &'d Map<String, Value>,
        place: Place,
        name: &str,
        needed: bool,
        depth: usize,
        out: &mut Fields,
    ) {
        let required = found.get("required").and_then(Value::as_array);
        let must = |key: &str| required.is_some_and(|names| names.iter().any(|name| name == key));
        // A schema that says what other members look like takes any name.
        out.open |= match found.get("additionalProperties") {
            Some(Value::Bool(more)) => *more,
            Some(_) => true,
            None => !self.closed,
        };
        for (key, member) in found.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let below = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
            self.fields(member, place, below, needed && must(key), depth + 1, out);
        }
    }
}

/// Parameters by place and name.
type Named = BTreeMap<(Place, String), Parameter>;

/// Bodies of several media types as one: what one must have another does not, and of two schemas neither is held to.
fn together(bodies: &[Named], parameters: &mut Named) {
    for (at, body) in bodies.iter().enumerate() {
        for (key, parameter) in body {
            let everywhere = bodies.iter().all(|other| other.get(key).is_some_and(|other| other.required));
            let known = parameters.entry(key.clone()).or_insert_with(|| parameter.clone());
            known.required = everywhere;
            let before = bodies[..at].iter().any(|other| other.contains_key(key));
            if before && known.schema != parameter.schema {
                known.schema = Schema { repeated: true, ..Schema::default() };
            }
        }
    }
}

/// A part of a template: `{id}`, `v{version}`, `users`. What stands as it is may be percent-encoded.
fn segment(part: &str, schemas: &BTreeMap<String, Schema>) -> Segment {
    let plain = |text: &str| decoded(text.as_bytes()).into_owned();
    let open =
        part.split_once('{').and_then(|(before, rest)| rest.split_once('}').map(|(name, after)| (before, name, after)));
    match open {
        // Two in one part cannot be told apart.
        Some((before, _, after)) if after.contains('{') => Segment::Parameter {
            name: "any".into(),
            before: plain(before),
            after: plain(after.rfind('}').map_or("", |at| &after[at + 1..])),
            schema: Schema::default(),
        },
        Some((before, name, after)) => Segment::Parameter {
            name: name.into(),
            before: plain(before),
            after: plain(after),
            schema: schemas.get(name).cloned().unwrap_or_default(),
        },
        None => Segment::Fixed(plain(part)),
    }
}
