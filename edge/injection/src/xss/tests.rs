//! The cases of libinjection, and what must hold of any bytes.

use super::*;
use crate::sqli::tests::read_cases;
use proptest::prelude::*;

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "DATA_TEXT",
        Kind::TagOpen => "TAG_NAME_OPEN",
        Kind::TagEnd => "TAG_NAME_CLOSE",
        Kind::TagSelfClose => "TAG_NAME_SELFCLOSE",
        Kind::TagClose => "TAG_CLOSE",
        Kind::AttributeName => "ATTR_NAME",
        Kind::AttributeValue => "ATTR_VALUE",
        Kind::Comment => "TAG_COMMENT",
        Kind::Doctype => "DOCTYPE",
    }
}

#[test]
fn pieces_are_those_of_the_corpus() {
    let cases = read_cases("test-html5-");
    for (file, input, expected) in &cases {
        let mut html = Html::new(input, Place::Data);
        let shown = std::iter::from_fn(|| html.piece()).map(|piece| {
            let text = String::from_utf8_lossy(&input[piece.start..piece.end]);
            format!("{},{},{text}\n", name(piece.kind), piece.end - piece.start)
        });
        assert_eq!(shown.collect::<String>().trim_end(), expected.trim_end(), "{file}");
    }
    println!("test-html5-: {} cases", cases.len());
}

#[test]
fn well_known_scripts_and_plain_texts() {
    for value in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\" onmouseover=\"alert(1)",
        "' style='x:expression(1)'",
        "<a href=\"&#x6A;avas\ncript:alert(1)\">",
        "<svg/onload=alert(1)>",
        "<!--[if gte IE 4]>",
        "<a href=data:text/html;base64,x>",
        "x ` onclick=1 `",
    ] {
        assert!(detect(value.as_bytes()), "{value}");
    }
    for value in ["", "a < b", "1 <= 2 = true", "<b>bold</b>", "a=b&c=d", "<a href=\"https://example.org/\">x</a>"] {
        assert!(!detect(value.as_bytes()), "{value}");
    }
}

#[test]
fn a_long_row_of_slashes_is_read_flat() {
    assert!(!detect("<a/".repeat(3).as_bytes()));
    let mut value = b"<a".to_vec();
    value.resize(1_000_000, b'/');
    assert!(!detect(&value));
}

fn htmlish() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("<".to_owned()),
        Just("</".to_owned()),
        Just("<!--".to_owned()),
        Just("--\0>".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("]]>".to_owned()),
        Just(" on".to_owned()),
        Just("&#x".to_owned()),
        Just("href=".to_owned()),
        "[-<>/='\"` !?%\0]{1,3}",
        "[a-z0-9]{1,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_bytes_are_read(value in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), htmlish()]) {
        for place in PLACES {
            let mut html = Html::new(&value, place);
            let pieces = std::iter::from_fn(|| html.piece()).count();
            prop_assert!(pieces <= 2 * value.len() + 2);
            // The early exit never hides a script.
            prop_assert!(detect(&value) || !runs_script(&value, place));
        }
    }
}
