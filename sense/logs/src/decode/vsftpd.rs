//! vsftpd: its own log, and the same words through syslog.

use super::app::{App, Read};
use super::{Around, Decoder, Fields, Found};
use crate::moment;

/// `vsftpd`: action, outcome, user, src_ip, file.
pub struct Vsftpd;

impl Decoder for Vsftpd {
    fn word(&self) -> &'static str {
        "vsftpd"
    }

    fn about(&self) -> (&'static str, &'static str) {
        ("vsftpd's own log", "vsftpd 自身日志")
    }

    /// `Mon Sep 17 10:11:12 2018 [pid 2] [bob] OK LOGIN: Client "1.2.3.4"`.
    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
        let mut found = Found::plain("vsftpd", line);
        let known = match moment::ctime(line, around.zone) {
            Some((time_us, taken)) => {
                found.time_us = Some(time_us);
                read(line[taken..].trim_start(), &mut found.fields).is_some()
            }
            None => false,
        };
        out.push(found);
        known
    }
}

impl App for Vsftpd {
    fn word(&self) -> &'static str {
        "vsftpd"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["vsftpd"]
    }

    fn read(&self, message: &str, _: &Around<'_>, fields: &mut Fields) -> Read {
        super::app::pam::read(message, "pam_failed", fields).or_else(|| read(message, fields)).is_some().into()
    }
}

fn read(text: &str, fields: &mut Fields) -> Option<()> {
    let mut rest = text;
    while let Some((part, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        match part.strip_prefix("pid ") {
            Some(pid) => fields.some("pid", pid),
            None => fields.some("user", part),
        }
        rest = behind;
    }
    let (words, detail) = rest.split_once(": ")?;
    let (outcome, action) = match words.split_once(' ') {
        Some(("OK", action)) => ("accepted", action),
        Some(("FAIL", action)) => ("failed", action),
        _ => ("", words),
    };
    fields.put("action", action);
    fields.some("outcome", outcome);
    let detail = detail.strip_prefix("Client ").unwrap_or(detail);
    let mut quoted = detail.split('"').skip(1).step_by(2);
    fields.some("src_ip", quoted.next().unwrap_or_default().trim_start_matches("::ffff:"));
    fields.some("file", quoted.next().unwrap_or_default());
    Some(())
}
