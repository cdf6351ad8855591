//! `rx`, `rxGlobal`: regular expressions in PCRE's dialect, over bytes.
//!
//! An expression runs in linear time (crate `regex`) unless it needs look-around, back-references, possessive or atomic
//! groups. Those run by backtracking (crate `fancy-regex`), at most [`BACKTRACKS`] steps a value, and only on values that
//! a linear expression lets through which matches wherever they could.

mod class;
mod guard;
mod pcre;

use super::{Captures, Guard, Matcher, Operator};
use crate::fault;
use base::{Fault, Result};
use pcre::{Target, Written};
use regex_syntax::hir::Hir;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest pattern, bytes.
const PATTERN_BYTES: usize = 256 << 10;
/// Largest compiled expression, bytes; stops `(a{1000}){1000}`.
const COMPILED_BYTES: usize = 10 << 20;
/// Largest cache of states of an expression, bytes a thread.
const CACHE_BYTES: usize = 2 << 20;
/// Most steps back that an expression may take on one value. A value that needs more does not match, and is counted.
pub const BACKTRACKS: usize = 100_000;
/// Groups kept, group 0 included.
const GROUPS: usize = 10;
/// Matches that `rxGlobal` may take groups of; every one has group 0.
const MATCHES: usize = GROUPS;

/// How an expression runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// In linear time, as it was written.
    Native,
    /// In linear time, written anew because Rust's dialect says it otherwise.
    Rewritten,
    /// By backtracking, bounded.
    Backtracking,
}

/// A regular expression of a rule.
pub struct Expression {
    /// The expression; with [`Dialect::Backtracking`] one that matches wherever it does.
    linear: regex::bytes::Regex,
    /// The expression for values that `linear` alone cannot judge.
    exact: OnceLock<Option<fancy_regex::Regex>>,
    /// Pattern of `exact`.
    pattern: String,
    dialect: Dialect,
    line_begin: bool,
    guard: Guard,
    gave_up: AtomicU64,
}

impl Expression {
    /// From a pattern in PCRE's dialect, `.` for any byte and `^` and `$` of lines, as libmodsecurity compiles it.
    ///
    /// # Errors
    /// When it is not valid, too long or too big, or needs recursion, conditions, verbs or Unicode properties.
    pub fn new(pattern: &[u8]) -> Result<Expression> {
        let fault = |cause: String| invalid(pattern, cause);
        if pattern.len() > PATTERN_BYTES {
            return Err(fault(format!("longer than {PATTERN_BYTES} bytes")));
        }
        let Written { text, beyond, line_begin } = pcre::write(pattern, Target::Linear).map_err(fault)?;
        let exact =
            if beyond || line_begin { pcre::write(pattern, Target::Exact).map_err(fault)?.text } else { String::new() };
        let text = if beyond { pcre::write(pattern, Target::Loose).map_err(fault)?.text } else { text };
        let hir = parsed(&text).map_err(fault)?;
        let dialect = match std::str::from_utf8(pattern).map(parsed) {
            _ if beyond => Dialect::Backtracking,
            Ok(Ok(as_it_stands)) if as_it_stands == hir => Dialect::Native,
            _ => Dialect::Rewritten,
        };
        let linear = regex::bytes::RegexBuilder::new(&text)
            .unicode(false)
            .multi_line(true)
            .dot_matches_new_line(true)
            .size_limit(COMPILED_BYTES)
            .dfa_size_limit(CACHE_BYTES)
            .build()
            .map_err(|cause| invalid(pattern, cause.to_string()))?;
        let compiled = if beyond {
            OnceLock::from(Some(backtracking(&exact).map_err(|cause| invalid(pattern, cause))?))
        } else {
            OnceLock::new()
        };
        let guard = guard::of(&hir);
        Ok(Expression {
            linear,
            exact: compiled,
            pattern: exact,
            dialect,
            line_begin,
            guard,
            gave_up: AtomicU64::new(0),
        })
    }

    /// How it runs.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Values it gave up on.
    pub fn gave_up(&self) -> u64 {
        self.gave_up.load(Ordering::Relaxed)
    }

    /// What every value it matches holds.
    pub fn guard(&self) -> Guard {
        self.guard.clone()
    }

    /// Whether it matches somewhere in the value.
    pub fn is_match(&self, value: &[u8]) -> bool {
        // `Regex::is_match` falls back to its slowest engine where an inner literal is frequent; this falls back to the
        // automaton.
        let Some(exact) = self.exact(value) else { return self.linear.shortest_match(value).is_some() };
        // Wherever the exact one matches, the linear one does: what is before its first match costs no steps.
        self.linear.find(value).is_some_and(|found| match exact.find_from_pos(value, found.start()) {
            Ok(found) => found.is_some(),
            Err(_) => self.give_up(),
        })
    }

