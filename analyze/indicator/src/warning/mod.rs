//! Warning lists: values that are often listed by mistake, or that hurt many when blocked.
//!
//! The format is that of MISP's warning lists: types `cidr`, `hostname` (the name and all below it), `string` (the whole
//! value), `substring`, `regex`. All lists are compiled together: hashed names in one sorted table, ranges in one set,
//! parts in one automaton, expressions behind the literals they need.

mod compile;
mod policy;

pub use policy::Policy;

use crate::{Key, Kind};
use compile::Table;
use pattern::{Bits, ExpressionSet, LiteralSet, PrefixSet};
use std::net::IpAddr;

/// A list, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Short name (its folder), which policies go by.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Version.
    pub version: u64,
    /// What follows.
    pub policy: Policy,
    /// Entries taken.
    pub entries: usize,
    /// Entries that could not be read; each costs only itself.
    pub bad: usize,
    /// Sorts of value that it is about, a bit for each [`Kind`] number.
    kinds: u16,
}

/// A value stands on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warning<'w> {
    /// The list.
    pub list: &'w List,
    /// Whether the value itself stands there, not just a name or range around it.
    pub itself: bool,
}

impl Warning<'_> {
    /// Whether it forbids to block the value without a person's decision.
    pub fn forbids(&self) -> bool {
        match self.list.policy {
            Policy::NeverBlock => true,
            Policy::NeverBlockItself => self.itself,
            Policy::LowerScore(_) | Policy::Tag => false,
        }
    }

    /// Points taken off the score.
    pub fn lowers(&self) -> u8 {
        match self.list.policy {
            Policy::LowerScore(points) => points,
            _ => 0,
        }
    }
}

/// All lists.
#[derive(Debug, Default)]
pub struct Warnings {
    lists: Vec<List>,
    /// Whole values and names, as hashed.
    exact: Table,
    /// Names that stand for all below them.
    below: Table,
    ranges: PrefixSet,
    parts: Option<LiteralSet>,
    expressions: Option<ExpressionSet>,
}

/// Kind that hashes whole entries, whatever they are: an entry does not say what it is. The key is used within this
/// table only.
const ENTRY: Kind = Kind::Path;

fn entry_key(text: &str) -> Key {
    Key::of(ENTRY, text)
}

impl Warnings {
    /// The lists.
    pub fn lists(&self) -> &[List] {
        &self.lists
    }

    /// The warnings of a value in canonical form; for a URL those of its host as well.
    pub fn of(&self, kind: Kind, value: &str) -> Vec<Warning<'_>> {
        let mut answers = Bits::new(self.lists.len());
        let mut exact = Bits::new(self.lists.len());
        let mut insert = |list| {
            answers.insert(list);
            exact.insert(list);
        };
        self.exact.each(entry_key(value), &mut insert);
        match kind {
            Kind::Ip | Kind::Cidr => self.address(value.split('/').next().unwrap_or_default(), &mut answers),
            Kind::Domain => self.host(value, &mut answers, &mut exact),
            Kind::Email => self.host(value.rsplit('@').next().unwrap_or_default(), &mut answers, &mut Bits::new(0)),
            Kind::Url => {
                let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
                let host = rest.split(['/', '?', ':']).next().unwrap_or_default();
                self.address(host, &mut answers);
                self.host(host, &mut answers, &mut Bits::new(0));
            }
            _ => {}
        }
        if let Some(parts) = &self.parts {
            parts.scan(value.as_bytes(), &mut answers);
        }
        if let Some(expressions) = &self.expressions {
            expressions.scan(value.as_bytes(), &mut Bits::new(expressions.len()), &mut answers);
        }
        let of_kind = |list: &&List| list.kinds & 1 << kind as u16 != 0;
        let order = answers.order().iter().filter_map(|list| Some((*list, self.lists.get(*list as usize)?)));
        let mut warnings: Vec<(u32, Warning<'_>)> = order
            .filter(|(_, list)| of_kind(list))
            .map(|(number, list)| (number, Warning { list, itself: exact.has(number) }))
            .collect();
        warnings.sort_by_key(|(number, _)| *number);
        warnings.into_iter().map(|(_, warning)| warning).collect()
    }

    fn address(&self, text: &str, answers: &mut Bits) {
        if let Ok(address) = text.parse::<IpAddr>() {
            self.ranges.scan(address, answers);
        }
    }

    /// A name: itself whole or as a zone, and every zone around it down to the last label.
    fn host(&self, name: &str, answers: &mut Bits, exact: &mut Bits) {
        let key = entry_key(name);
        self.exact.each(key, |list| _ = answers.insert(list));
        self.below.each(key, |list| {
            answers.insert(list);
            exact.insert(list);
        });
        for (dot, _) in name.bytes().enumerate().filter(|(_, byte)| *byte == b'.') {
            self.below.each(entry_key(&name[dot + 1..]), |list| _ = answers.insert(list));
        }
    }

    /// Memory of the hashed tables and the automaton, bytes.
    pub fn bytes(&self) -> usize {
        self.exact.bytes() + self.below.bytes() + self.parts.as_ref().map_or(0, LiteralSet::bytes)
    }
}

#[cfg(test)]
mod tests;
