//! The request, as rules see it.

use super::intern::Id;
use super::state::State;
use super::{Connection, Context, Transaction};
use crate::body::{self, Processor, Sink};
use crate::compile::rule::Allow;
use crate::variable::{List, Part, Single, Source, find_single};
use crate::verdict::{Intervention, Refusal};
use base64::Engine as _;
use seclang::{EngineMode, Phase, Settings};
use std::borrow::Cow;
use std::net::SocketAddr;

/// The processor of forms with files.
const MULTIPART: &str = "MULTIPART";

impl Transaction {
    pub(super) fn connect(&mut self, connection: Connection) {
        let Connection { client, server } = connection;
        let address = |end: SocketAddr| end.ip().to_canonical().to_string();
        self.set(Single::RemoteAddr, address(client).as_bytes());
        self.set(Single::RemoteHost, address(client).as_bytes());
        self.set(Single::RemotePort, client.port().to_string().as_bytes());
        self.set(Single::ServerAddr, address(server).as_bytes());
        self.set(Single::ServerPort, server.port().to_string().as_bytes());
        self.set(Single::UrlencodedError, b"0");
    }

    /// The request line: method, target as it was sent, and protocol (`HTTP/1.1`).
    pub fn request_line(&mut self, method: &[u8], target: &[u8], protocol: &[u8]) {
        self.set(Single::RequestMethod, method);
        self.set(Single::RequestProtocol, protocol);
        self.set(Single::RequestLine, &[method, target, protocol].join(&b' '));
        self.set(Single::RequestUriRaw, target);
        // A fragment is not for the server.
        let target = &target[..memchr::memchr(b'#', target).unwrap_or(target.len())];
        let decoded = decode_path(target);
        self.set(Single::RequestUri, without_origin(&decoded));
        // An escaped question mark is a part of the path.
        let path = decode_path(&target[..memchr::memchr(b'?', target).unwrap_or(target.len())]);
        self.set(Single::RequestFilename, &path);
        self.set(Single::PathInfo, &path);
        let base = path.iter().rposition(|byte| matches!(byte, b'/' | b'\\'));
        if let Some(base) = base {
            self.set(Single::RequestBasename, &path[base + 1..]);
        }
        if let Some(cut) = memchr::memchr(b'?', target) {
            let query = &target[cut + 1..];
            self.set(Single::QueryString, query);
            self.pairs(query, List::ArgsGet);
        }
    }

    fn pairs(&mut self, text: &[u8], list: List) {
        self.run(|state, cx| {
            if broken_escape(text) {
                let id = state.memo.arena.intern(b"1");
                state.store.set(Single::UrlencodedError, id);
            }
            for (name, value) in body::split_pairs(text, cx.program.settings.argument_separator) {
                if !state.argument(cx, list, &name, &value) {
                    break;
                }
            }
            state.arguments_done();
        });
    }

