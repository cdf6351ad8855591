//! How often something was seen, and from how many sources: one source alone proves nothing.

use super::Need;
use serde::{Deserialize, Serialize};

/// Distinct sources that are remembered; more prove no more.
const SOURCES: usize = 4;

/// How often, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Evidence {
    pub count: u32,
    sources: [u32; SOURCES],
    known: u8,
}

impl Evidence {
    /// Seen once more.
    pub fn see(&mut self, source: u64) {
        self.count = self.count.saturating_add(1);
        self.know((source ^ source >> 32) as u32);
    }

    fn know(&mut self, source: u32) {
        let known = usize::from(self.known);
        if known < SOURCES && !self.sources[..known].contains(&source) {
            self.sources[known] = source;
            self.known += 1;
        }
    }

    /// What two have seen.
    pub fn merge(&mut self, other: &Evidence) {
        self.count = self.count.saturating_add(other.count);
        other.sources[..usize::from(other.known)].iter().for_each(|source| self.know(*source));
    }

    /// Whether it proves something.
    pub fn enough(&self, need: &Need) -> bool {
        self.count >= need.requests && usize::from(self.known) >= usize::from(need.sources).min(SOURCES)
    }

    /// The only source that was seen, when it is only one.
    pub fn only_source(&self) -> Option<u32> {
        (self.known == 1).then_some(self.sources[0])
    }

    /// Whether it is more than one source's doing: what a rare but real value looks like.
    pub fn shared(&self, need: &Need) -> bool {
        usize::from(self.known) >= usize::from(need.sources).min(SOURCES)
    }
}
