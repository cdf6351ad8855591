//! Many short texts looked for at once, ASCII case aside.
//!
//! Of each text one window of four bytes is chosen (two, where it is shorter), the one least common in values. A string is
//! walked once; at each byte looks into small maps of bits tell whether a text may stand here, and only then the texts of
//! that window are compared. On values that hold little of what is looked for this is faster than an automaton, whose
//! states do not stay in the cache.

use std::collections::HashMap;

/// Words of the map of windows of four bytes, as a power of two: more make fewer looks in vain, and no longer stay in the
/// fastest cache.
const WORDS_LOG: u32 = 11;
/// Words of the map of windows of two bytes, a bit each.
const PAIRS: usize = (1 << 16) / 64;
/// Bytes looked at before texts are compared.
const CHUNK: usize = 64;
/// Heads of the lists of texts.
const HEADS: usize = 1 << 12;

/// Which windows of four bytes there are: each sets two bits of one word, so that a look in vain needs two chances.
struct Fours(Box<[u64; 1 << WORDS_LOG]>);

impl Fours {
    fn place(window: u32) -> (usize, u32, u32) {
        let hash = window.wrapping_mul(0x9e37_79b1);
        ((hash >> (32 - WORDS_LOG)) as usize, hash >> 15 & 63, hash >> 9 & 63)
    }

    fn set(&mut self, window: u32) {
        let (word, one, other) = Fours::place(window);
        self.0[word] |= 1 << one | 1 << other;
    }

    /// 1 when the window may be there, else 0.
    fn may(&self, window: u32) -> u64 {
        let (word, one, other) = Fours::place(window);
        self.0[word] >> one & self.0[word] >> other & 1
    }
}

/// Where a text stands relative to its window.
struct Entry {
    /// The window's bytes.
    window: u32,
    text: u32,
    /// Bytes of the text before the window's end.
    before: u32,
}

/// The texts, ready to be looked for.
pub(crate) struct Literals {
    texts: Vec<Box<[u8]>>,
    /// Texts of one byte.
    singles: Vec<(u8, u32)>,
    fours: Fours,
    /// Which windows of two bytes there are.
    pairs: Box<[u64; PAIRS]>,
    /// Texts with windows of four bytes, and of two.
    lists: [Lists; 2],
}

/// A place in a string where a text may stand.
#[derive(Clone, Copy, Default)]
struct Spot {
    /// Behind its last byte.
    end: usize,
    /// The last four bytes.
    last: u32,
    /// 1 for each list that may have their window.
    may: [u64; 2],
}

/// Entries by the hash of their windows.
struct Lists {
    /// By hash: where its entries begin.
    heads: Vec<u32>,
    entries: Vec<Entry>,
}

impl Lists {
    fn new(mut entries: Vec<Entry>) -> Lists {
        entries.sort_unstable_by_key(|entry| (head(entry.window), entry.window, entry.text));
        let mut heads = vec![0_u32; HEADS + 1];
        entries.iter().for_each(|entry| heads[head(entry.window) + 1] += 1);
        for at in 0..HEADS {
            heads[at + 1] += heads[at];
        }
        Lists { heads, entries }
    }

    fn of(&self, window: u32) -> impl Iterator<Item = &Entry> {
        let head = head(window);
        let entries = &self.entries[self.heads[head] as usize..self.heads[head + 1] as usize];
        entries.iter().filter(move |entry| entry.window == window)
    }
}

impl Literals {
    /// Of texts, none empty, in small letters.
    pub fn new(texts: &[Vec<u8>]) -> Literals {
        let (mut fours, mut pairs) = (Fours(Box::new([0; 1 << WORDS_LOG])), Box::new([0; PAIRS]));
        let (mut singles, mut shared) = (Vec::new(), HashMap::new());
        let mut lists = [Vec::new(), Vec::new()];
        for (bytes, text) in texts.iter().zip(0_u32..).filter(|(text, _)| !text.is_empty()) {
            let width = match bytes.len() {
                1 => {
                    singles.push((bytes[0], text));
                    continue;
                }
                2 | 3 => 2,
                _ => 4,
            };
            let (window, before) = rarest(bytes, width, &shared);
            *shared.entry(window).or_insert(0) += 1;
            if width == 4 {
                fours.set(window);
            } else {
                set(&mut *pairs, window as usize);
            }
            lists[usize::from(width == 2)].push(Entry { window, text, before });
        }
        let texts = texts.iter().map(|text| text.clone().into_boxed_slice()).collect();
        Literals { texts, singles, fours, pairs, lists: lists.map(Lists::new) }
    }

