//! What a filter has to learn of a change.

use crate::frame::{begin, close, corrupt, open, take, take_u32, take_u64};
use crate::ranges::{Range, read_ranges, write_ranges};
use crate::{Key, fault, limits};
use base::{Fault, Result};
use std::collections::BTreeSet;

const MAGIC: &[u8; 8] = b"GFDL\x01\0\0\0";
const WHAT: &str = "change of the indicator filter";

/// Keys and ranges that came and went between two states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterDelta {
    /// The state it follows.
    pub from: u64,
    /// The state it leads to.
    pub to: u64,
    /// Keys that are listed now.
    pub added: BTreeSet<Key>,
    /// Keys that are not listed any more.
    pub removed: BTreeSet<Key>,
    /// Ranges that are listed now.
    pub ranges_added: BTreeSet<Range>,
    /// Ranges that are not listed any more.
    pub ranges_removed: BTreeSet<Range>,
}

fn note<T: Ord>(added: &mut BTreeSet<T>, removed: &mut BTreeSet<T>, item: T, was: bool, is: bool) {
    match (was, is) {
        // What went and came again within one step is no change, and the other way round.
        (false, true) => _ = removed.remove(&item) || added.insert(item),
        (true, false) => _ = added.remove(&item) || removed.insert(item),
        _ => {}
    }
}

impl FilterDelta {
    /// Notes whether a key was and is listed.
    pub(crate) fn key(&mut self, key: Key, was: bool, is: bool) {
        note(&mut self.added, &mut self.removed, key, was, is);
    }

    /// The same of a range.
    pub(crate) fn range(&mut self, range: Range, was: bool, is: bool) {
        note(&mut self.ranges_added, &mut self.ranges_removed, range, was, is);
    }

    /// How many keys and ranges it names.
    pub fn len(&self) -> usize {
        self.added.len() + self.removed.len() + self.ranges_added.len() + self.ranges_removed.len()
    }

    /// Whether filters stay as they are.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// This change and the next one as one. Fails when the next one does not follow.
    pub fn then(mut self, next: &FilterDelta) -> Result<FilterDelta> {
        follows(self.to, next)?;
        next.removed.iter().for_each(|key| self.key(*key, true, false));
        next.added.iter().for_each(|key| self.key(*key, false, true));
        next.ranges_removed.iter().for_each(|range| self.range(*range, true, false));
        next.ranges_added.iter().for_each(|range| self.range(*range, false, true));
        self.to = next.to;
        Ok(self)
    }

    /// As a message.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = begin(MAGIC);
        out.extend_from_slice(&self.from.to_le_bytes());
        out.extend_from_slice(&self.to.to_le_bytes());
        for keys in [&self.added, &self.removed] {
            write_keys(keys.iter().copied(), keys.len(), &mut out);
        }
        for ranges in [&self.ranges_added, &self.ranges_removed] {
            let mut sorted: Vec<Range> = ranges.iter().copied().collect();
            sorted.sort_unstable();
            write_ranges(&sorted, &mut out);
        }
        close(&mut out);
        out
    }

    /// From a message. Fails on anything that [`FilterDelta::encode`] would not have written.
    pub fn decode(message: &[u8]) -> Result<FilterDelta> {
        let mut bytes = open(message, MAGIC, WHAT)?;
        let (from, to) = (take_u64(&mut bytes, WHAT)?, take_u64(&mut bytes, WHAT)?);
        let mut keys = || Ok(read_keys(&mut bytes, WHAT)?.into_iter().collect());
        let (added, removed) = (keys()?, keys()?);
        let mut ranges = || -> Result<BTreeSet<Range>> {
            Ok(read_ranges(&mut bytes).ok_or_else(|| corrupt(WHAT, "its ranges"))?.into_iter().collect())
        };
        let (ranges_added, ranges_removed) = (ranges()?, ranges()?);
        if !bytes.is_empty() || from >= to {
            return Err(corrupt(WHAT, "its end or its numbers"));
        }
        Ok(FilterDelta { from, to, added, removed, ranges_added, ranges_removed })
    }
}

/// Fails when a change does not follow a state.
pub(crate) fn follows(state: u64, next: &FilterDelta) -> Result<()> {
    if next.from == state {
        return Ok(());
    }
    let fault = Fault::new(&fault::EPOCH).object("indicator filter");
    Err(fault.expected(format!("a change after {state}")).found(format!("{} to {}", next.from, next.to)))
}

/// Appends a count and keys.
pub(crate) fn write_keys(keys: impl Iterator<Item = Key>, count: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(count as u32).to_le_bytes());
    out.extend(keys.flat_map(|key| key.0.to_le_bytes()));
}

/// Reads what [`write_keys`] wrote.
pub(crate) fn read_keys(bytes: &mut &[u8], what: &'static str) -> Result<Vec<Key>> {
    let count = take_u32(bytes, what)? as usize;
    let rows = take(bytes, count.saturating_mul(8), what)?;
    if count > limits::INDEX_ROWS {
        return Err(corrupt(what, "too many keys"));
    }
    Ok(rows.as_chunks::<8>().0.iter().map(|row| Key(u64::from_le_bytes(*row))).collect())
}

/// The last changes, so that an agent that was away for a while need not fetch the whole filter.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    steps: std::collections::VecDeque<FilterDelta>,
    named: usize,
    limit: usize,
}

impl Changes {
    /// Keeps steps that together name at most so many keys and ranges; one part in a hundred of the index is plenty,
    /// for then it is built anew.
    pub fn new(limit: usize) -> Changes {
        Changes { limit, ..Changes::default() }
    }

    /// Takes the next step. Fails when it does not follow the last one; then the log is cleared.
    pub fn push(&mut self, step: FilterDelta) -> Result<()> {
        if let Some(last) = self.steps.back() {
            let followed = follows(last.to, &step);
            if followed.is_err() {
                self.steps.clear();
                self.named = 0;
            }
            followed?;
        }
        self.named += step.len() + 1;
        self.steps.push_back(step);
        while self.named > self.limit {
            let Some(oldest) = self.steps.pop_front() else { break };
            self.named -= oldest.len() + 1;
        }
        Ok(())
    }

    /// All changes after a state as one; `None` when they are not all kept, and the whole filter has to be sent.
    pub fn since(&self, state: u64) -> Option<FilterDelta> {
        let first = self.steps.iter().position(|step| step.from == state)?;
        let mut steps = self.steps.iter().skip(first);
        let begin = steps.next()?.clone();
        steps.try_fold(begin, |all, step| all.then(step)).ok()
    }
}
