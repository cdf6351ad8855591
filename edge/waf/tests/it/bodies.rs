//! Every body processor beside libmodsecurity: the bodies of `tests/body`, found by name, and ones made of pieces.
//!
//! Known differences, all of them on purpose:
//! - libmodsecurity drops line breaks inside a multipart value (`UNION\r\nSELECT` becomes `UNIONSELECT`); ours keeps them.
//! - Of a broken body a strict reader gives what it had; ours goes on, so it gives that and more. Of a broken form
//!   libmodsecurity gives nothing, so that there only the verdict is compared.
//! - Where a boundary follows a part's header at once, libmodsecurity takes it for data and raises `INVALID_PART`; ours
//!   takes it for a boundary and calls the form broken.
//! - An empty boundary (`boundary=`) raises nothing there, here it is a fault.

use crate::oracle::{self, Numbers};
use std::collections::BTreeMap;
use waf::body::{self, Processor, Sink};

/// A body and what it claims to be.
struct Case {
    name: String,
    processor: &'static str,
    content_type: Vec<u8>,
    body: Vec<u8>,
}

/// What was found: variable to its values.
#[derive(Default)]
struct Found(BTreeMap<String, Vec<Vec<u8>>>);

impl Found {
    fn add(&mut self, variable: &str, value: &[u8]) {
        self.0.entry(variable.into()).or_default().push(value.to_vec());
    }

    fn sorted(&self, variable: &str) -> Vec<Vec<u8>> {
        let mut values = self.0.get(variable).cloned().unwrap_or_default();
        values.sort();
        values
    }

    fn pairs(&self, names: &str, values: &str) -> Vec<Vec<u8>> {
        let of = |variable| self.0.get(variable).cloned().unwrap_or_default();
        let mut pairs: Vec<_> =
            of(names).into_iter().zip(of(values)).map(|(name, value)| [name, value].join(&b"=>"[..])).collect();
        pairs.sort();
        pairs
    }

    fn broken(&self) -> bool {
        self.0.get("REQBODY_ERROR").is_some_and(|values| values[0] == b"1")
    }
}

impl Sink for Found {
    fn argument(&mut self, name: &[u8], value: &[u8]) -> bool {
        self.add("ARGS_NAMES", name);
        self.add("ARGS", value);
        self.0["ARGS"].len() < 1000
    }
    fn file(&mut self, field: &[u8], filename: &[u8], content: &[u8]) {
        self.add("FILES", filename);
        self.add("FILES_NAMES", field);
        self.add("FILES_SIZES", content.len().to_string().as_bytes());
    }
    fn part_header(&mut self, _field: &[u8], line: &[u8]) {
        self.add("MULTIPART_PART_HEADERS", line);
    }
    fn xml_text(&mut self, text: &[u8]) {
        self.add("XML:/*", text);
    }
    fn xml_attribute(&mut self, value: &[u8]) {
        self.add("XML://@*", value);
    }
    fn variable(&mut self, name: &'static str, value: &[u8]) {
        self.add(name, value);
    }
}

fn ours(case: &Case) -> Found {
    let mut found = Found::default();
    let settings = seclang::Settings::default();
    match case.processor {
        "QUERY" => body::split_pairs(&case.body, b'&').for_each(|(name, value)| {
            found.argument(&name, &value);
        }),
        "COOKIE" => body::split_cookies(&case.body).for_each(|(name, value)| {
            found.add("REQUEST_COOKIES_NAMES", name);
            found.add("REQUEST_COOKIES", value);
        }),
        name => {
            let processor: &dyn Processor = *body::ALL.iter().find(|processor| processor.name() == name).unwrap();
            let broken = processor.parse(&case.body, &case.content_type, &settings, &mut found).is_err();
            found.add("REQBODY_ERROR", if broken { b"1" } else { b"0" });
        }
    }
    found
}

fn theirs(answer: &str) -> Found {
    let read: BTreeMap<String, Vec<String>> = serde_json::from_str(answer).unwrap();
    let values = |values: Vec<String>| values.iter().map(|value| hex::decode(value).unwrap()).collect();
    Found(read.into_iter().map(|(name, list)| (name, values(list))).collect())
}

/// Values compared beside arguments.
const VALUES: &[&str] =
    &["FILES", "FILES_NAMES", "FILES_SIZES", "MULTIPART_PART_HEADERS", "MULTIPART_NAME", "XML:/*", "XML://@*"];
