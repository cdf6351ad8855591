//! A value prepared for its features: layers off, lower case, words and bytes counted once.

use crate::decode::{Layers, decode};
use injection::sqli::{self, Context, Dialect, Reading};
use injection::xss;
use std::cell::OnceCell;

/// Places where a value is read as SQL, the quote it must hold for that, and the dialect.
const PLACES: [(Context, Option<u8>, Dialect); 3] = [
    (Context::Bare, None, Dialect::Ansi),
    (Context::Single, Some(b'\''), Dialect::Ansi),
    (Context::Double, Some(b'"'), Dialect::MySql),
];

/// What the tokenizers say.
pub(crate) struct Spoken {
    /// The plain text as SQL in each place where it can stand, with the place's context and dialect.
    pub sql: [Option<(Reading, Context, Dialect)>; 3],
    /// The value as it was sent is an SQL injection.
    pub raw_sql: bool,
    /// The plain text is one.
    pub plain_sql: bool,
    /// The value as it was sent would run script.
    pub raw_script: bool,
    /// The plain text would.
    pub plain_script: bool,
}

/// A value, and what several groups of features look at.
pub(crate) struct Text<'v> {
    /// As it was sent (as the engine has it: decoded once).
    pub raw: &'v [u8],
    /// With its layers taken off.
    pub plain: Vec<u8>,
    /// `plain` in lower case.
    pub lower: Vec<u8>,
    /// How often each byte stands in `plain`.
    pub bytes: [u32; 256],
    /// What was taken off.
    pub layers: Layers,
    spoken: OnceCell<Spoken>,
}

impl<'v> Text<'v> {
    pub fn new(raw: &'v [u8]) -> Text<'v> {
        let (plain, layers) = decode(raw);
        let mut bytes = [0; 256];
        for byte in &plain {
            bytes[usize::from(*byte)] += 1;
        }
        Text { raw, lower: plain.to_ascii_lowercase(), plain, bytes, layers, spoken: OnceCell::new() }
    }

    /// How often a byte stands in the plain text.
    pub fn count(&self, byte: u8) -> u32 {
        self.bytes[usize::from(byte)]
    }

    /// What the tokenizers say, asked once.
    pub fn spoken(&self) -> &Spoken {
        self.spoken.get_or_init(|| {
            let sql = PLACES.map(|(context, quote, dialect)| {
                let stands = quote.is_none_or(|quote| self.count(quote) > 0);
                stands.then(|| (self.reading(context, dialect), context, dialect))
            });
            let plain_sql = sql.iter().flatten().any(|(reading, ..)| reading.injection);
            let plain_script = xss::detect(&self.plain);
            let same = self.raw == self.plain;
            Spoken {
                sql,
                raw_sql: if same { plain_sql } else { sqli::detect(self.raw).is_some() },
                plain_sql,
                raw_script: if same { plain_script } else { xss::detect(self.raw) },
                plain_script,
            }
        })
    }

    /// One reading; that of MySQL where only it finds an injection.
    fn reading(&self, context: Context, dialect: Dialect) -> Reading {
        let reading = sqli::read(&self.plain, context, dialect);
        if reading.ambiguous && !reading.injection && dialect == Dialect::Ansi {
            let again = sqli::read(&self.plain, context, Dialect::MySql);
            return if again.injection { again } else { reading };
        }
        reading
    }

    /// Words (runs of letters, digits, `_` and `$`) in lower case, with the place behind each.
    pub fn words(&self) -> impl Iterator<Item = (&[u8], usize)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            at += self.lower[at..].iter().take_while(|byte| !is_word(**byte)).count();
            let start = at;
            at += self.lower[at..].iter().take_while(|byte| is_word(**byte)).count();
            (start < at).then(|| (&self.lower[start..at], at))
        })
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn readings_say_what_detection_says(raw in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            "['\"#-]{0,2}( or | and |1=1|union select |--|/\\*|x|;| ){0,8}".prop_map(String::into_bytes),
        ]) {
            let text = Text::new(&raw);
            prop_assert_eq!(text.spoken().plain_sql, sqli::detect(&text.plain).is_some());
            prop_assert_eq!(text.spoken().raw_sql, sqli::detect(&raw).is_some());
            prop_assert_eq!(text.spoken().raw_script, xss::detect(&raw));
        }
    }
}
