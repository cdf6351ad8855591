//! What changed since the base was built.

use super::dictionary::Dictionary;
use super::facts::{Facts, Found, Row};
use crate::key::Mixed;
use crate::ranges::{Range, Ranges};
use crate::{Key, Kind};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// Rows put or taken away over a base. A row without a profile means that the base's row does not count.
#[derive(Debug, Default, Clone)]
pub(crate) struct Delta {
    rows: HashMap<Key, Option<Row>, Mixed>,
    dictionary: Dictionary,
    listed: BTreeSet<Range>,
    ranges: Ranges,
    /// Whether `listed` changed since `ranges` was flattened.
    stale: bool,
}

impl Delta {
    /// Puts a row; `None` when the dictionary is full.
    pub fn put(&mut self, key: Key, facts: &Facts) -> Option<()> {
        let profile = self.dictionary.intern(facts)?;
        self.rows.insert(key, Some(Row::new(profile, facts.last_us, facts.valid_until_us)));
        Some(())
    }

    /// Takes a row away. `covered`: the base has one.
    pub fn remove(&mut self, key: Key, covered: bool) {
        match covered {
            true => drop(self.rows.insert(key, None)),
            false => drop(self.rows.remove(&key)),
        }
    }

    pub fn list(&mut self, range: Range, there: bool) {
        self.stale |= if there { self.listed.insert(range) } else { self.listed.remove(&range) };
    }

    /// Flattens the ranges again after changes; once for all changes of a batch.
    pub fn settle(&mut self) {
        if std::mem::take(&mut self.stale) {
            self.ranges = Ranges::new(self.listed.iter().copied());
        }
    }

    /// `None`: says nothing of the key. `Some(None)`: it does not count any more.
    #[inline]
    pub fn row(&self, key: Key) -> Option<Option<Row>> {
        self.rows.get(&key).copied()
    }

    pub fn found(&self, row: Row) -> Option<Found<'_>> {
        self.dictionary.found(row)
    }

    pub fn kind(&self, row: Row) -> Option<Kind> {
        self.found(row).map(|found| found.kind)
    }

    pub fn around(&self, address: IpAddr) -> impl Iterator<Item = Key> + '_ {
        self.ranges.around(address)
    }

    pub fn listed(&self) -> impl Iterator<Item = Range> + '_ {
        self.listed.iter().copied()
    }

    /// All rows in the order of keys.
    pub fn sorted(&self) -> Vec<(Key, Option<Row>)> {
        let mut rows: Vec<_> = self.rows.iter().map(|(key, row)| (*key, *row)).collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        rows
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Memory, bytes.
    pub fn bytes(&self) -> usize {
        self.rows.capacity() * (size_of::<(Key, Option<Row>)>() + 1) + self.dictionary.bytes() + self.ranges.bytes()
    }
}
