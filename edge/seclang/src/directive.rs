//! Text into directives: lines joined, comments left out, words and quotes told apart.

use crate::fault::SYNTAX;
use crate::model::Place;
use crate::names::{fault, shown};
use base::Result;
use std::sync::Arc;

/// One word behind a directive's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// What stood between the quotes, escapes as they were.
    pub(crate) raw: String,
}

impl Word {
    /// The word with `\"` read as `"`.
    pub(crate) fn plain(&self) -> String {
        self.raw.replace("\\\"", "\"")
    }
}

/// A directive with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directive {
    /// As written.
    pub(crate) name: String,
    /// Behind the name.
    pub(crate) words: Vec<Word>,
    /// Of its first line.
    pub(crate) place: Place,
}

/// Walks the directives of one file.
pub(crate) struct Directives<'t> {
    rest: &'t str,
    file: Arc<str>,
    line: u32,
}

impl<'t> Directives<'t> {
    pub(crate) fn new(file: Arc<str>, text: &'t str) -> Directives<'t> {
        Directives { rest: text.strip_prefix('\u{feff}').unwrap_or(text), file, line: 0 }
    }

    /// One physical line without its end.
    fn physical(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

impl Iterator for Directives<'_> {
    type Item = Result<Directive>;

    fn next(&mut self) -> Option<Result<Directive>> {
        loop {
            let first = self.physical()?.trim_start();
            // A comment ends with its line, also when a backslash stands there: a rule must not vanish into it.
            if first.is_empty() || first.starts_with('#') {
                continue;
            }
            let place = Place { file: self.file.clone(), line: self.line };
            let mut joined = first.to_string();
            while joined.ends_with('\\') {
                joined.pop();
                match self.physical() {
                    Some(line) => joined.push_str(line),
                    None => break,
                }
            }
            if joined.trim().is_empty() {
                continue;
            }
            return Some(words(&joined, place));
        }
    }
}

fn words(line: &str, place: Place) -> Result<Directive> {
    let line = line.trim();
    let (name, mut rest) = line.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((line, ""));
    let mut words = Vec::new();
    loop {
        rest = rest.trim_start();
        // A comment behind the words.
        if rest.is_empty() || rest.starts_with('#') {
            break;
        }
        let (word, after) = word(rest, &place)?;
        words.push(word);
        rest = after;
    }
    Ok(Directive { name: name.to_string(), words, place })
}

fn word<'l>(text: &'l str, place: &Place) -> Result<(Word, &'l str)> {
    let Some(quote) = text.bytes().next().filter(|byte| matches!(byte, b'"' | b'\'')) else {
        let (word, rest) = text.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((text, ""));
        return Ok((Word { raw: word.to_string() }, rest));
    };
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    // The quote is ASCII, so both cuts are at ends of characters.
    let (Some(raw), Some(rest)) = (text.get(1..at), text.get(at + 1..)) else {
        return Err(fault(&SYNTAX, place).expected("a closing quote").found(shown(text)));
    };
    if !rest.is_empty() && !rest.starts_with(|c: char| c.is_ascii_whitespace()) {
        return Err(fault(&SYNTAX, place).expected("a space behind the closing quote").found(shown(rest)));
    }
    Ok((Word { raw: raw.to_string() }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, Vec<String>, u32)> {
        let directives = Directives::new("f".into(), text).map(|directive| directive.unwrap());
        directives.map(|d| (d.name, d.words.into_iter().map(|word| word.raw).collect(), d.place.line)).collect()
    }

    #[test]
    fn lines_are_joined_and_counted() {
        let text = "# a \\\n\nSecRule A \\\r\n  \"b c\\\n d\" # e\r\n  SecMarker \"x\"\nSecX\\\n";
        let found = read(text);
        assert_eq!(
            found,
            [
                ("SecRule".to_string(), vec!["A".to_string(), "b c d".to_string()], 3),
                ("SecMarker".to_string(), vec!["x".to_string()], 6),
                ("SecX".to_string(), vec![], 7),
            ]
        );
    }

    #[test]
    fn quotes_and_escapes() {
        let found = read(r#"S "a\"b" 'c d' e"f "g\\" """#);
        assert_eq!(found[0].1, [r#"a\"b"#, "c d", "e\"f", r"g\\", ""]);
    }

    #[test]
    fn what_is_not_closed_is_told() {
        for text in ["S \"a", "S \"a\\", "S \"a\\\"", "S \"a\"b", "S '"] {
            let fault = Directives::new("f".into(), text).next().unwrap().unwrap_err();
            assert!(fault.is(&SYNTAX) && fault.named() == "f:1", "{text}: {fault}");
        }
    }
}
