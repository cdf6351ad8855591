//! All decoders: what they find, what they leave alone, and what hostile input costs.

use super::*;
use ::base64::Engine as _;
use ::base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

fn found(input: Input) -> Vec<String> {
    let mut lines = Vec::new();
    decode(input, &mut Budget::default(), &mut |name, value| {
        lines.push(format!("{}={}", name.escape_ascii(), value.escape_ascii()));
    });
    lines
}

fn value(name: &str, value: &str) -> Vec<String> {
    found(Input::Value { name: name.as_bytes(), value: value.as_bytes() })
}

#[test]
fn each_hiding_place_is_opened() {
    assert_eq!(
        value("f", r#"{"a":{"b":"x' or 1=1"},"n":[7,"y z"]}"#),
        ["f.json.a.b=x\\' or 1=1", "f.json.n.array_1=y z"]
    );
    assert_eq!(value("q", &STANDARD.encode("<script>alert(1)</script>")), ["q.base64=<script>alert(1)</script>"]);
    assert_eq!(value("q", &STANDARD.encode("a?b>c~d?>~~").replace('+', " ")), ["q.base64=a?b>c~d?>~~"]);
    assert_eq!(value("q", "data:text/html;base64,PHNjcmlwdD54PC9zY3JpcHQ+"), ["q.base64=<script>x</script>"]);
    assert_eq!(value("q", "%252e%252e%252fetc"), ["q.url=../etc"]);
    assert_eq!(value("q", "\\x27 or \\u0031=1"), ["q.escape=\\' or 1=1"]);
    let token = format!(
        "{}.{}.c2ln",
        URL_SAFE_NO_PAD.encode(r#"{"kid":"../../x"}"#),
        URL_SAFE_NO_PAD.encode(r#"{"sub":"' or 1"}"#)
    );
    assert_eq!(value("t", &token), ["t.jwt.header.kid=../../x", "t.jwt.claims.sub=\\' or 1"]);
    assert_eq!(
        found(Input::Referer(b"https://example.org/a?q=%27+or+1&u=%2541#x=y")),
        ["referer.q=\\' or 1", "referer.u=%41", "referer.u.url=A"]
    );
    let nested = STANDARD.encode(format!(r#"{{"a":"{}"}}"#, STANDARD.encode("' union select 1")));
    assert!(value("q", &nested).contains(&"q.base64.json.a.base64=\\' union select 1".to_string()));
}

#[test]
fn graphql_gives_its_strings() {
    let query = "query Q($id: ID!) { # \"no\"\n user(id: $id, name: \"x' or \\u0031\", in: [\"a\", \"b\"]) { bio(text: \"\"\"block \\\"\"\" end\"\"\") } }";
    let expected = ["graphql.name=x\\' or 1", "graphql.in=a", "graphql.in=b", "graphql.text=block \\\"\\\"\\\" end"];
    assert_eq!(found(Input::Body { content_type: b"application/graphql", body: query.as_bytes() }), expected);
    let within = value("json.query", query);
    assert_eq!(within.iter().filter(|line| line.starts_with("json.query.graphql.")).count(), 4, "{within:?}");
    assert_eq!(value("query", "how to write \"quotes\" { in c }"), Vec::<String>::new());
}

fn message(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
}

#[test]
fn protobuf_gives_its_texts_with_and_without_frames() {
    let inner = [message(1, b"' or 1=1"), vec![0x10, 0x96, 0x01], message(3, &[0xff, 0, 1])].concat();
    let outer = [message(2, &inner), message(4, b"plain")].concat();
    let frame = [&[0, 0, 0, 0, outer.len() as u8], &outer[..]].concat();
    let expected = ["grpc.2.1=\\' or 1=1", "grpc.4=plain"];
    assert_eq!(found(Input::Body { content_type: b"application/grpc+proto", body: &frame }), expected);
    assert_eq!(found(Input::Body { content_type: b"application/x-protobuf", body: &outer }), expected);
    let text = STANDARD.encode(&frame);
    assert_eq!(found(Input::Body { content_type: b"application/grpc-web-text", body: text.as_bytes() }), expected);
}

#[test]
fn plain_values_hide_nothing() {
    for plain in [
        "",
        "word",
        "two words",
        "internationalization",
        "user@example.org",
        "2024-05-01T10:00:00Z",
        "100%",
        "50% off",
        "C:\\new\\table",
        "d41d8cd98f00b204e9800998ecf8427e",
        "550e8400-e29b-41d4-a716-446655440000",
        "[optional]x",
        "{braces} and more",
        "eyJ",
        "3.14159",
    ] {
        assert_eq!(value("q", plain), Vec::<String>::new(), "{plain}");
    }
}

#[test]
fn hostile_values_stay_within_the_budget() {
    let many = |text: &str| text.repeat(1_000_000 / text.len());
    let mut onion = "x".to_string();
    while onion.len() < 60_000 {
        onion = STANDARD.encode(&onion);
    }
    let deep =
        (0..200).fold(Vec::new(), |inner: Vec<u8>, _| [&[0x0a, inner.len().min(127) as u8], &inner[..]].concat());
    for text in [
        many("%25"),
        many("\\x5c"),
        many("{\"a\":"),
        format!("[{}\"a b\"]", many("\"a b\",")),
        many("A"),
        onion,
        many("\"a b\" "),
        format!("{{{}", many("a:\"b c\" ")),
    ] {
        for input in [
            Input::Value { name: b"query", value: text.as_bytes() },
            Input::Referer(text.as_bytes()),
            Input::Body { content_type: b"application/graphql", body: text.as_bytes() },
            Input::Body { content_type: b"application/grpc", body: &deep },
            Input::Body { content_type: b"application/protobuf", body: text.as_bytes() },
        ] {
            let (mut bytes, mut values) = (0, 0);
            decode(input, &mut Budget::default(), &mut |name, value| {
                bytes += name.len() + value.len();
                values += 1;
            });
            assert!(bytes <= 128 << 10 && values <= 128);
        }
    }
}

#[test]
fn names_are_known_once() {
    let mut names: Vec<_> = ALL.iter().map(|decoder| decoder.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        found(Input::Value { name: b"query", value: &bytes });
        found(Input::Referer(&bytes));
        for kind in ["application/graphql", "application/grpc", "application/grpc-web-text", "application/protobuf", "x"] {
            found(Input::Body { content_type: kind.as_bytes(), body: &bytes });
        }
    }

    #[test]
    fn base64_of_a_text_is_always_found(text in "[ -~]{9,40}") {
        let line = format!("q.base64={}", text.as_bytes().escape_ascii());
        prop_assert!(value("q", &STANDARD.encode(&text)).contains(&line));
        prop_assert!(value("q", &URL_SAFE_NO_PAD.encode(&text)).contains(&line));
    }
}
