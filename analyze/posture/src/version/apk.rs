//! Alpine's versions: `digits[.digits…][letter][_suffix[digits]…][-r digits]`.

use super::{numbers, run};
use std::cmp::Ordering;

/// Suffixes that are before the version without, in order.
const BEFORE: &[&str] = &["alpha", "beta", "pre", "rc"];
/// Suffixes that are behind it, in order.
const BEHIND: &[&str] = &["cvs", "svn", "git", "hg", "p"];

/// A version in its parts.
#[derive(Debug)]
struct Version<'a> {
    numbers: Vec<&'a str>,
    letter: &'a str,
    suffixes: Vec<(i32, &'a str)>,
    revision: &'a str,
    rest: &'a str,
}

/// Which of the two is later.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (parse(a.trim()), parse(b.trim()));
    let numbers_ = lists(&a.numbers, &b.numbers);
    numbers_
        .then_with(|| a.letter.cmp(b.letter))
        .then_with(|| suffixes(&a.suffixes, &b.suffixes))
        .then_with(|| numbers(a.revision, b.revision))
        .then_with(|| a.rest.cmp(b.rest))
}

fn lists(a: &[&str], b: &[&str]) -> Ordering {
    for (place, (one, other)) in a.iter().zip(b).enumerate() {
        // Behind the first, a number with a leading zero is a fraction: as text.
        let fraction = place > 0 && (one.starts_with('0') || other.starts_with('0'));
        let compared = if fraction { fractions(one, other) } else { numbers(one, other) };
        if compared != Ordering::Equal {
            return compared;
        }
    }
    a.len().cmp(&b.len())
}

/// With a leading zero on either side: as text, the zeros at the end of no weight.
fn fractions(a: &str, b: &str) -> Ordering {
    a.trim_end_matches('0').cmp(b.trim_end_matches('0')).then_with(|| a.len().cmp(&b.len()))
}

fn suffixes(a: &[(i32, &str)], b: &[(i32, &str)]) -> Ordering {
    for place in 0..a.len().max(b.len()) {
        let (one, other) = (a.get(place).copied().unwrap_or((0, "")), b.get(place).copied().unwrap_or((0, "")));
        let compared = one.0.cmp(&other.0).then_with(|| numbers(one.1, other.1));
        if compared != Ordering::Equal {
            return compared;
        }
    }
    a.len().cmp(&b.len())
}

fn parse(text: &str) -> Version<'_> {
    let digit = |letter: char| letter.is_ascii_digit();
    let (first, mut rest) = run(text, digit);
    let mut version = Version { numbers: vec![first], letter: "", suffixes: Vec::new(), revision: "", rest: "" };
    while let Some((number, behind)) =
        rest.strip_prefix('.').map(|rest| run(rest, digit)).filter(|part| !part.0.is_empty())
    {
        version.numbers.push(number);
        rest = behind;
    }
    if rest.starts_with(|letter: char| letter.is_ascii_lowercase()) {
        (version.letter, rest) = rest.split_at(1);
    }
    while let Some(behind) = rest.strip_prefix('_') {
        let (word, behind) = run(behind, |letter| letter.is_ascii_lowercase());
        let place = |list: &[&str]| list.iter().position(|one| *one == word).map(|place| place as i32);
        let weight =
            place(BEFORE).map(|place| place - BEFORE.len() as i32).or_else(|| place(BEHIND).map(|place| place + 1));
        let Some(weight) = weight else { break };
        let (number, behind) = run(behind, digit);
        version.suffixes.push((weight, number));
        rest = behind;
    }
    if let Some(behind) = rest.strip_prefix("-r") {
        (version.revision, rest) = run(behind, digit);
    }
    version.rest = rest;
    version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_orders_stand() {
        for (a, b) in [
            ("1.2.3-r0", "1.2.3-r1"),
            ("1.2.3_rc1-r0", "1.2.3-r0"),
            ("1.2.3-r9", "1.2.3_p1-r0"),
            ("1.2.9", "1.2.10"),
            ("1.2", "1.2.1"),
            ("1.2a", "1.2b"),
            ("1.2", "1.2a"),
            ("1.0_alpha2", "1.0_beta1"),
            ("3.1.4-r5", "3.1.4-r10"),
            ("1.1.1", "3.0.0"),
        ] {
            assert_eq!(compare(a, b), Ordering::Less, "{a} < {b}");
        }
    }
}
