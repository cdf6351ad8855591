//! syslog: RFC 5424, RFC 3164 and what files of syslog daemons hold (either time, no priority). The header says who
//! wrote; [`super::app`] reads what.

use super::app::{self, daemon};
use super::{Around, Decoder, Fields, Found};
use crate::moment;
use base::Micros;

/// `syslog`.
pub struct Syslog;

/// Severities of RFC 5424 §6.2.1.
const SEVERITIES: [&str; 8] =
    ["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"];
/// Facilities of RFC 5424 §6.2.1, in the words of `syslog.conf(5)`.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// What stands before the message.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Header<'l> {
    /// Facility and severity.
    pub priority: Option<u8>,
    /// When.
    pub time_us: Option<Micros>,
    /// Host that wrote it.
    pub host: &'l str,
    /// Program.
    pub app: &'l str,
    /// Its process.
    pub pid: &'l str,
    /// Kind of message (RFC 5424 only).
    pub msgid: &'l str,
    /// Structured data (RFC 5424 only), brackets included.
    pub data: &'l str,
    /// The message.
    pub message: &'l str,
}

impl Decoder for Syslog {
    fn word(&self) -> &'static str {
        "syslog"
    }

    fn about(&self) -> (&'static str, &'static str) {
        (
            "syslog of RFC 5424 and 3164, and files of syslog daemons; sshd, sudo, su, cron and others by program",
            "RFC 5424 与 3164 的 syslog 及其文件；按程序解析 sshd、sudo、su、cron 等",
        )
    }

    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
        let header = header(line, around);
        let has_header = header.time_us.is_some() || header.priority.is_some();
        out.push(found(line, &header, around));
        has_header
    }
}

/// A record from its header; its text is `line`.
pub fn found<'l>(line: &'l str, header: &Header<'l>, around: &Around<'l>) -> Found<'l> {
    let mut fields = Fields::with_room(12);
    fields.some("app", header.app);
    fields.some("pid", header.pid);
    if let Some(priority) = header.priority {
        fields.put("facility", FACILITIES[usize::from(priority >> 3).min(23)]);
        fields.put("severity", SEVERITIES[usize::from(priority & 7)]);
    }
    fields.some("msgid", header.msgid);
    structured(header.data, &mut fields);
    let program = header.app.rsplit('/').next().unwrap_or_default();
    let mut found = Found { source: "syslog", time_us: header.time_us, host: header.host, text: line, fields };
    match app::of(program) {
        Some(reader) => {
            let read = reader.read(header.message, around, &mut found.fields);
            found.source = reader.word();
            found.time_us = read.time_us.or(found.time_us);
        }
        None => daemon::read(program, header.message, &mut found.fields),
    }
    if !around.word.is_empty() {
        found.source = around.word;
    }
    found
}

/// Reads the header; what has none is all message.
pub fn header<'l>(line: &'l str, around: &Around<'l>) -> Header<'l> {
    let (priority, rest) = priority(line);
    if priority.is_some()
        && let Some(mut header) = rest.strip_prefix("1 ").and_then(|rest| structured_header(rest, around))
    {
        header.priority = priority;
        return header;
    }
    let mut header = bsd_header(rest, around);
    header.priority = priority;
    header
}

/// `<PRI>`, at most 191.
fn priority(line: &str) -> (Option<u8>, &str) {
    let read = || {
        let rest = line.strip_prefix('<')?;
        let end = rest.as_bytes().iter().take(4).position(|byte| *byte == b'>')?;
        let number = rest[..end].parse::<u8>().ok().filter(|number| *number <= 191)?;
        Some((number, &rest[end + 1..]))
    };
    read().map_or((None, line), |(number, rest)| (Some(number), rest))
}

/// Behind `<PRI>1 `: time, host, app, process, message id, structured data, message.
fn structured_header<'l>(text: &'l str, around: &Around<'l>) -> Option<Header<'l>> {
    let (time, rest) = text.split_once(' ')?;
    let time_us = match time {
        "-" => None,
        time => Some(moment::rfc3339(time, around.zone)?.0),
    };
    let mut rest = rest;
    let mut word = || {
        let (word, behind) = rest.split_once(' ')?;
        rest = behind;
        Some(if word == "-" { "" } else { word })
    };
    let (host, app, pid, msgid) = (word()?, word()?, word()?, word()?);
    let end = data_end(rest)?;
    let (data, message) = rest.split_at(end);
    let message = message.strip_prefix(' ').unwrap_or(message);
    // RFC 5424 lets UTF-8 be marked by a byte order mark.
    let message = message.strip_prefix('\u{feff}').unwrap_or(message);
    Some(Header { priority: None, time_us, host, app, pid, msgid, data, message })
}

