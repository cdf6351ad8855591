//! nginx: access log (common, combined, `main`, JSON) and error log.

use super::app::{App, Read};
use super::{Around, Decoder, Fields, Found, request};
use crate::moment;
use crate::zone::Zone;
use base::Micros;

/// `nginx`.
pub struct Nginx;

impl Decoder for Nginx {
    fn word(&self) -> &'static str {
        "nginx"
    }

    fn about(&self) -> (&'static str, &'static str) {
        (
            "nginx access logs (combined, with virtual host, JSON) and error logs",
            "nginx 访问日志（combined、含虚拟主机、JSON）与错误日志",
        )
    }

    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
        let (found, known) = request::line("nginx", line, around, error);
        out.push(found);
        known
    }
}

impl App for Nginx {
    fn word(&self) -> &'static str {
        "nginx"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["nginx", "openresty", "tengine"]
    }

    fn read(&self, message: &str, around: &Around<'_>, fields: &mut Fields) -> Read {
        request::read_into(message, around, fields, error)
    }
}

/// `2024/01/02 03:04:05 [error] 12#34: *56 text, client: 1.2.3.4, server: s, request: "GET / HTTP/1.1", host: "h"`.
fn error(line: &str, zone: &Zone, fields: &mut Fields) -> Option<Micros> {
    let time_us = moment::slashed(line, zone)?;
    let (_, rest) = line.split_once(" [")?;
    let (level, rest) = rest.split_once("] ")?;
    fields.put("log", "error");
    fields.put("level", level);
    let (process, text) = rest.split_once(": ")?;
    let (pid, tid) = process.split_once('#')?;
    fields.some("pid", pid);
    fields.some("tid", tid);
    // The client's words may stand in the text; what nginx adds begins at the last `, client: `.
    let Some(place) = text.rfind(", client: ") else {
        fields.some("error", text);
        return Some(time_us);
    };
    fields.some("error", &text[..place]);
    details(&text[place..], fields);
    Some(time_us)
}

/// `, name: value` in a row; a value is quoted or ends at the next comma.
fn details(text: &str, fields: &mut Fields) {
    let mut rest = text;
    while let Some((name, value)) = rest.strip_prefix(", ").and_then(|rest| rest.split_once(": ")) {
        let (value, behind) = match value.strip_prefix('"').and_then(request::quoted) {
            Some(read) => read,
            None => {
                let end = value.find(", ").unwrap_or(value.len());
                (value[..end].into(), &value[end..])
            }
        };
        match name {
            "client" => fields.some("c-ip", &value),
            "request" => request::request(&value, fields),
            "host" => fields.some("cs-host", &value),
            "referrer" => fields.some("cs-referer", &value),
            "server" | "upstream" => fields.some(name, &value),
            _ => {}
        }
        rest = behind;
    }
}
