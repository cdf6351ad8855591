//! Features: what the model sees of a value. One file a group.

mod form;
mod html;
mod rules;
mod sign;
mod sql;
mod vocabulary;
mod word;

use crate::category::Counts;
use crate::text::Text;

/// A group of features.
pub(crate) trait Group: Sync {
    /// Their names, in order.
    fn names(&self) -> Vec<String>;
    /// Appends their values, as many as there are names.
    fn measure(&self, text: &Text<'_>, hits: &Counts, row: &mut Vec<f32>);
}

/// Every group, in the order of a row.
pub(crate) const ALL: &[&dyn Group] = &[&form::Form, &sign::Sign, &word::Word, &sql::Sql, &html::Html, &rules::Rules];

/// Whether a word of the vocabulary stands in a text.
pub(crate) fn speaks(text: &Text<'_>) -> bool {
    word::any(text)
}

/// Names of all features, in the order of a row.
pub fn names() -> Vec<String> {
    ALL.iter().flat_map(|group| group.names()).collect()
}

/// A row.
pub(crate) fn measure(text: &Text<'_>, hits: &Counts, row: &mut Vec<f32>) {
    row.clear();
    for group in ALL {
        group.measure(text, hits, row);
    }
}

/// Counts on a scale where the first ones matter most.
fn scaled(count: u32) -> f32 {
    (count as f32).ln_1p()
}

fn share(part: u32, whole: u32) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn any_bytes_make_a_row(raw in prop::collection::vec(any::<u8>(), 0..300), text in "[ -~]{0,120}") {
            let width = names().len();
            let mut row = Vec::new();
            for raw in [raw.as_slice(), text.as_bytes()] {
                measure(&Text::new(raw), &Counts::default(), &mut row);
                prop_assert_eq!(row.len(), width);
                prop_assert!(row.iter().all(|value| value.is_finite()));
            }
        }
    }

    #[test]
    fn names_are_words_and_differ() {
        let names = names();
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')));
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
