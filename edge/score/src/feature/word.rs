//! Words of the vocabulary: how many of each group.

use super::vocabulary::GROUPS;
use super::{Group, scaled};
use crate::category::Counts;
use crate::text::Text;
use std::collections::HashMap;
use std::sync::LazyLock;

pub(super) struct Word;

static KNOWN: LazyLock<HashMap<&'static [u8], usize>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for (index, (_, words)) in GROUPS.iter().enumerate() {
        for word in words.split_ascii_whitespace() {
            known.entry(word.as_bytes()).or_insert(index);
        }
    }
    known
});

/// Longest word of the vocabulary, bytes.
const LONGEST: usize = 24;

/// Whether a word of the vocabulary stands in it.
pub(crate) fn any(text: &Text<'_>) -> bool {
    text.words().any(|(word, _)| word.len() <= LONGEST && KNOWN.contains_key(word))
}

impl Group for Word {
    fn names(&self) -> Vec<String> {
        let groups = GROUPS.iter().map(|(name, _)| (*name).to_owned());
        groups.chain(["word_groups".to_owned()]).collect()
    }

    fn measure(&self, text: &Text<'_>, _: &Counts, row: &mut Vec<f32>) {
        let mut counts = [0; GROUPS.len()];
        for (word, _) in text.words() {
            let group = (word.len() <= LONGEST).then(|| KNOWN.get(word)).flatten();
            if let Some(group) = group {
                counts[*group] += 1;
            }
        }
        row.extend(counts.map(scaled));
        row.push(counts.iter().filter(|count| **count > 0).count() as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_longer_than_what_is_looked_up() {
        assert!(KNOWN.keys().all(|word| word.len() <= LONGEST));
        assert!(any(&Text::new(b"1 UNION 2")) && !any(&Text::new(b"kestrel over barley")));
    }
}
