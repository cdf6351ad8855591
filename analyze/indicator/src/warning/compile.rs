//! Reading and compiling warning lists.

use super::{List, Policy, Warnings, entry_key};
use crate::{Key, Kind, fault, limits};
use base::{Fault, Prefix, Result};
use pattern::{Expression, ExpressionSet, Flags, Literal, LiteralSet, Place, PrefixSet};
use std::collections::BTreeMap;

/// A list as MISP writes it.
#[derive(Debug, serde::Deserialize)]
struct File {
    name: String,
    #[serde(default)]
    version: u64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    matching_attributes: Vec<String>,
    list: Vec<String>,
}

/// Hashed entries in order, each with the lists it stands on.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<(Key, u32)>,
}

impl Table {
    fn new(mut rows: Vec<(Key, u32)>) -> Table {
        rows.sort_unstable();
        rows.dedup();
        rows.shrink_to_fit();
        Table { rows }
    }

    pub fn each(&self, key: Key, mut take: impl FnMut(u32)) {
        let first = self.rows.partition_point(|(held, _)| *held < key);
        let same = self.rows.get(first..).unwrap_or(&[]).iter().take_while(|(held, _)| *held == key);
        same.for_each(|(_, list)| take(*list));
    }

    pub fn bytes(&self) -> usize {
        self.rows.len() * size_of::<(Key, u32)>()
    }
}

/// Entries of all lists while they are read.
#[derive(Default)]
struct Entries {
    exact: Vec<(Key, u32)>,
    below: Vec<(Key, u32)>,
    ranges: Vec<(Prefix, u32)>,
    parts: Vec<(String, u32)>,
    expressions: Vec<(Expression, u32)>,
}

impl Warnings {
    /// Compiles lists from JSON: one list, or an object of lists by short name. `policies` name lists whose policy
    /// differs from [`Policy::of`]. A bad entry is counted; a text that is no list at all is a fault.
    pub fn compile(texts: &[&[u8]], policies: &BTreeMap<String, Policy>) -> Result<Warnings> {
        let mut warnings = Warnings::default();
        let mut entries = Entries::default();
        for text in texts {
            for (id, file) in read(text)? {
                if warnings.lists.len() >= limits::WARNING_LISTS {
                    let expected = format!("at most {} lists", limits::WARNING_LISTS);
                    return Err(Fault::new(&fault::WARNING_LIST).object(id).expected(expected));
                }
                let number = warnings.lists.len() as u32;
                let policy = policies.get(&id).copied().unwrap_or_else(|| Policy::of(&id));
                let (taken, bad) = entries.take(&file, number)?;
                let kinds = kinds(&file.matching_attributes);
                let File { name, version, .. } = file;
                warnings.lists.push(List { id, name, version, policy, entries: taken, bad, kinds });
            }
        }
        warnings.exact = Table::new(entries.exact);
        warnings.below = Table::new(entries.below);
        warnings.ranges = PrefixSet::new(entries.ranges);
        let literals: Vec<Literal<'_>> = entries
            .parts
            .iter()
            .map(|(text, answer)| Literal {
                text: text.as_bytes(),
                place: Place::Anywhere,
                cased: false,
                answer: *answer,
            })
            .collect();
        warnings.parts = (!literals.is_empty()).then(|| LiteralSet::new(&literals)).transpose()?;
        let expressions = entries.expressions;
        warnings.expressions = (!expressions.is_empty()).then(|| ExpressionSet::new(expressions)).transpose()?;
        Ok(warnings)
    }
}

/// One list or many.
fn read(text: &[u8]) -> Result<Vec<(String, File)>> {
    let wrong = |cause: serde_json::Error| Fault::new(&fault::WARNING_LIST).found(cause);
    let many = serde_json::from_slice::<BTreeMap<String, File>>(text);
    let one_cause = match many {
        Ok(lists) => return Ok(lists.into_iter().collect()),
        Err(cause) => cause,
    };
    match serde_json::from_slice::<File>(text) {
        Ok(file) => Ok(vec![(file.name.to_lowercase().replace(' ', "-"), file)]),
        // A text with `list` at its top was meant as one list, and its cause is the better one.
        Err(cause) if text.windows(6).take(4096).any(|six| six == b"\"list\"") => Err(wrong(cause)),
        Err(_) => Err(wrong(one_cause)),
    }
}

