//! One score a request: the highest of its values'.

use crate::category::{Counts, category};
use crate::fault::{CALIBRATION, FEATURES};
use crate::feature;
use crate::memory::{Found, Memory};
use crate::text::Text;
use base::{Fault, Result};
use forest::Forest;
use std::sync::Arc;
use waf::Hit;

/// Values longer than this are judged in pieces, bytes.
const PIECE: usize = 2048;
/// What a piece shares with the one before, bytes: an injection is not cut in two.
const SHARED: usize = 256;
/// Most pieces of a value: the first ones and the last one; padding costs the sender more than us.
const PIECES: usize = 16;
/// Most values of a request that are not plain, the shortest first; the rest is left to the rules.
const VALUES: usize = 512;
/// Most bytes of pieces of a request.
const BYTES: usize = 128 * 1024;

/// Longest key that is told, bytes.
const KEY: usize = 256;

/// A value that the client chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'v> {
    /// Where it stood, as rules name it: `ARGS`, `REQUEST_COOKIES`, `REQUEST_FILENAME`.
    pub variable: &'static str,
    /// Its key there.
    pub key: &'v [u8],
    /// The value, decoded as its place says.
    pub value: &'v [u8],
}

/// What the model thinks of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Score {
    /// Probability that it is an attack, 0 to 1.
    pub probability: f32,
    /// Variable of the value that made it.
    pub variable: &'static str,
    /// Its key, cut.
    pub key: Vec<u8>,
    /// Whether any value is SQL or script to the tokenizers: such a request is never cleared.
    pub injection: bool,
    /// Values that were put before the trees; the others were plain.
    pub judged: usize,
    /// Values were left aside because a limit was reached.
    pub exceeded: bool,
}

/// Where the bands begin, as the training found them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bands {
    /// At most this: as clean as texts known to be.
    pub lower_at: f32,
    /// At least this: an attack, with at most one benign request in a thousand among them.
    pub raise_at: f32,
}

/// A trained model: read once, shared by all threads.
#[derive(Debug, Clone)]
pub struct Scorer {
    forest: Forest,
    slope: f64,
    offset: f64,
    bands: Bands,
    memory: Arc<Memory>,
}

impl Scorer {
    /// Reads a model that `make train-waf` wrote.
    ///
    /// # Errors
    /// Those of [`Forest::read`]; [`FEATURES`] when it was trained on other features; [`CALIBRATION`] when the lines on
    /// calibration and bands are missing.
    pub fn read(text: &str) -> Result<Scorer> {
        let forest = Forest::read(text)?;
        let names = feature::names();
        if forest.names() != names {
            let differs = names.iter().zip(forest.names()).find(|(ours, theirs)| ours != theirs);
            let found = differs.map_or_else(|| format!("{} features", forest.names().len()), |(_, name)| name.clone());
            let expected = differs.map_or_else(|| format!("{} features", names.len()), |(name, _)| name.clone());
            return Err(Fault::new(&FEATURES).object("model").expected(expected).found(found));
        }
        let [slope, offset] = pair(text, "garrison_calibration")?;
        let [lower_at, raise_at] = pair(text, "garrison_bands")?;
        // A model that is the less sure the more speaks for an attack, or that raises everything, is none.
        let wrong = |key: &str, expected: &str| Fault::new(&CALIBRATION).object(key).expected(expected);
        if slope <= 0.0 {
            return Err(wrong("garrison_calibration", "a slope above 0").found(slope));
        }
        if !(0.0 <= lower_at && lower_at < raise_at && raise_at <= 1.0) {
            return Err(
                wrong("garrison_bands", "0 <= lower_at < raise_at <= 1").found(format!("{lower_at} {raise_at}"))
            );
        }
        let bands = Bands { lower_at: lower_at as f32, raise_at: raise_at as f32 };
        Ok(Scorer { forest, slope, offset, bands, memory: Arc::new(Memory::new()) })
    }

