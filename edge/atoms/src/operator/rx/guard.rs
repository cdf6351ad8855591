//! What every match of an expression holds, read off its structure.
//!
//! Bottom-up each part gets either the set of all texts it can be (small sets only) or texts of which every match of it
//! holds one; of several such sets the one whose shortest text is longest wins. Where none is long enough, a set of bytes
//! of which every match holds one is looked for.

use crate::operator::Guard;
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Most texts of a part that is known entirely.
const EXACT: usize = 64;
/// Most bytes of a part that is known entirely.
const EXACT_BYTES: usize = 4096;
/// Widest class that counts as texts of one byte.
const CLASS: usize = 16;
/// Most copies of a repeated part that are written out.
const COPIES: usize = 8;
/// Most texts of a guard.
const REQUIRED: usize = 2000;
/// Shortest text worth having; shorter ones stand in nearly every value.
const SHORTEST: usize = 2;
/// Heaviest set of bytes worth having, see [`weight`].
const HEAVIEST: u32 = 90;

/// Texts, small ASCII letters.
type Texts = Vec<Vec<u8>>;

/// What is known of a part.
struct Part {
    /// All it can be.
    exact: Option<Texts>,
    /// One of these stands in it.
    required: Option<Texts>,
}

/// The guard of an expression.
pub(super) fn of(expression: &Hir) -> Guard {
    let part = part(expression);
    let literals = best(part.required, part.exact).filter(|texts| shortest(texts) >= SHORTEST);
    let bytes = if literals.is_none() { bytes(expression).filter(|set| heaviness(set) <= HEAVIEST) } else { None };
    let length = expression.properties().minimum_len().unwrap_or(0);
    Guard { literals, exact: false, bytes: bytes.map(Box::new), length }
}

fn shortest(texts: &Texts) -> usize {
    texts.iter().map(Vec::len).min().unwrap_or(0)
}

/// The better of two sets.
fn best(one: Option<Texts>, other: Option<Texts>) -> Option<Texts> {
    let rank = |texts: &Texts| (shortest(texts), std::cmp::Reverse(texts.len()));
    [one, other].into_iter().flatten().filter(|texts| shortest(texts) > 0).max_by_key(rank)
}

fn part(expression: &Hir) -> Part {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => Part { exact: Some(vec![Vec::new()]), required: None },
        HirKind::Literal(literal) => Part { exact: Some(vec![literal.0.to_ascii_lowercase()]), required: None },
        HirKind::Class(class) => Part { exact: letters(class), required: None },
        HirKind::Capture(capture) => part(&capture.sub),
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Concat(parts) => joined(parts.iter().map(part)),
        HirKind::Alternation(parts) => either(parts),
    }
}

/// The letters of a small class.
fn letters(class: &Class) -> Option<Texts> {
    let set = members(class)?;
    let mut letters: Texts = Vec::new();
    for byte in (0..=255_u8).filter(|byte| set[usize::from(*byte)]) {
        let letter = vec![byte.to_ascii_lowercase()];
        if !letters.contains(&letter) {
            letters.push(letter);
        }
        if letters.len() > CLASS {
            return None;
        }
    }
    Some(letters)
}

/// The bytes of a class; `None` for characters beyond ASCII, which expressions over bytes do not have.
fn members(class: &Class) -> Option<[bool; 256]> {
    let mut set = [false; 256];
    match class {
        Class::Bytes(class) => {
            for range in class.ranges() {
                set[usize::from(range.start())..=usize::from(range.end())].fill(true);
            }
        }
        Class::Unicode(class) => {
            for range in class.ranges() {
                let end = u8::try_from(range.end()).ok().filter(u8::is_ascii)?;
                set[range.start() as usize..=usize::from(end)].fill(true);
            }
        }
    }
    Some(set)
}

/// Every text of one set before every text of another, unless that is too much.
fn product(one: &Texts, other: &Texts) -> Option<Texts> {
    let bytes = |texts: &Texts| texts.iter().map(Vec::len).sum::<usize>();
    if one.len() * other.len() > EXACT || bytes(one) * other.len() + bytes(other) * one.len() > EXACT_BYTES {
        return None;
    }
    let mut texts: Texts = one.iter().flat_map(|one| other.iter().map(|other| [&one[..], other].concat())).collect();
    texts.sort_unstable();
    texts.dedup();
    Some(texts)
}