/// Where the structured data ends: `-`, or `[…]` one behind the other; `]` counts outside of quotes only.
fn data_end(text: &str) -> Option<usize> {
    if text.starts_with('-') {
        return Some(1);
    }
    let bytes = text.as_bytes();
    let (mut at, mut quoted) = (0, false);
    while bytes.get(at) == Some(&b'[') {
        loop {
            at += 1;
            match bytes.get(at)? {
                b'\\' if quoted => at += 1,
                b'"' => quoted = !quoted,
                b']' if !quoted => break,
                _ => {}
            }
        }
        at += 1;
    }
    (at > 0).then_some(at)
}

/// `[id name="value" …]` as `sd.id.name`.
fn structured(data: &str, fields: &mut Fields) {
    let mut rest = data;
    let mut name = String::new();
    while let Some(element) = rest.strip_prefix('[') {
        let end = element.find([' ', ']']).unwrap_or(element.len());
        let id = &element[..end];
        rest = &element[end..];
        while let Some((key, value)) = rest.strip_prefix(' ').and_then(|rest| rest.split_once("=\"")) {
            let Some(end) = quote_end(value) else { return };
            name.clear();
            for part in ["sd.", id, ".", key.trim_start()] {
                name.push_str(part);
            }
            if value[..end].contains('\\') {
                let plain = value[..end].replace("\\\"", "\"").replace("\\]", "]").replace("\\\\", "\\");
                fields.put(&name, &plain);
            } else {
                fields.put(&name, &value[..end]);
            }
            rest = &value[end + 1..];
        }
        rest = rest.strip_prefix(']').unwrap_or_default();
    }
}

fn quote_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// RFC 3164 and files: a time, a host unless the next word is the tag, `tag[pid]:`.
fn bsd_header<'l>(text: &'l str, around: &Around<'l>) -> Header<'l> {
    let time = moment::bsd(text, around.now, around.zone).or_else(|| moment::rfc3339(text, around.zone));
    let Some((time_us, taken)) = time else {
        let (app, pid, message) = tag(text);
        return Header { app, pid, message, ..Header::default() };
    };
    let rest = text[taken..].trim_start_matches([' ', ':']);
    let (first, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_tag = first.ends_with(':') || (first.contains('[') && !first.starts_with('['));
    let (host, rest) = if is_tag { ("", rest) } else { (first, behind) };
    let (app, pid, message) = tag(rest);
    Header { time_us: Some(time_us), host, app, pid, message, ..Header::default() }
}

/// `sshd[123]: text`; a text without a tag is all message.
fn tag(text: &str) -> (&str, &str, &str) {
    let read = || {
        // A tag is short and has no space (RFC 3164 §5.3 says 32 characters; real ones are longer).
        let end = text.bytes().take(128).position(|byte| matches!(byte, b':' | b'[' | b' '))?;
        let (app, rest) = text.split_at(end);
        let (pid, rest) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", rest),
        };
        let message = rest.strip_prefix(':')?;
        (!app.is_empty() && pid.len() <= 32).then_some((app, pid, message.strip_prefix(' ').unwrap_or(message)))
    };
    read().unwrap_or(("", "", text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Zone;

    fn read(line: &str) -> Header<'_> {
        static UTC: std::sync::LazyLock<Zone> = std::sync::LazyLock::new(|| Zone::fixed(0));
        header(line, &Around { now: 1_700_000_000_000_000, zone: &UTC, word: "" })
    }

    #[test]
    fn structured_data_is_taken_whole() {
        let header = read(
            "<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [a@1 iut=\"3\" s=\"A\\]pp\"][b x=\"]\"] \u{feff}text",
        );
        assert_eq!(
            (header.app, header.pid, header.msgid, header.message, header.data),
            ("evntslog", "", "ID47", "text", "[a@1 iut=\"3\" s=\"A\\]pp\"][b x=\"]\"]")
        );
        let mut fields = Fields::default();
        structured(header.data, &mut fields);
        assert_eq!((fields.get("sd.a@1.s"), fields.get("sd.b.x")), (Some("A]pp"), Some("]")));
    }

    #[test]
    fn headers_with_parts_missing_read() {
        for (line, host, app, pid, message) in [
            ("<34>Oct 11 22:14:15 mymachine su: 'su root' failed", "mymachine", "su", "", "'su root' failed"),
            ("Oct 11 22:14:15 sshd[7]: text", "", "sshd", "7", "text"),
            ("2024-01-01T00:00:00+00:00 h postfix/smtpd[1]: x: y", "h", "postfix/smtpd", "1", "x: y"),
            ("<13>no time: at all", "", "", "", "no time: at all"),
            ("<13>tag: no time", "", "tag", "", "no time"),
            ("plain", "", "", "", "plain"),
            ("<999>x", "", "", "", "<999>x"),
            ("<14>1 - - - - - -", "", "", "", ""),
        ] {
            let header = read(line);
            assert_eq!((header.host, header.app, header.pid, header.message), (host, app, pid, message), "{line}");
        }
    }
}