    /// One header, in the order of the request.
    pub fn request_header(&mut self, name: &[u8], value: &[u8]) {
        if !self.add(List::RequestHeaders, name, value) {
            return;
        }
        if name.eq_ignore_ascii_case(b"cookie") {
            for (name, value) in body::split_cookies(value) {
                if !self.add(List::Cookies, name, value) {
                    break;
                }
            }
        } else if name.eq_ignore_ascii_case(b"authorization") {
            let kind = value.split(|byte| *byte == b' ').next().unwrap_or_default();
            self.set(Single::AuthType, kind);
            if let Some(user) = basic_user(value) {
                self.set(Single::RemoteUser, &user);
            }
        } else if name.eq_ignore_ascii_case(b"host") {
            let host = value.split(|byte| *byte == b':').next().unwrap_or_default();
            self.set(Single::ServerName, host);
        } else if name.eq_ignore_ascii_case(b"content-type") {
            let begins = |text: &[u8]| value.get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text));
            let by_type = match () {
                () if begins(b"multipart/form-data") => "MULTIPART",
                () if begins(b"application/x-www-form-urlencoded") => "URLENCODED",
                () => return,
            };
            self.set(Single::ReqbodyProcessor, by_type.as_bytes());
            self.run(|state, _| state.body.by_type = Some(by_type));
        }
    }

    /// Phase 1.
    pub fn judge_request_headers(&mut self) -> Option<Intervention> {
        self.walk(Phase::RequestHeaders)
    }

    /// A piece of the request's body. What is beyond `SecRequestBodyLimit` is not taken; the refusal, if the
    /// configuration asks for one.
    pub fn request_body(&mut self, chunk: &[u8]) -> Option<Intervention> {
        self.run(|state, cx| state.take_body(cx, chunk)).flatten()
    }

    /// The body goes on behind what was given: that it ends early is not its fault.
    pub fn request_body_cut(&mut self) {
        self.run(|state, _| {
            state.body.cut = true;
            state.put(Single::InboundDataError, b"1");
        });
    }

    /// Whether a bound ([`crate::limits`], `SecArgumentsLimit`) kept a part of the request from rules that act: what they
    /// found nothing in may hold anything.
    pub fn unseen(&self) -> bool {
        self.state.as_deref().is_some_and(|state| {
            let passed = matches!(state.allow, Some(Allow::All | Allow::Request));
            state.unseen() && state.mode == EngineMode::On && !passed
        })
    }

    /// Phase 2.
    pub fn judge_request_body(&mut self) -> Option<Intervention> {
        let access = self.run(|state, cx| {
            // An engine that is off parses nothing.
            (state.mode != EngineMode::Off).then(|| state.open_body(cx))
        });
        match access.flatten() {
            Some(true) => self.walk(Phase::RequestBody),
            _ => self.run(|state, _| state.intervention.clone()).flatten(),
        }
    }
}

impl State {
    fn take_body(&mut self, cx: &Context<'_>, chunk: &[u8]) -> Option<Intervention> {
        let settings = &cx.program.settings;
        let limit = usize::try_from(self.body_limit(settings)).unwrap_or(usize::MAX);
        let room = limit.saturating_sub(self.request_body.len());
        if limit == 0 || chunk.len() <= room {
            self.request_body.extend_from_slice(chunk);
            return None;
        }
        let id = self.memo.arena.intern(b"1");
        self.store.set(Single::InboundDataError, id);
        if settings.request_body_partial {
            self.request_body.extend_from_slice(&chunk[..room]);
        } else if self.mode == EngineMode::On && self.intervention.is_none() {
            let phase = Phase::RequestBody;
            self.intervention = Some(Intervention { rule: 0, phase, kind: Refusal::Deny, status: 413 });
        }
        self.intervention.clone()
    }

    /// Takes the body apart; whether phase 2 is to run.
    fn open_body(&mut self, cx: &Context<'_>) -> bool {
        let settings = &cx.program.settings;
        let raw = std::mem::take(&mut self.request_body);
        if !self.store.is_set(Single::InboundDataError) {
            self.put(Single::InboundDataError, b"0");
        }
        let name = self.body.forced.clone().map(Cow::Owned).or(self.body.by_type.map(Cow::Borrowed));
        let known = name.as_ref().and_then(|name| body::ALL.iter().find(|processor| processor.name() == *name));
        let processor = known.map_or("", |processor| processor.name());
        match name {
            None => self.body_error(None),
            Some(name) => match known {
                Some(_) if too_big(settings, processor, raw.len()) => {
                    self.put(Single::InboundDataError, b"1");
                    self.put(Single::ReqbodyError, b"1");
                    self.put(Single::ReqbodyErrorMsg, b"the body, files aside, is bigger than the limit");
                }
                Some(processor) => self.process(cx, *processor, &raw),
                None => self.body_error(Some(format!("Unknown request body processor: {name}"))),
            },
        }
        let access = self.body.access.unwrap_or(settings.request_body);
        if access {
            self.whole_request(cx, &raw, seen_of(settings, processor, raw.len()));
        }
        if self.body.in_elements && !self.body.kept {
            self.store.set(Single::RequestBody, Id::EMPTY);
        }
        self.request_body = raw;
        if self.inside && access {
            self.look_inside();
        }
        access
    }