    /// The first match that begins at `from` or behind it.
    pub fn find_at(&self, value: &[u8], from: usize) -> Option<Range<usize>> {
        let found = self.linear.find_at(value, from)?;
        let Some(exact) = self.exact(value) else { return Some(found.range()) };
        match exact.find_from_pos(value, found.start()) {
            Ok(found) => found.map(|found| found.start()..found.end()),
            Err(_) => self.give_up().then(|| found.range()),
        }
    }

    /// The groups of the first match that begins at `from` or behind it.
    fn groups_at(&self, value: &[u8], from: usize) -> Option<Vec<Option<Range<usize>>>> {
        let linear = || {
            let found = self.linear.captures_at(value, from)?;
            Some(found.iter().take(GROUPS).map(|group| group.map(|group| group.range())).collect())
        };
        let Some(exact) = self.exact(value) else { return linear() };
        let first = self.linear.find_at(value, from)?;
        match exact.captures_from_pos(value, first.start()) {
            Ok(found) => found.map(|found| {
                found.iter().take(GROUPS).map(|group| group.map(|group| group.start()..group.end())).collect()
            }),
            Err(_) if self.give_up() => linear(),
            Err(_) => None,
        }
    }

    /// The expression that has the last word on a value, where it is not the linear one: it is beyond that, or it looks
    /// at the begin of lines and a line feed ends the value, behind which PCRE sees none.
    fn exact(&self, value: &[u8]) -> Option<&fancy_regex::Regex> {
        if self.dialect == Dialect::Backtracking || self.line_begin && value.ends_with(b"\n") {
            self.exact.get_or_init(|| backtracking(&self.pattern).ok()).as_ref()
        } else {
            None
        }
    }

    /// What to say of a value on which the backtracking was too long: what the linear expression said, if it is the same
    /// but for one byte, else no.
    fn give_up(&self) -> bool {
        self.gave_up.fetch_add(1, Ordering::Relaxed);
        self.dialect != Dialect::Backtracking
    }
}

fn invalid(pattern: &[u8], cause: String) -> Fault {
    let shown = String::from_utf8_lossy(&pattern[..pattern.len().min(120)]).into_owned();
    Fault::new(&fault::EXPRESSION).object(format!("@rx {shown}")).found(cause)
}

fn parsed(pattern: &str) -> std::result::Result<Hir, String> {
    let mut builder = regex_syntax::ParserBuilder::new();
    let parser = builder.unicode(false).utf8(false).multi_line(true).dot_matches_new_line(true);
    parser.build().parse(pattern).map_err(|cause| cause.to_string())
}

fn backtracking(pattern: &str) -> std::result::Result<fancy_regex::Regex, String> {
    fancy_regex::RegexBuilder::new(pattern)
        .bytes_mode(fancy_regex::BytesMode::Ascii)
        .multi_line(true)
        .dot_matches_new_line(true)
        .backtrack_limit(BACKTRACKS)
        .delegate_size_limit(COMPILED_BYTES)
        .delegate_dfa_size_limit(CACHE_BYTES)
        .build()
        .map_err(|cause| cause.to_string())
}

/// One of the two.
pub struct Rx {
    name: &'static str,
    /// Groups of the next matches behind those of the first, up to the last that took part.
    global: bool,
}

impl Rx {
    /// `@rx`.
    pub const FIRST: Rx = Rx { name: "rx", global: false };
    /// `@rxGlobal`.
    pub const GLOBAL: Rx = Rx { name: "rxglobal", global: true };
}

impl Operator for Rx {
    fn name(&self) -> &'static str {
        self.name
    }

    fn build(&self, argument: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Test { expression: Expression::new(argument)?, global: self.global }))
    }
}

struct Test {
    expression: Expression,
    global: bool,
}

impl Matcher for Test {
    fn holds(&self, value: &[u8], captures: Option<&mut Captures>) -> bool {
        let Some(captures) = captures else { return self.expression.is_match(value) };
        captures.0.clear();
        let mut from = 0;
        for _ in 0..if self.global { MATCHES } else { 1 } {
            let Some(groups) = self.expression.groups_at(value, from) else { break };
            let whole = groups.first().cloned().flatten().unwrap_or(from..from);
            let last = groups.iter().rposition(Option::is_some).unwrap_or(0);
            captures.0.extend(groups.into_iter().take(last + 1).map(|group| group.map(|group| value[group].to_vec())));
            from = whole.end + usize::from(whole.is_empty());
            if captures.0.len() >= GROUPS || from > value.len() {
                break;
            }
        }
        captures.0.truncate(GROUPS);
        !captures.0.is_empty()
    }

    fn guard(&self) -> Guard {
        self.expression.guard()
    }

    fn dialect(&self) -> Option<Dialect> {
        Some(self.expression.dialect())
    }

    fn gave_up(&self) -> u64 {
        self.expression.gave_up()
    }
}

#[cfg(test)]
mod tests;
