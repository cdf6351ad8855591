//! The cases of libinjection, and what must hold of any bytes.

use super::fold::fold;
use super::lexer::Lexer;
use super::token::{Kind, Token};
use super::*;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// Cases of `1.e` as a name: older than libmodsecurity 3.0.15, which reads it as MySQL does (tests/oracle.rs holds).
const OLDER: &[&str] = &[
    "test-tokens-numbers-exp-001.txt",
    "test-tokens-numbers-exp-009.txt",
    "test-tokens-numbers-exp-010.txt",
    "test-tokens-numbers-exp-011.txt",
    "test-tokens-numbers-exp-012.txt",
    "test-folding-099.txt",
    "test-folding-100.txt",
];

fn cases() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/waf/libinjection/tests");
    if !folder.is_dir() {
        println!("skipped: the libinjection corpus is not beside the repository");
        return None;
    }
    Some(folder)
}

/// Input and expectation of each case whose file name begins so.
pub(crate) fn read_cases(prefix: &str) -> Vec<(String, Vec<u8>, String)> {
    let Some(folder) = cases() else { return Vec::new() };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with(prefix) {
            continue;
        }
        let text = std::fs::read(&path).unwrap();
        let part = |from: &[u8], to: Option<&[u8]>| {
            let start = memchr::memmem::find(&text, from).unwrap() + from.len();
            let end = to.map_or(text.len(), |to| memchr::memmem::find(&text, to).unwrap());
            text[start..end].trim_ascii_end().to_vec()
        };
        let input = part(b"--INPUT--\n", Some(b"--EXPECTED--\n"));
        let expected = part(b"--EXPECTED--\n", None);
        found.push((name, input, String::from_utf8_lossy(&expected).into_owned()));
    }
    found.sort();
    found
}

fn shown(token: &Token) -> String {
    let quote = |byte: u8| if byte == 0 { String::new() } else { char::from(byte).to_string() };
    let text = String::from_utf8_lossy(token.text()).into_owned();
    let whole = match token.kind {
        Kind::String | Kind::Variable => format!("{}{text}{}", quote(token.open), quote(token.close)),
        _ => text,
    };
    format!("{} {whole}", char::from(token.kind as u8))
}

/// Lines as we compare them: the signs before a variable are not kept, nor is white space at an end.
fn lines(text: &str) -> Vec<String> {
    let line = |line: &str| line.trim_end().replacen("v @@", "v ", 1).replacen("v @", "v ", 1).trim_end().to_owned();
    text.trim_end().lines().map(line).collect()
}

fn judge_cases(prefix: &str, run: impl Fn(&[u8]) -> String) {
    let cases = read_cases(prefix);
    let mut wrong = Vec::new();
    for (name, input, expected) in &cases {
        let (got, wanted) = (lines(&run(input)), lines(expected));
        if (got != wanted) != OLDER.contains(&name.as_str()) {
            wrong.push(format!("{name}: {:?}\n  got    {got:?}\n  wanted {wanted:?}", String::from_utf8_lossy(input)));
        }
    }
    println!("{prefix}: {} cases, {} wrong", cases.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tokens_are_those_of_the_corpus() {
    judge_cases("test-tokens-", |input| {
        let mut lexer = Lexer::new(input, Context::Bare, Dialect::Ansi);
        let tokens = std::iter::from_fn(|| lexer.token());
        tokens.map(|token| shown(&token)).collect::<Vec<_>>().join("\n")
    });
}

#[test]
fn folding_is_that_of_the_corpus() {
    judge_cases("test-folding-", |input| {
        let folded = fold(&mut Lexer::new(input, Context::Bare, Dialect::Ansi));
        folded.tokens[..folded.count].iter().map(shown).collect::<Vec<_>>().join("\n")
    });
}

#[test]
fn fingerprints_are_those_of_the_corpus() {
    judge_cases("test-sqli-", |input| detect(input).map(|found| found.to_string()).unwrap_or_default());
}

#[test]
fn well_known_injections_and_plain_texts() {
    for (value, fingerprint) in [
        ("1' OR '1'='1", "s&sos"),
        ("1 UNION ALL SELECT 1,2,3 -- ", "1UE1c"),
        ("' or 1=1#", "s&1c"),
        ("1; DROP TABLE users", "1;Tnn"),
        ("\" or sleep(5)=\"", "s&f(1"),
        ("1/*!50000union*/", "X"),
    ] {
        let found = detect(value.as_bytes()).map(|found| found.to_string());
        assert_eq!(found.as_deref(), Some(fingerprint), "{value}");
    }
    for value in ["", "a", "O'Reilly", "rock and roll", "1 union", "2024-05-06", "select a seat", "C++ or C#?", "1234"]
    {
        assert_eq!(detect(value.as_bytes()), None, "{value}");
    }
}

/// A keyword before a dot ends its word, so that a row of them is as many words: each once was measured to the end of the
/// row, which made half an hour of this test.
#[test]
fn a_long_row_of_keywords_and_dots_is_read_flat() {
    for piece in ["or.", "or`", "1or.", "select."] {
        let value = piece.repeat(1_000_000);
        for dialect in [Dialect::Ansi, Dialect::MySql] {
            read(value.as_bytes(), Context::Bare, dialect);
        }
        assert!(census(value.as_bytes(), Context::Bare, Dialect::Ansi).tokens >= 1_000_000);
    }
}

/// Values made of what the lexer knows, so that rare paths are taken.
fn sqlish() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("`".to_owned()),
        Just("/*".to_owned()),
        Just("*/".to_owned()),
        Just("--".to_owned()),
        Just("\\".to_owned()),
        Just("$a$".to_owned()),
        Just("q'(".to_owned()),
        Just("{ ".to_owned()),
        Just(" union select ".to_owned()),
        Just("in ".to_owned()),
        "[-+!~,.;:@#(){}\\[\\]]{1,3}",
        "[a-z]{1,4} ?",
        "[0-9.exbdf]{1,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_bytes_are_read(value in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), sqlish()]) {
        for context in [Context::Bare, Context::Single, Context::Double] {
            for dialect in [Dialect::Ansi, Dialect::MySql] {
                let reading = read(&value, context, dialect);
                prop_assert!(reading.tokens <= value.len());
                prop_assert!(reading.listed || !reading.injection);
            }
        }
        // The early exit never hides an injection.
        if is_plain(&value) {
            prop_assert!(!read(&value, Context::Bare, Dialect::Ansi).injection);
        }
    }

    #[test]
    fn words_and_whole_numbers_are_plain(
        value in "([a-zA-Z][a-zA-Z0-9_]{0,20}|[0-9]{1,20})",
        mixed in "(0x|0X|0|[0-9]{0,3})([0-9a-fxA-FX_]{0,12})(select|or|and|like|div|in|e|d|f|0|00)?[0-9a-f_]{0,5}",
    ) {
        for value in [value, mixed].iter().filter(|value| is_plain(value.as_bytes())) {
            for dialect in [Dialect::Ansi, Dialect::MySql] {
                prop_assert!(!read(value.as_bytes(), Context::Bare, dialect).injection);
            }
        }
    }
}
