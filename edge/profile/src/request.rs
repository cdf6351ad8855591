//! A request as this crate looks at it, and where its parameters stand.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the path; only of documents and violations, a request gives its path as a whole.
    Path,
    /// Behind the `?`.
    Query,
    /// A header of the request.
    Header,
    /// A cookie.
    Cookie,
    /// A form, of either kind.
    Form,
    /// A scalar of a JSON body, named as [`field_name`] names it.
    Json,
}

impl Place {
    /// Its name, as OpenAPI's `in` has it; `form` and `json` are bodies there.
    pub fn name(self) -> &'static str {
        match self {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
            Place::Cookie => "cookie",
            Place::Form => "form",
            Place::Json => "json",
        }
    }
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// `GET`.
    pub method: &'r [u8],
    /// The path as it was sent, without the query.
    pub path: &'r [u8],
    /// `Content-Type` as it was sent; empty when there is no body.
    pub content_type: &'r [u8],
    /// Place, name and decoded value, in order. Names of JSON as the engine gives them (`json.items.array_0.id`) or as
    /// [`field_name`] does.
    pub parameters: &'r [(Place, &'r [u8], &'r [u8])],
    /// Who asks: a hash of the client's address or account.
    pub source: u64,
}

/// Longest name that is kept, bytes.
const NAME: usize = 128;

/// `items[].id` of `json.items.array_0.id`: places in an array are alike.
pub fn field_name(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let rest = name.strip_prefix("json").filter(|rest| rest.is_empty() || rest.starts_with('.')).unwrap_or(&name);
    let mut out = String::with_capacity(rest.len());
    for part in rest.split('.').filter(|part| !part.is_empty()) {
        let place = part.strip_prefix("array_").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        if place {
            out.push_str("[]");
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(part);
        }
    }
    out
}

/// The name under which a parameter is known; none when it is too long to be one.
pub(crate) fn known_name(place: Place, name: &[u8]) -> Option<String> {
    let name = match place {
        Place::Json => field_name(name),
        Place::Header => String::from_utf8_lossy(name).to_ascii_lowercase(),
        _ => String::from_utf8_lossy(name).into_owned(),
    };
    (name.len() <= NAME).then_some(name)
}

/// The media type of a content type: `application/json` of `Application/JSON; charset=utf-8`.
pub(crate) fn media_type(content_type: &[u8]) -> String {
    let end = content_type.iter().position(|byte| *byte == b';').unwrap_or(content_type.len());
    String::from_utf8_lossy(content_type[..end].trim_ascii()).to_ascii_lowercase()
}

/// Where the parameters of a body stand.
pub(crate) fn body_place(media_type: &str) -> Option<Place> {
    match media_type {
        "application/x-www-form-urlencoded" | "multipart/form-data" => Some(Place::Form),
        json if json == "application/json" || json.ends_with("+json") => Some(Place::Json),
        _ => None,
    }
}

/// Parts of a path between slashes, decoded.
pub(crate) fn segments(path: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    path.split(|byte| *byte == b'/').map(decoded)
}

/// A part of a path without its percent signs (RFC 3986, section 2.1).
pub(crate) fn decoded(part: &[u8]) -> Cow<'_, str> {
    if !part.contains(&b'%') {
        return String::from_utf8_lossy(part);
    }
    let digit = |at: usize| part.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(part.len());
    let mut at = 0;
    while let Some(byte) = part.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// A part as a template has it, so that [`decoded`] gives it back and no reader takes it for a parameter or for two parts.
pub(crate) fn encoded(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for letter in part.chars() {
        match letter {
            '%' | '/' | '{' | '}' | '?' | '#' => out.push_str(&format!("%{:02X}", u32::from(letter))),
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_have_one_form() {
        for (name, expected) in [
            ("json.items.array_0.id", "items[].id"),
            ("json.array_12.array_0", "[][]"),
            ("json.array_0.a", "[].a"),
            ("json", ""),
            ("items[].id", "items[].id"),
            ("jsonp", "jsonp"),
        ] {
            assert_eq!(field_name(name.as_bytes()), expected, "{name}");
        }
        assert_eq!(segments(b"/a%2Fb/c%zz//").collect::<Vec<_>>(), ["a/b", "c%zz", "", ""]);
        assert_eq!(encoded("{a/b}?50%"), "%7Ba%2Fb%7D%3F50%25");
        assert_eq!(decoded(encoded("{a/b}?50%#客").as_bytes()), "{a/b}?50%#客");
        assert_eq!(media_type(b"Application/JSON; charset=utf-8"), "application/json");
    }
}