    /// Where the bands begin.
    pub fn bands(&self) -> Bands {
        self.bands
    }

    /// Judges a request by its values and the rules that held.
    pub fn judge<'v>(&self, values: impl IntoIterator<Item = Value<'v>>, hits: &[Hit]) -> Score {
        let known: Vec<_> = hits.iter().filter_map(|hit| Some((hit, category(hit)?))).collect();
        let mut spoken = vec![false; known.len()];
        let mut best = Score::default();
        let mut row = Vec::with_capacity(256);
        let mut given = Vec::new();
        for value in values {
            let mut counts = Counts::default();
            for ((hit, category), spoken) in known.iter().zip(&mut spoken) {
                if is_about(hit, &value) {
                    counts.add(*category);
                    *spoken = true;
                }
            }
            if counts.any() || !is_plain(value.value) {
                given.push((value, counts));
            }
        }
        // Who pads does so with more than the attack is long.
        given.sort_by_key(|(value, _)| value.value.len());
        let (mut room, all) = (BYTES, given.len());
        given.truncate(VALUES);
        let within = given.iter().take_while(|(value, _)| {
            let size = value.value.len().min(PIECES * PIECE);
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        });
        let mut judged = 0;
        for (value, counts) in within {
            self.weigh(value, counts, &mut row, &mut best);
            judged += 1;
        }
        best.exceeded = judged < all;
        // What rules found where no value of the list stands: a whole body, the text of a document, a file's name.
        for (index, (hit, _)) in known.iter().enumerate() {
            if spoken[index] {
                continue;
            }
            let mut counts = Counts::default();
            for ((other, category), spoken) in known.iter().zip(&mut spoken) {
                if (other.variable, &other.key) == (hit.variable, &hit.key) {
                    counts.add(*category);
                    *spoken = true;
                }
            }
            let value = Value { variable: hit.variable, key: &hit.key, value: &hit.value };
            self.weigh(&value, &counts, &mut row, &mut best);
        }
        best
    }

    fn weigh(&self, value: &Value<'_>, counts: &Counts, row: &mut Vec<f32>, best: &mut Score) {
        let mut judged = false;
        for piece in pieces(value.value) {
            if !counts.any() && is_plain(piece) {
                continue;
            }
            let found = if counts.any() {
                self.find(piece, counts, row)
            } else {
                self.memory.recall(piece, || self.find(piece, counts, row))
            };
            judged |= found.probability > 0.0;
            best.injection |= found.injection;
            if found.probability > best.probability {
                best.probability = found.probability;
                best.variable = value.variable;
                best.key = value.key[..value.key.len().min(KEY)].to_vec();
            }
        }
        best.judged += usize::from(judged);
    }

    fn find(&self, piece: &[u8], counts: &Counts, row: &mut Vec<f32>) -> Found {
        let text = Text::new(piece);
        if !counts.any() && is_harmless(&text) {
            return Found { probability: 0.0, injection: false };
        }
        feature::measure(&text, counts, row);
        let injection = text.spoken().plain_sql || text.spoken().plain_script;
        Found { probability: self.probability(row), injection }
    }

    fn probability(&self, row: &[f32]) -> f32 {
        let raw = self.slope * self.forest.raw(row) + self.offset;
        (1.0 / (1.0 + (-raw).exp())) as f32
    }
}

/// The rows that the model sees of one value with these hits on it; none where it is plain. For training.
pub fn rows(value: &Value<'_>, hits: &[Hit]) -> Vec<Vec<f32>> {
    let mut counts = Counts::default();
    hits.iter().filter(|hit| is_about(hit, value)).filter_map(category).for_each(|category| counts.add(category));
    let mut rows = Vec::new();
    for piece in pieces(value.value) {
        let text = Text::new(piece);
        if counts.any() || !(is_plain(piece) || is_harmless(&text)) {
            let mut row = Vec::new();
            feature::measure(&text, &counts, &mut row);
            rows.push(row);
        }
    }
    rows
}

