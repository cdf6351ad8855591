//! What hides inside values: further arguments that the rule language does not take out by itself. One file a decoder.
//!
//! JSON, base64 and doubly encoded text within an argument, claims of a token, strings of a GraphQL document or of a
//! protobuf message, arguments in the query of the page a request came from. What is found is looked into again, a few
//! levels deep. It is given beside the arguments of the request under names like `q.json.user`, so that rules and
//! exclusions may name it; nothing of the request itself is changed.
//!
//! A guess costs nothing where it is wrong: what a decoder makes of a value is only given when it is plausible text.

mod base64;
mod escape;
mod graphql;
mod json;
mod jwt;
mod protobuf;
mod referer;
mod url;

use std::collections::VecDeque;

/// What a decoder looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'i> {
    /// An argument or a cookie, decoded once.
    Value {
        /// Its name.
        name: &'i [u8],
        /// Its value.
        value: &'i [u8],
    },
    /// The header `Referer`.
    Referer(&'i [u8]),
    /// A body that no body processor took apart.
    Body {
        /// `Content-Type`, as it stood.
        content_type: &'i [u8],
        /// The bytes.
        body: &'i [u8],
    },
}

/// Takes the name behind the input's own and the value; false when no more is taken.
pub type Give<'g> = dyn FnMut(&[u8], &[u8]) -> bool + 'g;

/// One kind of hiding place.
pub trait Decoder: Sync {
    /// Its name, which is part of the names it gives: `json`.
    fn name(&self) -> &'static str;

    /// Gives what hides in the input; quick to see that nothing does.
    fn decode(&self, input: Input, give: &mut Give);
}

/// Every decoder.
pub const ALL: &[&dyn Decoder] = &[
    &json::Json,
    &base64::Base64,
    &jwt::Jwt,
    &url::Url,
    &escape::Escape,
    &graphql::GraphQl,
    &protobuf::Protobuf,
    &referer::Referer,
];

/// What one request may cost beyond its own size.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Values that may still be given.
    pub values: usize,
    /// Bytes of names and values that may still be given.
    pub bytes: usize,
    /// How often something found is looked into again.
    pub levels: usize,
    /// Values that were found and not given, because one of these was used up.
    pub left_out: usize,
}

impl Budget {
    /// For a body that nothing else takes apart: as many values as a form may have arguments.
    pub fn of_body() -> Budget {
        Budget { values: 1000, bytes: 256 << 10, ..Budget::default() }
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { values: 128, bytes: 128 << 10, levels: 3, left_out: 0 }
    }
}

impl Budget {
    fn pay(&mut self, name: &[u8], value: &[u8]) -> bool {
        let bytes = self.bytes.checked_sub(name.len() + value.len());
        match (self.values.checked_sub(1), bytes) {
            (Some(values), Some(bytes)) => {
                (self.values, self.bytes) = (values, bytes);
                true
            }
            _ => {
                self.left_out += 1;
                false
            }
        }
    }
}

/// Something found that is looked into again.
struct Find {
    name: Vec<u8>,
    value: Vec<u8>,
    level: usize,
}

/// Gives everything that hides in the input, and what hides in that.
pub fn decode(input: Input, budget: &mut Budget, take: &mut dyn FnMut(&[u8], &[u8])) {
    let mut open = VecDeque::new();
    look(input, 1, budget, &mut open, take);
    while let Some(find) = open.pop_front() {
        let input = Input::Value { name: &find.name, value: &find.value };
        look(input, find.level + 1, budget, &mut open, take);
    }
}

/// One look of every decoder.
fn look(
    input: Input,
    level: usize,
    budget: &mut Budget,
    open: &mut VecDeque<Find>,
    take: &mut dyn FnMut(&[u8], &[u8]),
) {
    for decoder in ALL {
        decoder.decode(input, &mut |key, value| {
            let mut name = match input {
                Input::Value { name, .. } => [name, b"."].concat(),
                Input::Referer(_) | Input::Body { .. } => Vec::new(),
            };
            name.extend_from_slice(decoder.name().as_bytes());
            if !key.is_empty() {
                name.push(b'.');
                name.extend_from_slice(key);
            }
            if !budget.pay(&name, value) {
                return false;
            }
            take(&name, value);
            if level < budget.levels {
                open.push_back(Find { name, value: value.to_vec(), level });
            }
            true
        });
    }
}

/// Whether bytes are text that a person or a program may have written: UTF-8 with hardly any control characters.
fn is_text(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    !text.is_empty() && !text.chars().any(|letter| letter.is_control() && !letter.is_whitespace())
}

#[cfg(test)]
mod tests;
