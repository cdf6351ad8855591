//! The tables: what a word is, and which fingerprints are injections.

use super::token::{Kind, TEXT};
use std::sync::LazyLock;

static WORDS: LazyLock<Words> = LazyLock::new(|| Words::new(include_str!("../../data/words.txt")));
static LISTED: LazyLock<Vec<u32>> = LazyLock::new(|| listed(include_str!("../../data/fingerprints.txt")));

/// Slots of the table of words, a power of two well above their number.
const SLOTS: usize = 4096;

/// Words by hash, open addressing; case does not matter.
struct Words {
    slots: Vec<(&'static str, Kind)>,
}

impl Words {
    fn new(text: &'static str) -> Words {
        let mut words = Words { slots: vec![("", Kind::None); SLOTS] };
        for line in lines(text) {
            let mut fields = line.split('\t');
            let kind = Kind::of_word(fields.next().and_then(|field| field.bytes().next()).unwrap_or(b'n'));
            for word in fields {
                let slot = words.slot(word.as_bytes());
                words.slots[slot] = (word, kind);
            }
        }
        words
    }

    /// The slot where the word is or would be.
    fn slot(&self, word: &[u8]) -> usize {
        let hash = word.iter().fold(0x811C_9DC5_u32, |hash, byte| {
            (hash ^ u32::from(byte.to_ascii_uppercase())).wrapping_mul(0x0100_0193)
        });
        let mut slot = (hash ^ (hash >> 15)) as usize % SLOTS;
        while !self.slots[slot].0.is_empty() && !self.slots[slot].0.as_bytes().eq_ignore_ascii_case(word) {
            slot = (slot + 1) % SLOTS;
        }
        slot
    }
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with("##"))
}

/// The kind of a word, phrase or operator, if the tables have it.
pub(super) fn lookup(word: &[u8]) -> Option<Kind> {
    if word.is_empty() || word.len() > TEXT {
        return None;
    }
    let (found, kind) = WORDS.slots[WORDS.slot(word)];
    (!found.is_empty()).then_some(kind)
}

/// Whether a fingerprint is on the list. The list knows no case: a function and the name of a type stand for `F`, `T`.
pub(super) fn is_listed(fingerprint: &[u8]) -> bool {
    packed(fingerprint).is_some_and(|key| LISTED.binary_search(&key).is_ok())
}

fn listed(text: &'static str) -> Vec<u32> {
    let mut keys = Vec::new();
    for line in lines(text) {
        let (head, lasts) = line.split_once('\t').unwrap_or(("", line));
        for last in lasts.bytes() {
            let whole: Vec<u8> = head.bytes().chain([last]).collect();
            keys.extend(packed(&whole));
        }
    }
    keys.sort_unstable();
    keys
}

/// Five bits a letter; `None` when a letter stands in no listed fingerprint.
fn packed(fingerprint: &[u8]) -> Option<u32> {
    fingerprint.iter().try_fold(0, |key, letter| {
        let code: u32 = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => u32::from(letter - b'A') + 1,
            b'&' => 27,
            b'(' => 28,
            b')' => 29,
            b',' => 30,
            b'1' => 31,
            b';' => 10,
            b':' => 17,
            _ => return None,
        };
        Some(key << 5 | code)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole() {
        assert_eq!(WORDS.slots.iter().filter(|(word, _)| !word.is_empty()).count(), 985);
        assert_eq!(LISTED.len(), 8367);
        let mut keys = LISTED.clone();
        keys.dedup();
        assert_eq!(keys.len(), 8367, "two letters share a code");
        assert_eq!(lookup(b"uNion aLL"), Some(Kind::Union));
        assert_eq!(lookup(b"nothing"), None);
        assert!(is_listed(b"s&1c") && !is_listed(b"nn"));
    }
}
