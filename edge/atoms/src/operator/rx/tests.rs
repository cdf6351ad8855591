//! Patterns that Rust's dialect reads otherwise, and the guards of arbitrary ones.

use super::*;
use proptest::prelude::*;

fn dialect(pattern: &str) -> Dialect {
    Expression::new(pattern.as_bytes()).unwrap().dialect()
}

fn matches(pattern: &str, value: &[u8]) -> bool {
    Expression::new(pattern.as_bytes()).unwrap().is_match(value)
}

#[test]
fn each_dialect_is_told() {
    for pattern in ["a+b", r"(?i)union\s+select", r"[\w.-]+@", "^$", r"\x41[^\x00-\x1f]", r"(\d+)(?:-|$)", r"\/\.\-"] {
        assert_eq!(dialect(pattern), Dialect::Native, "{pattern}");
    }
    for pattern in
        [r"\x{ff}", r"a\v", r"[\h]", r"\<", "[[]", r"a{,}b{", r"[\w-.]", r"(?#c)a", r"\Q.\E", r"\0", r"\e", "é?"]
    {
        assert_eq!(dialect(pattern), Dialect::Rewritten, "{pattern}");
    }
    for pattern in ["a(?!b)", "(?<=a)b", r"(a)\1", "a++b", "(?>a|ab)c", r"a\Z", r"\Ka", "(?-m)a$", r"(?<n>a)\k<n>"] {
        assert_eq!(dialect(pattern), Dialect::Backtracking, "{pattern}");
    }
}

#[test]
fn what_rust_reads_otherwise_is_read_as_pcre_does() {
    for (pattern, yes, no) in [
        (r"a\vb", &b"a\x85b"[..], &b"a\tb"[..]),
        (r"\<a\>", b"<a>", b" a "),
        ("[[a]", b"[", b"b"),
        ("[a&&b]", b"&", b"c"),
        ("[+--]", b",", b"b"),
        (r"[\w-.]", b"-", b"+"),
        (r"[\d-z]", b"z", b"y"),
        ("[]a]", b"]", b"b"),
        (r"[^]a]", b"b", b"]a"),
        (r"\x4z", b"\x04z", b"Jz"),
        (r"\x{e9}", b"\xe9", "é".as_bytes()),
        ("é", "é".as_bytes(), b"\xe9"),
        (r"(?i)é", "é".as_bytes(), "É".as_bytes()),
        (r"^a{,2}$", b"aa", b"a{,2}"),
        (r"a{ 1 , 2 }b", b"aab", b"a{"),
        (r"a{,}", b"a{,}", b"aa"),
        ("a{2}", b"aa", b"a{2}"),
        (r"[\b]", b"\x08", b"b"),
        (r"\12", b"\n", b"12"),
        (r"[\12]", b"\n", b"2"),
        (r"\cA", b"\x01", b"A"),
        (r"(?x) a b # c", b"ab", b"a b"),
        (r"[[:^alpha:]]", b"1", b"a"),
        (r"[[:word:]-]", b"-", b"+"),
        (r"a\Rb", b"a\r\nb", b"a\r\rb"),
        (r"\N", b"a", b"\n"),
        ("a.b", b"a\nb", b"ab"),
        ("^b$", b"a\nb\nc", b"ab"),
        ("^$", b"a\n\nb", b"a\n"),
        (r"a\Z", b"a\n", b"a\n\n"),
        ("(?-m)^a$", b"a\n", b"b\na"),
        ("a++b", b"aab", b"ac"),
        ("(?>a|ab)c", b"ac", b"abc"),
        (r"(\w)\1", b"xaay", b"xaya"),
        (r"<\?(?!xml)", b"<?php", b"<?xml"),
        (r"(?<!\xe9)b", b"\xeab", b"\xe9b"),
        (r"(?<n>a)x(?P=n)", b"axa", b"axb"),
    ] {
        assert!(matches(pattern, yes), "{pattern} {}", yes.escape_ascii());
        assert!(!matches(pattern, no), "{pattern} {}", no.escape_ascii());
    }
}

#[test]
fn what_cannot_be_run_is_a_named_fault() {
    for pattern in [
        "(",
        ")",
        "[a",
        "a**b(",
        r"\",
        "(?R)",
        "(?(1)a)",
        "(*SKIP)",
        r"\p{L}",
        "(?|a)",
        "(?J)a",
        "[z-a]",
        r"\x{100}",
        "*a",
        "(a{1000}){1000}",
        "(?:a{1000}){1000}",
    ] {
        let fault = Expression::new(pattern.as_bytes()).err().unwrap_or_else(|| panic!("{pattern}"));
        assert!(fault.is(&fault::EXPRESSION), "{pattern}");
    }
}

#[test]
fn groups_are_taken_and_those_without_part_are_none() {
    let test = Rx::FIRST.build(br"(a)|(b)(c)?", &[]).unwrap();
    let mut captures = Captures::default();
    assert!(test.holds(b"xb", Some(&mut captures)));
    assert_eq!(captures.0, [Some(b"b".to_vec()), None, Some(b"b".to_vec())]);
    let test = Rx::GLOBAL.build(br"(\d)(x)?", &[]).unwrap();
    assert!(test.holds(b"1x2", Some(&mut captures)));
    assert_eq!(captures.0, ["1x", "1", "x", "2", "2"].map(|group| Some(group.as_bytes().to_vec())));
    assert!(!test.holds(b"abc", Some(&mut captures)));
}

