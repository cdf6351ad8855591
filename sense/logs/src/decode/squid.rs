//! Squid's access log: native format, and the combined one. Names are those of Sigma's `proxy` category.

use super::app::{App, Read};
use super::{Around, Decoder, Fields, Found, request};
use crate::moment;
use base::Micros;

/// `squid`.
pub struct Squid;

impl Decoder for Squid {
    fn word(&self) -> &'static str {
        "squid"
    }

    fn about(&self) -> (&'static str, &'static str) {
        ("Squid access logs, native and combined", "Squid 访问日志（原生与 combined 格式）")
    }

    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
        let mut found = Found::plain(if around.word.is_empty() { "squid" } else { around.word }, line);
        found.fields = Fields::with_room(16);
        found.time_us = read(line, &mut found.fields);
        let known = found.time_us.is_some();
        out.push(found);
        known
    }
}

impl App for Squid {
    fn word(&self) -> &'static str {
        "squid"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["squid", "(squid-1)", "squid3"]
    }

    fn read(&self, message: &str, _: &Around<'_>, fields: &mut Fields) -> Read {
        let time_us = read(message, fields);
        Read { known: time_us.is_some(), time_us }
    }
}

fn read(line: &str, fields: &mut Fields) -> Option<Micros> {
    native(line, fields).or_else(|| combined(line, fields))
}

/// `1286536309.450 921 192.168.0.68 TCP_MISS/200 507 POST http://h/p user HIER_DIRECT/1.2.3.4 text/html`.
fn native(line: &str, fields: &mut Fields) -> Option<Micros> {
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let time_us = moment::epoch(words.next()?)?;
    let (elapsed, client, result, bytes) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (method, target, user) = (words.next()?, words.next()?, words.next()?);
    let (result, status) = result.split_once('/')?;
    fields.put("time-taken", elapsed);
    fields.put("c-ip", client);
    fields.put("s-action", result);
    fields.some("sc-status", status);
    fields.some("sc-bytes", bytes);
    fields.put("cs-method", method);
    target_of(target, fields);
    fields.some("cs-username", user);
    let (hierarchy, peer) = words.next().unwrap_or_default().split_once('/').unwrap_or_default();
    fields.some("s-hierarchy", hierarchy);
    fields.some("dst_ip", peer);
    fields.some("rs-content-type", words.next().unwrap_or_default());
    Some(time_us)
}

/// Combined, with `TCP_MISS:HIER_DIRECT` at the end.
fn combined(line: &str, fields: &mut Fields) -> Option<Micros> {
    let mut read = Fields::with_room(16);
    let time_us = request::access(line, &mut read)?;
    for pair in read.finish() {
        match pair.name.as_str() {
            "cs-uri" => target_of(&pair.value, fields),
            // The target in parts is given by `target_of`.
            "cs-uri-stem" | "cs-uri-query" | "cs-host" => {}
            "cs-user-agent" => fields.put("c-useragent", &pair.value),
            "extra" => {
                let (result, hierarchy) = pair.value.split_once(':').unwrap_or((pair.value.as_str(), ""));
                fields.some("s-action", result);
                fields.some("s-hierarchy", hierarchy);
            }
            name => fields.put(name, &pair.value),
        }
    }
    Some(time_us)
}

/// `http://host:80/path/file.exe?query`, or `host:443` of a CONNECT.
fn target_of(target: &str, fields: &mut Fields) {
    fields.put("c-uri", target);
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    let (authority, path) = rest.find('/').map_or((rest, ""), |place| rest.split_at(place));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    fields.some("cs-host", authority.rsplit_once(':').map_or(authority, |(host, _)| host));
    fields.some("c-uri-stem", path);
    fields.some("c-uri-query", query);
    let file = path.rsplit('/').next().unwrap_or_default();
    fields.some("c-uri-extension", file.rsplit_once('.').map_or("", |(_, extension)| extension));
}