    /// Calls `found` with the number of each text that stands in the string, once each. `present`: the bytes of the string
    /// as bits; `seen` has a bit a text, none set.
    pub fn find(&self, string: &[u8], present: &[u64; 4], seen: &mut [u64], mut found: impl FnMut(u32)) {
        for (byte, text) in &self.singles {
            let there = has(present, usize::from(*byte)) || has(present, usize::from(byte.to_ascii_uppercase()));
            if there && !has(seen, *text as usize) {
                set(seen, *text as usize);
                found(*text);
            }
        }
        let (mut last, mut spots) = (0_u32, [Spot::default(); CHUNK]);
        for (chunk, begin) in string.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
            let mut count = 0;
            for (byte, end) in chunk.iter().zip(begin + 1..) {
                last = last << 8 | u32::from(byte.to_ascii_lowercase());
                let pair = last as usize & 0xffff;
                let may = [self.fours.may(last), self.pairs[pair / 64] >> (pair % 64) & 1];
                // Without a branch, which would be guessed wrong at every tenth byte of prose.
                spots[count % CHUNK] = Spot { end, last, may };
                count += (may[0] | may[1]) as usize;
            }
            spots[..count.min(CHUNK)].iter().for_each(|spot| self.compare(string, *spot, seen, &mut found));
        }
    }

    /// Reports the texts that stand around the last bytes before the end of a spot.
    #[inline(never)]
    fn compare(&self, string: &[u8], spot: Spot, seen: &mut [u64], found: &mut impl FnMut(u32)) {
        let windows = [spot.last, spot.last & 0xffff];
        for ((lists, may), window) in self.lists.iter().zip(spot.may).zip(windows) {
            if may == 0 {
                continue;
            }
            for entry in lists.of(window) {
                if !has(seen, entry.text as usize) && self.stands(entry, string, spot.end) {
                    set(seen, entry.text as usize);
                    found(entry.text);
                }
            }
        }
    }

    /// Whether the text of an entry stands around a window that ends before `end`.
    fn stands(&self, entry: &Entry, string: &[u8], end: usize) -> bool {
        let text = &self.texts[entry.text as usize];
        let start = end.checked_sub(entry.before as usize);
        let here = start.and_then(|start| string.get(start..start + text.len()));
        here.is_some_and(|here| here.eq_ignore_ascii_case(text))
    }
}

fn set(bits: &mut [u64], at: usize) {
    bits[at / 64] |= 1 << (at % 64);
}

fn has(bits: &[u64], at: usize) -> bool {
    bits[at / 64] & 1 << (at % 64) != 0
}

/// The list of a window.
fn head(window: u32) -> usize {
    (window.wrapping_mul(0x9e37_79b1) >> 20) as usize % HEADS
}

/// The window of this width of a text that is least common in values and shared by the fewest texts, and how many bytes of
/// the text stand before its end.
fn rarest(text: &[u8], width: usize, shared: &HashMap<u32, u64>) -> (u32, u32) {
    let windows = text.windows(width).zip(width as u32..).map(|(bytes, before)| {
        let window = bytes.iter().fold(0, |window, byte| window << 8 | u32::from(*byte));
        let common: u64 = bytes.iter().map(|byte| commonness(*byte)).product();
        (common * (2 + shared.get(&window).copied().unwrap_or(0)), window, before)
    });
    windows.min().map_or((0, 0), |(_, window, before)| (window, before))
}

/// How common a small letter, a digit or a mark is in values, roughly.
fn commonness(byte: u8) -> u64 {
    match byte {
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b' ' => 12,
        b'h' | b'l' | b'd' | b'c' | b'u' | b'm' => 8,
        b'f' | b'p' | b'g' | b'w' | b'y' | b'b' | b'0' | b'1' | b'2' => 5,
        b'v' | b'k' | b'3'..=b'9' | b'-' | b'.' | b'/' | b'_' | b'=' | b',' | b':' => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(texts: &[Vec<u8>], string: &[u8]) -> Vec<u32> {
        let literals = Literals::new(texts);
        let mut all = Vec::new();
        literals.find(string, &crate::compile::scan::present(string), &mut vec![0; texts.len().div_ceil(64)], |text| {
            all.push(text)
        });
        all.sort_unstable();
        all
    }

    #[test]
    fn texts_are_found_wherever_they_stand() {
        let texts: Vec<Vec<u8>> =
            ["select", "or", "=", "sel", "\0a", "\0\0b", "ect", "on("].map(|text| text.into()).into();
        assert_eq!(found(&texts, b"SELECT"), [0, 3, 6]);
        assert_eq!(found(&texts, b"oR"), [1]);
        assert_eq!(found(&texts, b"x=on("), [2, 7]);
        assert_eq!(found(&texts, b"\0A"), [4]);
        assert_eq!(found(&texts, b"b"), [0_u32; 0]);
        assert_eq!(found(&texts, b"a"), [0_u32; 0]);
        assert_eq!(found(&texts, b""), [0_u32; 0]);
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_stands_there(
            texts in prop::collection::btree_set(prop::collection::vec(prop::sample::select(b"ab\0c".to_vec()), 1..6), 0..30),
            string in prop::collection::vec(prop::sample::select(b"abABc\0".to_vec()), 0..40),
        ) {
            let texts: Vec<Vec<u8>> = texts.into_iter().collect();
            let small = string.to_ascii_lowercase();
            let stands = |text: &Vec<u8>| small.windows(text.len()).any(|window| window == &text[..]);
            let wanted: Vec<u32> = (0..texts.len() as u32).filter(|text| stands(&texts[*text as usize])).collect();
            prop_assert_eq!(found(&texts, &string), wanted);
        }
    }
}
