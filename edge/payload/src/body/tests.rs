//! All processors: what they give for known bodies, and that nothing hostile breaks or slows them.

use super::*;
use proptest::prelude::*;

/// What a processor gave, one line a thing.
#[derive(Default)]
struct Given {
    lines: Vec<String>,
    bytes: usize,
    room: usize,
}

impl Given {
    fn add(&mut self, kind: &str, parts: &[&[u8]]) {
        self.bytes += parts.iter().map(|part| part.len()).sum::<usize>();
        let parts: Vec<String> = parts.iter().map(|part| part.escape_ascii().to_string()).collect();
        self.lines.push(format!("{kind} {}", parts.join("=")));
    }
}

impl Sink for Given {
    fn argument(&mut self, name: &[u8], value: &[u8]) -> bool {
        if self.room == 0 {
            return false;
        }
        self.room -= 1;
        self.add("arg", &[name, value]);
        true
    }
    fn file(&mut self, field: &[u8], filename: &[u8], content: &[u8]) {
        self.add("file", &[field, filename, content]);
    }
    fn part_header(&mut self, field: &[u8], line: &[u8]) {
        self.add("header", &[field, line]);
    }
    fn xml_text(&mut self, text: &[u8]) {
        self.add("text", &[text]);
    }
    fn xml_attribute(&mut self, value: &[u8]) {
        self.add("attribute", &[value]);
    }
    fn variable(&mut self, name: &'static str, value: &[u8]) {
        if value != b"0" {
            self.add(name, &[value]);
        }
    }
}

fn processor(name: &str) -> &'static dyn Processor {
    *ALL.iter().find(|processor| processor.name() == name).unwrap()
}

/// Lines of what was given, and whether the body was good.
fn parse(name: &str, body: &[u8], content_type: &str) -> (Given, bool) {
    let mut given = Given { room: 1000, ..Given::default() };
    let good = processor(name).parse(body, content_type.as_bytes(), &Settings::default(), &mut given).is_ok();
    (given, good)
}

fn json(body: &str) -> String {
    let (given, good) = parse("JSON", body.as_bytes(), "");
    let mark = if good { "" } else { " !" };
    given.lines.iter().map(|line| line.trim_start_matches("arg ")).collect::<Vec<_>>().join(" ") + mark
}

