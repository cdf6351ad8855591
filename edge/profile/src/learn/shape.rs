//! What values of one parameter looked like.

use super::{Need, evidence::Evidence};
use crate::model::Schema;
use crate::value::{Characters, Kind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Distinct values up to which a parameter may be one of a few.
const VALUES: usize = 8;
/// Longest value of those.
const VALUE: usize = 48;
/// Seen less often, a parameter of few values may just not have shown the others yet.
const FEW: u32 = 100;

/// Evidence of everything about one parameter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Shape {
    /// Values that were not empty.
    pub seen: Evidence,
    /// Empty ones.
    empty: Evidence,
    /// Requests in which there was more than one.
    repeated: Evidence,
    /// Values that were not of a narrow kind.
    other: [Evidence; Kind::NARROW.len()],
    /// By class of characters.
    characters: BTreeMap<u8, Evidence>,
    /// By length, a bucket is a power of two.
    lengths: BTreeMap<u8, Evidence>,
    /// The first few values.
    values: BTreeMap<String, Evidence>,
    /// Values that were none of those.
    more: Evidence,
}

impl Shape {
    /// One value.
    pub fn see(&mut self, value: &[u8], source: u64) {
        self.note(value, |evidence| evidence.see(source));
    }

    /// A value with all that was seen of it.
    pub fn of(value: &[u8], seen: &Evidence) -> Shape {
        let mut shape = Shape::default();
        shape.note(value, |evidence| evidence.merge(seen));
        shape
    }

    fn note(&mut self, value: &[u8], add: impl Fn(&mut Evidence)) {
        if value.is_empty() {
            return add(&mut self.empty);
        }
        add(&mut self.seen);
        let narrow = Kind::NARROW.iter().zip(&mut self.other);
        narrow.filter(|(kind, _)| !kind.holds(value)).for_each(|(_, other)| add(other));
        Characters::of(value).classes().for_each(|class| add(self.characters.entry(class).or_default()));
        add(self.lengths.entry(value.len().ilog2() as u8).or_default());
        match std::str::from_utf8(value).ok().filter(|text| text.len() <= VALUE) {
            Some(text) => add(self.value(text)),
            None => add(&mut self.more),
        }
    }

    /// The place of a value among the few; that of all others when there is no room. Of the values that one source alone has
    /// shown, one of the source with most of them makes room and counts with the others: else who comes first with eight of
    /// his own decides that there are more than a few.
    fn value(&mut self, text: &str) -> &mut Evidence {
        if !self.values.contains_key(text) && self.values.len() >= VALUES {
            let alone = self.values.iter().filter_map(|(value, evidence)| Some((value, evidence.only_source()?)));
            let of = |source: u32| self.values.values().filter(|known| known.only_source() == Some(source)).count();
            let most = alone.max_by_key(|(_, source)| of(*source)).map(|(value, _)| value.clone());
            match most.and_then(|value| self.values.remove(&value)) {
                Some(evidence) => self.more.merge(&evidence),
                None => return &mut self.more,
            }
        }
        self.values.entry(text.to_string()).or_default()
    }

    /// It stood more than once in a request.
    pub fn see_repeated(&mut self, source: u64) {
        self.repeated.see(source);
    }

    /// All values, empty ones too.
    pub fn all(&self) -> Evidence {
        let mut all = self.seen;
        all.merge(&self.empty);
        all
    }

    pub fn merge(&mut self, other: &Shape) {
        self.seen.merge(&other.seen);
        self.empty.merge(&other.empty);
        self.repeated.merge(&other.repeated);
        self.other.iter_mut().zip(&other.other).for_each(|(mine, other)| mine.merge(other));
        for (class, evidence) in &other.characters {
            self.characters.entry(*class).or_default().merge(evidence);
        }
        for (bucket, evidence) in &other.lengths {
            self.lengths.entry(*bucket).or_default().merge(evidence);
        }
        self.more.merge(&other.more);
        for (value, evidence) in &other.values {
            self.value(value).merge(evidence);
        }
    }

    /// What it comes to.
    pub fn schema(&self, need: &Need) -> Schema {
        let narrow = Kind::NARROW.iter().zip(&self.other);
        let holds = narrow.filter(|(_, other)| self.seen.enough(need) && !other.shared(need));
        let kind = holds.map(|(kind, _)| *kind).next().unwrap_or_default();
        let set = self.characters.iter().filter(|(_, evidence)| evidence.shared(need));
        let characters = set.fold(Characters::default(), |set, (class, _)| set.with(*class));
        let longest = self.lengths.iter().rev().find(|(_, evidence)| evidence.shared(need));
        // The bucket's end, and as much again: the longest was hardly seen yet.
        let max_length = longest.map(|(bucket, _)| u32::MAX >> (30_u32.saturating_sub((*bucket).into())).min(31));
        let few = self.seen.count >= FEW.max(need.requests) && !self.more.shared(need);
        let values = self.values.iter().filter(|(_, evidence)| few && evidence.shared(need));
        let values = values.map(|(value, _)| value.clone()).collect();
        let negative = self.characters.get(&Characters::class(b'-')).is_some_and(|minus| minus.shared(need));
        let number = matches!(kind, Kind::Integer | Kind::Number);
        Schema {
            kind,
            empty: self.empty.shared(need),
            repeated: self.repeated.shared(need),
            min_length: 0,
            max_length,
            minimum: (number && !negative).then_some(0.0),
            maximum: None,
            characters: (kind == Kind::Text && characters.0 != 0).then_some(characters),
            values,
        }
    }
}
