//! Every transformation beside libmodsecurity: a table of its answers, and live where it is installed.

use crate::oracle::{self, Numbers};
use std::collections::BTreeSet;
use waf::transformation::{self, Transformation};

/// What values are made of: whole, cut and doubled escapes of every kind, blanks, comments, paths, NULs, UTF-8 in good
/// and bad forms.
const PIECES: &[&[u8]] = &[
    b"%41",
    b"%2",
    b"%",
    b"%u0041",
    b"%uff21",
    b"%u00",
    b"%U2215",
    b"%25",
    b"+",
    b"\\u0041",
    b"\\uFF1c",
    b"\\x3c",
    b"\\X3C",
    b"\\x3",
    b"\\74",
    b"\\101",
    b"\\400",
    b"\\777",
    b"\\8",
    b"\\n",
    b"\\a",
    b"\\\\",
    b"\\",
    b"\\'",
    b"\\\n",
    b"\\00003c ",
    b"\\ff1c\t",
    b"\\00ff1c",
    b"\\1ff1c",
    b"\\3c",
    b"\\c",
    b"\\003C\x0b",
    b"&lt;",
    b"&LT",
    b"&#60;",
    b"&#x3C;",
    b"&#x",
    b"&#",
    b"&",
    b"&quot",
    b"&nbsp;",
    b"&amp;",
    b"&foo;",
    b"&#99999999999999999999;",
    b"&#xffffffffffffffff1;",
    b"&ltx",
    b" ",
    b"\t",
    b"\r\n",
    b"\n",
    b"\x0b",
    b"\x0c",
    b"\xa0",
    b"\x00",
    b"/*",
    b"*/",
    b"<!--",
    b"-->",
    b"--",
    b"-",
    b"#",
    b"/*!",
    b"//",
    b"/",
    b"\\/",
    b"./",
    b"../",
    b"..",
    b".",
    b"...",
    b"\\..\\",
    b"\\\\\\",
    b"a/",
    b"b",
    b"c:",
    b"0x414243",
    b"0x4",
    b"0X4a4",
    b"0x",
    b"0",
    b"QUJD",
    b"QUI=",
    b"QQ==",
    b"=",
    b"==",
    b"9",
    b"_-",
    b"QU JD",
    b"QUJD\r\n",
    b"\xc3\xa9",
    b"\xe2\x82\xac",
    b"\xf0\x9f\x98\x80",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xed\xa0\x80",
    b"\xf5\x80\x80\x80",
    b"\xf8",
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x9f",
    b"\"",
    b"'",
    b"^",
    b",",
    b";",
    b"(",
    b"Cmd",
    b"ABC",
    b"xyz",
    b"UNION SELECT",
];

/// `NAME INPUT OUTPUT` in hexadecimal, as libmodsecurity 3.0.15 answered.
const TABLE: &str = include_str!("transformations.txt");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn applied(transformation: &dyn Transformation, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if transformation.apply(input, &mut out) { out } else { input.to_vec() }
}

/// The differences, each as a line.
fn differences(cases: &[(&str, &str, &str)]) -> Vec<String> {
    let differs = |(name, input, wanted): &(&str, &str, &str)| {
        let transformation = transformation::ALL.iter().find(|item| item.name() == *name).expect("a name");
        let (input, found) = (unhex(input), hex(&applied(*transformation, &unhex(input))));
        (found != *wanted).then(|| {
            format!("{name} {:?}: {:?}, libmodsecurity {:?}", show(&input), show(&unhex(&found)), show(&unhex(wanted)))
        })
    };
    cases.iter().filter_map(differs).collect()
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[test]
fn the_table_of_libmodsecuritys_answers_holds() {
    let row = |line: &'static str| {
        let mut words = line.split(' ');
        (words.next().unwrap(), words.next().unwrap(), words.next().unwrap())
    };
    let cases: Vec<_> = TABLE.lines().map(row).collect();
    let named: BTreeSet<&str> = cases.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(
        named,
        transformation::ALL.iter().map(|item| item.name()).collect(),
        "the table has every transformation"
    );
    let found = differences(&cases);
    assert!(found.is_empty(), "{} of {} differ:\n{}", found.len(), cases.len(), found.join("\n"));
}

/// Values of all sizes: nothing, every byte, each piece alone and beside others, long ones.
fn values() -> Vec<Vec<u8>> {
    let mut numbers = Numbers(0x5eed);
    let mut values: Vec<Vec<u8>> = vec![Vec::new(), (0..=255).collect(), (0..=255).rev().collect()];
    values.extend((0..=255).map(|byte| vec![b'a', byte, b'b']));
    values.extend(PIECES.iter().map(|piece| piece.to_vec()));
    values.extend((0..1500).map(|_| numbers.value(PIECES, 12)));
    values.extend((0..20).map(|_| numbers.value(PIECES, 2000)));
    values
}

#[test]
fn libmodsecurity_transforms_alike() {
    let Some(python) = oracle::python("transformations") else { return };
    let inputs: Vec<String> = values().iter().map(|value| hex(value)).collect();
    let names = transformation::ALL.iter().map(|item| item.name());
    let asked: Vec<(&str, &str)> =
        names.flat_map(|name| inputs.iter().map(move |input| (name, input.as_str()))).collect();
    let questions: Vec<String> = asked.iter().map(|(name, input)| format!("{name} {input}")).collect();
    let answers = oracle::ask(&python, "transformations.py", &questions);
    let cases: Vec<_> =
        asked.iter().zip(&answers).map(|((name, input), answer)| (*name, *input, answer.as_str())).collect();
    let found = differences(&cases);
    assert!(found.is_empty(), "{} of {} differ:\n{}", found.len(), cases.len(), found.join("\n"));
}

#[test]
fn unchanged_means_unchanged_and_growth_is_bounded() {
    for value in values() {
        for item in transformation::ALL {
            let mut out = Vec::new();
            if item.apply(&value, &mut out) {
                assert!(out.len() <= 64 + 4 * value.len(), "{} grows {} to {}", item.name(), value.len(), out.len());
            }
        }
    }
}
