//! Which values an event shows, spelled as indicators are, without an allocation.
//!
//! An address of this host's own networks is not shown unless asked for: a feed that lists `127.0.0.1` would otherwise
//! alert on everything.

mod fields;
mod url;

use crate::canonical::{is_domain, is_internal, is_public};
use crate::filter::Filter;
use crate::{Key, Kind, canonical};
use fields::Sort;
use record::{Activity, Event, FileId};
use std::fmt::Write as _;
use std::net::IpAddr;

/// A value that an event shows.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'e> {
    /// Its sort. A domain is shown with its parents, one after the other.
    pub kind: Kind,
    /// The value in canonical form (a URL without its scheme when that is not known).
    pub value: &'e str,
    /// Its name.
    pub key: Key,
    /// The address, when it is one: ranges are asked for it.
    pub address: Option<IpAddr>,
    /// Where it stood: a word of [`record::Field`] or the name of a log's field.
    pub field: &'e str,
}

impl Filter {
    /// Whether what was seen may be listed.
    pub fn may_hold(&self, seen: &Seen<'_>) -> bool {
        self.contains(seen.key) || seen.address.is_some_and(|address| self.contains_address(address))
    }
}

/// Fewest labels of a name that is looked up.
const LABELS: usize = 2;
/// Most names looked up for one name: itself and four parents. Deeper names are asked for whole, and from five labels on.
const PROBES: usize = 5;

/// A domain and its parents, the nearest first: at most five names, none that belongs to a registry.
pub fn parents(name: &str) -> impl Iterator<Item = &str> {
    let mut starts = [None; PROBES];
    let dots = name.bytes().enumerate().rev().filter(|(_, byte)| *byte == b'.').map(|(at, _)| at + 1);
    // The n-th dot from the end begins the parent of n labels.
    let from_right = dots.skip(LABELS - 1).take(PROBES - 1);
    let mut count = 0;
    for start in from_right {
        if count > 0 || !is_public(&name[start..]) {
            starts[count] = Some(start);
            count += 1;
        }
    }
    // The name itself, unless it is a registry's: a parent was found, or it has labels enough of its own.
    if count > 0 || !is_public(name) {
        starts[count] = Some(0);
    }
    starts.into_iter().rev().flatten().filter_map(|start| name.get(start..))
}

/// Reads values out of events; keeps its buffer from event to event.
#[derive(Debug, Default)]
pub struct Observer {
    buffer: String,
    internal: bool,
}

impl Observer {
    /// `internal`: whether addresses of one's own networks (private, loopback, link-local, multicast) are shown, for a
    /// list of indicators that names such.
    pub fn new(internal: bool) -> Observer {
        Observer { buffer: String::new(), internal }
    }

