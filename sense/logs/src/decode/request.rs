//! What access logs of web servers have in common: common and combined format, with or without a virtual host, and
//! JSON. Names are those of Sigma's `webserver` category (W3C extended log format).

use super::app::{App, Read};
use super::flatten::Flatten;
use super::{Around, Fields, Found, apache};
use crate::moment;
use crate::zone::Zone;
use base::Micros;
use memchr::memmem;
use std::borrow::Cow;
use std::net::IpAddr;

/// Reads an access line. `None` where it is of no such form.
pub fn access(line: &str, fields: &mut Fields) -> Option<Micros> {
    // The client chooses the user name and may put a time in brackets there, but both servers escape quotes: the first
    // `] "` is the server's own.
    let end = memmem::find(line.as_bytes(), b"] \"")?;
    let start = line[..end].rfind('[')?;
    let time_us = moment::common_log(&line[start + 1..end])?;
    who(line[..start].trim_end(), fields)?;
    let (request_text, rest) = quoted(&line[end + 3..])?;
    request(&request_text, fields);
    let rest = rest.trim_start();
    let (status, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    fields.some("sc-status", status);
    let (bytes, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    fields.some("sc-bytes", bytes);
    let mut rest = rest.trim_start();
    for name in ["cs-referer", "cs-user-agent", "x-forwarded-for"] {
        let Some((value, behind)) = rest.strip_prefix('"').and_then(quoted) else { break };
        fields.some(name, &value);
        rest = behind.trim_start();
    }
    fields.some("extra", rest);
    Some(time_us)
}

/// `[vhost] address ident user`; a user name may hold spaces.
fn who(text: &str, fields: &mut Fields) -> Option<()> {
    let (first, rest) = text.split_once(' ')?;
    let (second, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_address = |word: &str| word.parse::<IpAddr>().is_ok();
    let (host, address, rest) =
        if !is_address(first) && is_address(second) { (first, second, behind) } else { ("", first, rest) };
    fields.some("cs-host", host_name(host));
    fields.put("c-ip", address);
    fields.some("cs-username", rest.split_once(' ').map_or("", |(_, user)| user));
    Some(())
}

/// `GET /path?query HTTP/1.1`; a request that is none stays whole.
pub fn request(text: &str, fields: &mut Fields) {
    let method_end =
        text.find(' ').filter(|end| text[..*end].bytes().all(|byte| byte.is_ascii_uppercase()) && *end > 0);
    let Some(method_end) = method_end else { return fields.some("request", text) };
    let (method, rest) = (&text[..method_end], &text[method_end + 1..]);
    let (target, version) = match rest.rfind(" HTTP/") {
        Some(place) => (&rest[..place], &rest[place + 1..]),
        None => (rest, ""),
    };
    fields.put("cs-method", method);
    uri(target, fields);
    fields.some("cs-version", version);
}

/// A request target: `cs-uri`, `cs-uri-stem` and, where there is one, `cs-uri-query`.
pub fn uri(target: &str, fields: &mut Fields) {
    let (stem, query) = target.split_once('?').unwrap_or((target, ""));
    fields.some("cs-uri", target);
    fields.some("cs-uri-stem", stem);
    fields.some("cs-uri-query", query);
    // A target in absolute form names the host (RFC 9112 §3.2.2).
    if let Some((_, rest)) = target.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")) {
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        fields.some("cs-host", host_name(authority.rsplit('@').next().unwrap_or_default()));
    }
}

/// A host without its port: rules name hosts.
fn host_name(authority: &str) -> &str {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) && (!host.contains(':') || host.ends_with(']')) => host,
        _ => authority,
    }
}

/// The value of a quoted text whose opening quote was passed over, and what is behind it. nginx writes `\x22`, Apache
/// `\"`; either is undone.
pub fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?.as_bytes())?;
        if text.as_bytes()[at] == b'"' {
            let value = &text[..at];
            let plain = if value.contains('\\') { Cow::Owned(unescape(value)) } else { Cow::Borrowed(value) };
            return Some((plain, &text[at + 1..]));
        }
        // The escaped character may be longer than a byte.
        at += 1;
        at += text.get(at..)?.chars().next()?.len_utf8();
    }
}

fn unescape(value: &str) -> String {
    let mut plain: Vec<u8> = Vec::with_capacity(value.len());
    let bytes = value.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        let Some(escape) = bytes.get(at) else { break };
        at += 1;
        match escape {
            b'x' => match value.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(code) => {
                    plain.push(code);
                    at += 2;
                }
                None => plain.extend(b"\\x"),
            },
            b'n' => plain.push(b'\n'),
            b'r' => plain.push(b'\r'),
            b't' => plain.push(b'\t'),
            b'v' => plain.push(0x0b),
            b'"' | b'\\' => plain.push(*escape),
            other => plain.extend([b'\\', *other]),
        }
    }
    String::from_utf8(plain).unwrap_or_else(|fault| String::from_utf8_lossy(fault.as_bytes()).into_owned())
}

