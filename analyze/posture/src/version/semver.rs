//! Semantic versions (2.0.0 §11), also with fewer or more numbers than three and with a leading `v`.

use super::{numbers, run};
use std::cmp::Ordering;

/// Which of the two is later; what stands behind `+` does not count.
pub fn compare(a: &str, b: &str) -> Ordering {
    let ((core_a, pre_a), (core_b, pre_b)) = (parts(a), parts(b));
    let (mut list_a, mut list_b) = (core_a.split('.'), core_b.split('.'));
    loop {
        match (list_a.next(), list_b.next()) {
            (None, None) => break,
            (one, other) => match identifier(one.unwrap_or("0"), other.unwrap_or("0")) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
    match (pre_a, pre_b) {
        ("", "") => Ordering::Equal,
        ("", _) => Ordering::Greater,
        (_, "") => Ordering::Less,
        (pre_a, pre_b) => lists(pre_a, pre_b),
    }
}

fn parts(version: &str) -> (&str, &str) {
    let version = version.trim().trim_start_matches(['v', 'V', '=']);
    let version = version.split('+').next().unwrap_or_default();
    version.split_once('-').unwrap_or((version, ""))
}

fn lists(a: &str, b: &str) -> Ordering {
    let (mut list_a, mut list_b) = (a.split('.'), b.split('.'));
    loop {
        match (list_a.next(), list_b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(other)) => match identifier(one, other) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

/// Numbers before words.
fn identifier(a: &str, b: &str) -> Ordering {
    let number = |text: &str| run(text, |letter| letter.is_ascii_digit()).1.is_empty();
    match (number(a), number(b)) {
        (true, true) => numbers(a, b),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_specification_stands() {
        let order = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
        ];
        for pair in order.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(compare("v1.2", "1.2.0+build"), Ordering::Equal);
    }
}