impl Entries {
    /// Takes the entries of a list; says how many were taken and how many could not be read.
    fn take(&mut self, file: &File, list: u32) -> Result<(usize, usize)> {
        let one: fn(&mut Entries, &str, u32) -> bool = match file.kind.as_str() {
            "cidr" => Entries::range,
            "hostname" => Entries::zone,
            "string" => Entries::whole,
            "substring" => Entries::part,
            "regex" => Entries::expression,
            other => {
                let fault = Fault::new(&fault::WARNING_LIST).object(&file.name);
                return Err(fault.expected("type cidr, hostname, string, substring or regex").found(other));
            }
        };
        let all = self.exact.len() + self.below.len() + self.ranges.len() + file.list.len();
        if all > limits::WARNING_ENTRIES {
            let expected = format!("at most {} entries in all", limits::WARNING_ENTRIES);
            return Err(Fault::new(&fault::WARNING_LIST).object(&file.name).expected(expected));
        }
        let fits = |entry: &str| !entry.is_empty() && entry.len() <= limits::VALUE_BYTES;
        let taken =
            file.list.iter().map(|entry| entry.trim()).filter(|entry| fits(entry) && one(self, entry, list)).count();
        Ok((taken, file.list.len() - taken))
    }

    fn range(&mut self, entry: &str, list: u32) -> bool {
        let prefix = entry.parse::<Prefix>();
        prefix.map(|prefix| self.ranges.push((prefix, list))).is_ok()
    }

    fn zone(&mut self, entry: &str, list: u32) -> bool {
        let name = entry.trim_start_matches("*.").trim_start_matches('.').trim_end_matches('.').to_lowercase();
        self.below.push((entry_key(&name), list));
        !name.is_empty()
    }

    /// A whole value. One that begins with a dot is meant as a zone, whatever its list says it is.
    fn whole(&mut self, entry: &str, list: u32) -> bool {
        if entry.starts_with('.') {
            return self.zone(entry, list);
        }
        // A list of addresses may hold them in any spelling.
        let spelled = match entry.parse::<std::net::IpAddr>() {
            Ok(address) => address.to_canonical().to_string(),
            Err(_) => entry.to_lowercase(),
        };
        self.exact.push((entry_key(&spelled), list));
        true
    }

    fn part(&mut self, entry: &str, list: u32) -> bool {
        let room = self.parts.len() < limits::WARNING_PARTS;
        if room {
            self.parts.push((entry.to_lowercase(), list));
        }
        room
    }

    /// `/expression/flags`, or the expression alone. What is no expression of the linear engine is refused.
    fn expression(&mut self, entry: &str, list: u32) -> bool {
        let (text, flags) = match entry.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
            Some((text, flags)) => (text, flags),
            None => (entry, ""),
        };
        let flags =
            Flags { ignore_case: flags.contains('i'), multi_line: flags.contains('m'), dot_all: flags.contains('s') };
        // Some lists escape signs that need none.
        let text = text.replace("\\@", "@");
        let made = if self.expressions.len() < limits::WARNING_EXPRESSIONS {
            Expression::new(&text, flags).ok()
        } else {
            None
        };
        made.map(|expression| self.expressions.push((expression, list))).is_some()
    }
}

/// Kinds of a list's MISP types as bits; a list that names none is about everything.
fn kinds(types: &[String]) -> u16 {
    let bit = |kind: Kind| 1u16 << kind as u16;
    let of_part = |part: &str| match part {
        "ip-src" | "ip-dst" | "ip" => bit(Kind::Ip) | bit(Kind::Cidr) | bit(Kind::Url),
        "domain" | "hostname" => bit(Kind::Domain) | bit(Kind::Url),
        "url" | "uri" | "link" => bit(Kind::Url),
        "md5" => bit(Kind::Md5),
        "sha1" => bit(Kind::Sha1),
        "sha256" => bit(Kind::Sha256),
        "ja3-fingerprint-md5" => bit(Kind::Ja3),
        "filename" => bit(Kind::Path),
        part if part.contains("email") || part == "dns-soa-email" => bit(Kind::Email),
        _ => 0,
    };
    if types.is_empty() {
        return Kind::ALL.iter().fold(0, |all, kind| all | bit(*kind));
    }
    types.iter().flat_map(|name| name.split('|')).fold(0, |all, part| all | of_part(part))
}