/// Names that JSON access logs use, and ours.
const JSON_NAMES: &[(&str, &str)] = &[
    ("remote_addr", "c-ip"),
    ("clientip", "c-ip"),
    ("client_ip", "c-ip"),
    ("client", "c-ip"),
    ("remote_ip", "c-ip"),
    ("remoteIP", "c-ip"),
    ("remote_user", "cs-username"),
    ("user", "cs-username"),
    ("request_method", "cs-method"),
    ("method", "cs-method"),
    ("status", "sc-status"),
    ("body_bytes_sent", "sc-bytes"),
    ("bytes_sent", "sc-bytes"),
    ("bytes", "sc-bytes"),
    ("http_referer", "cs-referer"),
    ("http_referrer", "cs-referer"),
    ("referer", "cs-referer"),
    ("referrer", "cs-referer"),
    ("http_user_agent", "cs-user-agent"),
    ("user_agent", "cs-user-agent"),
    ("userAgent", "cs-user-agent"),
    ("agent", "cs-user-agent"),
    ("host", "cs-host"),
    ("http_host", "cs-host"),
    ("server_name", "cs-host"),
    ("vhost", "cs-host"),
    ("http_x_forwarded_for", "x-forwarded-for"),
    ("server_protocol", "cs-version"),
    ("protocol", "cs-version"),
];
/// Names of a request target.
const JSON_TARGETS: &[&str] = &["request_uri", "uri", "url", "path"];
/// Names of a time.
const JSON_TIMES: &[&str] = &["time_iso8601", "@timestamp", "timestamp", "time", "time_local", "msec"];

/// Reads an access line of JSON; the format is free, so names in common use are mapped and others kept.
pub fn access_json(line: &str, zone: &Zone, fields: &mut Fields) -> Option<Micros> {
    let mut raw = Fields::with_room(24);
    let mut json = Flatten::new(line, &[]);
    let whole = json.value(&mut raw).is_some() && json.at_end();
    let mut time_us = None;
    let has_target = JSON_TARGETS.iter().any(|name| raw.get(name).is_some());
    let query =
        raw.get("args").or_else(|| raw.get("query_string")).unwrap_or_default().trim_start_matches('?').to_owned();
    for pair in raw.finish() {
        let (name, value) = (pair.name.as_str(), pair.value.as_str());
        if JSON_TIMES.contains(&name) && time_us.is_none() {
            time_us = time(value, zone);
        }
        if name == "request" && !has_target {
            request(value, fields);
        } else if JSON_TARGETS.contains(&name) && fields.get("cs-uri").is_none() {
            if value.contains('?') || query.is_empty() {
                uri(value, fields);
            } else {
                uri(&[value, "?", &query].concat(), fields);
            }
        } else if let Some((_, ours)) = JSON_NAMES.iter().find(|(theirs, _)| *theirs == name) {
            fields.some(ours, value);
        } else {
            fields.some(name, value);
        }
    }
    whole.then(|| time_us.unwrap_or_default())
}

/// A time in any form that JSON access logs use.
pub fn time(value: &str, zone: &Zone) -> Option<Micros> {
    let read = moment::rfc3339(value, zone).map(|(time, _)| time);
    read.or_else(|| moment::common_log(value)).or_else(|| moment::epoch(value))
}

/// Reads a line of a web server: JSON, access or error log, told by its beginning.
pub fn line<'l>(
    source: &'l str,
    line: &'l str,
    around: &Around<'l>,
    error: fn(&str, &Zone, &mut Fields) -> Option<Micros>,
) -> (Found<'l>, bool) {
    let mut found = Found::plain(if around.word.is_empty() { source } else { around.word }, line);
    found.fields = Fields::with_room(16);
    let time = if line.starts_with('{') {
        access_json(line, around.zone, &mut found.fields)
    } else {
        access(line, &mut found.fields).or_else(|| {
            found.fields = Fields::default();
            error(line, around.zone, &mut found.fields)
        })
    };
    found.time_us = time.filter(|time| *time > 0);
    (found, time.is_some())
}

/// Reads such a line as the message of a syslog record.
pub fn message(
    text: &str,
    around: &Around<'_>,
    error: fn(&str, &Zone, &mut Fields) -> Option<Micros>,
) -> (Fields, Read) {
    let (found, known) = line("", text, around, error);
    (found.fields, Read { known, time_us: found.time_us })
}

/// Apache httpd behind syslog; its decoder of files is [`apache::Apache`].
pub struct ApacheApp;

impl App for ApacheApp {
    fn word(&self) -> &'static str {
        "apache"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["apache", "apache2", "httpd"]
    }

    fn read(&self, text: &str, around: &Around<'_>, fields: &mut Fields) -> Read {
        read_into(text, around, fields, apache::error)
    }
}

/// Adds the fields of such a message.
pub fn read_into(
    text: &str,
    around: &Around<'_>,
    fields: &mut Fields,
    error: fn(&str, &Zone, &mut Fields) -> Option<Micros>,
) -> Read {
    let (read, how) = message(text, around, error);
    for pair in read.finish() {
        fields.put(&pair.name, &pair.value);
    }
    how
}
