//! Apache httpd: access log (common, combined, `vhost_combined`, JSON) and error log.

use super::{Around, Decoder, Fields, Found, request};
use crate::moment;
use crate::zone::Zone;
use base::Micros;

/// `apache`.
pub struct Apache;

impl Decoder for Apache {
    fn word(&self) -> &'static str {
        "apache"
    }

    fn about(&self) -> (&'static str, &'static str) {
        (
            "Apache httpd access logs (common, combined, with virtual host, JSON) and error logs",
            "Apache httpd 访问日志（common、combined、含虚拟主机、JSON）与错误日志",
        )
    }

    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
        let (found, known) = request::line("apache", line, around, error);
        out.push(found);
        known
    }
}

/// `[Fri Dec 16 01:46:23.123456 2005] [core:error] [pid 1:tid 2] [client 1.2.3.4:5678] AH00124: text, referer: r`.
pub(super) fn error(line: &str, zone: &Zone, fields: &mut Fields) -> Option<Micros> {
    let rest = line.strip_prefix('[')?;
    let (time_us, taken) = moment::ctime(rest, zone)?;
    let mut rest = rest[taken..].strip_prefix("] ")?;
    fields.put("log", "error");
    while let Some((part, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        if let Some(process) = part.strip_prefix("pid ") {
            let (pid, tid) = process.split_once(":tid ").unwrap_or((process, ""));
            fields.some("pid", pid);
            fields.some("tid", tid);
        } else if let Some(client) = part.strip_prefix("client ").or_else(|| part.strip_prefix("remote ")) {
            // The port follows the last colon, unless that belongs to a bare IPv6 address.
            let bare = client.parse::<std::net::IpAddr>().is_ok();
            let (address, port) = client.rsplit_once(':').filter(|_| !bare).unwrap_or((client, ""));
            fields.some("c-ip", address.trim_matches(['[', ']']));
            fields.some("c-port", port);
        } else if fields.get("level").is_none() {
            let (module, level) = part.split_once(':').unwrap_or(("", part));
            fields.some("module", module);
            fields.put("level", level);
        } else {
            break;
        }
        rest = behind;
    }
    if let Some(code) = rest.split_once(": ").map(|(code, _)| code).filter(|code| code.starts_with("AH")) {
        fields.put("code", code);
    }
    let (text, referer) = rest.rsplit_once(", referer: ").unwrap_or((rest, ""));
    fields.some("error", text);
    fields.some("cs-referer", referer);
    Some(time_us)
}
