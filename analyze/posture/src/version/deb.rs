//! Debian's versions: epoch, upstream, revision (deb-version(7)).

use super::{numbers, run};
use std::cmp::Ordering;

/// Which of the two is later.
pub fn compare(a: &str, b: &str) -> Ordering {
    let ((epoch_a, up_a, rev_a), (epoch_b, up_b, rev_b)) = (parts(a.trim()), parts(b.trim()));
    numbers(epoch_a, epoch_b).then_with(|| part(up_a, up_b)).then_with(|| part(rev_a, rev_b))
}

/// Epoch, upstream and revision. The first colon ends the epoch, the last hyphen begins the revision.
fn parts(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
        _ => ("0", version),
    };
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, upstream, revision)
}

/// A tilde before the end, the end before letters, letters before everything else.
fn weight(letter: Option<char>) -> u32 {
    match letter {
        Some('~') => 0,
        None => 1,
        Some(letter) if letter.is_ascii_digit() => 1,
        Some(letter) if letter.is_ascii_alphabetic() => letter as u32 + 1,
        Some(letter) => letter as u32 + 0x200,
    }
}

/// Runs of what is no digit and runs of digits, in turn.
fn part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let ((text_a, rest_a), (text_b, rest_b)) =
            (run(a, |letter| !letter.is_ascii_digit()), run(b, |letter| !letter.is_ascii_digit()));
        let (mut letters_a, mut letters_b) = (text_a.chars(), text_b.chars());
        loop {
            let (one, other) = (letters_a.next(), letters_b.next());
            match weight(one).cmp(&weight(other)) {
                Ordering::Equal if one.is_none() && other.is_none() => break,
                Ordering::Equal => {}
                unequal => return unequal,
            }
        }
        let ((digits_a, next_a), (digits_b, next_b)) =
            (run(rest_a, |letter| letter.is_ascii_digit()), run(rest_b, |letter| letter.is_ascii_digit()));
        match numbers(digits_a, digits_b) {
            Ordering::Equal => (a, b) = (next_a, next_b),
            unequal => return unequal,
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Random, SeededRandom};
    use std::process::Command;

    #[test]
    fn the_manual_s_examples_stand() {
        for (a, b) in [
            ("1.0~~", "1.0~~a"),
            ("1.0~~a", "1.0~"),
            ("1.0~", "1.0"),
            ("1.0", "1.0a"),
            ("1.0a", "1.0+b"),
            ("1.0-1", "1.0-1.1"),
            ("9:0", "10:0"),
            ("1.2-1", "1:0"),
            ("1.9", "1.10"),
            ("1.0-1~bpo12+1", "1.0-1"),
            ("1.0", "1.0-1"),
        ] {
            assert_eq!(compare(a, b), Ordering::Less, "{a} < {b}");
        }
        for (a, b) in [("1.0", "1.0-0"), ("0:1.0", "1.0"), ("1.01", "1.1"), ("", "0")] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} = {b}");
        }
    }

    /// A version that `dpkg` takes.
    fn random(chance: &SeededRandom) -> String {
        let mut bytes = [0; 12];
        chance.fill(&mut bytes);
        let pieces = ["0", "1", "10", "09", "a", "b", "Z", "~", "+", ".", "~rc", ".0"];
        let mut text = String::new();
        if bytes[0] % 6 == 0 {
            text.push_str(&format!("{}:", bytes[1] % 3));
        }
        text.push_str(&(bytes[2] % 3).to_string());
        for byte in &bytes[3..4 + usize::from(bytes[2] % 6)] {
            text.push_str(pieces[usize::from(*byte) % pieces.len()]);
        }
        if bytes[0] % 3 == 0 {
            text.push_str(&format!("-{}{}", bytes[10] % 3, pieces[usize::from(bytes[11]) % pieces.len()]));
        }
        text
    }

    #[test]
    fn random_versions_compare_as_dpkg_says() {
        if Command::new("dpkg").arg("--version").output().is_err() {
            println!("skipped: dpkg is not here");
            return;
        }
        let chance = SeededRandom::new(7);
        let pairs: Vec<(String, String)> = (0..3000).map(|_| (random(&chance), random(&chance))).collect();
        // One shell for all: a process each is slow enough.
        let line = |(a, b): &(String, String)| {
            format!(
                "if dpkg --compare-versions '{a}' lt '{b}'; then echo l; elif dpkg --compare-versions '{a}' eq '{b}'; then echo e; else echo g; fi\n"
            )
        };
        let script: String = pairs.iter().map(line).collect();
        let folder = std::env::temp_dir().join(format!("garrison-deb-{}", std::process::id()));
        std::fs::write(&folder, script).unwrap();
        let output = Command::new("sh").arg(&folder).output().unwrap();
        std::fs::remove_file(&folder).unwrap();
        let answers = String::from_utf8(output.stdout).unwrap();
        assert_eq!(answers.lines().count(), pairs.len());
        for ((a, b), answer) in pairs.iter().zip(answers.lines()) {
            let ours = match compare(a, b) {
                Ordering::Less => "l",
                Ordering::Equal => "e",
                Ordering::Greater => "g",
            };
            assert_eq!(ours, answer, "{a} {b}");
        }
    }
}
