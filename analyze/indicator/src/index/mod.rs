//! The index: an immutable base that all share, and what changed since.

mod base;
mod builder;
mod delta;
mod dictionary;
mod facts;

pub use base::Base;
pub use builder::{Builder, Shared};
pub use facts::{Facts, Found};

use crate::filter::{Filter, FilterBuilder, FilterDelta};
use crate::observe::parents;
use crate::ranges::Range;
use crate::{Key, Kind, fault};
use ::base::{Fault, Result};
use delta::Delta;
use dictionary::Dictionary;
use facts::Row;
use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;

/// One change of the set of indicators; values in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The value is listed with these facts (or with these facts from now on).
    Put {
        /// The value.
        value: String,
        /// What is known of it.
        facts: Facts,
    },
    /// The value is not listed any more.
    Remove {
        /// Its sort.
        kind: Kind,
        /// The value.
        value: String,
    },
}

/// Parts of the base that may have changed before it is worth building anew.
const DRIFT_PER_MILLE: usize = 10;
/// Fewer changes than this are no reason to build anew.
const DRIFT_LEAST: usize = 1000;

/// The set of indicators as one looks at it. A copy shares the base and copies the changes only, so that an
/// application can change a copy and swap it in.
#[derive(Debug)]
pub struct Index<B = Vec<u8>> {
    base: Arc<Base<B>>,
    delta: Delta,
    epoch: u64,
}

impl<B> Clone for Index<B> {
    fn clone(&self) -> Index<B> {
        Index { base: self.base.clone(), delta: self.delta.clone(), epoch: self.epoch }
    }
}

impl Index<Vec<u8>> {
    /// An index without indicators.
    pub fn empty() -> Result<Index<Vec<u8>>> {
        let mut image = Vec::new();
        Builder::default().finish(0, &mut image)?;
        Ok(Index::new(Base::open(image)?))
    }
}

impl<B: AsRef<[u8]>> Index<B> {
    /// Over a base without changes.
    pub fn new(base: Base<B>) -> Index<B> {
        Index { epoch: base.epoch(), base: Arc::new(base), delta: Delta::default() }
    }

    /// The number of the last change.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Makes changes, all as one step; gives what filters have to learn of it. Nothing changes on a fault.
    pub fn apply(&mut self, changes: &[Change]) -> Result<FilterDelta> {
        let before = self.delta.clone();
        self.absorb(changes).inspect_err(|_| self.delta = before)
    }

    /// The same without a copy of what changed before, for imports of millions. After a fault a part of the changes is
    /// in: the index must not be used any more.
    pub fn absorb(&mut self, changes: &[Change]) -> Result<FilterDelta> {
        let next = &mut self.delta;
        let mut step = FilterDelta { from: self.epoch, to: self.epoch + 1, ..FilterDelta::default() };
        for change in changes {
            let (kind, value) = match change {
                Change::Put { value, facts } => (facts.kind, value),
                Change::Remove { kind, value } => (*kind, value),
            };
            let key = Key::of(kind, value);
            let in_base = self.base.has(key);
            let was = next.row(key).map_or(in_base, |row| row.is_some());
            let is = matches!(change, Change::Put { .. });
            match change {
                Change::Put { facts, .. } => {
                    next.put(key, facts).ok_or_else(|| Fault::new(&fault::FULL).object(value))?
                }
                Change::Remove { .. } => next.remove(key, in_base),
            }
            if kind == Kind::Cidr {
                let range = Range::from_canonical(value)?;
                // A range of the base stays flattened there; its row says whether it counts.
                next.list(range, is && !in_base);
                step.range(range, was, is);
            } else {
                step.key(key, was, is);
            }
        }
        next.settle();
        self.epoch = step.to;
        Ok(step)
    }

    /// How many rows changed since the base was built.
    pub fn changed(&self) -> usize {
        self.delta.len()
    }

    /// Whether so much changed that the base should be built anew: one part in a hundred.
    pub fn drifted(&self) -> bool {
        self.delta.len() >= DRIFT_LEAST.max(self.base.len() * DRIFT_PER_MILLE / 1000)
    }

