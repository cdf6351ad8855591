//! The condition of a rule, as a tree over the names of its detection.

use crate::limits;

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All of them.
    And(Vec<Condition>),
    /// Any of them.
    Or(Vec<Condition>),
    /// The opposite.
    Not(Box<Condition>),
    /// What a name stands for.
    Name(String),
    /// One or all of the names that fit a pattern.
    Of {
        /// All of them, or one.
        all: bool,
        /// With `*`, or `them`.
        pattern: String,
    },
}

/// Why a condition cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    /// What was expected, and what was there.
    Form(&'static str, String),
    /// An aggregation of Sigma 1.
    Aggregation,
}

/// Reads a condition. Binding, from the loosest: or, and, not, `1 of`, brackets.
pub fn parse(text: &str) -> Result<Condition, Problem> {
    if text.len() > limits::CONDITION_BYTES {
        return Err(Problem::Form("a shorter condition", format!("{} bytes", text.len())));
    }
    if text.contains('|') {
        return Err(Problem::Aggregation);
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut reader = Reader { words: spaced.split_whitespace().collect(), at: 0, depth: 0 };
    let condition = reader.either()?;
    match reader.peek() {
        None => Ok(condition),
        Some(word) => Err(Problem::Form("`and`, `or` or the end", format!("`{word}`"))),
    }
}

/// Whether a name is chosen by a pattern: `them` leaves out names that begin with `_`.
pub fn chosen(pattern: &str, name: &str) -> bool {
    if pattern == "them" {
        return !name.starts_with('_');
    }
    let mut rest = name;
    let mut parts = pattern.split('*');
    let Some(tail) = rest.strip_prefix(parts.next().unwrap_or("")) else { return false };
    rest = tail;
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

struct Reader<'t> {
    words: Vec<&'t str>,
    at: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn deeper(&mut self) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > limits::CONDITION_DEPTH {
            return Err(Problem::Form("fewer nested brackets", format!("more than {}", limits::CONDITION_DEPTH)));
        }
        Ok(())
    }

    fn either(&mut self) -> Result<Condition, Problem> {
        let mut parts = vec![self.both()?];
        while self.take("or") {
            parts.push(self.both()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Or(parts) })
    }

    fn both(&mut self) -> Result<Condition, Problem> {
        let mut parts = vec![self.one()?];
        while self.take("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::And(parts) })
    }

    fn one(&mut self) -> Result<Condition, Problem> {
        if self.take("not") {
            self.deeper()?;
            let inner = self.one()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.take("(") {
            self.deeper()?;
            let inner = self.either()?;
            self.depth -= 1;
            let found = self.peek().map_or("the end".to_owned(), |word| format!("`{word}`"));
            return if self.take(")") { Ok(inner) } else { Err(Problem::Form("`)`", found)) };
        }
        let Some(word) = self.peek() else { return Err(Problem::Form("a name", "the end".to_owned())) };
        self.at += 1;
        if self.peek().is_some_and(|next| next.eq_ignore_ascii_case("of")) {
            let all = match word.to_ascii_lowercase().as_str() {
                "all" => true,
                "1" | "any" => false,
                _ => return Err(Problem::Form("`1 of` or `all of`", format!("`{word} of`"))),
            };
            self.at += 1;
            let Some(pattern) = self.peek() else {
                return Err(Problem::Form("a name after `of`", "the end".to_owned()));
            };
            self.at += 1;
            return Ok(Condition::Of { all, pattern: pattern.to_owned() });
        }
        let reserved = ["and", "or", ")", "of"].iter().any(|other| word.eq_ignore_ascii_case(other));
        if reserved { Err(Problem::Form("a name", format!("`{word}`"))) } else { Ok(Condition::Name(word.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(condition: &Condition) -> String {
        let list =
            |parts: &[Condition], sign: &str| format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(sign));
        match condition {
            Condition::And(parts) => list(parts, "&"),
            Condition::Or(parts) => list(parts, "|"),
            Condition::Not(inner) => format!("!{}", shown(inner)),
            Condition::Name(name) => name.clone(),
            Condition::Of { all, pattern } => format!("{}:{pattern}", if *all { "all" } else { "one" }),
        }
    }

    #[test]
    fn binding_is_or_and_not() {
        for (text, expected) in [
            ("a or b and not c", "(a|(b&!c))"),
            ("(a or b) and c", "((a|b)&c)"),
            ("not (a or b) and not not c", "(!(a|b)&!!c)"),
            ("1 of sel* and not all of filter_*", "(one:sel*&!all:filter_*)"),
            ("ALL OF them OR x", "(all:them|x)"),
        ] {
            assert_eq!(shown(&parse(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn broken_conditions_say_what_is_missing() {
        for text in
            ["", "a and", "a b", "(a", "a)", "2 of them", "1 of", "not", "or a", &"(".repeat(100), &"not ".repeat(100)]
        {
            assert!(matches!(parse(text), Err(Problem::Form(..))), "{text}");
        }
        assert_eq!(parse("sel | count() by x > 5"), Err(Problem::Aggregation));
    }

    #[test]
    fn patterns_choose_names() {
        for (pattern, name, expected) in [
            ("them", "a", true),
            ("them", "_a", false),
            ("sel*", "selection", true),
            ("*_x*", "a_xy", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "acb", false),
            ("ab*b", "ab", false),
            ("a", "ab", false),
        ] {
            assert_eq!(chosen(pattern, name), expected, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in "(and|or|not|of|1|all|them|[ab*()| _é]){0,40}") {
            let _ = parse(&text);
        }
    }
}