const FLAGS: &[&str] = &[
    "MULTIPART_STRICT_ERROR",
    "MULTIPART_UNMATCHED_BOUNDARY",
    "MULTIPART_BOUNDARY_QUOTED",
    "MULTIPART_BOUNDARY_WHITESPACE",
    "MULTIPART_DATA_BEFORE",
    "MULTIPART_DATA_AFTER",
    "MULTIPART_HEADER_FOLDING",
    "MULTIPART_LF_LINE",
    "MULTIPART_CRLF_LF_LINES",
    "MULTIPART_MISSING_SEMICOLON",
    "MULTIPART_INVALID_QUOTING",
    "MULTIPART_INVALID_PART",
    "MULTIPART_INVALID_HEADER_FOLDING",
];

/// Values of multipart without what libmodsecurity drops.
fn joined(values: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let join = |value: Vec<u8>| {
        let text: Vec<&[u8]> = value.split(|byte| *byte == b'\n').collect();
        let last = text.len() - 1;
        let cut = |(at, line): (usize, &&[u8])| {
            if at < last { line.strip_suffix(b"\r").unwrap_or(line).to_vec() } else { line.to_vec() }
        };
        text.iter().enumerate().map(|(at, line)| cut((at, line))).collect::<Vec<_>>().concat()
    };
    let mut values: Vec<_> = values.into_iter().map(join).collect();
    values.sort();
    values
}

/// What of `less` is not in `more`.
fn missing(less: &[Vec<u8>], more: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut more = more.to_vec();
    let lacks = less.iter().filter(|value| match more.iter().position(|other| &other == value) {
        Some(at) => {
            more.swap_remove(at);
            false
        }
        None => true,
    });
    lacks.cloned().collect()
}

fn differences(case: &Case, ours: &Found, theirs: &Found) -> Vec<String> {
    let mut found = Vec::new();
    let multipart = case.processor == "MULTIPART";
    let strict = theirs.0.get("MULTIPART_STRICT_ERROR").is_some_and(|values| values[0] == b"1");
    if ours.broken() != theirs.broken() && !(multipart && ours.broken() && strict) {
        found.push(format!("broken here {}, there {}", ours.broken(), theirs.broken()));
    }
    if ours.broken() && multipart {
        return found;
    }
    let mut compare = |name: &str, mut mine: Vec<Vec<u8>>, mut other: Vec<Vec<u8>>| {
        if multipart {
            (mine, other) = (joined(mine), joined(other));
        }
        if ours.broken() {
            let lacks = missing(&other, &mine);
            if !lacks.is_empty() && name != "XML:/*" {
                found.push(format!("{name}: not here: {}", show(&lacks)));
            }
        } else if mine != other {
            found.push(format!("{name}: here {}; there {}", show(&mine), show(&other)));
        }
    };
    compare("ARGS", ours.pairs("ARGS_NAMES", "ARGS"), theirs.pairs("ARGS_NAMES", "ARGS"));
    let cookies = |found: &Found| found.pairs("REQUEST_COOKIES_NAMES", "REQUEST_COOKIES");
    compare("REQUEST_COOKIES", cookies(ours), cookies(theirs));
    for name in VALUES {
        compare(name, ours.sorted(name), theirs.sorted(name));
    }
    // Nothing is a form without faults.
    for name in FLAGS.iter().filter(|_| multipart && !case.body.is_empty()) {
        let value = |found: &Found| found.0.get(*name).map_or(b"0".to_vec(), |values| values[0].clone());
        compare(name, vec![value(ours)], vec![value(theirs)]);
    }
    found
}

fn show(values: &[Vec<u8>]) -> String {
    values.iter().map(|value| value.escape_ascii().to_string()).collect::<Vec<_>>().join(" | ")
}

/// Compares all, and tells every difference.
fn compare(cases: &[Case]) {
    let Some(python) = oracle::python("bodies beside libmodsecurity") else { return };
    let text = |bytes: &[u8]| if bytes.is_empty() { "-".to_string() } else { hex::encode(bytes) };
    let questions: Vec<String> = cases
        .iter()
        .map(|case| format!("{} {} {}", case.processor, text(&case.content_type), text(&case.body)))
        .collect();
    let answers = oracle::ask(&python, "bodies.py", &questions);
    let mut failures = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        let found = differences(case, &ours(case), &theirs(answer));
        if !found.is_empty() {
            failures.push(format!("{} {}\n  {}\n", case.name, case.body.escape_ascii(), found.join("\n  ")));
        }
    }
    println!("{} bodies compared", cases.len());
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures[..failures.len().min(40)].join(""));
}

fn processor_of(content_type: &str) -> &'static str {
    match content_type {
        "query" => "QUERY",
        "cookie" => "COOKIE",
        kind if kind.to_ascii_lowercase().starts_with("multipart/") => "MULTIPART",
        kind if kind.contains("json") => "JSON",
        kind if kind.contains("xml") => "XML",
        _ => "URLENCODED",
    }
}

