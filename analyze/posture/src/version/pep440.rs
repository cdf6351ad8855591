//! Python's versions (PEP 440): epoch, release, pre, post, dev, local.

use super::{numbers, run};
use std::cmp::Ordering;

/// A version in its parts; `Pre` sorts as the specification says.
#[derive(Debug)]
struct Version {
    epoch: String,
    release: Vec<String>,
    pre: (u8, String),
    post: Option<String>,
    dev: Option<String>,
    local: Vec<String>,
    rest: String,
}

/// Which of the two is later.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (parse(a), parse(b));
    let optional = |a: &Option<String>, b: &Option<String>, none: Ordering| match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => none,
        (Some(_), None) => none.reverse(),
        (Some(a), Some(b)) => numbers(a, b),
    };
    numbers(&a.epoch, &b.epoch)
        .then_with(|| release(&a.release, &b.release))
        .then_with(|| a.pre.0.cmp(&b.pre.0).then_with(|| numbers(&a.pre.1, &b.pre.1)))
        .then_with(|| optional(&a.post, &b.post, Ordering::Less))
        .then_with(|| optional(&a.dev, &b.dev, Ordering::Greater))
        .then_with(|| local(&a.local, &b.local))
        .then_with(|| a.rest.cmp(&b.rest))
}

fn release(a: &[String], b: &[String]) -> Ordering {
    (0..a.len().max(b.len()))
        .map(|place| numbers(a.get(place).map_or("0", String::as_str), b.get(place).map_or("0", String::as_str)))
        .find(|one| one.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Words before numbers, fewer parts before more.
fn local(a: &[String], b: &[String]) -> Ordering {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    for (one, other) in a.iter().zip(b) {
        let compared = match (number(one), number(other)) {
            (true, true) => numbers(one, other),
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => one.cmp(other),
        };
        if compared.is_ne() {
            return compared;
        }
    }
    a.len().cmp(&b.len())
}

/// Whether a word stands at the beginning, behind at most one separator; the number behind it, and what is left.
fn marked<'a>(text: &'a str, words: &[&str]) -> Option<(String, &'a str)> {
    let separated = |text: &'a str| text.strip_prefix(['.', '-', '_']).unwrap_or(text);
    let word = separated(text);
    let rest = words.iter().find_map(|one| word.strip_prefix(one))?;
    let (number, behind) = run(separated(rest), |letter| letter.is_ascii_digit());
    if number.is_empty() { Some(("0".into(), rest)) } else { Some((number.into(), behind)) }
}

/// Words of one phase of a release that is not out yet.
const PHASES: &[(u8, &[&str])] = &[(1, &["alpha", "a"]), (2, &["beta", "b"]), (3, &["rc", "preview", "pre", "c"])];

fn parse(version: &str) -> Version {
    let lower = version.trim().to_lowercase();
    let text = lower.strip_prefix('v').unwrap_or(&lower);
    let (text, local) = text.split_once('+').unwrap_or((text, ""));
    let digit = |letter: char| letter.is_ascii_digit();
    let (epoch, mut rest) = match text.split_once('!') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.chars().all(digit) => (epoch, rest),
        _ => ("0", text),
    };
    let (first, behind) = run(rest, digit);
    let mut release = vec![first.to_owned()];
    rest = behind;
    while let Some((number, behind)) =
        rest.strip_prefix('.').map(|rest| run(rest, digit)).filter(|part| !part.0.is_empty())
    {
        release.push(number.into());
        rest = behind;
    }
    let mut phase = None;
    for (weight, words) in PHASES {
        if let Some((number, behind)) = marked(rest, words) {
            (phase, rest) = (Some((*weight, number)), behind);
            break;
        }
    }
    let mut post = marked(rest, &["post", "rev", "r"]);
    if post.is_none()
        && let Some(behind) = rest.strip_prefix('-')
        && behind.starts_with(digit)
    {
        let (number, behind) = run(behind, digit);
        post = Some((number.into(), behind));
    }
    if let Some((_, behind)) = &post {
        rest = behind;
    }
    let dev = marked(rest, &["dev"]);
    if let Some((_, behind)) = &dev {
        rest = behind;
    }
    let (post, dev) = (post.map(|part| part.0), dev.map(|part| part.0));
    // A development release alone is before all phases; without a phase it is out.
    let pre = phase.unwrap_or(if post.is_none() && dev.is_some() { (0, "0".into()) } else { (4, "0".into()) });
    let local = local.split(['.', '-', '_']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    Version { epoch: epoch.into(), release, pre, post, dev, local, rest: rest.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_specification_stands() {
        let order = [
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "1!0.1",
        ];
        for pair in order.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{} < {}", pair[0], pair[1]);
        }
        for (a, b) in [("1.0", "1.0.0"), ("1.0-1", "1.0.post1"), ("v1.0-ALPHA.1", "1.0a1"), ("1.0c1", "1.0rc1")] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} = {b}");
        }
    }
}
