//! From the bytes of a record to events.

use crate::decode::{Around, Decoder, Found, fields::head};
use crate::limits;
use crate::stats::{Count, Counters};
use crate::zone::Zone;
use base::Micros;
use base::limits::LOG_LINE_BYTES;
use record::{Activity, Event, Log};
use std::borrow::Cow;

const DAY_US: Micros = 86_400 * 1_000_000;

/// Reads records of one input.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// Its decoder.
    pub decoder: &'static dyn Decoder,
    /// The source word asked for, or empty.
    pub word: &'a str,
    /// Now, µs since the Unix epoch.
    pub now: Micros,
    /// The host's zone.
    pub zone: &'a Zone,
    /// Its counts.
    pub counters: &'a Counters,
}

impl Reader<'_> {
    /// Decodes a record, without its line end, and adds its events. `cut` says that the record was longer.
    pub fn read(&self, bytes: &[u8], cut: bool, origin: &str, out: &mut Vec<Event>) {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.is_empty() {
            return;
        }
        let (text, replaced) = text(bytes);
        let mut found = Vec::new();
        let around = Around { now: self.now, zone: self.zone, word: self.word };
        let known = self.decoder.decode(&text, &around, &mut found);
        self.counters.add(Count::Lines, 1);
        self.counters.add(Count::Bytes, bytes.len() as u64);
        self.counters.add(Count::Undecoded, u64::from(!known));
        self.counters.add(Count::Cut, u64::from(cut));
        if let Some(last) = found.last_mut() {
            if replaced > 0 {
                last.fields.mark("log.bytes_replaced", replaced.to_string());
            }
            if cut {
                last.fields.mark("log.record_cut", "true".to_owned());
            }
        }
        let before = out.len();
        out.extend(found.into_iter().map(|found| event(found, origin, cut, self.now)));
        self.counters.add(Count::Events, (out.len() - before) as u64);
    }
}

/// The event of a record that a decoder found.
pub fn event(found: Found<'_>, origin: &str, cut: bool, now: Micros) -> Event {
    let message = head(found.text, LOG_LINE_BYTES);
    // A record from far ahead has a broken or forged clock; it would stand before everything else for ever.
    let time_us = found.time_us.filter(|time| *time > 0 && *time <= now.saturating_add(DAY_US)).unwrap_or(now);
    let log = Log {
        source: found.source.to_owned(),
        origin: origin.to_owned(),
        host: head(found.host, limits::NAME_BYTES).to_owned(),
        message: message.to_owned(),
        truncated: cut || message.len() < found.text.len(),
        fields: found.fields.finish(),
    };
    Event { seq: 0, time_us, process: None, activity: Activity::Log(log) }
}

/// Bytes as text: what is no UTF-8, and NUL, becomes U+FFFD. Says how many characters were replaced.
pub fn text(bytes: &[u8]) -> (Cow<'_, str>, usize) {
    match std::str::from_utf8(bytes) {
        Ok(text) if memchr::memchr(0, bytes).is_none() => (Cow::Borrowed(text), 0),
        _ => {
            let text = String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}");
            let replaced = text.matches('\u{fffd}').count();
            (Cow::Owned(text), replaced)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;
    use proptest::prelude::*;

    fn read(word: &str, bytes: &[u8]) -> Vec<Event> {
        let (zone, counters, mut out) = (Zone::fixed(0), Counters::default(), Vec::new());
        let decoder = decode::of(word).unwrap();
        let reader = Reader { decoder, word: "", now: 1_700_000_000_000_000, zone: &zone, counters: &counters };
        reader.read(bytes, false, "/log", &mut out);
        out
    }

    fn log(event: &Event) -> &Log {
        let Activity::Log(log) = &event.activity else { panic!("a log") };
        log
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_marked() {
        let events = read("syslog", b"Nov 14 10:00:00 h app: a\xff\0b\r");
        assert_eq!(log(&events[0]).message, "Nov 14 10:00:00 h app: a\u{fffd}\u{fffd}b");
        assert_eq!(log(&events[0]).field("log.bytes_replaced"), Some("2"));
        assert!(read("syslog", b"\r").is_empty());
    }

    #[test]
    fn a_time_far_ahead_is_not_believed() {
        let events = read("json", br#"{"time":"2999-01-01T00:00:00Z"}"#);
        assert_eq!(events[0].time_us, 1_700_000_000_000_000);
    }

    /// Lines that are nearly right: pieces of real ones in any order.
    fn nearly() -> impl Strategy<Value = String> {
        let pieces = [
            "<34>1 ",
            "2024-01-01T00:00:00Z ",
            "Nov 14 10:00:00 ",
            "h ",
            "sshd[1]: ",
            "sudo: ",
            "su: ",
            "CRON[2]: ",
            "- ",
            "[a b=\"c\\\"]\"] ",
            "Failed password for ",
            "invalid user ",
            " from ",
            " port ",
            "1.2.3.4",
            "é",
            "[10/Oct/2000:13:55:36 -0700] ",
            "\"GET /a?b HTTP/1.1\" ",
            "\"",
            "\\x22",
            "\\",
            "200 ",
            "type=SYSCALL ",
            "msg=audit(1700000000.1:2): ",
            "arch=c000003e ",
            "syscall=59 ",
            "a0=2F62 ",
            "a1[0]=41",
            "'",
            "=",
            "{",
            "}",
            "\"Records\":[",
            "]",
            ",",
            ":",
            "\"eventTime\":\"x\"",
            "1286536309.450 921 ",
            "TCP_MISS/200 ",
            "(root) CMD (",
            "pam_unix(sshd:auth): authentication failure; user=",
            "TTY=x ; COMMAND=",
            "2024/01/02 03:04:05 [error] 1#2: ",
            ", client: ",
            "[Fri Dec 16 01:46:23.1 2005] ",
            "[core:error] ",
            "[pid 1] ",
            "OK LOGIN: Client ",
            " FOUND",
            "saddr=0200",
            "\u{1d}",
            "new user: name=",
            "\0",
        ];
        proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn hostile_lines_never_panic_and_none_is_lost(
            bytes in proptest::collection::vec(any::<u8>(), 1..300),
            nearly in nearly(),
        ) {
            for decoder in decode::ALL {
                for bytes in [&bytes[..], nearly.as_bytes()] {
                    let events = read(decoder.word(), bytes);
                    prop_assert_eq!(events.is_empty(), bytes.is_empty() || bytes == b"\r");
                }
            }
        }
    }
}