/// Parts one behind the other: neighbours that are known entirely grow together.
fn joined(parts: impl Iterator<Item = Part>) -> Part {
    let (mut run, mut required, mut whole) = (vec![Vec::new()], None, true);
    for part in parts {
        if let Some(grown) = part.exact.as_ref().and_then(|exact| product(&run, exact)) {
            run = grown;
            continue;
        }
        whole = false;
        let next = part.exact.clone().unwrap_or_else(|| vec![Vec::new()]);
        required = best(required, Some(std::mem::replace(&mut run, next)));
        required = best(required, part.required);
    }
    if whole {
        return Part { exact: Some(run), required: None };
    }
    Part { exact: None, required: best(required, Some(run)) }
}

fn either(parts: &[Hir]) -> Part {
    let (mut exact, mut required) = (Some(Texts::new()), Some(Texts::new()));
    for part in parts.iter().map(part) {
        exact = match (exact, &part.exact) {
            (Some(mut all), Some(more)) => {
                all.extend(more.iter().cloned());
                (all.len() <= EXACT).then_some(all)
            }
            _ => None,
        };
        required = match (required, best(part.required, part.exact)) {
            (Some(mut all), Some(more)) => {
                all.extend(more);
                (all.len() <= REQUIRED).then_some(all)
            }
            _ => None,
        };
    }
    for texts in [&mut exact, &mut required].into_iter().flatten() {
        texts.sort_unstable();
        texts.dedup();
    }
    Part { exact, required }
}

fn repeated(repetition: &Repetition) -> Part {
    let sub = part(&repetition.sub);
    let least = repetition.min as usize;
    if least == 0 {
        let exact = sub.exact.filter(|_| repetition.max == Some(1)).map(|mut texts| {
            texts.push(Vec::new());
            texts
        });
        return Part { exact, required: None };
    }
    let Some(exact) = sub.exact else { return Part { exact: None, required: sub.required } };
    let (mut run, mut copies) = (exact.clone(), 1);
    while copies < least.min(COPIES) {
        let Some(grown) = product(&run, &exact) else { break };
        run = grown;
        copies += 1;
    }
    if copies == least && repetition.max == Some(repetition.min) {
        Part { exact: Some(run), required: None }
    } else {
        Part { exact: None, required: best(Some(run), sub.required) }
    }
}

/// Bytes of which every match holds one; the lightest such set that is found.
fn bytes(expression: &Hir) -> Option<[bool; 256]> {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(literal) => {
            let rarest = literal.0.iter().copied().min_by_key(|byte| weight(*byte))?;
            let mut set = [false; 256];
            set[usize::from(rarest)] = true;
            Some(set)
        }
        HirKind::Class(class) => members(class),
        HirKind::Capture(capture) => bytes(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => bytes(&repetition.sub),
        HirKind::Repetition(_) => None,
        HirKind::Concat(parts) => parts.iter().filter_map(bytes).min_by_key(heaviness),
        HirKind::Alternation(parts) => {
            let mut all = [false; 256];
            for part in parts {
                all.iter_mut().zip(bytes(part)?).for_each(|(held, new)| *held |= new);
            }
            Some(all)
        }
    }
}

fn heaviness(set: &[bool; 256]) -> u32 {
    (0..=255_u8).filter(|byte| set[usize::from(*byte)]).map(weight).sum()
}

/// How common a byte is in values, roughly.
fn weight(byte: u8) -> u32 {
    match byte {
        b'a'..=b'z' | b' ' => 6,
        b'0'..=b'9' => 4,
        b'A'..=b'Z' | b'-' | b'.' | b'/' | b'_' | b'=' | b',' | b':' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(pattern: &str) -> Guard {
        let parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern);
        of(&parser.unwrap())
    }

    fn literals(pattern: &str) -> Vec<String> {
        let texts = guard(pattern).literals.unwrap_or_default();
        texts.into_iter().map(|text| String::from_utf8(text).unwrap()).collect()
    }

    #[test]
    fn texts_are_read_off() {
        assert_eq!(literals("(?i)select.+from"), ["select"]);
        assert_eq!(literals("union|select"), ["select", "union"]);
        assert_eq!(literals("(?:b|w)in/(?:ba)?sh"), ["bin/bash", "bin/sh", "win/bash", "win/sh"]);
        assert_eq!(literals("[^a](?:xy){2,}"), ["xyxy"]);
        assert_eq!(literals("a[0-9]+(?:bcd|bce)"), ["bcd", "bce"]);
        assert!(literals("a|select").is_empty() && literals("(?:select)*").is_empty());
    }

    #[test]
    fn else_bytes_are() {
        let set = guard(r"[a-z]+\s*[<>]").bytes.unwrap();
        assert!(set[usize::from(b'<')] && set[usize::from(b'>')] && !set[usize::from(b'a')]);
        assert!(guard(r"\w+").bytes.is_none());
        assert_eq!(guard(r"\w{3}").length, 3);
    }
}
