//! Texts with macros: `%{collection.key}` and `%{VARIABLE}`.

use crate::fault::MACRO;
use crate::model::{Piece, Place, Text, Vocabulary};
use crate::names::{canonical, fault, nearest, shown};
use base::Result;

/// Reads a text. `%` that no name in braces follows is itself.
pub(crate) fn parse(text: &str, vocabulary: &Vocabulary<'_>, place: &Place) -> Result<Text> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("%{") {
        let (before, behind) = (&rest[..at], &rest[at + 2..]);
        literal.push_str(before);
        // `%{2,3}` in an expression counts percent signs.
        if !behind.starts_with(|c: char| c.is_ascii_alphabetic()) {
            literal.push_str("%{");
            rest = behind;
            continue;
        }
        let Some((inside, after)) = behind.split_once('}') else {
            return Err(fault(&MACRO, place).expected("a closing brace").found(shown(&rest[at..])));
        };
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal).into_bytes()));
        }
        pieces.push(expand(inside, vocabulary, place)?);
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal.into_bytes()));
    }
    Ok(Text(pieces))
}

fn expand(inside: &str, vocabulary: &Vocabulary<'_>, place: &Place) -> Result<Piece> {
    let (name, key) = inside.split_once(['.', ':']).unwrap_or((inside, ""));
    let Some(variable) = canonical(vocabulary, vocabulary.variables, name) else {
        let near = nearest(vocabulary.variables.iter().copied(), name);
        return Err(fault(&MACRO, place).expected(near).found(shown(&format!("%{{{inside}}}"))));
    };
    Ok(Piece::Macro { variable: variable.to_string(), key: key.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Vocabulary<'static> = Vocabulary {
        operators: &[],
        transformations: &[],
        variables: &["TX", "MATCHED_VAR", "REQUEST_HEADERS"],
        aliases: &[],
    };

    fn read(text: &str) -> Result<Text> {
        parse(text, &WORDS, &Place { file: "f".into(), line: 1 })
    }

    #[test]
    fn macros_and_what_stands_between() {
        let told = |variable: &str, key: &str| Piece::Macro { variable: variable.into(), key: key.into() };
        let text = read("a%{tx.a.b}%{MATCHED_VAR} 100% %{Request_Headers:host}%{2}").unwrap();
        assert_eq!(
            text.0,
            [
                Piece::Literal(b"a".to_vec()),
                told("TX", "a.b"),
                told("MATCHED_VAR", ""),
                Piece::Literal(b" 100% ".to_vec()),
                told("REQUEST_HEADERS", "host"),
                Piece::Literal(b"%{2}".to_vec()),
            ]
        );
        assert_eq!(read("").unwrap().fixed(), Some(&b""[..]));
    }

    #[test]
    fn what_is_no_macro_is_told() {
        assert_eq!(read("%{tx.a").unwrap_err().wanted(), "a closing brace");
        let fault = read("x %{MATCHED_VA}").unwrap_err();
        assert_eq!((fault.wanted(), fault.got()), ("MATCHED_VAR", "%{MATCHED_VA}"));
    }
}
