//! The value as SQL: fingerprints in each place, and what its tokens are over the whole length.

use super::{Group, scaled, share};
use crate::category::Counts;
use crate::text::Text;
use injection::sqli::{self, Census};

pub(super) struct Sql;

/// Letters of the best fingerprint that are counted.
const LETTERS: &[u8] = b"kUBETf&ocs1nv(,;";

const NAMES: &[&str] = &[
    "sql_raw",
    "sql_bare",
    "sql_single",
    "sql_double",
    "sql_tokens",
    "sql_compared",
    "sql_tautologies",
    "sql_calls",
    "sql_conditions",
    "sql_stacked",
    "sql_unions",
    "sql_selects",
    "sql_phrases",
    "sql_name_share",
];

impl Group for Sql {
    fn names(&self) -> Vec<String> {
        let kinds = (0..sqli::KINDS.len()).map(|index| format!("sql_kind_{}", place(sqli::KINDS[index])));
        let letters = LETTERS.iter().map(|letter| format!("sql_print_{}", place(*letter)));
        NAMES.iter().map(ToString::to_string).chain(kinds).chain(letters).collect()
    }

    fn measure(&self, text: &Text<'_>, _: &Counts, row: &mut Vec<f32>) {
        let spoken = text.spoken();
        row.push(f32::from(u8::from(spoken.raw_sql)));
        let mut best: Option<(Census, sqli::Fingerprint, u32)> = None;
        for place in &spoken.sql {
            let Some((reading, context, dialect)) = place else {
                row.push(0.0);
                continue;
            };
            row.push(f32::from(u8::from(reading.listed) + u8::from(reading.injection)));
            let census = sqli::census(&text.plain, *context, *dialect);
            let weight = weight(&census) + u32::from(reading.injection);
            if best.as_ref().is_none_or(|(_, _, most)| weight > *most) {
                best = Some((census, reading.fingerprint, weight));
            }
        }
        let (census, print, _) = best.unwrap_or_default();
        row.extend(
            [
                census.tokens,
                census.compared,
                census.tautologies,
                census.calls,
                census.conditions,
                census.stacked,
                census.unions,
                census.selects,
                census.phrases,
            ]
            .map(scaled),
        );
        row.push(share(census.of(b'n'), census.tokens));
        row.extend(census.kinds.map(scaled));
        let count = |letter: &u8| print.as_bytes().iter().filter(|known| *known == letter).count();
        row.extend(LETTERS.iter().map(|letter| count(letter) as f32));
    }
}

/// Words of SQL among the tokens.
fn words(census: &Census) -> u32 {
    b"kUBETf&A".iter().map(|letter| census.of(*letter)).sum()
}

/// How much a reading looks like SQL: the place with the most is where the value is read.
fn weight(census: &Census) -> u32 {
    words(census) + 2 * (census.compared + census.calls + census.conditions + census.unions + census.stacked)
}

/// A name for a kind's letter: itself, or its code where it is a sign or the other case of one.
fn place(letter: u8) -> String {
    if letter.is_ascii_lowercase() || letter == b'1' { char::from(letter).to_string() } else { letter.to_string() }
}