#[test]
fn too_many_steps_back_are_a_counted_no() {
    let expression = Expression::new(br"^(a+)+\1b(?=c)").unwrap();
    assert!(!expression.is_match(&[&b"a".repeat(64)[..], b"bd"].concat()));
    assert!(
        !expression.is_match(&[&b"a".repeat(64)[..], b"bc", &b"a".repeat(64)].concat()) || expression.gave_up() == 0
    );
    let slow = Expression::new(br"(?:(\w+)\s*)+=(?!\1)").unwrap();
    let _ = slow.is_match(&b"ab ".repeat(400));
    assert!(slow.gave_up() <= 1);
}

/// Patterns of the pieces that rules are made of.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a"),
        Just("B"),
        Just("ab"),
        Just("sel"),
        Just("."),
        Just(r"\s"),
        Just(r"\w"),
        Just("[a-c]"),
        Just("[^a]"),
        Just("[<>]"),
        Just("^"),
        Just("$"),
        Just(r"\b"),
        Just(r"\v"),
        Just(r"\x{e9}"),
        Just("="),
        Just("\n"),
        Just("(?=a)"),
        Just("(?!b)"),
        Just("(?<=a)"),
    ];
    leaf.prop_map(str::to_string).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            inner.clone().prop_map(|part| format!("({part})")),
            inner.clone().prop_map(|part| format!("(?i:{part})")),
            (inner, prop::sample::select(vec!["*", "+", "?", "{2}", "{1,3}", "*?", "++"]))
                .prop_map(|(part, times)| format!("(?:{part}){times}")),
        ]
    })
}

fn guarded(guard: &Guard, value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let literal = |literal: &Vec<u8>| memchr::memmem::find(&lower, &literal.to_ascii_lowercase()).is_some();
    value.len() >= guard.length
        && guard.literals.as_ref().is_none_or(|literals| literals.iter().any(literal))
        && guard.bytes.as_ref().is_none_or(|bytes| value.iter().any(|byte| bytes[usize::from(*byte)]))
}

proptest! {
    #[test]
    fn every_match_holds_its_guard(
        pattern in pattern(), value in prop::collection::vec(prop::sample::select(b"aAbBcs el<>=\n\x0b\x85\xe9".to_vec()), 0..12),
    ) {
        let Ok(expression) = Expression::new(pattern.as_bytes()) else { return Ok(()) };
        if expression.is_match(&value) {
            prop_assert!(guarded(&expression.guard(), &value), "{pattern} {}", value.escape_ascii());
        }
    }

    /// The linear engine and the backtracking one agree on what was written for each.
    #[test]
    fn both_engines_agree(
        pattern in pattern(), value in prop::collection::vec(prop::sample::select(b"aAbBcs el<>=\n\x0b\x85\xe9".to_vec()), 0..12),
    ) {
        let Ok(expression) = Expression::new(pattern.as_bytes()) else { return Ok(()) };
        let Ok(exact) = pcre::write(pattern.as_bytes(), Target::Exact) else { return Ok(()) };
        let Ok(exact) = backtracking(&exact.text) else { return Ok(()) };
        let Ok(wanted) = exact.find(&value[..]) else { return Ok(()) };
        let wanted = wanted.map(|found| found.start()..found.end());
        prop_assert_eq!(expression.is_match(&value), wanted.is_some(), "{} {}", &pattern, value.escape_ascii());
        if !value.ends_with(b"\n") {
            prop_assert_eq!(expression.find_at(&value, 0), wanted, "{} {}", &pattern, value.escape_ascii());
        }
    }

    #[test]
    fn any_bytes_are_a_pattern_or_a_fault(pattern in prop::collection::vec(any::<u8>(), 0..40), value in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(expression) = Expression::new(&pattern) {
            let _ = expression.is_match(&value);
        }
    }

    #[test]
    fn marks_of_patterns_in_any_order_are_a_pattern_or_a_fault(
        pattern in prop::collection::vec(prop::sample::select(br"()[]{}\?*+|^$.:=!<>-,#'abxPkgQEZ019 ".to_vec()), 0..24),
    ) {
        if let Ok(expression) = Expression::new(&pattern) {
            let _ = expression.is_match(b"a(b)[c]\n01");
        }
    }
}

#[test]
fn what_stands_before_a_match_costs_no_steps_back() {
    let expression = Expression::new(br#"(?i:[\"'`][^?\w\s=.,;)(]*+\s*?\w+\W+\w)"#).unwrap();
    assert_eq!(expression.dialect(), Dialect::Backtracking);
    let mut value = vec![b'A'; 200_000];
    value.extend(b"' union select a");
    assert!(expression.is_match(&value));
    assert_eq!(expression.gave_up(), 0);
    assert_eq!(expression.find_at(&value, 0).map(|found| found.start), Some(200_000));
}
