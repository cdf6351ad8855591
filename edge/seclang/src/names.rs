//! Names of the vocabulary: looked up, and the nearest told when one is not there.

use crate::limits::SHOWN;
use crate::model::{Place, Vocabulary};
use base::{Code, Fault};

/// A fault at a place.
pub(crate) fn fault(code: &'static Code, place: &Place) -> Fault {
    Fault::new(code).object(format!("{}:{}", place.file, place.line))
}

/// A piece of a directive as a fault shows it: short, one line.
pub(crate) fn shown(text: &str) -> String {
    let mut line: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        line.push('…');
    }
    line
}

/// The canonical spelling of a name, if it is in the list under itself or an alias.
pub(crate) fn canonical(vocabulary: &Vocabulary<'_>, list: &[&'static str], name: &str) -> Option<&'static str> {
    let find = |name: &str| list.iter().copied().find(|known| known.eq_ignore_ascii_case(name));
    find(name).or_else(|| {
        let aliases = vocabulary.aliases.iter().filter(|(alias, _)| alias.eq_ignore_ascii_case(name));
        aliases.filter_map(|(_, name)| find(name)).next()
    })
}

/// What to say was expected instead of a name: the nearest known ones.
pub(crate) fn nearest<'n>(list: impl Iterator<Item = &'n str>, name: &str) -> String {
    let name: String = name.chars().take(SHOWN).flat_map(char::to_lowercase).collect();
    let allowed = (name.chars().count() / 3).max(2);
    let mut near: Vec<(usize, &str)> =
        list.map(|known| (distance(&known.to_lowercase(), &name), known)).filter(|(far, _)| *far <= allowed).collect();
    near.sort_unstable();
    near.dedup();
    let names: Vec<&str> = near.iter().take(3).map(|(_, known)| *known).collect();
    names.join(", ")
}

/// Levenshtein's distance: insertions, deletions and replacements from one text to the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, a) in left.chars().enumerate() {
        let mut diagonal = above;
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
        for (at, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        assert_eq!(
            (distance("kitten", "sitting"), distance("", "abc"), distance("abc", ""), distance("a", "a")),
            (3, 3, 3, 0)
        );
    }

    #[test]
    fn the_nearest_come_first_and_far_ones_not_at_all() {
        let known = ["rx", "pm", "detectsqli", "detectxss", "beginswith"];
        assert_eq!(nearest(known.iter().copied(), "DetectSQL"), "detectsqli, detectxss");
        assert_eq!(nearest(known.iter().copied(), "zzzzzzzzz"), "");
    }

    #[test]
    fn an_alias_leads_to_its_name() {
        let vocabulary = Vocabulary {
            operators: &["pmfromfile"],
            transformations: &[],
            variables: &[],
            aliases: &[("pmf", "pmfromfile"), ("x", "y")],
        };
        assert_eq!(canonical(&vocabulary, vocabulary.operators, "PmF"), Some("pmfromfile"));
        assert_eq!(canonical(&vocabulary, vocabulary.operators, "x"), None);
    }
}
