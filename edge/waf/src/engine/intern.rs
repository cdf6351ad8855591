//! Distinct byte strings, each with a number: equal strings have equal numbers.
//!
//! Strings of earlier transactions stay while they are few: what was found out about a header that every client sends, or
//! a name that every form has, is not found out again.

use crate::limits;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use std::hash::{BuildHasher, Hasher, RandomState};

/// Number of a string.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub(crate) struct Id(pub u32);

impl Id {
    /// The empty string.
    pub const EMPTY: Id = Id(0);
    /// No string.
    pub const NONE: Id = Id(u32::MAX);

    /// Whether there is one.
    pub fn is_some(self) -> bool {
        self != Id::NONE
    }
}

/// The strings.
pub(crate) struct Arena {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// Open addressing: number of a string + 1; 0 is free. Its length is a power of two.
    table: Vec<u32>,
    /// Of this memory alone, so that nobody can make strings that meet in the table.
    secrets: RapidSecrets,
    /// Bytes that one transaction may add.
    limit: usize,
    /// Strings and bytes before the transaction.
    before: (usize, usize),
    /// The bound was reached: a string was not kept.
    pub exceeded: bool,
}

struct Span {
    start: u32,
    len: u32,
    hash: u64,
}

const TABLE: usize = 512;

impl Arena {
    /// Takes at most `limit` bytes a transaction, at most 2 GiB.
    pub fn new(limit: usize) -> Arena {
        let mut arena = Arena {
            bytes: Vec::new(),
            spans: Vec::new(),
            table: vec![0; TABLE],
            secrets: RapidSecrets::seed(RandomState::new().build_hasher().finish()),
            limit: limit.min(u32::MAX as usize / 2),
            before: (0, 0),
            exceeded: false,
        };
        arena.clear();
        arena
    }

    /// Begins a transaction; true when all strings were forgotten, because they had become many.
    pub fn begin(&mut self) -> bool {
        let full = self.exceeded || self.spans.len() > limits::KNOWN_STRINGS || self.bytes.len() > limits::KNOWN_BYTES;
        if full {
            self.clear();
        }
        self.before = (self.spans.len(), self.bytes.len());
        full
    }

    /// Forgets all strings but keeps the memory, up to a bound.
    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(limits::KEPT_BYTES);
        self.spans.clear();
        if self.table.len() > 16 * TABLE {
            self.table = vec![0; TABLE];
        } else {
            self.table.fill(0);
        }
        self.exceeded = false;
        self.before = (0, 0);
        self.intern(b"");
    }

    /// The number of a string. Beyond the bound it is that of the empty string.
    pub fn intern(&mut self, text: &[u8]) -> Id {
        let hash = rapidhash_v3_seeded(text, &self.secrets);
        let mask = self.table.len() - 1;
        let mut slot = hash as usize & mask;
        while self.table[slot] != 0 {
            let number = self.table[slot] - 1;
            let span = &self.spans[number as usize];
            if span.hash == hash && self.get(Id(number)) == text {
                return Id(number);
            }
            slot = (slot + 1) & mask;
        }
        if self.bytes.len() - self.before.1 + text.len() > self.limit {
            self.exceeded = true;
            return Id::EMPTY;
        }
        let number = self.spans.len() as u32;
        self.spans.push(Span { start: self.bytes.len() as u32, len: text.len() as u32, hash });
        self.bytes.extend_from_slice(text);
        self.table[slot] = number + 1;
        if self.spans.len() * 2 > self.table.len() {
            self.grow();
        }
        Id(number)
    }

    fn grow(&mut self) {
        let mut table = vec![0; self.table.len() * 2];
        let mask = table.len() - 1;
        for (number, span) in self.spans.iter().enumerate() {
            let mut slot = span.hash as usize & mask;
            while table[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            table[slot] = number as u32 + 1;
        }
        self.table = table;
    }

    /// The string; empty for [`Id::NONE`].
    pub fn get(&self, id: Id) -> &[u8] {
        match self.spans.get(id.0 as usize) {
            Some(span) => &self.bytes[span.start as usize..][..span.len as usize],
            None => b"",
        }
    }

    /// How many strings the transaction added, and their bytes.
    pub fn added(&self) -> (usize, usize) {
        (self.spans.len() - self.before.0, self.bytes.len() - self.before.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn equal_strings_have_equal_numbers(texts in prop::collection::vec(prop::collection::vec(0_u8..4, 0..5), 0..2000)) {
            let mut arena = Arena::new(1 << 20);
            let mut seen: HashMap<Vec<u8>, Id> = HashMap::from([(Vec::new(), Id::EMPTY)]);
            for text in &texts {
                let id = arena.intern(text);
                prop_assert_eq!(arena.get(id), text.as_slice());
                prop_assert_eq!(*seen.entry(text.clone()).or_insert(id), id);
            }
            prop_assert_eq!(arena.spans.len(), seen.len());
        }
    }

    #[test]
    fn the_bound_is_kept_and_flagged() {
        let mut arena = Arena::new(10);
        assert!(arena.intern(b"0123456").is_some() && !arena.exceeded);
        assert_eq!(arena.intern(b"abcdefgh"), Id::EMPTY);
        assert!(arena.exceeded && arena.added() == (2, 7));
        assert!(arena.begin() && !arena.exceeded && arena.intern(b"abcdefgh").is_some());
    }

    #[test]
    fn strings_stay_known_while_they_are_few() {
        let mut arena = Arena::new(limits::STRING_BYTES);
        let first = arena.intern(b"Accept-Encoding");
        assert!(!arena.begin() && arena.added() == (0, 0));
        assert_eq!(arena.intern(b"Accept-Encoding"), first);
        assert_eq!(arena.added(), (0, 0));
        for number in 0..limits::KNOWN_STRINGS {
            arena.intern(number.to_string().as_bytes());
        }
        assert!(arena.begin() && arena.spans.len() == 1 && !arena.begin());
        arena.intern(&vec![b'a'; limits::KNOWN_BYTES + 1]);
        assert!(arena.begin());
    }
}
