//! Macros expanded, numbers read.

use super::Context;
use super::state::State;
use crate::compile::text::{Part, Template};
use crate::limits;

/// Appends a text with its macros expanded, cut to [`limits::TEXT_BYTES`]. A macro without a value is nothing.
pub(super) fn expand(state: &mut State, cx: &Context<'_>, template: &Template, out: &mut Vec<u8>) {
    let parts = match template {
        Template::Fixed(text) => return out.extend_from_slice(text),
        Template::Pieces(parts) => parts,
    };
    let mut found = Vec::new();
    for part in parts {
        let room = limits::TEXT_BYTES.saturating_sub(out.len());
        match part {
            Part::Literal(text) => out.extend_from_slice(&text[..text.len().min(room)]),
            Part::Value(target) => {
                found.clear();
                state.resolve(cx, target, 1, &mut found);
                if let Some(value) = found.first() {
                    let text = state.memo.arena.get(value.value);
                    out.extend_from_slice(&text[..text.len().min(room)]);
                }
            }
        }
    }
}
