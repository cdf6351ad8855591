//! Linux audit records as auditd writes them (raw or enriched) and as audisp sends them.
//!
//! One event a record line; `serial` joins those of one call. Names are those of the record. Texts that a user can
//! choose are written as hexadecimal digits when they hold a space, a quote or a control character; those are undone.

use super::app::{App, Read};
use super::{Around, Decoder, Fields, Found, syscall};
use crate::moment;
use base::Micros;
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// `auditd`.
pub struct Auditd;

/// Separates what auditd adds when `log_format = ENRICHED`.
const ENRICHED: char = '\u{1d}';

impl Decoder for Auditd {
    fn word(&self) -> &'static str {
        "auditd"
    }

    fn about(&self) -> (&'static str, &'static str) {
        (
            "Linux audit log, raw or enriched; encoded texts are undone and system calls named",
            "Linux 审计日志（原始或增强格式）；还原编码文本并标出系统调用名",
        )
    }

    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
        let mut found = Found::plain(if around.word.is_empty() { "auditd" } else { around.word }, line);
        let mut text = line;
        if let Some((node, rest)) = line.strip_prefix("node=").and_then(|rest| rest.split_once(' ')) {
            found.host = node;
            text = rest;
        }
        found.fields = Fields::with_room(32);
        found.time_us = read(text, &mut found.fields);
        let known = found.time_us.is_some();
        out.push(found);
        known
    }
}

impl App for Auditd {
    fn word(&self) -> &'static str {
        "auditd"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["audispd", "audisp-syslog", "audit", "auditd"]
    }

    fn read(&self, message: &str, _: &Around<'_>, fields: &mut Fields) -> Read {
        let text = message.strip_prefix("node=").and_then(|rest| Some(rest.split_once(' ')?.1)).unwrap_or(message);
        let time_us = read(text, fields);
        Read { known: time_us.is_some(), time_us }
    }
}

/// `type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e syscall=2 …`.
fn read(text: &str, fields: &mut Fields) -> Option<Micros> {
    let (kind, rest) = text.strip_prefix("type=")?.split_once(' ')?;
    let (stamp, rest) = rest.strip_prefix("msg=audit(")?.split_once(')')?;
    let (time, serial) = stamp.split_once(':')?;
    let time_us = moment::epoch(time)?;
    fields.put("type", kind);
    fields.put("serial", serial);
    let rest = rest.trim_start_matches([':', ' ']);
    let (raw, enriched) = rest.split_once(ENRICHED).unwrap_or((rest, ""));
    pairs(kind, raw, fields);
    pairs(kind, enriched, fields);
    if kind == "SYSCALL" && fields.get("SYSCALL").is_none() {
        let name = syscall::name(fields.get("arch").unwrap_or_default(), fields.get("syscall").unwrap_or_default());
        fields.some("SYSCALL", name.unwrap_or_default());
    }
    Some(time_us)
}

/// Whether a text without quotes in this field is hexadecimal digits.
fn is_encoded(kind: &str, name: &str) -> bool {
    match name {
        "proctitle" | "name" | "exe" | "comm" | "ocomm" | "cwd" | "cmd" | "key" | "data" | "acct" | "path" | "dir" => {
            true
        }
        // Arguments of EXECVE are texts; those of SYSCALL are numbers.
        _ => {
            let number = name.strip_prefix('a').unwrap_or_default();
            kind == "EXECVE" && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        }
    }
}

/// `name=value` in a row. A value is bare, in double quotes, or in single quotes with pairs of its own.
fn pairs(kind: &str, text: &str, fields: &mut Fields) {
    let mut rest = text;
    while let Some(place) = rest.find('=') {
        let name = rest[..place].rsplit([' ', ',', '(']).next().unwrap_or_default();
        let value = &rest[place + 1..];
        if let Some(inner) = value.strip_prefix('\'').filter(|_| name == "msg") {
            // A user program's own message. It comes last, so its quote is the last one.
            let end = inner.rfind('\'').unwrap_or(inner.len());
            rest = &inner[..end];
            continue;
        }
        if let Some(inner) = value.strip_prefix('"') {
            let end = inner.find('"').unwrap_or(inner.len());
            put(kind, name, &inner[..end], false, fields);
            rest = inner.get(end + 1..).unwrap_or_default();
        } else {
            let end = value.find(' ').unwrap_or(value.len());
            put(kind, name, value[..end].trim_end_matches(['\'', ',']), true, fields);
            rest = &value[end..];
        }
    }
}

fn put(kind: &str, name: &str, value: &str, bare: bool, fields: &mut Fields) {
    if matches!(value, "(null)" | "(none)" | "?" | "") || name.is_empty() {
        return;
    }
    // The kernel cuts a long argument into `a1[0]`, `a1[1]`, …; `a1_len` before them says how long it was.
    let base = name.split('[').next().unwrap_or(name);
    let value = if bare && is_encoded(kind, base) { unhex(value) } else { Cow::Borrowed(value) };
    match name {
        "saddr" => address(&value, fields),
        "proctitle" => fields.put(name, &value.replace('\0', " ")),
        // Several keys are joined by a byte of value 1.
        "key" => value.split('\u{1}').for_each(|key| fields.put(name, key)),
        _ if base.len() < name.len() => fields.append(base, &value),
        _ => fields.put(name, &value),
    }
}

/// The text behind hexadecimal digits; a text that is none stays.
fn unhex(value: &str) -> Cow<'_, str> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let bytes = value.as_bytes();
    if !bytes.len().is_multiple_of(2) || bytes.is_empty() {
        return Cow::Borrowed(value);
    }
    let decoded: Option<Vec<u8>> =
        bytes.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect();
    match decoded {
        Some(decoded) => Cow::Owned(String::from_utf8_lossy(&decoded).into_owned()),
        None => Cow::Borrowed(value),
    }
}

/// A `struct sockaddr` in hexadecimal digits.
fn address(value: &str, fields: &mut Fields) {
    fields.put("saddr", value);
    let bytes: Vec<u8> = (0..value.len() / 2)
        .map_while(|place| u8::from_str_radix(value.get(place * 2..place * 2 + 2)?, 16).ok())
        .take(128)
        .collect();
    let port = bytes.get(2..4).map(|port| u16::from_be_bytes([port[0], port[1]]).to_string()).unwrap_or_default();
    match bytes.first() {
        Some(1) => {
            let path = bytes.get(2..).unwrap_or_default();
            let path = path.strip_prefix(&[0]).unwrap_or(path).split(|byte| *byte == 0).next().unwrap_or_default();
            fields.some("saddr_path", &String::from_utf8_lossy(path));
        }
        Some(2) => {
            if let Some(ip) = bytes.get(4..8).and_then(|ip| <[u8; 4]>::try_from(ip).ok()) {
                fields.put("saddr_ip", &Ipv4Addr::from(ip).to_string());
                fields.put("saddr_port", &port);
            }
        }
        Some(10) => {
            if let Some(ip) = bytes.get(8..24).and_then(|ip| <[u8; 16]>::try_from(ip).ok()) {
                fields.put("saddr_ip", &Ipv6Addr::from(ip).to_string());
                fields.put("saddr_port", &port);
            }
        }
        _ => {}
    }
}
