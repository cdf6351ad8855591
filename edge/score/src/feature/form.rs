//! The look of a value: length, words, layers that were taken off. Shares of letters, digits and signs and entropy are
//! left out on purpose: they tell corpora apart, not attacks, and a model that leans on them fails on a source it has not
//! seen.

use super::{Group, scaled};
use crate::category::Counts;
use crate::text::Text;

pub(super) struct Form;

const NAMES: &[&str] = &[
    "length",
    "words",
    "controls",
    "mixed_case",
    "repeats",
    "percent",
    "entities",
    "escapes",
    "base64",
    "disguised",
    "nuls",
];

impl Group for Form {
    fn names(&self) -> Vec<String> {
        NAMES.iter().map(ToString::to_string).collect()
    }

    fn measure(&self, text: &Text<'_>, _: &Counts, row: &mut Vec<f32>) {
        let controls = (0..=255_u8).filter(u8::is_ascii_control).map(|byte| text.count(byte)).sum();
        row.extend([
            scaled(text.plain.len() as u32),
            scaled(text.words().count() as u32),
            scaled(controls),
            scaled(mixed_case(&text.plain)),
            scaled(longest_repeat(&text.plain)),
        ]);
        let layers = &text.layers;
        row.extend([layers.percent, layers.entities, layers.escapes].map(scaled));
        row.extend([f32::from(u8::from(layers.base64)), scaled(layers.disguised), scaled(layers.nuls)]);
    }
}

/// Words whose letters go up and down and up again (`sElEcT`), as names do not.
fn mixed_case(text: &[u8]) -> u32 {
    let mut mixed = 0;
    for word in text.split(|byte| !byte.is_ascii_alphabetic()).filter(|word| word.len() > 3) {
        let turns = word.windows(2).filter(|pair| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase()).count();
        mixed += u32::from(turns > 2);
    }
    mixed
}

/// The longest run of one byte.
fn longest_repeat(text: &[u8]) -> u32 {
    let (mut longest, mut run) = (0, 0);
    let mut last = None;
    for byte in text {
        run = if last == Some(byte) { run + 1 } else { 1 };
        longest = longest.max(run);
        last = Some(byte);
    }
    longest
}
