//! The origin that the tests of CRS 4 speak to: it answers as it is asked to at `/reflect`, and with nothing elsewhere.
//!
//! Source: the project's own test server (albedo): a JSON document with `status`, `headers`, `body` or `encodedBody` becomes
//! the answer; a content type that is not given is guessed as Go's server guesses it (WHATWG "MIME Sniffing").

use crate::request::{Request, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    encoded_body: String,
}

/// What the origin answers.
pub fn answer(request: &Request) -> Response {
    let nothing = |status| Response { status, headers: Vec::new(), body: Vec::new() };
    let path = request.target.split(|byte| *byte == b'?').next().unwrap_or_default();
    if request.method != b"POST" || !(path == b"/reflect" || path.starts_with(b"/reflect/")) {
        return nothing(200);
    }
    let Ok(asked) = serde_json::from_slice::<Asked>(&request.body) else { return nothing(400) };
    let body = match asked.body.as_str() {
        "" => STANDARD.decode(asked.encoded_body.trim()).unwrap_or_default(),
        text => text.as_bytes().to_vec(),
    };
    let headers = asked.headers.into_iter().map(|(name, value)| (name.into_bytes(), value.into_bytes())).collect();
    complete(Response { status: if asked.status == 0 { 200 } else { asked.status }, headers, body })
}

/// An answer with the content type that it did not name.
pub fn complete(mut answer: Response) -> Response {
    let named = answer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"content-type"));
    if !named && !answer.body.is_empty() {
        answer.headers.push((b"Content-Type".to_vec(), guessed(&answer.body).to_vec()));
    }
    answer
}

/// Tags with which HTML begins.
const TAGS: &[&str] = &[
    "<!doctype html",
    "<html",
    "<head",
    "<script",
    "<iframe",
    "<h1",
    "<div",
    "<font",
    "<table",
    "<a",
    "<style",
    "<title",
    "<b",
    "<body",
    "<br",
    "<p",
    "<!--",
];

fn guessed(body: &[u8]) -> &'static [u8] {
    let begin = &body[..body.len().min(512)];
    if begin.starts_with(b"\x1f\x8b\x08") {
        return b"application/x-gzip";
    }
    if begin.starts_with(b"%PDF-") {
        return b"application/pdf";
    }
    let text = begin.trim_ascii_start().to_ascii_lowercase();
    let is_tag = |tag: &&str| {
        let rest = text.strip_prefix(tag.as_bytes());
        rest.is_some_and(|rest| *tag == "<!--" || matches!(rest.first(), Some(b' ' | b'>')))
    };
    if TAGS.iter().any(is_tag) {
        return b"text/html; charset=utf-8";
    }
    if text.starts_with(b"<?xml") {
        return b"text/xml; charset=utf-8";
    }
    let binary = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if begin.iter().any(binary) { b"application/octet-stream" } else { b"text/plain; charset=utf-8" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_guessed() {
        for (body, kind) in [
            (&b" <HTML>"[..], "text/html; charset=utf-8"),
            (b"<abc>", "text/plain; charset=utf-8"),
            (b"<?xml version", "text/xml; charset=utf-8"),
            (b"a\x00", "application/octet-stream"),
            (b"\x1f\x8b\x08x", "application/x-gzip"),
            (b"Fatal error", "text/plain; charset=utf-8"),
        ] {
            assert_eq!(guessed(body), kind.as_bytes());
        }
    }

    #[test]
    fn other_places_answer_with_nothing() {
        let get = answer(&Request::browser("GET", "/reflect"));
        assert_eq!((get.status, get.headers.len()), (200, 0));
        assert_eq!(answer(&Request::browser("POST", "/reflect?a").with_body("", "no json")).status, 400);
    }
}
