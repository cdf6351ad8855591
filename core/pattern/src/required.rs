//! The literals that every match of a regular expression holds.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Shortest guard worth having; shorter ones stand in nearly every text.
const SHORTEST: usize = 2;
/// Most guards of one expression; more would cost as much as running it.
const MOST: usize = 64;

/// Texts of which every match holds at least one, ASCII case aside; `None` when there is no such set.
pub(crate) fn required(expression: &Hir) -> Option<Vec<Vec<u8>>> {
    best(expression).filter(|guards| guards.len() <= MOST && guards.iter().all(|guard| guard.len() >= SHORTEST))
}

/// The better of two sets: the one whose shortest text is longer, then the smaller one.
fn rank(guards: &[Vec<u8>]) -> (usize, std::cmp::Reverse<usize>) {
    (guards.iter().map(Vec::len).min().unwrap_or(0).min(16), std::cmp::Reverse(guards.len()))
}

fn best(expression: &Hir) -> Option<Vec<Vec<u8>>> {
    match expression.kind() {
        HirKind::Literal(literal) => Some(vec![literal.0.to_vec()]),
        HirKind::Class(class) => letter(class).map(|letter| vec![vec![letter]]),
        HirKind::Capture(capture) => best(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => best(&repetition.sub),
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(best(branch)?);
                if all.len() > MOST {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Concat(parts) => of_concat(parts),
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

/// Neighbouring letters grow into one text (`(?i)abc` is three classes); the best text or part wins.
fn of_concat(parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut found: Option<Vec<Vec<u8>>> = None;
    let mut consider = |guards: Vec<Vec<u8>>| {
        if found.as_ref().is_none_or(|held| rank(&guards) > rank(held)) {
            found = Some(guards);
        }
    };
    let mut run = Vec::new();
    for part in parts {
        match part.kind() {
            HirKind::Literal(literal) => run.extend_from_slice(&literal.0),
            HirKind::Class(class) if letter(class).is_some() => run.extend(letter(class)),
            kind => {
                // A look takes no text: what stands before and after it is still neighbouring.
                if !matches!(kind, HirKind::Look(_)) && !run.is_empty() {
                    consider(vec![std::mem::take(&mut run)]);
                }
                if let Some(guards) = best(part) {
                    consider(guards);
                }
            }
        }
    }
    if !run.is_empty() {
        consider(vec![run]);
    }
    found
}

/// The letter of a class that is one ASCII letter in both cases, or one byte.
fn letter(class: &Class) -> Option<u8> {
    let mut bytes = Vec::with_capacity(2);
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                if range.start() != range.end() || bytes.len() == 2 {
                    return None;
                }
                bytes.push(u8::try_from(range.start()).ok().filter(u8::is_ascii)?);
            }
        }
        Class::Bytes(class) => {
            for range in class.ranges() {
                if range.start() != range.end() || bytes.len() == 2 {
                    return None;
                }
                bytes.push(range.start());
            }
        }
    }
    match bytes[..] {
        [byte] => Some(byte),
        [upper, lower] if upper.to_ascii_lowercase() == lower => Some(lower),
        _ => None,
    }
}
