//! Flat names of a JSON body (`items[].id`) as a schema of objects and arrays, written.

use super::{REPEATED, schema};
use crate::model::Parameter;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A place in a JSON document.
#[derive(Default)]
pub(super) struct Field<'p> {
    scalar: Option<&'p Parameter>,
    members: BTreeMap<String, Field<'p>>,
    items: Option<Box<Field<'p>>>,
    /// Something below must be there.
    required: bool,
}

impl<'p> Field<'p> {
    /// The tree of all names.
    pub fn tree(parameters: impl Iterator<Item = (&'p str, &'p Parameter)>) -> Field<'p> {
        let mut root = Field::default();
        for (name, parameter) in parameters {
            let mut at = &mut root;
            at.required |= parameter.required;
            for step in steps(name) {
                at = match step {
                    "[]" => at.items.get_or_insert_default(),
                    key => at.members.entry(key.to_string()).or_default(),
                };
                at.required |= parameter.required;
            }
            at.scalar = Some(parameter);
        }
        root
    }

    /// Whether something in it must be there.
    pub fn required(&self) -> bool {
        self.required
    }

    /// The schema; `closed` when nothing unknown may stand in it.
    pub fn schema(&self, closed: bool) -> Value {
        self.below(closed, false)
    }

    fn below(&self, closed: bool, in_array: bool) -> Value {
        let mut out = self.scalar.map_or_else(Map::new, |parameter| schema::write(&parameter.schema));
        if self.scalar.is_some_and(|parameter| parameter.schema.repeated) && !in_array {
            out.insert(REPEATED.into(), true.into());
        }
        let mut types: Vec<Value> = match out.shift_remove("type") {
            Some(Value::Array(types)) => types,
            one => one.into_iter().collect(),
        };
        if !self.members.is_empty() {
            types.push("object".into());
            let members = self.members.iter().map(|(key, field)| (key.clone(), field.below(closed, in_array)));
            out.insert("properties".into(), members.collect::<Map<_, _>>().into());
            let needed: Vec<&String> =
                self.members.iter().filter(|(_, field)| field.required).map(|(key, _)| key).collect();
            if !needed.is_empty() {
                out.insert("required".into(), json!(needed));
            }
            if closed {
                out.insert("additionalProperties".into(), false.into());
            }
        }
        if let Some(items) = &self.items {
            types.push("array".into());
            out.insert("items".into(), items.below(closed, true));
            if items.required {
                out.insert("minItems".into(), 1.into());
            }
        }
        let mut typed = Map::new();
        match types.len() {
            0 => {}
            1 => drop(typed.insert("type".into(), types.remove(0))),
            _ => drop(typed.insert("type".into(), types.into())),
        }
        typed.extend(out);
        typed.into()
    }
}

/// `items`, `[]`, `id` of `items[].id`.
fn steps(name: &str) -> impl Iterator<Item = &str> {
    name.split('.').flat_map(|part| {
        let key = part.trim_end_matches("[]");
        let arrays = (part.len() - key.len()) / 2;
        (!key.is_empty()).then_some(key).into_iter().chain(std::iter::repeat_n("[]", arrays))
    })
}
