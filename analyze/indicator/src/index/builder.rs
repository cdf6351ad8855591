//! Building an image from indicators in any order.

use super::base::Writer;
use super::dictionary::Dictionary;
use super::facts::{Facts, Row};
use crate::ranges::Range;
use crate::{Indicator, Key, Kind, fault, limits};
use base::{Fault, Result};
use std::io::Write;

/// Key in the order of bytes, and the row behind it: seventeen bytes an indicator until the image is written.
type Entry = [u8; 8 + Row::BYTES];

/// Collects indicators for an image.
#[derive(Debug, Default)]
pub struct Builder {
    entries: Vec<Entry>,
    dictionary: Dictionary,
    ranges: Vec<Range>,
}

/// Number of facts that many values share ([`Builder::shared`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    row: Row,
    kind: Kind,
}

impl Builder {
    /// A builder with room for so many values.
    pub fn with_capacity(values: usize) -> Builder {
        Builder { entries: Vec::with_capacity(values.min(limits::INDEX_ROWS)), ..Builder::default() }
    }

    /// Facts that many values share, such as the lines of a feed: saves looking at the names for each value.
    pub fn shared(&mut self, facts: &Facts) -> Result<Shared> {
        let profile = self.dictionary.intern(facts).ok_or_else(full)?;
        Ok(Shared { row: Row::new(profile, facts.last_us, facts.valid_until_us), kind: facts.kind })
    }

    /// A value in its canonical form with shared facts.
    pub fn put_shared(&mut self, value: &str, facts: Shared) -> Result<()> {
        if self.entries.len() >= limits::INDEX_ROWS || self.ranges.len() >= limits::INDEX_RANGES {
            return Err(full());
        }
        let mut entry: Entry = [0; 8 + Row::BYTES];
        entry[..8].copy_from_slice(&Key::of(facts.kind, value).0.to_be_bytes());
        entry[8..].copy_from_slice(&facts.row.write());
        if facts.kind == Kind::Cidr {
            self.ranges.push(Range::from_canonical(value)?);
        }
        self.entries.push(entry);
        Ok(())
    }

    /// A value in its canonical form with its facts.
    pub fn put(&mut self, value: &str, facts: &Facts) -> Result<()> {
        let shared = self.shared(facts)?;
        self.put_shared(value, shared)
    }

    /// An indicator; one without a valid claim is left out. Says whether it was taken.
    pub fn indicator(&mut self, indicator: &Indicator, now_us: i64) -> Result<bool> {
        match Facts::of(indicator, now_us) {
            None => Ok(false),
            Some(facts) => self.put(&indicator.value, &facts).map(|()| true),
        }
    }

    /// How many values were put.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none was put.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Writes the image of what was put; of equal values the last one counts. Says how many rows it has.
    pub fn finish(mut self, epoch: u64, out: &mut impl Write) -> Result<usize> {
        // Stable, so that the last one of equal keys is the one put last.
        self.entries.sort_by_key(key);
        let mut writer = Writer::new(out, self.entries.len());
        let mut entries = self.entries.iter().peekable();
        while let Some(entry) = entries.next() {
            if entries.peek().is_none_or(|next| key(next) != key(entry)) {
                let row = entry.last_chunk().copied().unwrap_or_default();
                writer.push(Key(key(entry)), Row::read(row))?;
            }
        }
        writer.finish(epoch, &self.dictionary, self.ranges)
    }
}

fn key(entry: &Entry) -> u64 {
    entry.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn full() -> Fault {
    let expected = format!("at most {} values and {} ranges", limits::INDEX_ROWS, limits::INDEX_RANGES);
    Fault::new(&fault::FULL).object("indicator index").expected(expected)
}
