//! Distinct byte strings of a transaction, each with a number: equal strings have equal numbers.

use rapidhash::v3::rapidhash_v3;

/// Number of a string of one transaction.
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
    limit: usize,
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
    /// Holds at most `limit` bytes, at most 4 GiB.
    pub fn new(limit: usize) -> Arena {
        let limit = limit.min(u32::MAX as usize);
        let mut arena = Arena { bytes: Vec::new(), spans: Vec::new(), table: vec![0; TABLE], limit, exceeded: false };
        arena.clear();
        arena
    }

    /// Forgets all strings but keeps the memory, up to `kept` bytes of it.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(crate::limits::KEPT_BYTES);
        self.spans.clear();
        if self.table.len() > 16 * TABLE {
            self.table = vec![0; TABLE];
        } else {
            self.table.fill(0);
        }
        self.exceeded = false;
        self.intern(b"");
    }

    /// The number of a string. Beyond the bound it is that of the empty string.
    pub fn intern(&mut self, text: &[u8]) -> Id {
        let hash = rapidhash_v3(text);
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
        if self.bytes.len() + text.len() > self.limit {
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

    /// How many distinct strings there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Bytes they take.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
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
            prop_assert_eq!(arena.len(), seen.len());
        }
    }

    #[test]
    fn the_bound_is_kept_and_flagged() {
        let mut arena = Arena::new(10);
        assert!(arena.intern(b"0123456").is_some() && !arena.exceeded);
        assert_eq!(arena.intern(b"abcdefgh"), Id::EMPTY);
        assert!(arena.exceeded && arena.bytes() == 7);
        arena.clear();
        assert!(!arena.exceeded && arena.intern(b"abcdefgh").is_some());
    }
}
