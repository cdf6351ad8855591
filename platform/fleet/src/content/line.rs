//! What is published under one name: the whole, and the changes that lead to it and on from it.

use super::piece::Piece;
use super::{CHANGES, CHANGES_BYTES, Holding, Mark};
use crate::fault;
use base::{Fault, Result};
use std::collections::VecDeque;
use std::sync::Arc;

/// How far beyond [`CHANGES`] the changes since the last whole may grow before they are refused.
const OVERDUE: usize = 4;

/// What is published under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Published {
    /// Version that agents shall have.
    pub version: u64,
    /// Version of the last whole.
    pub base: u64,
    /// Changes since it.
    pub changes: usize,
    /// Whether a new whole is due: an agent without one has too long a way.
    pub whole_due: bool,
}

/// The pieces.
#[derive(Default)]
pub(crate) struct Line {
    base: Option<Arc<Piece>>,
    /// The whole before: who is half through it may end it.
    before: Option<Arc<Piece>>,
    /// What the first change changes.
    root: Mark,
    /// Each from the version of the one before.
    changes: VecDeque<Arc<Piece>>,
}

impl Line {
    fn base_version(&self) -> u64 {
        self.base.as_ref().map_or(0, |base| base.version)
    }

    fn tip(&self) -> u64 {
        self.changes.back().map_or(0, |change| change.version).max(self.base_version())
    }

    pub(crate) fn published(&self) -> Published {
        let base = self.base_version();
        let since = || self.changes.iter().filter(|change| change.version > base);
        let (changes, bytes) = (since().count(), since().map(|change| change.packed.len()).sum::<usize>());
        let whole_due = changes > CHANGES || bytes > CHANGES_BYTES;
        Published { version: self.tip(), base, changes, whole_due }
    }

    /// Whether an agent may be sent this piece to its end.
    pub(crate) fn keeps(&self, piece: &Arc<Piece>) -> bool {
        let wholes = [&self.base, &self.before];
        let whole = wholes.into_iter().flatten().any(|kept| Arc::ptr_eq(kept, piece));
        whole || self.changes.iter().any(|kept| Arc::ptr_eq(kept, piece))
    }

    /// Puts a whole in place: a newer version, or one that the changes passed already. Says whether it is new.
    pub(crate) fn put(&mut self, piece: Piece) -> Result<bool> {
        let stale = |expected: String| {
            let fault = Fault::new(&fault::CONTENT_STALE).object(piece.name.word());
            fault.expected(expected).found(piece.version)
        };
        if let Some(base) = self.base.as_ref().filter(|base| base.version == piece.version) {
            if base.sha256 == piece.sha256 {
                return Ok(false);
            }
            return Err(stale(format!("the same bytes again under version {}", piece.version)));
        }
        let passed = self.changes.iter().any(|change| change.version == piece.version);
        if piece.version <= self.base_version() || (piece.version < self.tip() && !passed) {
            return Err(stale(format!("a version above {}", self.tip())));
        }
        if piece.version > self.tip() {
            // Nobody gets here by changes.
            self.changes.clear();
        }
        self.before = self.base.replace(Arc::new(piece));
        self.trim();
        Ok(true)
    }

    /// Adds a change at the end.
    pub(crate) fn change(&mut self, piece: Piece) -> Result<()> {
        let fault = |code| Fault::new(code).object(piece.name.word());
        if piece.from != self.tip() || self.base.is_none() {
            return Err(fault(&fault::CONTENT_STALE)
                .expected(format!("a change from version {}", self.tip()))
                .found(piece.from));
        }
        let since = self.published();
        if since.changes >= CHANGES * OVERDUE {
            return Err(fault(&fault::CONTENT_CHAIN).expected(format!("a whole after {CHANGES} changes")));
        }
        if self.changes.is_empty() {
            self.root = self.base.as_ref().map(|base| base.mark()).unwrap_or_default();
        }
        self.changes.push_back(Arc::new(piece));
        self.trim();
        Ok(())
    }

    /// Drops old changes that lead to the whole; those that lead on from it stay.
    fn trim(&mut self) {
        let mut bytes: usize = self.changes.iter().map(|change| change.packed.len()).sum();
        while (self.changes.len() > CHANGES || bytes > CHANGES_BYTES)
            && self.changes.front().is_some_and(|oldest| oldest.version <= self.base_version())
            && let Some(oldest) = self.changes.pop_front()
        {
            bytes -= oldest.packed.len();
            self.root = oldest.mark();
        }
    }

    /// What an agent that holds this is to be sent next.
    pub(crate) fn next(&self, held: &Holding) -> Option<Arc<Piece>> {
        let base = self.base.as_ref()?;
        let heavy = held.chain_bytes > CHANGES_BYTES as u64;
        if heavy && held.base < base.version && base.version <= held.mark.version {
            return Some(base.clone());
        }
        if let Some(change) = self.changes.iter().find(|change| change.from == held.mark.version)
            && self.known(&held.mark)
        {
            return Some(change.clone());
        }
        (held.mark.version != self.tip() || !self.known(&held.mark)).then(|| base.clone())
    }

