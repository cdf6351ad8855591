//! One text for one JSON value.

use crate::fault;
use base::{Fault, Result};
use serde_json::Value;

/// JSON without white space, the keys of every object in the order of their bytes, numbers as `serde_json` writes
/// them. Two values that are equal give the same text whatever the order of insertion was. Nobody hashes a text
/// that was parsed and written again: `serde_json` may change the last digit of a long fraction while parsing.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// Parses JSON text and writes it canonically. Of a repeated key the last value stays.
pub fn canonical_text(text: &str) -> Result<String> {
    let wrong = |cause| Fault::new(&fault::BAD_DETAILS).object("details").expected("JSON").found(cause);
    serde_json::from_str(text).map(|value: Value| canonical(&value)).map_err(wrong)
}

/// Depth is bounded by the parser (128), which every value from outside went through.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => {
            let mut fields: Vec<(&String, &Value)> = object.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (place, (name, value)) in fields.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        leaf => text.push_str(&leaf.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_are_sorted_at_every_depth_and_text_is_escaped() {
        let cases = [
            (r#"{"b":1,"a":{"d":[{"z":1,"y":2}],"c":null}}"#, r#"{"a":{"c":null,"d":[{"y":2,"z":1}]},"b":1}"#),
            ("{ }", "{}"),
            ("[ ]", "[]"),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#""\u4e2d\n\"""#, "\"中\\n\\\"\""),
            (r#"{"k\"":-1.50e2}"#, r#"{"k\"":-150.0}"#),
            ("18446744073709551615", "18446744073709551615"),
        ];
        for (given, wanted) in cases {
            assert_eq!(canonical_text(given).unwrap(), wanted);
        }
        for bad in ["", "{", "{\"a\":}", "nul", "1 2"] {
            assert!(canonical_text(bad).unwrap_err().is(&fault::BAD_DETAILS), "{bad}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            // Eighths are exact in binary and short in decimal, so parsing gives them back.
            any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// The same value with the keys of every object inserted the other way round.
    fn reversed(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                Value::Object(object.iter().rev().map(|(name, value)| (name.clone(), reversed(value))).collect())
            }
            Value::Array(items) => items.iter().map(reversed).collect(),
            leaf => leaf.clone(),
        }
    }

    proptest! {
        #[test]
        fn order_of_insertion_does_not_matter_and_canonical_is_a_fixed_point(value in values()) {
            let text = canonical(&value);
            prop_assert_eq!(canonical(&reversed(&value)), text.clone());
            prop_assert_eq!(canonical_text(&text).unwrap(), text);
        }

        #[test]
        fn hostile_text_never_panics(text in ".{0,200}") {
            let _ = canonical_text(&text);
        }
    }
}
