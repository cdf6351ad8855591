//! One request head, line by line: its grammar, and what of it says where the body ends.

use super::bytes::{HOST, TARGET, TOKEN, VALUE, all, decimal, trim};
use super::{Kind, Limits};
use std::ops::Range;

/// A head that went past whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its bytes, with an empty line before it and the one that ends it, counted from the beginning of the connection.
    pub range: Range<u64>,
    /// HTTP/1.0.
    pub http10: bool,
    /// The method.
    pub method: Vec<u8>,
    /// Names of the fields as sent and in the order of sending, each followed by a comma.
    pub names: Vec<u8>,
    /// It asks for another protocol (`Upgrade`, `CONNECT`).
    pub upgrade: bool,
    /// What follows it.
    pub body: Body,
}

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Nothing; the next request begins.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

/// What is known of the head that goes past.
#[derive(Debug, Default)]
pub(super) struct Reader {
    started: bool,
    fields: usize,
    http10: bool,
    connect: bool,
    /// Kept where heads are.
    method: Vec<u8>,
    names: Vec<u8>,
    /// Host of a target in absolute form.
    target_host: Option<Vec<u8>>,
    named: bool,
    host: Vec<u8>,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
}

/// Fields that frame or route a message: a `Connection` that names one would have the next hop drop it.
const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "host"];

impl Reader {
    /// Whether the request line was read.
    pub(super) fn started(&self) -> bool {
        self.started
    }

    /// Reads `method SP target SP version`, without its CRLF.
    pub(super) fn request_line(&mut self, line: &[u8], limits: &Limits) -> Result<(), Kind> {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(Kind::Fold);
        }
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Kind::RequestLine);
        };
        if method.is_empty() || method.len() > limits.method_bytes || !all(method, TOKEN) {
            return Err(Kind::Method);
        }
        if target.len() > limits.target_bytes {
            return Err(Kind::TargetTooLong);
        }
        self.http10 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _ => return Err(Kind::Version),
        };
        self.target_host = target_host(method, target)?;
        if limits.heads > 0 {
            self.method.extend_from_slice(method);
        }
        self.connect = method == b"CONNECT";
        self.upgrade = self.connect;
        self.started = true;
        Ok(())
    }

    /// Reads one field line, without its CRLF.
    pub(super) fn field(&mut self, line: &[u8], limits: &Limits) -> Result<(), Kind> {
        self.fields += 1;
        if self.fields > limits.fields {
            return Err(Kind::TooManyFields);
        }
        let (name, value) = field(line)?;
        if limits.heads > 0 {
            self.names.extend_from_slice(name);
            self.names.push(b',');
        }
        // Every field of interest begins with one of these letters.
        match name[0] | 0x20 {
            b'c' | b't' | b'h' | b'u' => self.meaning(name, value),
            _ => Ok(()),
        }
    }

    fn meaning(&mut self, name: &[u8], value: &[u8]) -> Result<(), Kind> {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        if is("content-length") {
            if self.length.is_some() {
                return Err(Kind::ContentLengthRepeated);
            }
            self.length = Some(decimal(value).ok_or(Kind::ContentLength)?);
        } else if is("transfer-encoding") {
            if self.chunked || self.http10 || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Kind::TransferEncoding);
            }
            self.chunked = true;
        } else if is("host") {
            if self.named {
                return Err(Kind::HostRepeated);
            }
            if !all(value, HOST) {
                return Err(Kind::Host);
            }
            self.named = true;
            if self.target_host.is_some() {
                self.host.extend_from_slice(value);
            }
        } else if is("connection") {
            let options = value.split(|byte| *byte == b',').map(trim);
            if options.into_iter().any(|option| named(option, &FRAMING)) {
                return Err(Kind::ConnectionOption);
            }
        } else if is("upgrade") {
            self.upgrade = true;
        } else if memchr::memchr(b'_', name).is_some() {
            let spelled: Vec<u8> = name.iter().map(|byte| if *byte == b'_' { b'-' } else { *byte }).collect();
            if named(&spelled, &FRAMING) {
                return Err(Kind::AliasedName);
            }
        }
        Ok(())
    }

    /// The head ended: what follows it, and the head itself where heads are kept. The reader is as new.
    pub(super) fn end(&mut self, range: Range<u64>, kept: bool) -> Result<(Body, Option<Head>), Kind> {
        if self.chunked && self.length.is_some() {
            return Err(Kind::LengthConflict);
        }
        match &self.target_host {
            _ if !self.named && !self.http10 => return Err(Kind::HostMissing),
            Some(target) if self.named && !self.host.eq_ignore_ascii_case(target) => return Err(Kind::Host),
            _ => {}
        }
        let body = match self.length {
            _ if self.chunked => Body::Chunked,
            None | Some(0) => Body::None,
            Some(length) => Body::Length(length),
        };
        if self.connect && body != Body::None {
            return Err(Kind::ConnectBody);
        }
        let Reader { http10, upgrade, method, names, .. } = std::mem::take(self);
        Ok((body, kept.then_some(Head { range, http10, method, names, upgrade, body })))
    }
}

/// Splits a field line; the value is trimmed.
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Kind> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(Kind::Fold);
    }
    let colon = memchr::memchr(b':', line).ok_or(Kind::FieldName)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if matches!(name.last(), Some(b' ' | b'\t')) {
        return Err(Kind::SpaceBeforeColon);
    }
    if name.is_empty() || !all(name, TOKEN) {
        return Err(Kind::FieldName);
    }
    if !all(value, VALUE) {
        return Err(Kind::FieldValue);
    }
    Ok((name, trim(value)))
}

/// Whether the name is one of the list, letters' case aside.
pub(super) fn named(name: &[u8], list: &[&str]) -> bool {
    list.iter().any(|listed| name.eq_ignore_ascii_case(listed.as_bytes()))
}

/// Checks the form of the target (RFC 9112 section 3.2); the host of one in absolute or authority form.
fn target_host(method: &[u8], target: &[u8]) -> Result<Option<Vec<u8>>, Kind> {
    if target.is_empty() || !all(target, TARGET) {
        return Err(Kind::Target);
    }
    if method == b"CONNECT" {
        let colon = memchr::memrchr(b':', target).ok_or(Kind::Target)?;
        let port = decimal(&target[colon + 1..]).is_some_and(|port| (1..=65535).contains(&port));
        return if port && colon > 0 && all(target, HOST) { Ok(Some(target.to_vec())) } else { Err(Kind::Target) };
    }
    if target[0] == b'/' {
        return Ok(None);
    }
    if target == b"*" {
        return if method == b"OPTIONS" { Ok(None) } else { Err(Kind::Target) };
    }
    let colon = memchr::memmem::find(target, b"://").ok_or(Kind::Target)?;
    let (scheme, rest) = (&target[..colon], &target[colon + 3..]);
    if !named(scheme, &["http", "https", "ws", "wss"]) {
        return Err(Kind::Target);
    }
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let host = &rest[..end];
    if host.is_empty() || !all(host, HOST) { Err(Kind::Target) } else { Ok(Some(host.to_vec())) }
}
