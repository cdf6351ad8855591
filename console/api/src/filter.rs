//! The event filters of the API as one SQL condition. Everything that comes from outside ends up as an escaped literal.

use crate::{fault, page};
use base::{Fault, Result};
use record::Kind;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Longest text of a filter, bytes.
const TEXT_BYTES: usize = 1024;
/// Most events of one millisecond that a cursor can skip over.
const SKIP: usize = 10_000;

/// Column of view `events` with the time, a timestamp of µs.
const TIME: &str = "time";
/// Columns that `text` looks into.
const TEXTS: &[&str] = &["cmd_line", "exe", "path", "target", "name", "remote_name", "remote_ip"];

/// Which events.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct EventFilter {
    /// Kinds, separated by commas: `exec,file`.
    pub kind: Option<String>,
    /// Host name or agent id.
    pub host: Option<String>,
    /// User name.
    pub user: Option<String>,
    /// Executable: a full path, or the last part of one.
    pub exe: Option<String>,
    /// Text within command line, paths or names.
    pub text: Option<String>,
    /// Not before, µs since the Unix epoch.
    pub since: Option<i64>,
    /// Before, µs since the Unix epoch.
    pub until: Option<i64>,
    /// Most rows, 1 to 1000; 100 when absent.
    pub limit: Option<usize>,
    /// Cursor from the page before.
    pub cursor: Option<String>,
}

/// Where a page of events begins: at this millisecond, after so many of its events. OCSF times are milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub millis: i64,
    pub skip: usize,
}

impl Place {
    /// Of a cursor.
    pub fn parse(cursor: Option<&str>) -> Result<Option<Place>> {
        let text = page::place(cursor)?;
        if text.is_empty() {
            return Ok(None);
        }
        let wrong = || Fault::new(&fault::INVALID).object("cursor").expected("the `next` of a page");
        let (millis, skip) = text.split_once('.').ok_or_else(wrong)?;
        let place = Place { millis: millis.parse().map_err(|_| wrong())?, skip: skip.parse().map_err(|_| wrong())? };
        if place.skip > SKIP { Err(wrong()) } else { Ok(Some(place)) }
    }

    /// As a cursor.
    pub fn cursor(self) -> String {
        page::cursor(&format!("{}.{}", self.millis, self.skip))
    }
}

impl EventFilter {
    /// The condition over the columns of `events`; `true` when nothing is filtered.
    pub(crate) fn condition(&self, place: Option<Place>) -> Result<String> {
        let mut parts = Vec::new();
        if let Some(kinds) = &self.kind {
            parts.push(format!("kind IN ({})", kind_list(kinds)?));
        }
        if let Some(host) = given(&self.host) {
            let host = literal("host", host)?;
            parts.push(format!("(host = {host} OR agent = {host})"));
        }
        if let Some(user) = given(&self.user) {
            parts.push(format!("\"user\" = {}", literal("user", user)?));
        }
        if let Some(exe) = given(&self.exe) {
            parts.push(executable(exe)?);
        }
        if let Some(text) = given(&self.text) {
            let pattern = like("text", "%", text, "%")?;
            let looks: Vec<String> = TEXTS.iter().map(|column| format!("{column} LIKE {pattern}")).collect();
            parts.push(format!("({})", looks.join(" OR ")));
        }
        let bounds = [
            (">=", self.since),
            ("<", self.until),
            ("<", place.map(|place| place.millis.saturating_add(1).saturating_mul(1000))),
        ];
        for (compare, micros) in bounds {
            if let Some(micros) = micros {
                parts.push(format!("{TIME} {compare} {}", timestamp(micros)?));
            }
        }
        Ok(if parts.is_empty() { "true".into() } else { parts.join(" AND ") })
    }
}

/// A moment as a literal that SQL compares with a timestamp column (RFC 3339).
fn timestamp(micros: i64) -> Result<String> {
    let wrong = || Fault::new(&fault::INVALID).object("time").expected("µs of the years 1970 to 9999").found(micros);
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).map_err(|_| wrong())?;
    let text = time.format(&Rfc3339).map_err(|_| wrong())?;
    Ok(format!("'{text}'"))
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

fn kind_list(words: &str) -> Result<String> {
    let known = || Kind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    let wrong = |word: &str| Fault::new(&fault::INVALID).object("kind").expected(known()).found(word);
    let kind = |word: &str| Kind::from_word(word.trim()).map(Kind::word).ok_or_else(|| wrong(word));
    let kinds: Result<Vec<String>> = words.split(',').take(64).map(|word| Ok(format!("'{}'", kind(word)?))).collect();
    Ok(kinds?.join(", "))
}

/// A full path is compared whole, a name with the end of the path.
fn executable(exe: &str) -> Result<String> {
    if exe.starts_with('/') {
        return Ok(format!("exe = {}", literal("exe", exe)?));
    }
    Ok(format!("exe LIKE {}", like("exe", "%/", exe, "")?))
}

/// A string literal of SQL: quotes doubled. Control characters have no business in a filter.
pub(crate) fn literal(name: &str, text: &str) -> Result<String> {
    let wrong = || Fault::new(&fault::INVALID).object(name);
    if text.len() > TEXT_BYTES {
        return Err(wrong().expected(format!("at most {TEXT_BYTES} bytes")).found(text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong().expected("no control characters"));
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

/// A pattern for LIKE in which the text stands for itself.
fn like(name: &str, before: &str, text: &str, after: &str) -> Result<String> {
    let text = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    literal(name, &format!("{before}{text}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_become_one_condition() {
        let filter = EventFilter {
            kind: Some("exec,net".into()),
            host: Some("web-1".into()),
            exe: Some("curl".into()),
            since: Some(5),
            ..EventFilter::default()
        };
        let place = Some(Place { millis: 7, skip: 2 });
        let wanted = "kind IN ('exec', 'net') AND (host = 'web-1' OR agent = 'web-1') \
                      AND exe LIKE '%/curl' AND time >= '1970-01-01T00:00:00.000005Z' AND time < '1970-01-01T00:00:00.008Z'";
        assert_eq!(filter.condition(place).unwrap(), wanted);
        assert_eq!(EventFilter::default().condition(None).unwrap(), "true");
    }

    #[test]
    fn what_comes_from_outside_stays_a_literal() {
        let user = Some("x' OR '1'='1".to_string());
        let filter = EventFilter { user, ..EventFilter::default() };
        assert_eq!(filter.condition(None).unwrap(), "\"user\" = 'x'' OR ''1''=''1'");
        let filter = EventFilter { exe: Some("50%_\\'".into()), ..EventFilter::default() };
        assert_eq!(filter.condition(None).unwrap(), r"exe LIKE '%/50\%\_\\'''");
        for bad in [
            EventFilter { kind: Some("exec') OR (1=1".into()), ..EventFilter::default() },
            EventFilter { text: Some("a\0b".into()), ..EventFilter::default() },
            EventFilter { host: Some("x".repeat(2000)), ..EventFilter::default() },
        ] {
            assert!(bad.condition(None).unwrap_err().is(&fault::INVALID));
        }
    }

    #[test]
    fn a_cursor_reads_back_as_written() {
        let place = Place { millis: 1_700_000_000_123, skip: 4 };
        assert_eq!(Place::parse(Some(&place.cursor())).unwrap(), Some(place));
        assert_eq!(Place::parse(None).unwrap(), None);
        for bad in ["", "!", "MQ", &page::cursor("1.99999999")] {
            assert!(matches!(Place::parse(Some(bad)), Err(_) | Ok(None)), "{bad}");
        }
    }
}
