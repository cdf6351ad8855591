//! ClamAV: logs of clamd, clamscan and freshclam, and the same words through syslog.

use super::app::{App, Read};
use super::{Around, Decoder, Fields, Found};
use crate::moment;

/// `clamav`: outcome, file, signature.
pub struct ClamAv;

impl Decoder for ClamAv {
    fn word(&self) -> &'static str {
        "clamav"
    }

    fn about(&self) -> (&'static str, &'static str) {
        ("logs of ClamAV (clamd, clamscan, freshclam)", "ClamAV 日志（clamd、clamscan、freshclam）")
    }

    /// `Mon Sep 17 10:11:12 2018 -> /tmp/eicar: Win.Test.EICAR_HDB-1 FOUND`.
    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
        let mut found = Found::plain("clamav", line);
        let time = moment::ctime(line, around.zone);
        let text = match time {
            Some((time_us, taken)) => {
                found.time_us = Some(time_us);
                line[taken..].trim_start_matches([' ', '-', '>'])
            }
            None => line,
        };
        // clamscan writes findings without a time, among lines of its own; every line is of use to keyword rules.
        let known = read(text, &mut found.fields).is_some() || time.is_some();
        out.push(found);
        known
    }
}

impl App for ClamAv {
    fn word(&self) -> &'static str {
        "clamav"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["clamd", "clamav", "clamscan", "freshclam", "clamonacc", "clamav-daemon"]
    }

    fn read(&self, message: &str, _: &Around<'_>, fields: &mut Fields) -> Read {
        read(message, fields).is_some().into()
    }
}

fn read(text: &str, fields: &mut Fields) -> Option<()> {
    // A path may hold `: `; a signature does not.
    let (file, signature) = text.strip_suffix(" FOUND")?.rsplit_once(": ")?;
    fields.put("outcome", "found");
    fields.put("file", file);
    // `Name(hash:size)` with extended logging.
    fields.put("signature", signature.split('(').next().unwrap_or(signature));
    Some(())
}