    fn process(&mut self, cx: &Context<'_>, processor: &dyn Processor, raw: &[u8]) {
        let content_type = self.store.first(&self.memo.arena, List::RequestHeaders, b"content-type");
        let content_type = content_type.unwrap_or_default().to_vec();
        let list = if processor.posted() { List::ArgsPost } else { List::ArgsBody };
        let parsed =
            processor.parse(raw, &content_type, &cx.program.settings, &mut Into { state: self, cx, list, fields: 0 });
        self.arguments_done();
        match (processor.name(), parsed) {
            // libmodsecurity leaves the error of a form without a value.
            ("URLENCODED", _) => {
                if broken_escape(raw) {
                    self.put(Single::UrlencodedError, b"1");
                }
            }
            (name, Ok(())) => {
                self.body.in_elements = name == "XML" && memchr::memmem::find(raw, b"<!DOCTYPE").is_none();
                self.body_error(None);
            }
            ("JSON", Err(_)) if raw.is_empty() => self.body_error(None),
            (_, Err(_)) if self.body.cut => {
                // Where a form is cut, its last part is odd.
                self.put(Single::MultipartStrictError, b"0");
                self.body_error(None);
            }
            (name, Err(cause)) => {
                let kind = if name == "MULTIPART" { "Multipart" } else { name };
                self.body_error(Some(format!("{kind} parsing error: {cause}")));
            }
        }
    }

    fn body_error(&mut self, cause: Option<String>) {
        let flag: &[u8] = if cause.is_some() { b"1" } else { b"0" };
        self.put(Single::ReqbodyError, flag);
        self.put(Single::ReqbodyProcessorError, flag);
        if let Some(cause) = cause {
            self.put(Single::ReqbodyErrorMsg, cause.as_bytes());
            self.put(Single::ReqbodyProcessorErrorMsg, cause.as_bytes());
        }
    }

    /// Variables of the request as a whole; of the body itself rules see no more than `seen` bytes.
    fn whole_request(&mut self, cx: &Context<'_>, raw: &[u8], seen: usize) {
        let wanted = [Single::FullRequest, Single::FullRequestLength];
        if wanted.iter().any(|single| cx.program.reads(Source::Single(*single))) {
            let mut whole = Vec::new();
            for header in self.store.list(List::RequestHeaders) {
                let (name, value) = (self.memo.arena.get(header.name), self.memo.arena.get(header.value));
                for part in [name, b": ", value, b"\n"] {
                    whole.extend_from_slice(part);
                }
            }
            whole.extend_from_slice(b"\n\n");
            whole.extend_from_slice(raw);
            self.put(Single::FullRequestLength, whole.len().to_string().as_bytes());
            self.put(Single::FullRequest, &whole);
        }
        if !raw.is_empty() {
            if cx.program.reads(Source::Single(Single::RequestBody)) {
                self.put(Single::RequestBody, &raw[..seen.min(raw.len())]);
            }
            self.put(Single::RequestBodyLength, raw.len().to_string().as_bytes());
        }
    }

    pub(super) fn put(&mut self, single: Single, text: &[u8]) {
        let id = self.memo.arena.intern(text);
        self.store.set(single, id);
    }

    /// An argument; false when no more are taken.
    fn argument(&mut self, cx: &Context<'_>, list: List, name: &[u8], value: &[u8]) -> bool {
        if self.store.arguments() >= cx.program.settings.arguments_limit as usize {
            self.store.unseen = true;
            return false;
        }
        self.arguments_size += name.len() + value.len();
        let (name, value) = (self.memo.arena.intern(name), self.memo.arena.intern(value));
        self.store.add(list, name, value)
    }

    fn arguments_done(&mut self) {
        if self.store.arguments() > 0 {
            let size = self.arguments_size.to_string();
            self.put(Single::ArgsCombinedSize, size.as_bytes());
        }
    }
}

/// Where processors put what they find.
struct Into<'s, 'c> {
    state: &'s mut State,
    cx: &'s Context<'c>,
    list: List,
    /// Bytes of names and values so far.
    fields: u64,
}

impl Into<'_, '_> {
    fn add(&mut self, list: List, name: &[u8], value: &[u8]) {
        let arena = &mut self.state.memo.arena;
        let (name, value) = (arena.intern(name), arena.intern(value));
        self.state.store.add(list, name, value);
    }
}

impl Sink for Into<'_, '_> {
    fn argument(&mut self, name: &[u8], value: &[u8]) -> bool {
        // Of forms with files, the fields together; other bodies are measured as a whole.
        let limit = self.cx.program.settings.request_body_no_files_limit;
        self.fields += (name.len() + value.len()) as u64;
        if limit > 0 && self.fields > limit && self.list == List::ArgsPost {
            self.state.store.unseen = true;
            return false;
        }
        self.state.argument(self.cx, self.list, name, value)
    }

