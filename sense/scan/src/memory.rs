//! Files that were scanned and have not changed since, as fingerprints under a secret key: eight bytes a file, and nobody
//! can make a file that looks like one that was scanned.

use base::Random;
use ring::digest::{Context, SHA256};
use std::collections::HashSet;

/// What tells a file and its content apart without reading it. Times are ns; the time of change cannot be set by its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Device (`st_dev`).
    pub device: u64,
    /// Inode.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Last change of the content.
    pub modified_ns: i128,
    /// Last change of content or attributes.
    pub changed_ns: i128,
}

/// The fingerprints, in two generations: when the young one is full the old one is forgotten and the young one grows old.
pub struct Memory {
    key: [u8; 32],
    version: String,
    half: usize,
    young: HashSet<u64>,
    old: HashSet<u64>,
}

impl Memory {
    /// Nothing known, for at most so many files.
    pub fn new(most: usize, random: &dyn Random) -> Memory {
        let mut key = [0; 32];
        random.fill(&mut key);
        Memory::restored(most, key, String::new(), Vec::new())
    }

    /// What was known before.
    pub fn restored(most: usize, key: [u8; 32], version: String, seen: Vec<u64>) -> Memory {
        let half = (most / 2).max(1);
        let mut seen = seen.into_iter();
        let (young, old) = (seen.by_ref().take(half).collect(), seen.take(half).collect());
        Memory { key, version, half, young, old }
    }

    /// Key, version and fingerprints, for the disk.
    pub fn parts(&self) -> (&[u8; 32], &str, Vec<u64>) {
        (&self.key, &self.version, self.young.iter().chain(&self.old).copied().collect())
    }

    /// Forgets everything that was scanned with other rules.
    pub fn set_version(&mut self, version: &str) {
        if self.version != version {
            self.version = version.to_owned();
            self.young.clear();
            self.old.clear();
        }
    }

    /// Whether this content was scanned.
    pub fn knows(&mut self, facts: &Facts) -> bool {
        let print = self.print(facts);
        if self.young.contains(&print) {
            return true;
        }
        let known = self.old.remove(&print);
        if known {
            self.insert(print);
        }
        known
    }

    /// Notes that it was.
    pub fn learn(&mut self, facts: &Facts) {
        let print = self.print(facts);
        self.insert(print);
    }

    /// How many files are known.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn insert(&mut self, print: u64) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(print);
    }

    fn print(&self, facts: &Facts) -> u64 {
        let mut hash = Context::new(&SHA256);
        hash.update(&self.key);
        hash.update(self.version.as_bytes());
        for number in [facts.device, facts.inode, facts.size] {
            hash.update(&number.to_le_bytes());
        }
        hash.update(&facts.modified_ns.to_le_bytes());
        hash.update(&facts.changed_ns.to_le_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finish().as_ref()[..8]);
        u64::from_le_bytes(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SeededRandom;

    fn facts(inode: u64) -> Facts {
        Facts { device: 1, inode, size: 10, modified_ns: 5, changed_ns: 6 }
    }

    #[test]
    fn any_change_and_other_rules_make_a_file_unknown() {
        let mut memory = Memory::new(100, &SeededRandom::new(1));
        memory.set_version("a");
        memory.learn(&facts(1));
        assert!(memory.knows(&facts(1)));
        let changed = [
            facts(2),
            Facts { device: 2, ..facts(1) },
            Facts { size: 11, ..facts(1) },
            Facts { modified_ns: 6, ..facts(1) },
            Facts { changed_ns: 7, ..facts(1) },
        ];
        assert!(changed.iter().all(|facts| !memory.knows(facts)));
        memory.set_version("b");
        assert!(!memory.knows(&facts(1)));
    }

    #[test]
    fn it_stays_within_its_bound_and_keeps_what_is_asked_for() {
        let mut memory = Memory::new(100, &SeededRandom::new(1));
        memory.learn(&facts(0));
        for inode in 1..1000 {
            memory.learn(&facts(inode));
            assert!(memory.len() <= 100 && memory.knows(&facts(0)), "{inode}");
        }
        assert!(!memory.knows(&facts(1)));
    }

    #[test]
    fn what_was_known_is_known_after_a_restart() {
        let mut memory = Memory::new(100, &SeededRandom::new(1));
        memory.set_version("a");
        memory.learn(&facts(1));
        let (key, version, seen) = memory.parts();
        let mut again = Memory::restored(100, *key, version.to_owned(), seen);
        again.set_version("a");
        assert!(again.knows(&facts(1)) && !again.knows(&facts(2)) && !again.is_empty());
    }
}
