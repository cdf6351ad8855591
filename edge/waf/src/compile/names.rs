//! What the rules name: names of `TX` have a number each, so that none is looked up while a request runs, and the
//! variables that are read at all are known, so that others need not be made.

use regex::bytes::Regex;
use std::collections::HashMap;

/// The names.
pub(crate) struct Names {
    names: Vec<Box<[u8]>>,
    slots: HashMap<Vec<u8>, u32>,
    /// Bits of what rules and macros read, see [`crate::variable::Source::bits`].
    pub reads: u128,
    /// How many patterns of names there are.
    pub patterns: u32,
}

/// `TX:0` to `TX:9`, what groups took, have the first numbers.
pub(crate) const CAPTURES: u32 = 10;

impl Names {
    pub fn new() -> Names {
        let mut names = Names { names: Vec::new(), slots: HashMap::new(), reads: 0, patterns: 0 };
        for digit in b'0'..=b'9' {
            names.slot(&[digit]);
        }
        names
    }

    /// The number of a name, which is given one if it is new. ASCII case aside.
    pub fn slot(&mut self, name: &[u8]) -> u32 {
        let lower = name.to_ascii_lowercase();
        let next = self.names.len() as u32;
        let slot = *self.slots.entry(lower).or_insert(next);
        if slot == next {
            self.names.push(name.into());
        }
        slot
    }

    /// The number of a name, if it has one.
    pub fn find(&self, name: &[u8]) -> Option<u32> {
        self.slots.get(name.to_ascii_lowercase().as_slice()).copied()
    }

    /// The name of a number.
    pub fn name(&self, slot: u32) -> &[u8] {
        self.names.get(slot as usize).map_or(b"", |name| name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Numbers of the names that a pattern finds.
    pub fn matching(&self, regex: &Regex) -> Vec<u32> {
        (0..self.len() as u32).filter(|slot| regex.is_match(self.name(*slot))).collect()
    }
}
