//! What every item of a tuning is checked for, and what may be put into a rule.

use super::Origin;
use crate::fault::TUNING;
use crate::model::{Place, Target, Vocabulary};
use crate::names::shown;
use crate::target;
use base::{Fault, Result};

/// One item while it is compiled.
pub(super) struct Item<'i> {
    file: &'i str,
    kind: &'static str,
    pub(super) id: u64,
    made: &'i Origin,
    vocabulary: &'i Vocabulary<'i>,
}

impl<'i> Item<'i> {
    pub(super) fn new(
        file: &'i str,
        kind: &'static str,
        id: u64,
        made: &'i Origin,
        vocabulary: &'i Vocabulary<'i>,
    ) -> Item<'i> {
        Item { file, kind, id, made, vocabulary }
    }

    /// A fault of one key of the item.
    pub(super) fn wrong(&self, key: &str, expected: &str, found: &str) -> Fault {
        let object = format!("{}: {} {}: {key}", self.file, self.kind, self.id);
        Fault::new(&TUNING).object(object).expected(expected).found(shown(found))
    }

    /// Text that means itself within quotes of a rule.
    pub(super) fn harmless<'t>(&self, key: &str, text: &'t str) -> Result<&'t str> {
        let odd = |c: char| c.is_control() || matches!(c, '"' | '\'' | '\\');
        if text.contains(odd) || text.trim() != text || text.contains("%{") {
            return Err(self.wrong(key, "text without quotes, backslashes, %{ and spaces around it", text));
        }
        Ok(text)
    }

    /// A regular expression as it may stand in the argument of an operator.
    pub(super) fn expression(&self, key: &str, text: &str) -> Result<String> {
        let odd_end = text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
        if text.is_empty() || text.contains(char::is_control) || odd_end {
            return Err(self.wrong(key, "a regular expression on one line", text));
        }
        let mut written = String::with_capacity(text.len() + 8);
        let mut escaped = false;
        for c in text.chars() {
            // A quote would end the word; a backslash before it means the same to the expression.
            if c == '"' && !escaped {
                written.push('\\');
            }
            written.push(c);
            escaped = c == '\\' && !escaped;
        }
        // `%{name}` would be a macro; a brace behind a backslash is itself.
        Ok(written.replace("%{", "%\\{"))
    }

    /// Targets that may be left out or looked at.
    pub(super) fn targets(&self, key: &str, list: &[String]) -> Result<Vec<Target>> {
        let place = Place { file: self.file.into(), line: 0 };
        let mut targets = Vec::new();
        for text in list {
            if text.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) && !text.contains('/') {
                return Err(self.wrong(key, "a target without quotes and backslashes", text));
            }
            for target in target::each(text, self.vocabulary, &place) {
                let target = target.map_err(|cause| self.wrong(key, cause.wanted(), text))?;
                if target.exclude || target.count {
                    return Err(self.wrong(key, "a target without ! and &", text));
                }
                let spelt = target.to_string();
                if spelt.contains(|c: char| c.is_control() || c == '"') || spelt.contains("\\'") || spelt.contains("%{")
                {
                    return Err(self.wrong(key, "a target without quotes and %{ in its name", text));
                }
                targets.push(target);
            }
        }
        Ok(targets)
    }

    /// Checks who, when and why; false when the last day is over.
    pub(super) fn origin(&self, today: &str) -> Result<bool> {
        let made = self.made;
        for (key, text) in [("origin.by", &made.by), ("origin.why", &made.why)] {
            if text.trim().is_empty() {
                return Err(self.wrong(key, "a text", "nothing"));
            }
        }
        if !day(&made.at) {
            return Err(self.wrong("origin.at", "a day as YYYY-MM-DD", &made.at));
        }
        match &made.until {
            Some(until) if !day(until) => Err(self.wrong("origin.until", "a day as YYYY-MM-DD", until)),
            Some(until) => Ok(until.as_str() >= today),
            None => Ok(true),
        }
    }

    /// The line above its rules.
    pub(super) fn comment(&self) -> String {
        let made = self.made;
        let line = |text: &str| -> String {
            text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect()
        };
        let until = made.until.as_ref().map_or(String::new(), |until| format!(", until {until}"));
        format!("# {} {}: {} ({}, {}{until})\n", self.kind, self.id, line(&made.why), line(&made.by), made.at)
    }
}

/// Whether a text is a day, so that days can be compared as texts.
fn day(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut part = |digits: usize, least: u32, most: u32| {
        let part = parts.next().filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()));
        part.and_then(|part| part.parse().ok()).is_some_and(|number: u32| (least..=most).contains(&number))
    };
    part(4, 1970, 9999) && part(2, 1, 12) && part(2, 1, 31) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        for (text, fits) in [
            ("2026-11-27", true),
            ("2026-13-01", false),
            ("2026-1-01", false),
            ("2026-01-32", false),
            ("2026-01-01-", false),
            ("+026-01-01", false),
            ("", false),
        ] {
            assert_eq!(day(text), fits, "{text}");
        }
    }

    #[test]
    fn an_expression_stands_between_quotes() {
        let words = Vocabulary { operators: &[], transformations: &[], variables: &[], aliases: &[] };
        let made = Origin::default();
        let item = Item::new("f", "patch", 1, &made, &words);
        for (text, written) in
            [("a\"b", "a\\\"b"), (r#"a\"b"#, r#"a\"b"#), (r#"a\\"b"#, r#"a\\\"b"#), ("%{x}", "%\\{x}")]
        {
            assert_eq!(item.expression("k", text).unwrap(), written);
        }
        for text in ["", "a\nb", "a\\", "a\\\\\\"] {
            assert!(item.expression("k", text).is_err(), "{text}");
        }
    }
}
