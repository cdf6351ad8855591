//! Regular expressions behind the literals they need.

use crate::required::required;
use crate::{Bits, Literal, LiteralSet, Place, fault};
use base::{Fault, Result};
use regex::bytes::{Regex, RegexBuilder};

/// Longest expression, bytes: longer ones are data, not patterns.
const LENGTH: usize = 8 * 1024;
/// Memory of one compiled expression, bytes. Stops `(a{1000}){1000}`.
const MEMORY: usize = 1024 * 1024;
/// Memory of the lazy automaton of one expression, bytes. It is filled by what events hold, once a thread: a hundred
/// expressions must not take an agent's memory. An expression that needs more runs slower, never differently.
const LAZY_MEMORY: usize = 128 * 1024;
/// Deepest nesting; the builder recurses.
const NESTING: u32 = 64;

/// How an expression is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    /// Case does not matter.
    pub ignore_case: bool,
    /// `^` and `$` stand at lines.
    pub multi_line: bool,
    /// `.` takes a line end too.
    pub dot_all: bool,
}

/// A regular expression, searched for anywhere in a text.
#[derive(Debug, Clone)]
pub struct Expression {
    regex: Regex,
    guards: Option<Vec<Vec<u8>>>,
}

impl Expression {
    /// Compiles an expression. Classes are ASCII, as in PCRE; an expression that names characters beyond ASCII in a
    /// class is read as Unicode.
    pub fn new(text: &str, flags: Flags) -> Result<Expression> {
        if text.len() > LENGTH {
            let fault = Fault::new(&fault::EXPRESSION_SIZE).object("regular expression");
            return Err(fault.expected(format!("at most {LENGTH} bytes")).found(format!("{} bytes", text.len())));
        }
        Expression::build(text, flags, false).or_else(|_| Expression::build(text, flags, true))
    }

    fn build(text: &str, flags: Flags, unicode: bool) -> Result<Expression> {
        let wrong = |cause: String| Fault::new(&fault::EXPRESSION).object(format!("/{text}/")).found(cause);
        let hir = regex_syntax::ParserBuilder::new()
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multi_line)
            .dot_matches_new_line(flags.dot_all)
            .unicode(unicode)
            .utf8(false)
            .nest_limit(NESTING)
            .build()
            .parse(text)
            .map_err(|cause| wrong(reason(&cause)))?;
        let regex = RegexBuilder::new(text)
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multi_line)
            .dot_matches_new_line(flags.dot_all)
            .unicode(unicode)
            .nest_limit(NESTING)
            .size_limit(MEMORY)
            .dfa_size_limit(LAZY_MEMORY)
            .build()
            .map_err(|cause| match cause {
                regex::Error::CompiledTooBig(_) => Fault::new(&fault::EXPRESSION_SIZE).object(format!("/{text}/")),
                other => wrong(other.to_string().lines().last().unwrap_or_default().to_owned()),
            })?;
        Ok(Expression { regex, guards: required(&hir) })
    }

    /// Texts of which every match holds at least one, ASCII case aside; `None` when the expression has no such texts
    /// and must always run.
    pub fn guards(&self) -> Option<&[Vec<u8>]> {
        self.guards.as_deref()
    }

    /// Whether it stands somewhere in the text.
    pub fn fits(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }
}

/// A text as an expression that finds just that text.
pub fn escape(text: &str) -> String {
    regex_syntax::escape(text)
}

/// What the parser says, without the drawing of the pattern.
fn reason(cause: &regex_syntax::Error) -> String {
    match cause {
        regex_syntax::Error::Parse(cause) => cause.kind().to_string(),
        regex_syntax::Error::Translate(cause) => cause.kind().to_string(),
        _ => cause.to_string(),
    }
}

/// Many expressions with the automaton of their guards in front.
#[derive(Debug)]
pub struct ExpressionSet {
    expressions: Vec<(Expression, u32)>,
    /// Reports indices of `expressions`.
    guards: LiteralSet,
    unguarded: Vec<u32>,
}

