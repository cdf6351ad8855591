//! What a request for objects asks for: `added_after`, `limit`, `next`, `match[…]`.

use super::server::Row;
use crate::format::time;

/// Most objects of an answer.
pub(super) const PAGE: usize = 1000;
/// Most values of one `match`.
const MATCHES: usize = 100;

/// Which versions of an object are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    First,
    Last,
    All,
    At(i64),
}

/// The filters of a request.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub added_after_us: Option<i64>,
    pub limit: usize,
    /// Objects behind this sequence number.
    pub next: Option<u64>,
    pub ids: Vec<String>,
    pub types: Vec<String>,
    pub versions: Vec<Version>,
    pub specs: Vec<String>,
}

impl Filter {
    /// Reads a query string. The fault is what to tell the client.
    pub(super) fn parse(query: &str) -> Result<Filter, String> {
        let mut filter = Filter {
            added_after_us: None,
            limit: PAGE,
            next: None,
            ids: Vec::new(),
            types: Vec::new(),
            versions: Vec::new(),
            specs: Vec::new(),
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let list = || value.split(',').filter(|part| !part.is_empty()).take(MATCHES).map(str::to_string);
            match name.as_ref() {
                "added_after" => {
                    let time = time::micros(&value).filter(|_| value.contains('T'));
                    filter.added_after_us = Some(time.ok_or("added_after is no time of RFC 3339")?);
                }
                "limit" => {
                    let limit = value.parse().ok().filter(|limit: &usize| *limit > 0);
                    filter.limit = limit.ok_or("limit is no positive number")?.min(PAGE);
                }
                "next" => filter.next = Some(read_cursor(&value).ok_or("next is none of this server's")?),
                "match[id]" => filter.ids.extend(list()),
                "match[type]" => filter.types.extend(list()),
                "match[spec_version]" => filter.specs.extend(list()),
                "match[version]" => {
                    for word in list() {
                        filter.versions.push(match word.as_str() {
                            "first" => Version::First,
                            "last" => Version::Last,
                            "all" => Version::All,
                            time => Version::At(time::micros(time).ok_or("match[version] is no version")?),
                        });
                    }
                }
                // Others are for extensions; a server passes over what it does not know.
                _ => {}
            }
        }
        Ok(filter)
    }

    /// Whether rows of a collection may be passed over.
    pub(super) fn narrow(&self) -> bool {
        !(self.ids.is_empty() && self.types.is_empty() && self.specs.is_empty() && self.versions.is_empty())
    }

    /// Whether a row is asked for. Without `match[version]` that is the last version.
    pub(super) fn fits(&self, row: &Row) -> bool {
        let any = |list: &[String], text: &str| list.is_empty() || list.iter().any(|wanted| wanted == text);
        let version = |wanted: &Version| match wanted {
            Version::First => row.first,
            Version::Last => row.last,
            Version::All => true,
            Version::At(time_us) => row.version_us == *time_us,
        };
        any(&self.ids, &row.id)
            && any(&self.types, &row.kind)
            && any(&self.specs, &row.spec)
            && (self.versions.is_empty() && row.last || self.versions.iter().any(version))
            && self.added_after_us.is_none_or(|after| row.added_us > after)
    }
}

/// The cursor behind a sequence number: opaque to clients, and none of its digits is a time.
pub(super) fn cursor(seq: u64) -> String {
    format!("s{seq:x}")
}

fn read_cursor(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('s')?;
    (digits.len() <= 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}