    fn file(&mut self, field: &[u8], filename: &[u8], content: &[u8]) {
        self.add(List::Files, field, filename);
        self.add(List::MultipartFilename, field, filename);
        self.add(List::MultipartName, field, field);
        self.add(List::FilesSizes, field, content.len().to_string().as_bytes());
        if self.cx.program.reads(Source::Entries(&[List::FilesContent], Part::Value)) {
            self.add(List::FilesContent, field, content);
        }
        let before = self.state.store.get(Single::FilesCombinedSize).unwrap_or(Id::EMPTY);
        let size = atoms::number::long(self.state.memo.arena.get(before)).saturating_add(content.len() as i64);
        let id = self.state.memo.number(size);
        self.state.store.set(Single::FilesCombinedSize, id);
    }

    fn part_header(&mut self, field: &[u8], line: &[u8]) {
        self.add(List::PartHeaders, field, line);
    }

    fn xml_text(&mut self, text: &[u8]) {
        self.add(List::XmlText, b"/*", text);
    }

    fn xml_attribute(&mut self, value: &[u8]) {
        self.add(List::XmlAttributes, b"//@*", value);
    }

    fn variable(&mut self, name: &'static str, value: &[u8]) {
        if let Some(single) = find_single(name) {
            self.state.put(single, value);
        }
    }
}

/// Whether a body without files is beyond `SecRequestBodyNoFilesLimit`.
fn too_big(settings: &Settings, processor: &str, bytes: usize) -> bool {
    let limit = settings.request_body_no_files_limit;
    processor != MULTIPART && limit > 0 && bytes as u64 > limit
}

/// How many bytes of a body rules see as a text. Files make forms long: every expression over all of them would cost
/// seconds, and their fields are seen one by one.
fn seen_of(settings: &Settings, processor: &str, bytes: usize) -> usize {
    match settings.request_body_no_files_limit {
        limit if processor == MULTIPART && limit > 0 => usize::try_from(limit).unwrap_or(bytes),
        _ => bytes,
    }
}

/// Escapes decoded, `+` left as it is.
fn decode_path(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'%', text) else { return Cow::Borrowed(text) };
    let mut out = text[..first].to_vec();
    let mut rest = &text[first..];
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escaped = match after {
            [high, low, ..] if byte == b'%' => digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        if escaped.is_some() {
            rest = &after[2..];
        }
        out.push(escaped.unwrap_or(byte));
    }
    Cow::Owned(out)
}

/// The user's name in `Basic dXNlcjpwYXNz` (RFC 7617).
fn basic_user(value: &[u8]) -> Option<Vec<u8>> {
    let encoded = value.strip_prefix(b"Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim_ascii()).ok()?;
    let cut = memchr::memchr(b':', &decoded)?;
    Some(decoded[..cut].to_vec())
}

/// `/path` of `http://host/path`.
fn without_origin(target: &[u8]) -> &[u8] {
    if target.first().is_none_or(|byte| *byte == b'/') {
        return target;
    }
    let Some(colon) = memchr::memchr(b':', target) else { return target };
    match target[colon + 1..].strip_prefix(b"//").map(|rest| (rest, memchr::memchr(b'/', rest))) {
        Some((rest, Some(path))) => &rest[path..],
        _ => target,
    }
}

fn broken_escape(text: &[u8]) -> bool {
    memchr::memchr_iter(b'%', text).any(|at| {
        let digits = text.get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_apart_as_the_oracle_takes_them() {
        assert_eq!(decode_path(b"/a%20b/c+d%2fe?x=%41+b").as_ref(), b"/a b/c+d/e?x=A+b");
        assert_eq!(decode_path(b"/%zz%4").as_ref(), b"/%zz%4");
        for (target, path) in [
            ("http://h/a/b?x=1", "/a/b?x=1"),
            ("http://h", "http://h"),
            ("*", "*"),
            ("h:443", "h:443"),
            ("", ""),
            ("/a://b/c", "/a://b/c"),
        ] {
            assert_eq!(without_origin(target.as_bytes()), path.as_bytes(), "{target}");
        }
    }
}