    /// The whole, when it holds at least what this change leads to: the way round a change that was refused.
    pub(crate) fn round(&self, change: &Piece) -> Option<Arc<Piece>> {
        self.base.clone().filter(|base| change.from > 0 && base.version >= change.version)
    }

    /// Whether a mark is one of ours: at a version there may be a whole and a change.
    fn known(&self, mark: &Mark) -> bool {
        let pieces = self.base.iter().chain(&self.changes).chain(&self.before);
        (mark.version > 0 && self.root == *mark) || pieces.into_iter().any(|piece| piece.mark() == *mark)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Name;
    use super::*;

    fn whole(version: u64) -> Piece {
        Piece::pack(Name::IntelFilter, 0, version, format!("whole {version}").as_bytes()).unwrap()
    }

    fn change(from: u64) -> Piece {
        Piece::pack(Name::IntelFilter, from, from + 1, format!("change {from}").as_bytes()).unwrap()
    }

    fn held(piece: &Piece) -> Holding {
        Holding { mark: piece.mark(), base: piece.version, chain_bytes: 0 }
    }

    fn next(line: &Line, held: &Holding) -> Option<(u64, u64)> {
        line.next(held).map(|piece| (piece.from, piece.version))
    }

    #[test]
    fn an_agent_gets_the_changes_from_where_it_is_or_the_whole() {
        let mut line = Line::default();
        assert_eq!(line.next(&Holding::default()), None);
        assert!(line.change(change(1)).unwrap_err().is(&fault::CONTENT_STALE), "nothing to change");
        assert!(line.put(whole(10)).unwrap());
        assert!(!line.put(whole(10)).unwrap(), "the same again is nothing new");
        assert_eq!(next(&line, &Holding::default()), Some((0, 10)));
        (10..13).for_each(|from| line.change(change(from)).unwrap());
        assert_eq!(next(&line, &held(&whole(10))), Some((10, 11)));
        assert_eq!(next(&line, &held(&change(11))), Some((12, 13)));
        assert_eq!(next(&line, &held(&change(12))), None, "it has everything");
        assert_eq!(next(&line, &held(&change(20))), Some((0, 10)), "one that we never published");
        let other = Holding { mark: Mark { version: 11, sha256: [1; 32] }, ..Holding::default() };
        assert_eq!(next(&line, &other), Some((0, 10)), "other bytes under the same number");
        // A whole of a version that the changes have passed: those behind come by changes all the same.
        assert!(line.put(whole(12)).unwrap());
        assert_eq!(next(&line, &held(&whole(10))), Some((10, 11)));
        assert_eq!(next(&line, &held(&whole(12))), Some((12, 13)));
        assert_eq!(next(&line, &held(&change(11))), Some((12, 13)), "the same version by a change");
        assert!(line.put(whole(11)).unwrap_err().is(&fault::CONTENT_STALE));
        // A whole that no change leads to.
        assert!(line.put(whole(30)).unwrap());
        assert_eq!(next(&line, &held(&change(12))), Some((0, 30)));
        let other = Piece::pack(Name::IntelFilter, 0, 30, b"other").unwrap();
        assert!(line.put(other).unwrap_err().is(&fault::CONTENT_STALE), "a version means one content");
    }

    #[test]
    fn changes_are_bounded_and_a_new_agent_always_finds_a_way() {
        let mut line = Line::default();
        line.put(whole(1)).unwrap();
        let mut version = 1;
        while line.change(change(version)).is_ok() {
            version += 1;
            assert_eq!(line.published().whole_due, line.published().changes > CHANGES);
        }
        assert_eq!(version, 1 + (CHANGES * OVERDUE) as u64);
        assert!(line.change(change(version)).unwrap_err().is(&fault::CONTENT_CHAIN));
        assert_eq!(next(&line, &held(&whole(1))), Some((1, 2)), "from the whole on everything is kept");
        line.put(whole(version)).unwrap();
        assert_eq!(line.changes.len(), CHANGES);
        line.change(change(version)).unwrap();
        assert_eq!(next(&line, &held(&whole(1))), Some((0, version)));
        let away = change(version - CHANGES as u64);
        assert_eq!(next(&line, &held(&away)).map(|(from, _)| from), Some(away.version));
    }

    #[test]
    fn an_agent_with_a_heavy_chain_gets_the_whole_below_it() {
        let mut line = Line::default();
        line.put(whole(1)).unwrap();
        (1..5).for_each(|from| line.change(change(from)).unwrap());
        let heavy = Holding { mark: change(4).mark(), base: 1, chain_bytes: CHANGES_BYTES as u64 + 1 };
        assert_eq!(next(&line, &heavy), None, "there is no other");
        line.put(whole(4)).unwrap();
        assert_eq!(next(&line, &heavy), Some((0, 4)));
        assert_eq!(next(&line, &Holding { base: 4, ..heavy }), None);
    }
}
