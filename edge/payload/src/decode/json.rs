//! A JSON document as the value of an argument, `filter={"name":"x"}`, or as a body that does not say what it is: many
//! programs read it whatever its type is called.

use super::{Decoder, Give, Input};

/// Deepest nesting that is followed.
const DEPTH: usize = 32;
/// Letters and digits up to here are a word or a number, beyond they may be an encoding.
const WORD: usize = 12;

/// The decoder.
pub struct Json;

impl Decoder for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn decode(&self, input: Input, give: &mut Give) {
        let value = match input {
            Input::Value { value, .. } => value,
            Input::Body { body, .. } => body,
            Input::Referer(_) => return,
        };
        let text = value.trim_ascii();
        if matches!(text, [b'{', .., b'}'] | [b'[', .., b']']) {
            // What came before a mistake was given, and a mistake only says that it was no JSON.
            let _ = crate::body::walk_json(text, b"", DEPTH, &mut |name, value| {
                // Numbers and short words hide nothing.
                let plain = value.len() < WORD && value.iter().all(u8::is_ascii_alphanumeric);
                plain || give(name.strip_prefix(b".").unwrap_or(name), value)
            });
        }
    }
}
