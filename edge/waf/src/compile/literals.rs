//! Many short texts looked for at once, ASCII case aside.
//!
//! Of each text one window of four bytes is chosen (fewer, where it is shorter), the one least common in values. A string is walked once; at each byte looks into small maps of bits tell whether a text may stand here, and
//! only then the texts of that window are compared. On values that hold little of what is looked for this is faster than
//! an automaton, whose states do not stay in the cache.

use std::collections::HashMap;

/// Bits of a map, as a power of two: more make fewer looks in vain, and no longer stay in the fastest cache.
const BITS: u32 = 17;
/// Words of a map.
const WORDS: usize = 1 << (BITS - 6);
/// Heads of the lists of texts.
const HEADS: usize = 1 << 12;
/// Bytes that a window may have, longest first.
const WIDTHS: [u32; 4] = [4, 3, 2, 1];

/// A map of bits.
struct Map(Box<[u64; WORDS]>);

impl Map {
    fn new() -> Map {
        Map(Box::new([0; WORDS]))
    }

    fn set(&mut self, at: usize) {
        self.0[at / 64 % WORDS] |= 1 << (at % 64);
    }

    /// The bit, 0 or 1.
    fn bit(&self, at: usize) -> u64 {
        self.0[at / 64 % WORDS] >> (at % 64) & 1
    }
}

/// Where a text stands relative to its window.
struct Entry {
    /// The window's bytes.
    window: u32,
    /// How many they are.
    width: u32,
    text: u32,
    /// Bytes of the text before the window's end.
    before: u32,
}

/// The texts, ready to be looked for.
pub(crate) struct Literals {
    texts: Vec<Box<[u8]>>,
    /// Texts of one byte.
    singles: Vec<(u8, u32)>,
    /// By width: the hashes of windows that there are.
    maps: [Map; 3],
    /// By hash: where the entries of its windows begin.
    heads: Vec<u32>,
    entries: Vec<Entry>,
}

impl Literals {
    /// Of texts, none empty, in small letters.
    pub fn new(texts: &[Vec<u8>]) -> Literals {
        let mut maps = [Map::new(), Map::new(), Map::new()];
        let (mut singles, mut entries, mut shared) = (Vec::new(), Vec::new(), HashMap::new());
        for (text, number) in texts.iter().zip(0_u32..).filter(|(text, _)| !text.is_empty()) {
            let (window, width, before) = rarest(text, &shared);
            if let Some(map) = WIDTHS.iter().position(|known| *known == width).and_then(|at| maps.get_mut(at)) {
                map.set(hash(window, width));
                *shared.entry(window).or_insert(0) += 1;
                entries.push(Entry { window, width, text: number, before });
            } else {
                singles.push((text[0], number));
            }
        }
        entries.sort_unstable_by_key(|entry| (head(entry.window), entry.width, entry.window, entry.text));
        let mut heads = vec![0_u32; HEADS + 1];
        entries.iter().for_each(|entry| heads[head(entry.window) + 1] += 1);
        for at in 0..HEADS {
            heads[at + 1] += heads[at];
        }
        let texts = texts.iter().map(|text| text.clone().into_boxed_slice()).collect();
        Literals { texts, singles, maps, heads, entries }
    }

    /// Calls `found` with the number of each text that stands in the string, once each. `present`: the bytes of the string
    /// as bits; `seen` has a bit a text, none set.
    pub fn find(&self, string: &[u8], present: &[u64; 4], seen: &mut [u64], mut found: impl FnMut(u32)) {
        let mut report = |seen: &mut [u64], text: u32| {
            if !has(seen, text as usize) {
                set(seen, text as usize);
                found(text);
            }
        };
        for (byte, text) in &self.singles {
            if has(present, usize::from(*byte)) || has(present, usize::from(byte.to_ascii_uppercase())) {
                report(seen, *text);
            }
        }
        let [fours, threes, twos] = &self.maps;
        let mut last = 0_u32;
        for (at, byte) in string.iter().enumerate() {
            last = last << 8 | u32::from(byte.to_ascii_lowercase());
            let there =
                fours.bit(hash(last, 4)) | threes.bit(hash(last & mask(3), 3)) | twos.bit(hash(last & mask(2), 2));
            if there == 1 {
                self.compare(string, at + 1, last, seen, &mut report);
            }
        }
    }

    /// Reports the texts that stand around a window of the last bytes before `end`.
    fn compare(
        &self,
        string: &[u8],
        end: usize,
        last: u32,
        seen: &mut [u64],
        report: &mut impl FnMut(&mut [u64], u32),
    ) {
        for (map, width) in self.maps.iter().zip(WIDTHS) {
            let window = last & mask(width);
            if map.bit(hash(window, width)) == 0 {
                continue;
            }
            let head = head(window);
            for entry in &self.entries[self.heads[head] as usize..self.heads[head + 1] as usize] {
                let wanted = entry.window == window && entry.width == width && !has(seen, entry.text as usize);
                if wanted && self.stands(entry, string, end) {
                    report(seen, entry.text);
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

/// The last bytes of four.
const fn mask(width: u32) -> u32 {
    u32::MAX >> (32 - 8 * width)
}

/// The number of a window in a map; two bytes have room as they are.
fn hash(window: u32, width: u32) -> usize {
    if width == 2 { window as usize } else { (window.wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize }
}

/// The list of a window.
fn head(window: u32) -> usize {
    hash(window, 4) % HEADS
}

/// The window of a text that is least common in values and shared by the fewest texts, its width, and how many bytes of
/// the text stand before its end.
fn rarest(text: &[u8], shared: &HashMap<u32, u64>) -> (u32, u32, u32) {
    let width = WIDTHS.into_iter().find(|width| *width as usize <= text.len()).unwrap_or(1);
    let windows = text.windows(width as usize).zip(width..).map(|(bytes, before)| {
        let window = bytes.iter().fold(0, |window, byte| window << 8 | u32::from(*byte));
        let common: u64 = bytes.iter().map(|byte| commonness(*byte)).product();
        (common * (2 + shared.get(&window).copied().unwrap_or(0)), window, before)
    });
    windows.min().map_or((0, 1, 1), |(_, window, before)| (window, width, before))
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