    /// Shows every value of an event. A value may be shown twice when it stands in two places.
    pub fn look(&mut self, event: &Event, mut take: impl FnMut(&Seen<'_>)) {
        let take = &mut take;
        match &event.activity {
            Activity::Exec(exec) => {
                if let Some(process) = event.process.as_deref() {
                    self.file(&process.info.exe, ["process.exe", "process.sha256"], take);
                    self.urls(&process.info.cmd_line, "process.cmd_line", take);
                }
                self.path(&exec.script, "exec.script", take);
            }
            Activity::File(file) => {
                self.file(&file.file, ["file.path", "file.sha256"], take);
                self.path(&file.target, "file.target", take);
            }
            Activity::Net(net) => {
                self.ip(net.remote(), "remote.ip", take);
                self.domain(&net.remote_name, "remote.name", take);
            }
            Activity::Dns(dns) => self.domain(&dns.name, "dns.name", take),
            Activity::Scan(scan) => self.file(&scan.file, ["file.path", "file.sha256"], take),
            Activity::Integrity(change) => {
                self.file(&change.file, ["file.path", "file.sha256"], take);
                if let Some(after) = &change.after {
                    self.digest(&after.sha256, "file.sha256", take);
                }
            }
            Activity::Log(log) => self.log(log, take),
            _ => {}
        }
    }

    fn show(&self, kind: Kind, field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        let value = self.buffer.as_str();
        take(&Seen { kind, value, key: Key::of(kind, value), address: None, field });
    }

    fn ip(&mut self, address: Option<IpAddr>, field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        let Some(address) = address.map(|address| address.to_canonical()) else { return };
        if !self.internal && is_internal(address) {
            return;
        }
        self.buffer.clear();
        match address {
            IpAddr::V4(ip) => decimal(ip.octets(), &mut self.buffer),
            // Writing into a text cannot fail.
            IpAddr::V6(ip) => drop(write!(self.buffer, "{ip}")),
        }
        let value = self.buffer.as_str();
        take(&Seen { kind: Kind::Ip, value, key: Key::of(Kind::Ip, value), address: Some(address), field });
    }

    fn domain(&mut self, text: &str, field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        let bare = text.split_once(':').map_or(text, |(name, _)| name);
        let bare = bare.strip_suffix('.').unwrap_or(bare);
        if bare.is_empty() || bare.len() > 253 {
            return;
        }
        self.buffer.clear();
        if bare.is_ascii() {
            self.buffer.push_str(bare);
            self.buffer.make_ascii_lowercase();
        } else if let Ok(name) = canonical(Kind::Domain, bare) {
            self.buffer.push_str(&name);
        }
        if is_domain(&self.buffer) {
            for value in parents(&self.buffer) {
                take(&Seen { kind: Kind::Domain, value, key: Key::of(Kind::Domain, value), address: None, field });
            }
        }
    }

    /// A name or an address.
    fn host(&mut self, text: &str, field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        match crate::canonical::address(text) {
            Some(address) => self.ip(Some(address), field, take),
            None => self.domain(text, field, take),
        }
    }

    fn digest(&mut self, sha256: &[u8], field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        let mut digits = [0u8; 64];
        if hex::encode_to_slice(sha256, &mut digits).is_ok()
            && let Ok(value) = std::str::from_utf8(&digits)
        {
            take(&Seen { kind: Kind::Sha256, value, key: Key::of(Kind::Sha256, value), address: None, field });
        }
    }

    fn file(&mut self, file: &FileId, fields: [&str; 2], take: &mut impl FnMut(&Seen<'_>)) {
        self.path(&file.path, fields[0], take);
        self.digest(&file.sha256, fields[1], take);
    }

    /// A path and its last name.
    fn path(&mut self, path: &str, field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        let name = path.rsplit('/').next().unwrap_or_default();
        for value in [path, name].into_iter().take(if name == path { 1 } else { 2 }).filter(|value| !value.is_empty()) {
            take(&Seen { kind: Kind::Path, value, key: Key::of(Kind::Path, value), address: None, field });
        }
    }

    fn hash(&mut self, text: &str, field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        let kind = match text.len() {
            32 => Kind::Md5,
            40 => Kind::Sha1,
            64 => Kind::Sha256,
            _ => return,
        };
        self.lower(text, kind, field, take);
    }

    fn lower(&mut self, text: &str, kind: Kind, field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        if text.is_ascii() && !text.is_empty() && text.len() <= crate::limits::NAME_BYTES {
            self.buffer.clear();
            self.buffer.push_str(text);
            self.buffer.make_ascii_lowercase();
            self.show(kind, field, take);
        }
    }

    fn email(&mut self, text: &str, field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        let bare = text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>')).trim();
        if let Some((_, host)) = bare.rsplit_once('@') {
            self.lower(bare, Kind::Email, field, take);
            self.domain(host, field, take);
        }
    }

    /// Every URL within a text, as in a command line.
    fn urls(&mut self, text: &str, field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        let mut rest = text;
        while let Some(at) = rest.find("://") {
            let begin = rest[..at]
                .rfind(|letter: char| !letter.is_ascii_alphabetic())
                .map_or(0, |before| before + rest[before..].chars().next().map_or(1, char::len_utf8));
            let end = rest[at + 3..].find(|letter: char| letter.is_whitespace() || "'\"`<>|;()".contains(letter));
            let end = end.map_or(rest.len(), |end| at + 3 + end);
            self.url(&rest[begin..end], field, take);
            rest = &rest[end..];
        }
    }

    fn log(&mut self, log: &record::Log, take: &mut impl FnMut(&Seen<'_>)) {
        let mut request = url::Request::default();
        for pair in &log.fields {
            let (field, value) = (pair.name.as_str(), pair.value.as_str());
            match fields::sort(field) {
                None => {}
                Some(Sort::Address) => {
                    for part in value.split([',', ' ']).filter(|part| !part.is_empty()) {
                        self.ip(crate::canonical::address(part), field, take);
                    }
                }
                Some(Sort::Host) => {
                    request.host.get_or_insert((field, value));
                    self.host(value, field, take);
                }
                Some(Sort::Uri) => drop(request.uri.get_or_insert((field, value))),
                Some(Sort::Query) => drop(request.query.get_or_insert(value)),
                Some(Sort::Url) => self.url(value, field, take),
                Some(Sort::Hash) => self.hash(value, field, take),
                Some(Sort::Ja3) => self.lower(value, Kind::Ja3, field, take),
                Some(Sort::Ja4) => self.lower(value, Kind::Ja4, field, take),
                Some(Sort::Email) => self.email(value, field, take),
                Some(Sort::Path) => self.path(value, field, take),
                Some(Sort::Command) => self.urls(value, field, take),
            }
        }
        self.request(&request, take);
    }
}

/// Writes an IPv4 address; several times as fast as the general formatter.
fn decimal(octets: [u8; 4], out: &mut String) {
    for (place, octet) in octets.into_iter().enumerate() {
        if place > 0 {
            out.push('.');
        }
        let digit = |digit: u8| char::from(b'0' + digit);
        if octet >= 100 {
            out.push(digit(octet / 100));
        }
        if octet >= 10 {
            out.push(digit(octet / 10 % 10));
        }
        out.push(digit(octet % 10));
    }
}

#[cfg(test)]
mod tests;
