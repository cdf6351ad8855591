//! A document of a rule file, read whole.

use crate::filter::{self, Filter};
use crate::modifier::Placeholders;
use crate::rule::{LogSource, Rule, Status};
use crate::selection::{self, Detection, integer};
use crate::yaml::{self, Document, Node, Place};
use crate::{attack, fault};
use base::limits::LEASE_SECONDS_MAX;
use base::{Fault, Result};
use record::{ActionKind, Response, Severity};

/// What a document holds.
pub enum Read {
    /// A rule.
    Rule(Box<(Rule, Detection)>),
    /// A filter: exceptions for other rules.
    Filter(Box<Filter>),
    /// A correlation rule, read elsewhere.
    Correlation,
}

/// Reads a document, whatever it holds.
pub fn read_any(
    document: &Document<'_>,
    place: Place<'_>,
    placeholders: &Placeholders,
    doubts: &mut Vec<Fault>,
) -> Result<Read> {
    let node = yaml::parse(document, place)?;
    if node.get("detection").is_none() {
        if node.get("correlation").is_some() {
            return Ok(Read::Correlation);
        }
        if let Some(part) = node.get("filter") {
            return filter::read(&node, part, document, place, placeholders)
                .map(|filter| Read::Filter(Box::new(filter)));
        }
    }
    rule(&node, document, place, placeholders, doubts).map(|read| Read::Rule(Box::new(read)))
}

fn rule(
    node: &Node,
    document: &Document<'_>,
    place: Place<'_>,
    placeholders: &Placeholders,
    doubts: &mut Vec<Fault>,
) -> Result<(Rule, Detection)> {
    if node.entries().is_none() {
        return Err(place.fault(&fault::FORM, node.line).expected("a rule as a map").found(node.form()));
    }
    if let Some(part) = node.get("action") {
        return Err(place.fault(&fault::UNSUPPORTED, part.line).expected("a rule").found("a rule collection"));
    }
    let detection = node.get("detection").ok_or_else(|| missing(node, place, "detection"))?;
    let mut rule = describe(node, document, place)?;
    rule.source = source(node, place)?;
    let read = selection::read(detection, place, placeholders)?;
    doubt(node, place, doubts);
    Ok((rule, read))
}

/// Keys of a rule: those of the Sigma rules specification 2.1, and ours.
const KEYS: &[&str] = &[
    "title",
    "id",
    "name",
    "related",
    "taxonomy",
    "status",
    "description",
    "license",
    "author",
    "references",
    "date",
    "modified",
    "logsource",
    "detection",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    "title_zh",
    "description_zh",
    "response",
];

/// What looks like a mistake. The specification allows keys of one's own, so an unknown key is doubted only when it is
/// nearly a known one: `levle` would leave the rule without a level.
fn doubt(node: &Node, place: Place<'_>, doubts: &mut Vec<Fault>) {
    for entry in node.entries().unwrap_or_default() {
        let value = entry.value.text().unwrap_or("").trim();
        let expected = match entry.key.as_str() {
            "id" if !value.is_empty() && !is_uuid(value) => "a UUID".to_owned(),
            "date" | "modified" if !value.is_empty() && !is_date(value) => "a date such as 2026-02-03".to_owned(),
            key if KEYS.contains(&key) => continue,
            key => match KEYS.iter().find(|known| near(key, known)) {
                Some(known) => {
                    let fault = place.fault(&fault::DOUBT, entry.line).expected(format!("`{known}`"));
                    doubts.push(fault.found(format!("`{key}`")));
                    continue;
                }
                None => continue,
            },
        };
        let found = format!("`{}: {value}`", entry.key);
        doubts.push(place.fault(&fault::DOUBT, entry.line).expected(expected).found(found));
    }
}

/// Hexadecimal digits in groups of 8, 4, 4, 4 and 12 (RFC 9562, 4).
fn is_uuid(text: &str) -> bool {
    let hexadecimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(hexadecimal)
}

/// `2026-02-03`, or `2026/02/03` as older rules write it.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    let within =
        |part: &str, most: u32| part.len() <= 2 && part.parse().is_ok_and(|number| (1..=most).contains(&number));
    matches!(parts[..], [year, month, day]
        if year.len() == 4 && year.parse::<u32>().is_ok() && within(month, 12) && within(day, 31))
}

/// Whether two short words differ by at most two letters put in, left out or changed (Levenshtein).
fn near(one: &str, other: &str) -> bool {
    if one.len().abs_diff(other.len()) > 2 || one.len() > 32 {
        return false;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = at + 1;
        for (column, against) in other.bytes().enumerate() {
            let changed = corner + usize::from(letter != against);
            corner = row[column + 1];
            row[column + 1] = changed.min(corner + 1).min(row[column] + 1);
        }
    }
    row[other.len()] <= 2 && other.len() > 3
}

/// The fault of a key that is not there.
pub fn missing(node: &Node, place: Place<'_>, key: &str) -> Fault {
    place.fault(&fault::FORM, node.line).expected(format!("the key `{key}`")).found("none")
}

