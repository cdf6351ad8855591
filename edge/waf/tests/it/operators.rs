//! Every operator beside libmodsecurity, and the regular expressions of OWASP CRS over values of the corpora.

use crate::oracle::{self, Numbers};
use std::collections::BTreeMap;
use std::path::Path;
use waf::operator::rx::{Dialect, Expression};
use waf::operator::{self, Captures, Matcher};

/// An operator, arguments, and pieces of the values that it is asked about.
type Asked = (&'static str, &'static [&'static str], &'static [&'static [u8]]);

/// Every operator that can be asked about a value.
const TESTS: &[Asked] = &[
    ("beginswith", &["ab", "/", "Ab"], &[b"ab", b"a", b"/", b"Ab", b"x"]),
    ("contains", &["ab", "/", "Ab"], &[b"ab", b"a", b"/", b"Ab", b"x"]),
    ("containsword", &["ab", "a b"], &[b"ab", b"a", b" ", b"b", b"1", b"_", b"\xc3", b"Z"]),
    ("endswith", &["ab", "/", "Ab"], &[b"ab", b"a", b"/", b"Ab", b"x"]),
    ("strmatch", &["ab", "/"], &[b"ab", b"a", b"/", b"Ab", b"x"]),
    ("streq", &["ab", "/"], &[b"ab", b"/", b"A"]),
    ("within", &["ab cd /e", "abab"], &[b"ab", b"a", b" ", b"c", b"/", b"d"]),
    ("eq", NUMBERS, NUMBER_PIECES),
    ("ge", NUMBERS, NUMBER_PIECES),
    ("gt", NUMBERS, NUMBER_PIECES),
    ("le", NUMBERS, NUMBER_PIECES),
    ("lt", NUMBERS, NUMBER_PIECES),
    (
        "ipmatch",
        &["10.0.0.0/8,192.0.2.1,2001:db8::/32", "::1"],
        &[b"10.1.2.3", b"192.0.2.1", b"2001:db8::7", b"::1", b".", b"9"],
    ),
    (
        "pm",
        &["ab cd", "AB a|4344|e", "a\\;b x:y", "a|41 42|b", "é"],
        &[b"ab", b"cd", b"a", b"CD", b"e", b";", b"x:y", b"|41", b"42|b", b"\xc3\xa9"],
    ),
    (
        "rx",
        EXPRESSIONS,
        &[
            b"ab",
            b"a",
            b"b",
            b"AB",
            b"=",
            b"<",
            b"?",
            b"xml",
            b"\n",
            b"\r",
            b"\x0b",
            b"\x85",
            b"\xa0",
            b" ",
            b"\t",
            b"\\",
            b"1",
            b"\x00",
            b"\xc3\xa9",
            b"{,2}",
        ],
    ),
    ("rxglobal", &["(\\d)(x)?", "[ab]", "(a)|b", "^a"], &[b"a", b"b", b"x", b"1", b"23", b"\n"]),
    (
        "validatebyterange",
        &["32-126,10", "0-255", "1-9,65", "97"],
        &[b"a", b"A", b"\n", b"\r", b"\x00", b"\xff", b"\x01"],
    ),
    ("validateurlencoding", &[""], &[b"%41", b"%4", b"%", b"%zz", b"a", b"%u0041"]),
    (
        "validateutf8encoding",
        &[""],
        &[
            b"\xc3\xa9",
            b"\xe2\x82\xac",
            b"\xf0\x9f\x98\x80",
            b"\xc0\xaf",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xf5\x80\x80\x80",
            b"\x80",
            b"a",
        ],
    ),
    (
        "verifycc",
        &["\\d{13,16}", "(?:\\d{4}-?){4}"],
        &[b"4111111111111111", b"378282246310005", b"5500-0000-0000-0004", b"1", b"4111", b"-", b"x"],
    ),
    (
        "verifyssn",
        &["\\d{3}-?\\d{2}-?\\d{4}"],
        &[b"219-09-9999", b"219099999", b"666-12-3456", b"123456789", b"1", b"-", b"x"],
    ),
    ("verifycpf", &["[0-9.-]{11,14}"], &[b"529.982.247-25", b"52998224725", b"11111111111", b"5", b".", b"x"]),
    ("verifysvnr", &["[0-9 ]{10,11}"], &[b"1237010180", b"1237 010180", b"0123456789", b"5", b" ", b"x"]),
    ("detectsqli", &[""], &[b"1'", b" or ", b"1=1", b"--", b"union select ", b"a", b"\"", b"(", b"admin"]),
    (
        "detectxss",
        &[""],
        &[b"<script>", b"<img ", b"src=x ", b"onerror=", b"alert(1)", b"javascript:", b"a", b">", b"'"],
    ),
    ("unconditionalmatch", &[""], &[b"a"]),
    ("nomatch", &[""], &[b"a"]),
];

const NUMBERS: &[&str] = &["0", "5", "-3", "+7", "2147483648", "99999999999999999999", "abc", " 4"];
const NUMBER_PIECES: &[&[u8]] = &[b"5", b"0", b"-", b"+", b" ", b"\x0b", b"7", b"a", b"2147483647", b"99999999999"];

/// What Rust's dialect reads otherwise or not at all, beside what it reads alike.
const EXPRESSIONS: &[&str] = &[
    "ab",
    "(a)|(b)",
    "(a)(b)?(=)?",
    "^$",
    "^\\s*$",
    "a$",
    "^a",
    "\\va",
    "\\h",
    "[\\h]b",
    "[\\v=]",
    "\\V\\H",
    "a{,2}b",
    "a{ 1, 2 }b",
    "a{,}",
    "(?i)ab",
    "(?i:a)b",
    "(?i)[^a]b",
    "\\x{e9}",
    "\\xe9",
    "é",
    "[é]=",
    "a.b",
    "(?-s)a.b",
    "a\\Zb?",
    "a\\Z",
    "a\\z",
    "\\Aa",
    "<\\?(?!xml)",
    "(?<=a)b",
    "(?<!a)b",
    "(?<!a|=b)b",
    "(a|b)\\1",
    "(?P<n>a)(?P=n)",
    "(?<n>a)\\k<n>",
    "a++b",
    "[ab]*+b",
    "(?>a|ab)b",
    "\\bab\\b",
    "a\\Bb",
    "[[:alpha:]]=",
    "[[:^alpha:]]{2}",
    "[]a]=",
    "[^]a]b",
    "[[a]",
    "[a&&b]=",
    "[+--]",
    "\\<a",
    "\\Qa{\\E",
    "(?#x)ab",
    "(?x) a b # c",
    "\\N=",
    "\\Rb",
    "\\x4",
    "\\0",
    "\\e|\\cA|=",
    "[\\b]|1",
    "\\12",
    "a\\Kb",
    "\\Ga",
    "(?m)^b",
    "(?-m)^b",
    "(?-m)a$",
    "a*?b",
    "(?U)a+b?",
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn built(name: &str, argument: &str) -> Box<dyn Matcher> {
    let operator = operator::ALL.iter().find(|operator| operator.name() == name).expect("a name");
    operator.build(argument.as_bytes(), &[]).unwrap_or_else(|fault| panic!("@{name} {argument}: {fault}"))
}

/// The answer in the oracle's words. A test that captures nothing leaves all slots alone.
fn answer(matcher: &dyn Matcher, value: &[u8]) -> String {
    let mut captures = Captures::default();
    let holds = matcher.holds(value, Some(&mut captures));
    assert_eq!(holds, matcher.holds(value, None), "captures change nothing");
    if !holds {
        return "0".into();
    }
    assert!(guarded(matcher, value), "a value that is held of lacks its guard: {}", value.escape_ascii());
    let slot = |slot: usize| captures.0.get(slot).cloned().flatten().map_or("-".into(), |text| hex(&text));
    format!("1 {} {} {}", slot(0), slot(1), slot(2))
}

fn guarded(matcher: &dyn Matcher, value: &[u8]) -> bool {
    let guard = matcher.guard();
    let lower = value.to_ascii_lowercase();
    let has = |literal: &Vec<u8>| memchr::memmem::find(&lower, &literal.to_ascii_lowercase()).is_some();
    value.len() >= guard.length
        && guard.literals.as_ref().is_none_or(|literals| literals.iter().any(has))
        && guard.bytes.as_ref().is_none_or(|bytes| value.iter().any(|byte| bytes[usize::from(*byte)]))
}

/// Asks libmodsecurity and compares; what differs, a line each.
fn differences(python: &Path, cases: &[(String, String, Vec<u8>)]) -> Vec<String> {
    let question = |(name, argument, value): &(String, String, Vec<u8>)| {
        format!("{name} {} {}", hex(argument.as_bytes()), hex(value))
    };
    let answers = oracle::ask(python, "operators.py", &cases.iter().map(question).collect::<Vec<_>>());
    let mut tests: BTreeMap<(&str, &str), Box<dyn Matcher>> = BTreeMap::new();
    let mut found = Vec::new();
    for ((name, argument, value), theirs) in cases.iter().zip(answers) {
        let test = tests.entry((name, argument)).or_insert_with(|| built(name, argument));
        let ours = answer(test.as_ref(), value);
        // Of several numbers with a right check digit libmodsecurity captures the last that its expression finds, we the
        // first.
        let several = matches!(name.as_str(), "verifyssn" | "verifycpf" | "verifysvnr");
        if ours != theirs && !(several && ours[..1] == theirs[..1]) {
            let short: String = argument.chars().take(100).collect();
            found.push(format!("@{name} {short} of {}: {ours}, libmodsecurity {theirs}", value.escape_ascii()));
        }
    }
    found
}

#[test]
fn libmodsecurity_holds_of_the_same() {
    let Some(python) = oracle::python("operators") else { return };
    let mut numbers = Numbers(0x0b5);
    let mut cases = Vec::new();
    for (name, arguments, pieces) in TESTS {
        let mut values: Vec<Vec<u8>> = vec![Vec::new()];
        values.extend(pieces.iter().map(|piece| piece.to_vec()));
        values.extend((0..150).map(|_| numbers.value(pieces, 5)));
        for argument in *arguments {
            cases.extend(values.iter().map(|value| (name.to_string(), argument.to_string(), value.clone())));
        }
    }
    let found = differences(&python, &cases);
    assert!(found.is_empty(), "{} of {} differ:\n{}", found.len(), cases.len(), found.join("\n"));
}

/// The arguments of every `@rx` of the CRS that Debian installs.
fn crs_expressions() -> Vec<String> {
    let mut found = Vec::new();
    let Ok(folder) = std::fs::read_dir("/usr/share/modsecurity-crs/rules") else { return found };
    let mut files: Vec<_> = folder
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "conf"))
        .collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable").replace("\\\n", " ");
        for line in text.lines().map(str::trim_start).filter(|line| line.starts_with("SecRule ")) {
            let Some((_, rest)) = line.split_once("@rx ") else { continue };
            let mut end = 0;
            while let Some(at) = rest[end..].find('"') {
                end += at;
                if !rest[..end].ends_with('\\') {
                    break;
                }
                end += 1;
            }
            let argument = rest[..end].replace("\\\"", "\"");
            if !argument.contains("%{") && !found.contains(&argument) {
                found.push(argument);
            }
        }
    }
    found
}

#[test]
fn every_expression_of_crs_runs() {
    let expressions = crs_expressions();
    if expressions.is_empty() {
        eprintln!("skipped: expressions of CRS: modsecurity-crs not present");
        return;
    }
    let mut dialects: BTreeMap<Dialect, Vec<&str>> = BTreeMap::new();
    let (mut literals, mut bytes) = (0, 0);
    for pattern in &expressions {
        let expression = Expression::new(pattern.as_bytes()).unwrap_or_else(|fault| panic!("{fault}"));
        dialects.entry(expression.dialect()).or_default().push(pattern);
        let guard = expression.guard();
        literals += usize::from(guard.literals.is_some());
        bytes += usize::from(guard.bytes.is_some());
    }
    let count = |dialect: Dialect| dialects.get(&dialect).map_or(0, Vec::len);
    let all = expressions.len();
    eprintln!(
        "CRS: {all} expressions: {} native, {} rewritten, {} backtracking; {literals} guarded by texts, {bytes} by bytes",
        count(Dialect::Native),
        count(Dialect::Rewritten),
        count(Dialect::Backtracking)
    );
    assert!(count(Dialect::Backtracking) <= 5, "{:?}", dialects[&Dialect::Backtracking]);
    assert!(literals + bytes > all * 3 / 4, "most expressions have a guard");
}

/// Values of the HttpParams corpus, every `step`th, and the same with a letter changed.
fn corpus(step: usize) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/waf/httpparams");
    let Ok(folder) = std::fs::read_dir(path) else { return Vec::new() };
    let mut files: Vec<_> = folder
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "csv"))
        .collect();
    files.sort();
    let texts = files.iter().map(|file| std::fs::read(file).expect("readable"));
    let lines: Vec<Vec<u8>> =
        texts.flat_map(|text| text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>()).collect();
    lines.into_iter().step_by(step).filter(|line| line.len() < 600).collect()
}

#[test]
fn expressions_of_crs_match_as_in_libmodsecurity() {
    let Some(python) = oracle::python("expressions of CRS") else { return };
    let step = std::env::var("GARRISON_STEP").ok().and_then(|step| step.parse().ok()).unwrap_or(300);
    let (expressions, values) = (crs_expressions(), corpus(step));
    if expressions.is_empty() || values.is_empty() {
        eprintln!("skipped: expressions of CRS: corpus or modsecurity-crs not present");
        return;
    }
    let of = |value: &Vec<u8>| {
        expressions.iter().map(|pattern| ("rx".to_string(), pattern.clone(), value.clone())).collect::<Vec<_>>()
    };
    let cases: Vec<_> = values.iter().flat_map(of).collect();
    let found = differences(&python, &cases);
    eprintln!("{} expressions, {} values, {} differences", expressions.len(), values.len(), found.len());
    assert!(found.is_empty(), "{} of {} differ:\n{}", found.len(), cases.len(), found.join("\n"));
}