fn pair(text: &str, key: &str) -> Result<[f64; 2]> {
    let fault = || Fault::new(&CALIBRATION).object(key).expected("two numbers");
    let header = text.lines().take_while(|line| !line.starts_with("Tree="));
    let line = header.filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).next().ok_or_else(fault)?;
    let numbers: Option<Vec<f64>> = line.split_ascii_whitespace().map(|word| word.parse().ok()).collect();
    let pair = numbers.and_then(|numbers| <[f64; 2]>::try_from(numbers).ok());
    pair.filter(|pair| pair.iter().all(|number| number.is_finite())).ok_or_else(|| fault().found(line))
}

/// Whether a hit speaks of a value. Arguments have several names among rules.
fn is_about(hit: &Hit, value: &Value<'_>) -> bool {
    let same = match value.variable {
        "ARGS" => matches!(hit.variable, "ARGS" | "ARGS_GET" | "ARGS_POST"),
        "ARGS_NAMES" => matches!(hit.variable, "ARGS_NAMES" | "ARGS_GET_NAMES" | "ARGS_POST_NAMES"),
        "REQUEST_FILENAME" => matches!(hit.variable, "REQUEST_FILENAME" | "REQUEST_BASENAME" | "PATH_INFO"),
        variable => variable == hit.variable,
    };
    same && (hit.key.eq_ignore_ascii_case(value.key) || value.variable == "REQUEST_FILENAME")
}

/// A value in pieces: whole when short; else overlapping ones from the front, and the last.
fn pieces(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let step = PIECE - SHARED;
    let count = if value.len() <= PIECE { 1 } else { (value.len() - SHARED).div_ceil(step) };
    (0..count.min(PIECES)).map(move |index| {
        let last = index + 1 == PIECES && count > PIECES;
        let start = if last { value.len() - PIECE } else { index * step };
        &value[start..value.len().min(start + PIECE)]
    })
}

/// Bytes that no attack is made of alone, and too short to hide base64: passed by before anything is computed.
fn is_plain(value: &[u8]) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    value.len() < 16 && value.iter().all(word)
}

/// Letters, digits and the signs of names and dates only, no layer and no word of the vocabulary: nothing for the trees.
fn is_harmless(text: &Text<'_>) -> bool {
    let quiet = |byte: &u8| {
        byte.is_ascii_alphanumeric() || *byte >= 0x80 || matches!(byte, b' ' | b'_' | b'-' | b'.' | b',' | b'@' | b':')
    };
    text.layers == crate::decode::Layers::default()
        && text.plain.iter().all(quiet)
        && text.bytes[usize::from(b'-')] < 2
        && !feature::speaks(text)
        && !has_dots(&text.plain)
}

fn has_dots(text: &[u8]) -> bool {
    text.windows(2).any(|pair| pair == b"..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_value_is_judged_to_its_end() {
        let long = vec![b'a'; 100_000];
        let pieces: Vec<_> = pieces(&long).collect();
        assert_eq!(pieces.len(), PIECES);
        let end = |piece: &[u8]| piece.as_ptr() as usize + piece.len();
        assert_eq!(end(pieces[PIECES - 1]), end(&long));
        assert_eq!(pieces[PIECES - 1].len(), PIECE);
    }

    proptest! {
        #[test]
        fn pieces_cover_what_is_short_enough(length in 0usize..(PIECE * 6)) {
            let value: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            let mut covered = 0;
            for piece in pieces(&value) {
                let start = piece.as_ptr() as usize - value.as_ptr() as usize;
                prop_assert!(start <= covered && (start == 0 || covered - start >= SHARED));
                covered = start + piece.len();
            }
            prop_assert_eq!(covered, length);
        }

        #[test]
        fn what_is_plain_is_no_injection(value in "[a-zA-Z0-9_.-]{0,15}") {
            prop_assert!(is_plain(value.as_bytes()));
            prop_assert!(!injection::xss::detect(value.as_bytes()));
        }
    }
}