/// First 16 hexadecimal digits of the SHA-256 of bytes.
pub fn version(bytes: &[u8]) -> String {
    hex::encode(&ring::digest::digest(&ring::digest::SHA256, bytes).as_ref()[..8])
}

/// Reads what rules, filters and correlations have in common; the log source is left empty.
pub fn describe(node: &Node, document: &Document<'_>, place: Place<'_>) -> Result<Rule> {
    let version = version(document.text.as_bytes());
    let text = |key: &str| text(node, key, place);
    let tags = texts(node, "tags", place)?;
    let title = text("title")?;
    if title.is_empty() {
        return Err(missing(node, place, "title"));
    }
    let id = Some(text("id")?).filter(|id| !id.is_empty()).unwrap_or_else(|| format!("sigma-{version}"));
    let word = |key: &str, expected: &str| {
        let line = node.get(key).map_or(node.line, |part| part.line);
        place.fault(&fault::FORM, line).expected(expected)
    };
    let severity = match text("level")?.as_str() {
        "" => Severity::Unknown,
        level => Severity::from_word(level)
            .ok_or_else(|| word("level", "informational, low, medium, high or critical").found(level))?,
    };
    let status = match text("status")?.as_str() {
        "" => None,
        status => Some(
            Status::from_word(status)
                .ok_or_else(|| word("status", "stable, test, experimental, deprecated or unsupported").found(status))?,
        ),
    };
    Ok(Rule {
        id,
        name: text("name")?,
        place: format!("{}:{}", place.name, node.line),
        title,
        title_zh: text("title_zh")?,
        description: text("description")?,
        description_zh: text("description_zh")?,
        status,
        severity,
        author: text("author")?,
        date: text("date")?,
        modified: text("modified")?,
        references: texts(node, "references", place)?,
        falsepositives: texts(node, "falsepositives", place)?,
        techniques: attack::techniques(&tags),
        tags,
        source: LogSource::default(),
        responses: responses(node, place)?,
        version,
        filters: Vec::new(),
    })
}

/// A text key, empty when absent.
fn text(node: &Node, key: &str, place: Place<'_>) -> Result<String> {
    match node.get(key) {
        Some(part) if !part.is_null() => match part.text() {
            Some(text) => Ok(text.trim().to_owned()),
            None => Err(place.fault(&fault::FORM, part.line).expected(format!("{key} as text")).found(part.form())),
        },
        _ => Ok(String::new()),
    }
}

/// A key with a list of texts, empty when absent.
pub fn texts(node: &Node, key: &str, place: Place<'_>) -> Result<Vec<String>> {
    let Some(part) = node.get(key).filter(|part| !part.is_null()) else { return Ok(Vec::new()) };
    let one = |item: &Node| match item.text() {
        Some(text) => Ok(text.trim().to_owned()),
        None => {
            Err(place.fault(&fault::FORM, item.line).expected(format!("{key} as a list of texts")).found(item.form()))
        }
    };
    part.items().iter().map(one).collect()
}

/// Where the events come from.
pub fn source(node: &Node, place: Place<'_>) -> Result<LogSource> {
    let part = node.get("logsource").ok_or_else(|| missing(node, place, "logsource"))?;
    if part.entries().is_none() {
        return Err(place.fault(&fault::FORM, part.line).expected("logsource as a map").found(part.form()));
    }
    let word = |key: &str| Ok(Some(text(part, key, place)?).filter(|word| !word.is_empty()));
    Ok(LogSource { product: word("product")?, category: word("category")?, service: word("service")? })
}

fn responses(node: &Node, place: Place<'_>) -> Result<Vec<Response>> {
    let Some(part) = node.get("response").filter(|part| !part.is_null()) else { return Ok(Vec::new()) };
    part.items().iter().map(|item| response(item, place)).collect()
}

fn response(item: &Node, place: Place<'_>) -> Result<Response> {
    let wrong = |expected: String| place.fault(&fault::FORM, item.line).expected(expected);
    let action = text(item, "action", place)?;
    let kind = ActionKind::from_word(&action).filter(|kind| ActionKind::HOST.contains(kind)).ok_or_else(|| {
        let words: Vec<&str> = ActionKind::HOST.iter().map(|kind| kind.word()).collect();
        wrong(format!("action as one of {}", words.join(", "))).found(&action)
    })?;
    let lease = text(item, "lease", place)?;
    let lasting = kind.undoable();
    let lease_s = match lease.as_str() {
        "" if lasting => return Err(wrong(format!("a lease for {action}, such as 10m")).found("none")),
        "" => 0,
        lease => seconds(lease)
            .filter(|seconds| (1..=LEASE_SECONDS_MAX).contains(seconds))
            .ok_or_else(|| wrong("a lease such as 30s, 10m, 2h or 1d, at most 30d".to_owned()).found(lease))?,
    };
    Ok(Response { action, lease_s })
}

/// Seconds of `30s`, `10m`, `2h`, `1d` or a bare number.
fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1),
        (at, 'm') => (&text[..at], 60),
        (at, 'h') => (&text[..at], 3600),
        (at, 'd') => (&text[..at], 86_400),
        _ => (text, 1),
    };
    u64::try_from(integer(number)?).ok()?.checked_mul(unit)
}