    /// What is kept of a key.
    pub fn find(&self, key: Key) -> Option<Found<'_>> {
        match self.delta.row(key) {
            Some(row) => self.delta.found(row?),
            None => self.base.find(key),
        }
    }

    /// Whether a key is there.
    #[inline]
    pub fn has(&self, key: Key) -> bool {
        self.delta.row(key).map_or_else(|| self.base.has(key), |row| row.is_some())
    }

    /// Which of many keys are listed, as their places in order, behind what `listed` holds. For batches of events:
    /// several times as fast as asking for one after the other. Ranges have to be asked for apart ([`Index::around`]).
    pub fn which(&self, keys: &[Key], listed: &mut Vec<usize>) {
        let first = listed.len();
        self.base.which(keys, listed);
        if self.delta.len() == 0 {
            return;
        }
        let changed = |place: &usize| keys.get(*place).and_then(|key| self.delta.row(*key));
        let mut kept = first;
        for at in first..listed.len() {
            if changed(&listed[at]) != Some(None) {
                listed[kept] = listed[at];
                kept += 1;
            }
        }
        listed.truncate(kept);
        let of_base = listed.len();
        let new = |place: &usize| matches!(changed(place), Some(Some(_)));
        listed.extend((0..keys.len()).filter(new));
        if listed.len() > of_base {
            // A key of base and changes stands in both parts.
            listed[first..].sort_unstable();
            let mut rest = listed.split_off(first);
            rest.dedup();
            listed.append(&mut rest);
        }
    }

    /// The indicator that a value in canonical form is a case of: itself; for an address the narrowest range around
    /// it; for a domain the nearest parent that is listed.
    pub fn lookup(&self, kind: Kind, value: &str) -> Option<Found<'_>> {
        match kind {
            Kind::Domain => parents(value).find_map(|name| self.find(Key::of(kind, name))),
            Kind::Ip => self.find(Key::of(kind, value)).or_else(|| self.around(value.parse().ok()?).next()),
            _ => self.find(Key::of(kind, value)),
        }
    }

    /// The listed ranges around an address; the narrowest first, those of the last changes before those of the base.
    pub fn around(&self, address: IpAddr) -> impl Iterator<Item = Found<'_>> + '_ {
        let keys = self.delta.around(address).chain(self.base.around(address));
        keys.filter_map(|key| self.find(key))
    }

    /// How many values are listed, the changes counted as if each were a new one.
    pub fn rows(&self) -> usize {
        self.base.len() + self.delta.len()
    }

    /// Memory, bytes: image, flattened ranges, changes.
    pub fn bytes(&self) -> usize {
        self.base.bytes() + self.delta.bytes()
    }

    /// All rows that count, in the order of keys; `true` marks those of the changes.
    fn merged(&self, changed: &[(Key, Option<Row>)], mut take: impl FnMut(Key, Row, bool) -> Result<()>) -> Result<()> {
        let mut changed = changed.iter().copied().peekable();
        for (key, row) in self.base.iter() {
            while let Some((before, row)) = changed.next_if(|(changed, _)| *changed < key) {
                row.map_or(Ok(()), |row| take(before, row, true))?;
            }
            match changed.next_if(|(changed, _)| *changed == key) {
                Some((_, row)) => row.map_or(Ok(()), |row| take(key, row, true))?,
                None => take(key, row, false)?,
            }
        }
        changed.try_for_each(|(key, row)| row.map_or(Ok(()), |row| take(key, row, true)))
    }

    /// Writes a new image: base and changes as one, without what has ended. Says how many rows it has. It is of the
    /// same epoch: after it was opened, changes made in the meantime are applied to it again.
    pub fn rebuild(&self, now_us: i64, out: &mut impl Write) -> Result<usize> {
        let changed = self.delta.sorted();
        let mut writer = base::Writer::new(out, self.rows());
        let mut dictionary = Dictionary::default();
        let mut of_base: Vec<u32> = Vec::new();
        self.merged(&changed, |key, row, is_change| {
            if row.ended(now_us) {
                return Ok(());
            }
            let known = of_base.get(row.profile as usize).copied().filter(|id| !is_change && *id != 0);
            let id = match known {
                Some(id) => id - 1,
                None => {
                    let found = if is_change { self.delta.found(row) } else { self.base.found(row) };
                    let id = found.as_ref().and_then(|found| dictionary.copy(found));
                    let id = id.ok_or_else(|| Fault::new(&fault::FULL).object("names of the index"))?;
                    if !is_change {
                        of_base.resize(of_base.len().max(row.profile as usize + 1), 0);
                        of_base[row.profile as usize] = id + 1;
                    }
                    id
                }
            };
            writer.push(key, Row { profile: id, ..row })
        })?;
        let ranges = self.ranges_that_count(now_us);
        writer.finish(self.epoch, &dictionary, ranges)
    }

    fn ranges_that_count(&self, now_us: i64) -> Vec<Range> {
        let all = self.base.ranges().list().iter().copied().chain(self.delta.listed());
        let counts = |range: &Range| {
            let row = self.delta.row(range.key()).unwrap_or_else(|| self.base.row(range.key()));
            row.is_some_and(|row| !row.ended(now_us))
        };
        all.filter(counts).collect()
    }

    /// The filter of this state for agents and gateways. What has ended is left out.
    pub fn filter(&self, now_us: i64) -> Result<Filter> {
        let changed = self.delta.sorted();
        let mut builder = FilterBuilder::new(self.epoch, self.rows());
        self.merged(&changed, |key, row, is_change| {
            let kind = if is_change { self.delta.kind(row) } else { self.base.kind(row) };
            match kind {
                Some(Kind::Cidr) => Ok(()),
                _ if row.ended(now_us) => Ok(()),
                _ => builder.push(key),
            }
        })?;
        builder.finish(self.ranges_that_count(now_us))
    }
}

#[cfg(test)]
mod tests;