#[test]
fn bodies_of_the_corpus_are_read_as_libmodsecurity_reads_them() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/body");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        // The first line is the content type, the rest is the body; `\n%%\n` parts bodies of one content type.
        let cut = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        let content_type = String::from_utf8(bytes[..cut].to_vec()).unwrap();
        let processor = processor_of(&content_type);
        let mut rest = &bytes[cut + 1..];
        for at in 1.. {
            let end = rest.windows(4).position(|window| window == b"\n%%\n");
            let body = rest[..end.unwrap_or(rest.len())].to_vec();
            let name = format!("{}:{at}", path.file_name().unwrap().to_string_lossy());
            let kind = if matches!(processor, "QUERY" | "COOKIE") { "" } else { &content_type };
            cases.push(Case { name, processor, content_type: kind.into(), body });
            match end {
                Some(end) => rest = &rest[end + 4..],
                None => break,
            }
        }
    }
    assert!(cases.len() > 150, "{} bodies", cases.len());
    compare(&cases);
}

/// Bodies put together from `pieces`.
fn made(processor: &'static str, content_types: &[&str], pieces: &[&str], count: usize, most: usize) -> Vec<Case> {
    let mut numbers = Numbers(0x5eed);
    let mut one = |at| {
        let length = numbers.below(most);
        let body: String = (0..length).map(|_| pieces[numbers.below(pieces.len())]).collect();
        let content_type = content_types[numbers.below(content_types.len())];
        Case {
            name: format!("{processor} made {at} ({content_type})"),
            processor,
            content_type: content_type.into(),
            body: body.into(),
        }
    };
    (0..count).map(&mut one).collect()
}

/// Pieces that bodies are made of: json.
const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"a\"",
    "\"b\":",
    "\"\"",
    "1",
    "-0.5e3",
    "true",
    "null",
    " ",
    "\"\\u0041\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "[1,2]",
    "{\"k\":1}",
    ",\"c\":",
    "0",
    "\u{e9}",
    "\"\u{e9}\"",
    "x",
];
/// Pieces that bodies are made of: xml.
const XML: &[&str] = &[
    "<a>",
    "</a>",
    "<b>",
    "</b>",
    "<a/>",
    "<c d='e'/>",
    "<c d=\"&lt;\" f='g'>",
    "</c>",
    "text",
    " ",
    "&amp;",
    "&#65;",
    "<!-- c -->",
    "<![CDATA[x]]>",
    "\r\n",
    "&",
    "<",
    ">",
    "]]>",
    "<?p i?>",
];
/// Pieces that bodies are made of: form.
const FORM: &[&str] = &[
    "--B\r\n",
    "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n",
    "--B\r\nContent-Disposition: form-data; name=b; filename=\"c\"\r\n\r\n",
    "value",
    "\r\n",
    "\n",
    "--B--\r\n",
    "--B--",
    "--C\r\n",
    "X: y\r\n",
    " z\r\n",
    "--",
    "-",
    "two\r\nlines\r\n",
    ":",
    "--B",
    "a--B",
    "Content-Disposition: form-data; name='q'\r\n",
    "\r\n--B\r\n",
    "\r\n--B--\r\n",
];
/// Pieces that bodies are made of: kinds.
const KINDS: &[&str] = &[
    "multipart/form-data; boundary=B",
    "multipart/form-data; boundary=\"B\"",
    "multipart/form-data;boundary=B;charset=x",
    "multipart/form-data boundary=B",
    "multipart/form-data; boundary =B",
    "multipart/form-data; charset=x; boundary=B",
];

#[test]
fn made_bodies_are_read_as_libmodsecurity_reads_them() {
    let pairs =
        ["a", "b", "=", "&", "%41", "%4", "%", "+", ";", "%00", "%zz", " ", "\r\n", "x=y", "&&", "%u0041", "\u{e9}"];
    let mut cases = made("URLENCODED", &["application/x-www-form-urlencoded"], &pairs, 300, 12);
    cases.extend(made("QUERY", &[""], &["a", "=", "&", "%41", "%4", "%", "+", ";", "?", "%00", "/"], 200, 12));
    cases.extend(made("COOKIE", &[""], &["a", "b", "=", ";", " ", "; ", "\t", "%41", "\"", ","], 300, 12));
    cases.extend(made("JSON", &["application/json"], JSON, 600, 10));
    cases.extend(made("XML", &["text/xml"], XML, 600, 8));
    cases.extend(made("MULTIPART", KINDS, FORM, 1500, 14));
    compare(&cases);
}
