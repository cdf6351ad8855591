//! Values as rules see them: transformations, and operators with arguments of any kind.

use waf::operator::{self, Captures, Matcher};
use waf::transformation;

/// Puts a value through every transformation, and what came out through every other once more. None grows it by more
/// than a factor, and one that says it changes nothing is not asked what it wrote.
pub(crate) fn transformations(value: &[u8]) {
    for first in transformation::ALL {
        let mut out = Vec::new();
        if !first.apply(value, &mut out) {
            continue;
        }
        assert!(out.len() <= 64 + 4 * value.len(), "{} makes {} bytes of {}", first.name(), out.len(), value.len());
        for second in transformation::ALL {
            second.apply(&out, &mut Vec::new());
        }
    }
}

/// The first line is an argument, the rest a value: an operator refuses the argument or judges the value, the same with
/// and without captures, and holds of none that lacks what it says it needs.
pub(crate) fn operators(bytes: &[u8]) {
    let cut = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (argument, value) = (&bytes[..cut], bytes.get(cut + 1..).unwrap_or_default());
    for operator in operator::ALL {
        let Ok(matcher) = operator.build(argument, &[]) else { continue };
        let mut captures = Captures::default();
        let holds = matcher.holds(value, Some(&mut captures));
        assert_eq!(holds, matcher.holds(value, None), "{}", operator.name());
        assert!(captures.0.len() <= 10, "{}", operator.name());
        assert!(!holds || guarded(matcher.as_ref(), value), "{} holds of a value without its guard", operator.name());
    }
}

fn guarded(matcher: &dyn Matcher, value: &[u8]) -> bool {
    let guard = matcher.guard();
    let small = value.to_ascii_lowercase();
    let stands =
        |text: &Vec<u8>| text.is_empty() || small.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text));
    value.len() >= guard.length
        && guard.literals.as_ref().is_none_or(|texts| texts.iter().any(stands))
        && guard.bytes.as_ref().is_none_or(|set| value.iter().any(|byte| set[usize::from(*byte)]))
}
