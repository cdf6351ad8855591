//! Values of an event as a correlation names them: for groups, for what is counted, for what is added up.

use super::group;
use crate::field_map::{self, Origin};
use crate::names;
use crate::route;
use crate::rule::Rule;
use record::{Activity, Event, Kind, Pair, Value};
use std::io::Write;
use std::net::IpAddr;

/// Names of the host that an event is of, in the taxonomies that rules come from.
const HOST: [&str; 6] = ["host", "host.name", "hostname", "Computer", "ComputerName", "computer_name"];

/// Where a value comes from.
#[derive(Debug, Clone)]
pub(super) enum Access {
    /// The host.
    Host,
    /// A value of the group of the correlation below, by its place there.
    Below(usize),
    /// The event.
    Event(Named),
}

/// A field of an event: one that its source gave this name, or one of ours.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// The name, and others that logs have for the same.
    names: Vec<String>,
    plain: Option<Origin>,
    /// The same when the event is the other way round ([`route::turned`]).
    turned: Option<Origin>,
}

/// What a value is looked for in.
#[derive(Clone, Copy)]
pub(super) struct Seen<'e> {
    pub event: &'e Event,
    pub host: &'e str,
    /// The group of the correlation below that holds, as bytes.
    pub below: Option<&'e [u8]>,
}

impl Access {
    /// Resolves a name for the events that one of these rules fits; nothing when no sensor delivers such a field.
    pub(super) fn new<'r>(name: &str, rules: impl IntoIterator<Item = &'r Rule>) -> Option<Access> {
        if HOST.contains(&name) {
            return Some(Access::Host);
        }
        let named = |plain, turned| {
            let class = names::ALIASES.iter().find(|class| class.contains(&name)).copied().unwrap_or_default();
            let other = class.iter().copied().filter(|other| *other != name);
            let names = std::iter::once(name).chain(other).map(str::to_owned).collect();
            Access::Event(Named { names, plain, turned })
        };
        let mut open = false;
        for rule in rules {
            let category = rule.source.category.as_deref();
            let Ok(reach) = route::route(&rule.source) else { continue };
            let audit = field_map::of_audit(name).filter(|_| reach.audit).map(Origin::Field);
            let origin = |turned| field_map::origin(category, turned, name).or(audit);
            if let (Some(plain), turned) = (origin(false), origin(true)) {
                return Some(named(Some(plain), turned));
            }
            let details = name.starts_with("details.") || name.starts_with("before.");
            let observed = || reach.slots.kinds().iter().any(|kind| matches!(kind, Kind::Scan | Kind::Asset));
            open |= reach.audit || reach.slots.has(route::LOG) || details && observed();
        }
        open.then(|| named(None, None))
    }

    /// Appends the value as text; false when the event has none.
    pub(super) fn text(&self, seen: Seen<'_>, out: &mut Vec<u8>) -> bool {
        match self {
            Access::Host => {
                // A log may hold the lines of other hosts.
                let told = match &seen.event.activity {
                    Activity::Log(log) if !log.host.is_empty() => &log.host,
                    _ => seen.host,
                };
                out.extend_from_slice(told.as_bytes());
                !told.is_empty()
            }
            Access::Below(place) => match seen.below.and_then(|below| group::values(below).nth(*place)) {
                Some(value) => {
                    out.extend_from_slice(value);
                    !value.is_empty()
                }
                None => false,
            },
            Access::Event(named) => write(named.value(seen.event), out),
        }
    }

    /// The value as a number, when it is one.
    pub(super) fn number(&self, seen: Seen<'_>) -> Option<f64> {
        let parsed = |text: &str| text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        match self {
            Access::Event(named) => match named.value(seen.event) {
                Value::Number(number) => Some(number as f64),
                Value::Text(text) => parsed(text),
                _ => None,
            },
            _ => {
                let mut text = Vec::new();
                self.text(seen, &mut text).then(|| parsed(std::str::from_utf8(&text).ok()?))?
            }
        }
    }
}

impl Named {
    fn value<'e>(&self, event: &'e Event) -> Value<'e> {
        let own = |pairs: &'e [Pair], area: &str| {
            let is = |pair: &&Pair| self.names.iter().any(|name| name.strip_prefix(area) == Some(pair.name.as_str()));
            pairs.iter().find(is).map(|pair| pair.value.as_str())
        };
        let given = match &event.activity {
            Activity::Log(log) => own(&log.fields, ""),
            Activity::Scan(scan) => own(&scan.details, "details."),
            Activity::Asset(asset) => own(&asset.details, "details.").or_else(|| own(&asset.before, "before.")),
            _ => None,
        };
        if let Some(value) = given {
            return if value.is_empty() { Value::None } else { Value::Text(value) };
        }
        let origin = match self.plain != self.turned && route::turned(route::slot(event)) {
            true => self.turned,
            false => self.plain,
        };
        origin.map_or(Value::None, |origin| origin.of(event))
    }
}

/// Appends a value as text, an address in the form it has in logs; false when there is none.
fn write(value: Value<'_>, out: &mut Vec<u8>) -> bool {
    let before = out.len();
    // Writing into a Vec cannot fail.
    let _ = match value {
        Value::None => return false,
        Value::Text(text) => out.write_all(text.as_bytes()),
        Value::Number(number) => write!(out, "{number}"),
        Value::Flag(flag) => write!(out, "{flag}"),
        Value::Ip(address) => write!(out, "{}", IpAddr::to_canonical(&address)),
        Value::Hex(bytes) => bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}")),
        Value::Ancestors(proc) => match proc.ancestors().next() {
            Some(parent) => out.write_all(parent.info.exe.path.as_bytes()),
            None => return false,
        },
    };
    out.len() > before
}