#[test]
fn json_gives_names_and_values_as_the_oracle_does() {
    for (body, expected) in [
        (
            r#"[{"a":1},{"b":2},3,[4,5]]"#,
            "json.array_0.a=1 json.array_1.b=2 json.array_2=3 json.array_3.array_0=4 json.array_3.array_1=5",
        ),
        (r#"{"a":[[],{},[[[3]]]]}"#, "json.a.array_2.array_0.array_0.array_0=3"),
        (
            r#"{"a":{"":{"":[1,{"":2}]}}}"#,
            "json.a.empty-key.empty-key.array_0=1 json.a.empty-key.empty-key.array_1.empty-key=2",
        ),
        (r#"{"a":1e5,"b":-0,"c":0.10,"d":null,"e":true}"#, "json.a=1e5 json.b=-0 json.c=0.10 json.d= json.e=true"),
        (r#""x""#, "json=x"),
        (r#"{"a":"x","a":"y"}"#, "json.a=x json.a=y"),
        (r#"{"a":12"#, "json.a=12 !"),
        (r#"{"a":1} x"#, "json.a=1 !"),
        (r#"{"a":01}"#, "json.a=0 !"),
        (r#"{"a":1,}"#, "json.a=1 !"),
        ("[1,]", "json.array_0=1 !"),
        (r#"{"a":tru}"#, " !"),
        (r#"{"a":"q\z"}"#, " !"),
        ("  ", " !"),
        ("", ""),
        (r#"{"a":"\ud83d\ude00 \ud83d x"}"#, r"json.a=\xf0\x9f\x98\x80 ?x"),
        (r#"{"a":"\ude00x"}"#, r"json.a=\xed\xb8\x80x"),
        (r#"{"a":"\ud83d\n"}"#, "json.a=?n"),
        (r#"{"\u0041":"\/\u00e9"}"#, r"json.A=/\xc3\xa9"),
    ] {
        assert_eq!(json(body), expected, "{body}");
    }
}

#[test]
fn json_stops_at_its_limits() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(!json(&nested(512)).ends_with('!'));
    assert!(json(&nested(513)).ends_with('!'));
    assert!(json(&"[".repeat(100_000)).ends_with('!'));
    assert!(json(&format!("[{}1]", "1,".repeat(1000))).ends_with('!'));
    // A long key above many values is not multiplied without end.
    let (given, good) =
        parse("JSON", format!("{{\"{}\":[{}1]}}", "k".repeat(100_000), "1,".repeat(900)).as_bytes(), "");
    assert!(!good && given.bytes < 10 << 20);
}

fn xml(body: &str) -> String {
    let (given, good) = parse("XML", body.as_bytes(), "");
    given.lines.join("|") + if good { "" } else { "!" }
}

#[test]
fn xml_gives_text_and_attributes_as_the_oracle_does() {
    for (body, expected) in [
        ("<a>1<b c=\"d\">2</b> <e f=\"g\" h='i'/>3</a>", "text 12 3|attribute d|attribute g|attribute i"),
        ("<?xml version=\"1.0\"?>\n<!-- c -->\n<a>t<![CDATA[<x>&amp;]]>&lt;&#65;&#x42;</a>\n", "text t<x>&amp;<AB"),
        ("<a xmlns='urn:x' xmlns:y='urn:y'><y:b y:c='1'>z</y:b></a>", "text z|attribute 1"),
        ("<a b='1\n2\t3'>1\r\n2</a>", "text 1\\n2|attribute 1 2 3"),
        ("<!DOCTYPE a [<!ENTITY e \"boom\">]><a>&e;</a>", "text boom"),
        ("<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>", "text "),
        (
            "<!DOCTYPE a [<!ENTITY a '1'><!ENTITY b '&a;&a;'><!ENTITY c '&b;&b;'>]><a x='&c;'>&c;</a>",
            "text 1111|attribute 1111",
        ),
        ("<a/>", "text "),
        ("<a></a >", "text "),
        ("", "!"),
        ("<a>", "text !"),
        ("<a>1</b>", "text 1!"),
        ("<a/>x", "text !"),
        ("<a>x</a><b/>", "text x!"),
        ("x<a/>", "!"),
        ("<a>&undefined;</a>", "text !"),
        ("<a>a&b</a>", "text a!"),
        ("<a b='x' b='y'/>", "!"),
        ("<a b=c/>", "!"),
        ("<a b/>", "!"),
        ("<a b='<'/>", "!"),
        ("<a b='1'c='2'/>", "!"),
        ("<1a/>", "!"),
        ("<a>]]></a>", "text !"),
        ("<a>\u{1}</a>", "text !"),
        ("<a>&#0;</a>", "text !"),
        ("<a><!-- a -- b --></a>", "text !"),
        (" <?xml version='1.0'?><a/>", "!"),
        ("</a>", "!"),
        ("{}", "!"),
        ("<!DOCTYPE a [<!ENTITY a '&b;'><!ENTITY b '&a;'>]><a>&a;</a>", "text !"),
    ] {
        assert_eq!(xml(body), expected, "{body}");
    }
}

#[test]
fn xml_is_read_in_its_encoding() {
    let (given, good) = parse("XML", b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "");
    assert_eq!((given.lines.join("|").as_str(), good), ("text \\xc3\\xa9", true));
    let wide: Vec<u8> = "\u{feff}<a>1\u{e9}</a>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (given, good) = parse("XML", &wide, "");
    assert_eq!((given.lines.join("|").as_str(), good), ("text 1\\xc3\\xa9", true));
    assert!(!parse("XML", b"<a>x\xff</a>", "").1);
    let (given, good) = parse("XML", b"<?xml version='1.0' encoding='UTF-7'?><a>x</a>", "");
    assert_eq!((given.lines.join("|").as_str(), good), ("text x", false));
}

#[test]
fn xml_stops_at_its_limits() {
    let nested = |depth: usize| format!("{}x{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert_eq!(xml(&nested(256)), "text x");
    assert!(xml(&nested(257)).ends_with('!'));
    let level = |at: usize| format!("<!ENTITY e{at} '{}'>", format!("&e{};", at - 1).repeat(10));
    let laughs: String = (1..10).map(level).collect();
    for first in ["lol", ""] {
        let (given, good) =
            parse("XML", format!("<!DOCTYPE a [<!ENTITY e0 '{first}'>{laughs}]><a>&e9;</a>").as_bytes(), "");
        assert!(!good && given.bytes < 100_000, "{}", given.bytes);
    }
    let attributes: String = (0..5000).map(|at| format!(" a{at}='v{at}'")).collect();
    let (given, good) = parse("XML", format!("<a{attributes}/>").as_bytes(), "");
    assert!(good && given.lines.len() == 1002 && given.lines[1001].contains("v4999"), "{}", given.lines.len());
}

#[test]
fn a_form_of_parts_is_taken_apart() {
    let body = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\ntwo\r\n--B\r\n\
        content-disposition: form-data; name=\"f\"; filename=\"x.php\"\r\nContent-Type: text/plain\r\n\r\n<?php\r\n--B--\r\n";
    let (given, good) = parse("MULTIPART", body.as_bytes(), "multipart/form-data; boundary=B");
    assert!(good);
    assert_eq!(
        given.lines,
        [
            "MULTIPART_NAME a",
            "header a=Content-Disposition: form-data; name=\\\"a\\\"",
            "arg a=one\\r\\ntwo",
            "MULTIPART_NAME f",
            "MULTIPART_FILENAME x.php",
            "header f=content-disposition: form-data; name=\\\"f\\\"; filename=\\\"x.php\\\"",
            "header f=Content-Type: text/plain",
            "file f=x.php=<?php",
            "MULTIPART_UNMATCHED_BOUNDARY 2",
        ]
    );
}

#[test]
fn what_stands_behind_a_broken_part_is_still_given() {
    let part = |head: &str, data: &str| format!("--B\r\n{head}\r\n\r\n{data}\r\n");
    let good = part("Content-Disposition: form-data; name=\"z\"", "behind");
    for broken in [
        part("X: y", "hidden"),
        part("Content-Disposition: form-data", "hidden"),
        part("Content-Disposition: form-data; name=\"q\"; filename=", "hidden"),
        "--B \r\n\r\nhidden\r\n".to_string(),
        "-- B\r\n\r\nhidden\r\n".to_string(),
    ] {
        let body = format!("{}{broken}{good}--B--\r\n", part("Content-Disposition: form-data; name=\"a\"", "v"));
        let (given, fine) = parse("MULTIPART", body.as_bytes(), "multipart/form-data; boundary=B");
        let text = given.lines.join("\n");
        assert!(!fine && text.contains("hidden") && text.contains("arg z=behind"), "{broken:?}: {text}");
        assert!(text.contains("MULTIPART_STRICT_ERROR 1"), "{broken:?}: {text}");
    }
    // Also when the content type is not one that a strict reader takes.
    let (given, fine) =
        parse("MULTIPART", format!("{good}--B--\r\n").as_bytes(), "multipart/form-data; charset=x; boundary=B");
    assert!(!fine && given.lines.contains(&"arg z=behind".to_string()), "{:?}", given.lines);
}

#[test]
fn names_are_known_once() {
    let mut names: Vec<_> = ALL.iter().map(|processor| processor.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
}

/// Bodies that cost a careless reader the square of their length.
#[test]
fn hostile_bodies_end_and_stay_small() {
    let many = |text: &str| text.repeat(2_000_000 / text.len());
    let form = "multipart/form-data; boundary=B";
    for body in [
        many("&"),
        many("a=&"),
        many("["),
        many("{\"a\":"),
        many("[1,"),
        many("\""),
        many("\\"),
        many("--B\r\n"),
        many("--B--\r\n"),
        many("-"),
        many("\r\n"),
        many("--"),
        many("--b\r\n"),
        format!("--B\r\n{}", many("a:\r\n")),
        format!("--B\r\n{}", many(" \r\n")),
        format!("--B\r\nX:\r\n{}", many(" y\r\n")),
        format!("--B\r\nContent-Disposition: form-data{}", many("; a=b")),
        many("--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"),
        many("--B\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nx\r\n"),
        many("<a>"),
        many("<a/>"),
        many("<a b='c'/>"),
        many("<!--"),
        many("<![CDATA["),
        many("&a;"),
        format!("<a {}/>", many("b='c' ")),
        format!("<!DOCTYPE a [{}]><a/>", many("<!ENTITY a 'b'>")),
    ] {
        for processor in ALL {
            let (given, _) = parse(processor.name(), body.as_bytes(), form);
            assert!(given.bytes <= 16 << 20, "{} gave {} bytes for {}", processor.name(), given.bytes, &body[..40]);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(body in proptest::collection::vec(any::<u8>(), 0..600), kind in any::<String>()) {
        for processor in ALL {
            parse(processor.name(), &body, &kind);
        }
    }

    #[test]
    fn bytes_of_the_formats_are_read_without_panic(
        pieces in proptest::collection::vec(prop::sample::select(vec![
            "--B", "--", "\r\n", "\n", "B", ":", ";", "\"", "'", "\\", " ", "=", "&", "%", "+", "41", "{", "}", "[", "]", ",", "<", ">", "/",
            "<a", "<!", "<?", "![CDATA[", "]]>", "&#", "DOCTYPE", "ENTITY", "a", "\\u", "d83d", "true", "Content-Disposition: form-data; name=\"a\"", "filename=x", "\t", "\0", "\u{e9}",
        ]), 0..60),
        kind in prop::sample::select(vec!["multipart/form-data; boundary=B", "multipart/form-data; boundary=\"B\"", "text/xml", "multipart/form-data boundary =;B"]),
    ) {
        let body = pieces.concat();
        for processor in ALL {
            parse(processor.name(), body.as_bytes(), kind);
        }
    }

    /// What serde_json writes is read back whole: as many values as it holds, none of them changed.
    #[test]
    fn good_json_is_good(words in proptest::collection::vec(any::<String>(), 0..20)) {
        let body = serde_json::to_string(&words).unwrap();
        let (given, good) = parse("JSON", body.as_bytes(), "");
        prop_assert!(good);
        let expected: Vec<String> =
            words.iter().enumerate().map(|(at, word)| format!("arg json.array_{at}={}", word.as_bytes().escape_ascii())).collect();
        prop_assert_eq!(given.lines, expected);
    }
}
