//! RPM's versions: `[epoch:]version[-release]`, each part by the rules of `rpmvercmp`, with `~` and `^`.

use super::{numbers, run};
use std::cmp::Ordering;

/// Which of the two is later.
pub fn compare(a: &str, b: &str) -> Ordering {
    let ((epoch_a, version_a, release_a), (epoch_b, version_b, release_b)) = (parts(a.trim()), parts(b.trim()));
    numbers(epoch_a, epoch_b).then_with(|| part(version_a, version_b)).then_with(|| part(release_a, release_b))
}

fn parts(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
        _ => ("0", version),
    };
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, version, release)
}

fn part(mut a: &str, mut b: &str) -> Ordering {
    let mark = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '~' | '^');
    loop {
        (a, b) = (run(a, |letter| !mark(letter)).1, run(b, |letter| !mark(letter)).1);
        // A tilde is before everything, also the end.
        match (a.strip_prefix('~'), b.strip_prefix('~')) {
            (Some(rest_a), Some(rest_b)) => {
                (a, b) = (rest_a, rest_b);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        // A caret is behind the end and before everything else.
        match (a.strip_prefix('^'), b.strip_prefix('^')) {
            (Some(rest_a), Some(rest_b)) => {
                (a, b) = (rest_a, rest_b);
                continue;
            }
            (Some(_), None) => return if b.is_empty() { Ordering::Greater } else { Ordering::Less },
            (None, Some(_)) => return if a.is_empty() { Ordering::Less } else { Ordering::Greater },
            (None, None) => {}
        }
        if a.is_empty() || b.is_empty() {
            return a.is_empty().cmp(&b.is_empty()).reverse();
        }
        let digits = |text: &str| text.starts_with(|letter: char| letter.is_ascii_digit());
        let compared = match (digits(a), digits(b)) {
            // Numbers are later than letters.
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (true, true) => {
                let (one, other) = (run(a, |letter| letter.is_ascii_digit()), run(b, |letter| letter.is_ascii_digit()));
                (a, b) = (one.1, other.1);
                numbers(one.0, other.0)
            }
            (false, false) => {
                let letters = |letter: char| letter.is_ascii_alphabetic();
                let (one, other) = (run(a, letters), run(b, letters));
                (a, b) = (one.1, other.1);
                one.0.cmp(other.0)
            }
        };
        if compared != Ordering::Equal {
            return compared;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_orders_stand() {
        for (a, b) in [
            ("1.0", "1.1"),
            ("1.0", "1.0.1"),
            ("1.0a", "1.0.1"),
            ("1.0~rc1", "1.0"),
            ("1.0", "1.0^git1"),
            ("1.0^git1", "1.0.1"),
            ("1.0^git1~pre", "1.0^git1"),
            ("3.0.7-24.el9", "3.0.7-25.el9_3"),
            ("3.0.7-27.el9", "1:3.0.1-1.el9"),
            ("2.9", "2.10"),
            ("1.a", "1.1"),
            ("5.14.0-362.8.1.el9", "5.14.0-362.18.1.el9"),
        ] {
            assert_eq!(compare(a, b), Ordering::Less, "{a} < {b}");
        }
        for (a, b) in [("1.0", "1_0"), ("0:1", "1"), ("1.05", "1.5"), ("1.", "1")] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} = {b}");
        }
    }
}
