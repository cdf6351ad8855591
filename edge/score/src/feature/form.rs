//! The look of a value: length, entropy, classes of bytes, layers that were taken off.

use super::{Group, scaled, share};
use crate::category::Counts;
use crate::text::Text;

pub(super) struct Form;

const NAMES: &[&str] = &[
    "length",
    "entropy",
    "letters",
    "digits",
    "spaces",
    "signs",
    "high",
    "controls",
    "upper",
    "words",
    "longest_word",
    "numbers",
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
        let total = text.plain.len() as u32;
        let of =
            |is_one: fn(u8) -> bool| (0..=255).filter(|byte| is_one(*byte)).map(|byte| text.count(byte)).sum::<u32>();
        let upper = of(|byte| byte.is_ascii_uppercase());
        let letters = of(|byte| byte.is_ascii_alphabetic());
        let (mut words, mut numbers, mut longest) = (0, 0, 0);
        for (word, _) in text.words() {
            words += 1;
            numbers += u32::from(word.iter().all(u8::is_ascii_digit));
            longest = longest.max(word.len() as u32);
        }
        row.extend([
            scaled(total),
            entropy(text),
            share(letters, total),
            share(of(|byte| byte.is_ascii_digit()), total),
            share(of(|byte| byte == b' '), total),
            share(of(|byte| byte.is_ascii_punctuation()), total),
            share(of(|byte| byte >= 0x80), total),
            scaled(of(|byte| byte.is_ascii_control())),
            share(upper, letters),
            scaled(words),
            scaled(longest),
            share(numbers, words),
            scaled(mixed_case(&text.plain)),
            scaled(longest_repeat(&text.plain)),
        ]);
        let layers = &text.layers;
        row.extend([layers.percent, layers.entities, layers.escapes].map(scaled));
        row.extend([f32::from(u8::from(layers.base64)), scaled(layers.disguised), scaled(layers.nuls)]);
    }
}

/// Bits a byte.
fn entropy(text: &Text<'_>) -> f32 {
    let total = text.plain.len() as f32;
    let counts = text.bytes.iter().filter(|count| **count > 0);
    -counts.map(|count| (*count as f32 / total) * (*count as f32 / total).log2()).sum::<f32>()
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
