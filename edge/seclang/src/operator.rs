//! Operators: `!@name argument`, and the files that some of them name.

use crate::fault::{OPERATOR, UNSUPPORTED, VALUE};
use crate::model::{Operator, Place, Text, Vocabulary};
use crate::names::{canonical, fault, nearest, shown};
use crate::text;
use base::Result;

/// Operators whose argument names files with one needle a line.
const FROM_FILE: &[&str] = &["pmfromfile", "ipmatchfromfile"];

/// An operator and the files it still needs.
pub(crate) struct Read {
    pub(crate) operator: Operator,
    /// Names of files as written; the lines are put into `operator.data`.
    pub(crate) files: Vec<String>,
}

/// Reads the second word of a `SecRule`. One space stands between name and argument; more are part of the argument, as
/// are those at its end, and `\"` stays as it is: an expression means the same with it.
pub(crate) fn parse(word: &str, vocabulary: &Vocabulary<'_>, place: &Place) -> Result<Read> {
    let word = word.trim_start();
    let (negated, word) = word.strip_prefix('!').map_or((false, word), |word| (true, word.trim_start()));
    let (name, argument) = match word.strip_prefix('@') {
        Some(word) => word.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((word, "")),
        None => ("rx", word),
    };
    let Some(name) = canonical(vocabulary, vocabulary.operators, name) else {
        let near = nearest(vocabulary.operators.iter().copied(), name);
        return Err(fault(&OPERATOR, place).expected(near).found(shown(&format!("@{name}"))));
    };
    let files: Vec<String> = if FROM_FILE.contains(&name) {
        argument.split_ascii_whitespace().map(str::to_string).collect()
    } else {
        Vec::new()
    };
    if FROM_FILE.contains(&name) && files.is_empty() {
        return Err(fault(&VALUE, place).expected(format!("a file behind @{name}")).found("nothing"));
    }
    if let Some(remote) = files.iter().find(|file| file.contains("://")) {
        return Err(fault(&UNSUPPORTED, place).expected("a local file").found(shown(remote)));
    }
    let argument =
        if files.is_empty() { text::parse(argument, vocabulary, place)? } else { Text::literal(argument.as_bytes()) };
    Ok(Read { operator: Operator { name, negated, argument, data: Vec::new().into() }, files })
}

/// Lines of a file of needles: comments and blank lines left out, spaces kept (they are part of a phrase).
pub(crate) fn lines(content: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    content
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| line.trim_ascii().first().is_some_and(|first| *first != b'#'))
        .map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Vocabulary<'static> = Vocabulary {
        operators: &["rx", "streq", "pmfromfile"],
        transformations: &[],
        variables: &["TX"],
        aliases: &[("pmf", "pmfromfile")],
    };

    fn read(word: &str) -> Result<Read> {
        parse(word, &WORDS, &Place { file: "f".into(), line: 1 })
    }

    #[test]
    fn every_form() {
        for (word, name, negated, argument) in [
            ("@rx ^a", "rx", false, "^a"),
            ("!@streq  b ", "streq", true, " b "),
            ("! @StrEq b", "streq", true, "b"),
            ("a|b", "rx", false, "a|b"),
            ("!a", "rx", true, "a"),
            ("@streq", "streq", false, ""),
            (r#"@rx \"\x5c"#, "rx", false, r#"\"\x5c"#),
            ("", "rx", false, ""),
        ] {
            let found = read(word).unwrap().operator;
            assert_eq!((found.name, found.negated), (name, negated), "{word}");
            assert_eq!(found.argument.fixed(), Some(argument.as_bytes()), "{word}");
        }
        assert_eq!(read("@pmf a.data b.data").unwrap().files, ["a.data", "b.data"]);
    }

    #[test]
    fn what_is_no_operator_is_told() {
        let fault = read("@strq a").map(|_| ()).unwrap_err();
        assert_eq!((fault.wanted(), fault.got()), ("streq", "@strq"));
        assert!(read("@pmf").map(|_| ()).unwrap_err().is(&VALUE));
        assert!(read("@pmf https://example.com/a").map(|_| ()).unwrap_err().is(&UNSUPPORTED));
    }

    #[test]
    fn needles_are_lines() {
        let found: Vec<_> = lines(b" foo \n#c\n  # d\nbar#z\n\n \t\nbaz\r\n\xff").collect();
        assert_eq!(found, [&b" foo "[..], b"bar#z", b"baz", b"\xff"]);
    }
}
