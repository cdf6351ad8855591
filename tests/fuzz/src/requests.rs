//! What a request carries: bodies, what hides inside values, descriptions of APIs.

use waf::body::{self, Sink};
use waf::decode::{Budget, Input, decode};

/// Counts what a processor gives.
#[derive(Default)]
struct Given {
    arguments: usize,
    values: usize,
}

impl Given {
    fn add(&mut self, value: &[u8]) {
        self.values += value.len();
    }
}

impl Sink for Given {
    fn argument(&mut self, _name: &[u8], value: &[u8]) -> bool {
        self.arguments += 1;
        self.add(value);
        self.arguments < 1000
    }
    fn file(&mut self, _field: &[u8], _filename: &[u8], content: &[u8]) {
        self.add(content);
    }
    fn part_header(&mut self, _field: &[u8], _line: &[u8]) {}
    fn xml_text(&mut self, text: &[u8]) {
        self.add(text);
    }
    fn xml_attribute(&mut self, value: &[u8]) {
        self.add(value);
    }
    fn variable(&mut self, _name: &'static str, _value: &[u8]) {}
}

/// Takes a body apart with every processor; the first line is its content type. Values are never more than the body holds,
/// entities of XML and other encodings aside.
pub(crate) fn body(bytes: &[u8]) {
    let cut = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (content_type, body) = bytes.split_at(cut);
    for processor in body::ALL {
        let mut given = Given::default();
        let _ = processor.parse(body, content_type, &seclang::Settings::default(), &mut given);
        assert!(given.arguments <= 1000, "{}", processor.name());
        let most = if processor.name() == "XML" { 4 * body.len() + (256 << 10) } else { body.len() };
        assert!(given.values <= most, "{} gives {} bytes of {}", processor.name(), given.values, body.len());
    }
    let pairs = body::split_pairs(body, b'&').map(|(name, value)| name.len() + value.len()).sum::<usize>();
    let cookies = body::split_cookies(body).map(|(name, value)| name.len() + value.len()).sum::<usize>();
    assert!(pairs <= body.len() && cookies <= body.len());
}

/// Looks for what hides inside a value, a Referer and bodies of other kinds: never more than the budget.
pub(crate) fn hidden(bytes: &[u8]) {
    let budget = Budget::default();
    for input in [
        Input::Value { name: b"query", value: bytes },
        Input::Referer(bytes),
        Input::Body { content_type: b"application/graphql", body: bytes },
        Input::Body { content_type: b"application/grpc", body: bytes },
        Input::Body { content_type: b"application/x-protobuf", body: bytes },
    ] {
        let (mut count, mut size) = (0, 0);
        decode(input, &mut budget.clone(), &mut |name, value| {
            count += 1;
            size += name.len() + value.len();
        });
        assert!(count <= budget.values && size <= budget.bytes);
    }
}

/// Reads the description of an API, writes it and reads that back: as many paths, and judged alike.
pub(crate) fn openapi(bytes: &[u8]) {
    let Ok(read) = profile::read(bytes, true) else { return };
    let written = profile::write(&read.profile, "site", "1").to_string();
    let Ok(again) = profile::read(written.as_bytes(), true) else { panic!("what was written is not read") };
    assert!(again.profile.paths().len() <= read.profile.paths().len());
    let template = read.profile.paths().first().map(profile::Path::template).unwrap_or_default();
    let request = profile::Request {
        method: b"GET",
        path: template.as_bytes(),
        content_type: b"",
        parameters: &[(profile::Place::Query, b"q", bytes)],
        source: 0,
    };
    assert!(read.profile.judge(&request).len() <= 32 && again.profile.judge(&request).len() <= 32);
}