impl ExpressionSet {
    /// From expressions and the numbers to report for them.
    pub fn new(expressions: Vec<(Expression, u32)>) -> Result<ExpressionSet> {
        let mut literals = Vec::new();
        let mut unguarded = Vec::new();
        for (index, (expression, _)) in (0..).zip(&expressions) {
            match expression.guards() {
                None => unguarded.push(index),
                Some(guards) => literals.extend(guards.iter().map(|text| Literal {
                    text,
                    place: Place::Anywhere,
                    cased: false,
                    answer: index,
                })),
            }
        }
        let guards = LiteralSet::new(&literals)?;
        Ok(ExpressionSet { expressions, guards, unguarded })
    }

    /// How many expressions there are: `passed` of [`ExpressionSet::scan`] needs this size.
    pub fn len(&self) -> usize {
        self.expressions.len()
    }

    /// Whether it holds no expression.
    pub fn is_empty(&self) -> bool {
        self.expressions.is_empty()
    }

    /// Reports every expression that stands in the text. `passed` is scratch space that is left empty.
    pub fn scan(&self, text: &[u8], passed: &mut Bits, answers: &mut Bits) {
        passed.clear();
        self.guards.scan(text, passed);
        for index in passed.order().iter().chain(&self.unguarded) {
            let (expression, answer) = &self.expressions[*index as usize];
            if expression.fits(text) {
                answers.insert(*answer);
            }
        }
        passed.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn guards(text: &str, flags: Flags) -> Option<Vec<String>> {
        let expression = Expression::new(text, flags).unwrap();
        let plain = |guard: &Vec<u8>| String::from_utf8_lossy(guard).to_lowercase();
        expression.guards().map(|guards| guards.iter().map(plain).collect())
    }

    #[test]
    fn guards_are_what_every_match_holds() {
        let plain = Flags::default();
        let folded = Flags { ignore_case: true, ..plain };
        for (text, flags, expected) in [
            (r"\s-O\s", plain, vec!["-o"]),
            ("https?://[0-9]+", plain, vec!["http"]),
            ("(wget|curl).*(sh|bash)", plain, vec!["wget", "curl"]),
            ("(?i)/Python3/Site", plain, vec!["/python3/site"]),
            ("kiss", folded, vec!["kiss"]),
            (r"\bnc\b", plain, vec!["nc"]),
        ] {
            assert_eq!(guards(text, flags).unwrap(), expected, "{text}");
        }
        for text in ["[^/]{100,}$", "(.){200,}", "a|.*", "(abc)?", "", "[a-c]x?"] {
            assert_eq!(guards(text, plain), None, "{text}");
        }
    }

    #[test]
    fn hostile_expressions_are_refused() {
        for text in
            ["(a{1000}){1000}", "(", &"(".repeat(9000), &"(".repeat(1000), r"(?=x)", r"(a)\1", &"a{9}".repeat(3000)]
        {
            assert!(Expression::new(text, Flags::default()).is_err(), "{}", &text[..text.len().min(20)]);
        }
        assert!(Expression::new("[à-ü]+", Flags::default()).unwrap().fits("é".as_bytes()));
    }

    proptest! {
        #[test]
        fn a_guard_never_hides_a_match(text in "[abAB(|)*+?.\\[\\]^$i:-]{0,12}", hay in "[abABk-]{0,12}", ignore_case in any::<bool>()) {
            let flags = Flags { ignore_case, ..Flags::default() };
            if let Ok(expression) = Expression::new(&text, flags) {
                let expected = expression.fits(hay.as_bytes());
                let set = ExpressionSet::new(vec![(expression, 3)]).unwrap();
                let (mut passed, mut answers) = (Bits::new(1), Bits::new(8));
                set.scan(hay.as_bytes(), &mut passed, &mut answers);
                prop_assert_eq!(answers.has(3), expected);
            }
        }
    }
}
