//! Regression tests of OWASP CRS (FTW YAML): requests with the rule ids that must and must not be logged.
//!
//! Both forms are read: that of CRS 3 (`test_title`, stages in a `stage`, `log_contains`) and that of CRS 4 (`rule_id` and
//! `test_id`, `log.expect_ids`; "FTW tests schema" v2 and v3). Defaults are those of the tools that run them: `GET / HTTP/1.1`;
//! unless `stop_magic` or `autocomplete_headers` say otherwise, a body gets a content type and a length, and form data that
//! is not encoded yet is encoded. Tests of CRS 4 speak to an origin that answers as it is asked to: see [`super::origin`].

use super::{files, origin, text};
use crate::encode;
use crate::request::{Request, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;
use std::path::Path;

/// One stage of a test.
#[derive(Debug, Clone)]
pub struct Test {
    /// Title, and the stage's number where there are several.
    pub title: String,
    /// File below the folder.
    pub file: String,
    /// The request.
    pub request: Request,
    /// Ids that must be logged.
    pub logged: Vec<u64>,
    /// Ids that must not be logged.
    pub not_logged: Vec<u64>,
    /// Statuses, one of which the answer must have; empty when any may be.
    pub status: Vec<u16>,
    /// Whether the server is to refuse to answer at all.
    pub error: bool,
    /// What the log must match, and what it must not.
    pub matching: Option<Regex>,
    /// See `matching`.
    pub not_matching: Option<Regex>,
    /// Whether the rule that must be logged is to be the only one.
    pub alone: bool,
}

#[derive(Deserialize)]
struct File {
    rule_id: Option<u64>,
    tests: Vec<Written>,
}

#[derive(Deserialize)]
struct Written {
    test_title: Option<Scalar>,
    test_id: Option<u64>,
    #[serde(default)]
    stages: Vec<Wrapped>,
}

/// A stage, in CRS 3 within a mapping of its own.
#[derive(Deserialize)]
struct Wrapped {
    stage: Option<Stage>,
    input: Option<Input>,
    output: Option<Output>,
}

impl Wrapped {
    fn open(self) -> Stage {
        self.stage.unwrap_or(Stage { input: self.input.unwrap_or_default(), output: self.output.unwrap_or_default() })
    }
}

#[derive(Deserialize)]
struct Stage {
    input: Input,
    #[serde(default)]
    output: Output,
}

#[derive(Deserialize, Default)]
struct Input {
    method: Option<String>,
    uri: Option<Scalar>,
    /// Several targets instead of one.
    #[serde(default)]
    uris: Vec<Scalar>,
    version: Option<String>,
    #[serde(default)]
    headers: Pairs,
    data: Option<Data>,
    encoded_data: Option<String>,
    encoded_request: Option<String>,
    raw_request: Option<String>,
    stop_magic: Option<bool>,
    autocomplete_headers: Option<bool>,
    response: Option<Told>,
}

/// The answer that a test has its origin give.
#[derive(Deserialize)]
struct Told {
    status: Option<u16>,
    #[serde(default)]
    headers: Pairs,
    body: Option<Scalar>,
    encoded_body: Option<String>,
}

#[derive(Deserialize, Default)]
struct Output {
    log_contains: Option<Scalar>,
    no_log_contains: Option<Scalar>,
    #[serde(default)]
    log: Log,
    status: Option<Statuses>,
    #[serde(default)]
    expect_error: bool,
    #[serde(default)]
    isolated: bool,
}

#[derive(Deserialize, Default)]
struct Log {
    #[serde(default)]
    expect_ids: Vec<u64>,
    #[serde(default)]
    no_expect_ids: Vec<u64>,
    match_regex: Option<String>,
    no_match_regex: Option<String>,
}

/// Text, whatever YAML takes it for.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(i64),
    Fraction(f64),
    Truth(bool),
}

impl fmt::Display for Scalar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Text(text) => out.write_str(text),
            Scalar::Number(number) => write!(out, "{number}"),
            Scalar::Fraction(number) => write!(out, "{number}"),
            Scalar::Truth(truth) => write!(out, "{truth}"),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Statuses {
    One(u16),
    Several(Vec<u16>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Data {
    Lines(Vec<Scalar>),
    Text(Scalar),
}

/// A mapping in its written order.
#[derive(Default)]
struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn bytes(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.0.iter().map(|(name, value)| (name.clone().into(), value.clone().into())).collect()
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Pairs;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a mapping of header fields")
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Pairs, E> {
                Ok(Pairs::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Option<Scalar>>()? {
                    pairs.push((name, value.map(|value| value.to_string()).unwrap_or_default()));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// All tests below a folder.
pub fn read(folder: &Path) -> Result<Vec<Test>, String> {
    let mut tests = Vec::new();
    for path in files(folder, "yaml")? {
        let inside = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        tests.extend(parse(&text(&path)?, &inside)?);
    }
    Ok(tests)
}

fn parse(text: &str, file: &str) -> Result<Vec<Test>, String> {
    let parsed: File = serde_saphyr::from_str(text).map_err(|cause| format!("{file}: {cause}"))?;
    let rule = parsed.rule_id.or_else(|| ids(file).last().copied()).unwrap_or_default();
    let mut tests = Vec::new();
    for (place, written) in parsed.tests.into_iter().enumerate() {
        let newer = written.test_title.is_none();
        let number = written.test_id.unwrap_or(place as u64 + 1);
        let name = written.test_title.map_or_else(|| format!("{rule}-{number}"), |title| title.to_string());
        let several = written.stages.len() > 1;
        for (number, stage) in written.stages.into_iter().map(Wrapped::open).enumerate() {
            let title = if several { format!("{name} stage {}", number + 1) } else { name.clone() };
            let made = stage_tests(&title, file, stage, newer);
            tests.extend(made.map_err(|cause| format!("{file}: {title}: {cause}"))?);
        }
    }
    Ok(tests)
}

/// The tests of a stage: one for each of its targets.
fn stage_tests(title: &str, file: &str, stage: Stage, newer: bool) -> Result<Vec<Test>, String> {
    let Stage { mut input, output } = stage;
    let uris = std::mem::take(&mut input.uris);
    let mut uris: Vec<Option<Scalar>> = uris.into_iter().map(Some).collect();
    if uris.is_empty() {
        uris.push(input.uri.take());
    }
    let named = |text: &Option<Scalar>| text.as_ref().map(|text| ids(&text.to_string())).unwrap_or_default();
    let regex = |text: &Option<String>| {
        text.as_deref().map(|text| Regex::new(text).map_err(|cause| cause.to_string())).transpose()
    };
    let mut tests = Vec::new();
    for uri in uris {
        input.uri = uri;
        tests.push(Test {
            request: request(&input, newer)?,
            title: title.into(),
            file: file.into(),
            logged: [named(&output.log_contains), output.log.expect_ids.clone()].concat(),
            not_logged: [named(&output.no_log_contains), output.log.no_expect_ids.clone()].concat(),
            status: match &output.status {
                None => Vec::new(),
                Some(Statuses::One(status)) => vec![*status],
                Some(Statuses::Several(several)) => several.clone(),
            },
            error: output.expect_error,
            matching: regex(&output.log.match_regex)?,
            not_matching: regex(&output.log.no_match_regex)?,
            alone: output.isolated,
        });
    }
    Ok(tests)
}

/// The numbers of six digits or more in what a log must hold.
fn ids(text: &str) -> Vec<u64> {
    text.split(|character: char| !character.is_ascii_digit())
        .filter(|digits| digits.len() >= 6)
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    let compact: String = text.split_whitespace().collect();
    STANDARD.decode(compact).map_err(|cause| cause.to_string())
}

fn request(input: &Input, newer: bool) -> Result<Request, String> {
    let mut request = match (&input.encoded_request, &input.raw_request) {
        (Some(encoded), _) if !encoded.is_empty() => raw(&decoded(encoded)?)?,
        (_, Some(text)) if !text.is_empty() => raw(text.as_bytes())?,
        _ => written(input, newer)?,
    };
    request.response = match &input.response {
        Some(told) => Some(answer(told)?),
        None if newer => Some(origin::answer(&request)),
        None => None,
    };
    Ok(request)
}

fn answer(told: &Told) -> Result<Response, String> {
    let body = match (&told.body, &told.encoded_body) {
        (Some(text), _) => text.to_string().into_bytes(),
        (None, Some(encoded)) => decoded(encoded)?,
        (None, None) => Vec::new(),
    };
    Ok(origin::complete(Response { status: told.status.unwrap_or(200), headers: told.headers.bytes(), body }))
}

/// A request put together from its parts.
fn written(input: &Input, newer: bool) -> Result<Request, String> {
    let version = input.version.as_deref().unwrap_or("HTTP/1.1");
    let mut request = Request {
        method: input.method.as_deref().unwrap_or("GET").into(),
        target: input.uri.as_ref().map_or_else(|| "/".into(), ToString::to_string).into_bytes(),
        version: version.strip_prefix("HTTP/").unwrap_or(version).into(),
        headers: input.headers.bytes(),
        body: match (&input.data, &input.encoded_data) {
            (None, None) => Vec::new(),
            (_, Some(encoded)) => decoded(encoded)?,
            (Some(Data::Text(text)), None) => text.to_string().into_bytes(),
            (Some(Data::Lines(lines)), None) => {
                lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\r\n").into_bytes()
            }
        },
        response: None,
    };
    let magic = input.autocomplete_headers.or(input.stop_magic.map(|stop| !stop)).unwrap_or(true);
    if magic {
        complete(&mut request);
    }
    // The tools of CRS 4 say the length of a body that is not there, too, and mend line ends whatever they are told.
    if newer && magic && header(&request, "Content-Length").is_none() && may_have_body(&request.method) {
        request.headers.push((b"Content-Length".to_vec(), b"0".to_vec()));
    }
    if newer && !magic && is_multipart(&request) {
        request.body = with_crlf(&request.body);
    }
    Ok(request)
}

fn may_have_body(method: &[u8]) -> bool {
    [&b"POST"[..], b"PUT", b"PATCH", b"DELETE"].contains(&method)
}

fn is_multipart(request: &Request) -> bool {
    header(request, "Content-Type").is_some_and(|value| value.starts_with(b"multipart/form-data;"))
}

fn header<'r>(request: &'r Request, name: &str) -> Option<&'r [u8]> {
    let mut fields = request.headers.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes()));
    fields.next().map(|(_, value)| value.as_slice())
}

/// What the tools add unless they are told not to.
fn complete(request: &mut Request) {
    let push = |request: &mut Request, name: &str, value: String| {
        request.headers.push((name.as_bytes().to_vec(), value.into_bytes()));
    };
    if !request.body.is_empty() {
        if header(request, "Content-Type").is_none() {
            push(request, "Content-Type", "application/x-www-form-urlencoded".into());
        }
        if header(request, "Content-Type") == Some(b"application/x-www-form-urlencoded".as_slice())
            && encode::unquery(&request.body).is_some_and(|decoded| decoded == request.body)
        {
            request.body = encoded_form(&request.body);
        }
        if is_multipart(request) {
            request.body = with_crlf(&request.body);
        }
    }
    if header(request, "Connection").is_none() {
        push(request, "Connection", "close".into());
    }
    if !request.body.is_empty() && header(request, "Content-Length").is_none() {
        push(request, "Content-Length", request.body.len().to_string());
    }
}

/// Names and values of a form encoded, `&` and the first `=` of each pair kept.
fn encoded_form(body: &[u8]) -> Vec<u8> {
    let pairs = body.split(|byte| *byte == b'&').map(|pair| match pair.iter().position(|byte| *byte == b'=') {
        None => encode::query(pair),
        Some(at) => [encode::query(&pair[..at]), b"=".to_vec(), encode::query(&pair[at + 1..])].concat(),
    });
    pairs.collect::<Vec<_>>().join(&b'&')
}

fn with_crlf(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 16);
    for byte in body {
        if *byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

/// A request as bytes: lines end in LF or CRLF, what is no header line is left out.
fn raw(bytes: &[u8]) -> Result<Request, String> {
    let end = [(b"\r\n\r\n".as_slice(), 4), (b"\n\n".as_slice(), 2)].into_iter().filter_map(|(mark, length)| {
        bytes.windows(length).position(|window| window == mark).map(|at| (at, at + length))
    });
    let (head, body) = end.min().unwrap_or((bytes.len(), bytes.len()));
    let mut lines = bytes[..head].split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next().unwrap_or_default();
    let mut words = first.splitn(3, |byte| *byte == b' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err("the raw request has no request line".into());
    };
    let version = words.next().map(|word| String::from_utf8_lossy(word).into_owned()).unwrap_or_default();
    let headers = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((line[..colon].to_vec(), line[colon + 1..].trim_ascii().to_vec()))
    });
    Ok(Request {
        method: method.to_vec(),
        target: target.to_vec(),
        version: version.strip_prefix("HTTP/").unwrap_or(&version).into(),
        headers: headers.collect(),
        body: bytes[body..].to_vec(),
        response: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
meta:
  author: "x"
tests:
  - test_title: 942100-1
    stages:
      - stage:
          input:
            dest_addr: 127.0.0.1
            headers:
              Host: localhost
              Content-Length: 3
              Accept: "*/*"
            method: POST
            port: 80
            uri: "/"
            data: "var=1234 OR 1=1&b"
            version: HTTP/1.0
          output:
            log_contains: id "942100"
  - test_title: 2
    stages:
      - stage:
          input:
            uri: "/?a"
            stop_magic: true
            data: ["a", "b"]
          output:
            status: [403, 400]
            no_log_contains: "id \"920100\""
"#;

    #[test]
    fn a_test_is_completed_as_the_tools_do() {
        let tests = parse(FILE, "x.yaml").unwrap();
        assert_eq!(tests.len(), 2);
        let first = &tests[0];
        assert_eq!((first.logged.as_slice(), first.request.version.as_str()), ([942_100].as_slice(), "1.0"));
        assert_eq!(first.request.body, b"var=1234+OR+1%3D1&b");
        let names: Vec<String> =
            first.request.headers.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect();
        assert_eq!(names, ["Host", "Content-Length", "Accept", "Content-Type", "Connection"]);
        let second = &tests[1];
        assert_eq!((second.title.as_str(), second.request.body.as_slice()), ("2", b"a\r\nb".as_slice()));
        assert_eq!(
            (second.status.as_slice(), second.not_logged.as_slice()),
            ([403, 400].as_slice(), [920_100].as_slice())
        );
        assert!(second.request.headers.is_empty());
    }

    const NEWER: &str = r#"
meta:
  author: x
rule_id: 942100
tests:
  - test_id: 7
    desc: y
    stages:
      - input:
          dest_addr: "127.0.0.1"
          port: 80
          method: POST
          headers: {Host: localhost, X-Flag: true}
          uri: "/post"
          version: "HTTP/1.1"
        output:
          status: 200
          log: {expect_ids: [942100], no_expect_ids: [1, 2], match_regex: 'id "9421\d+"'}
      - input:
          uris: ["/a", "/b"]
          autocomplete_headers: false
          encoded_data: "Yf8="
          response: {status: 404, headers: {X-A: "1"}, body: "<html>"}
        output: {isolated: true, retry_once: true, expect_error: true, log: {no_match_regex: "x"}}
  - stages:
      - input: {encoded_request: "R0VUIC8geA0KDQo="}
        output: {log: {expect_ids: [3]}}
      - input:
          method: POST
          uri: /reflect
          headers: {Content-Type: application/json}
          data: '{"status": 500, "headers": {"content-type": "text/plain"}, "encodedBody": "PGE+"}'
        output: {log: {expect_ids: [4]}}
"#;

    #[test]
    fn tests_of_crs_4_are_read() {
        let tests = parse(NEWER, "942100.yaml").unwrap();
        let titles: Vec<&str> = tests.iter().map(|test| test.title.as_str()).collect();
        let expected =
            ["942100-7 stage 1", "942100-7 stage 2", "942100-7 stage 2", "942100-2 stage 1", "942100-2 stage 2"];
        assert_eq!(titles, expected);
        let first = &tests[0];
        assert_eq!((first.logged.as_slice(), first.not_logged.as_slice()), (&[942_100][..], &[1, 2][..]));
        assert!(first.matching.as_ref().unwrap().is_match("id \"942100\"") && !first.alone && !first.error);
        let names: Vec<String> = first
            .request
            .headers
            .iter()
            .map(|(name, value)| format!("{}: {}", name.escape_ascii(), value.escape_ascii()))
            .collect();
        assert_eq!(names, ["Host: localhost", "X-Flag: true", "Connection: close", "Content-Length: 0"]);
        let answer = first.request.response.as_ref().unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        let [second, third] = [&tests[1], &tests[2]];
        assert_eq!((second.request.target.as_slice(), third.request.target.as_slice()), (&b"/a"[..], &b"/b"[..]));
        assert_eq!((second.request.body.as_slice(), second.alone, second.error), (&b"a\xff"[..], true, true));
        assert!(second.request.headers.is_empty() && second.not_matching.is_some());
        let answer = second.request.response.as_ref().unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (404, &b"<html>"[..]));
        assert!(answer.headers.contains(&(b"Content-Type".to_vec(), b"text/html; charset=utf-8".to_vec())));
        assert_eq!(tests[3].request.method, b"GET");
        let answer = tests[4].request.response.as_ref().unwrap();
        assert_eq!((answer.status, answer.body.as_slice(), answer.headers.len()), (500, &b"<a>"[..], 1));
    }

    #[test]
    fn a_raw_request_is_taken_apart() {
        let request = raw(b"POST /a HTTP/1.0\r\nHost: x\r\n\r\nb=\xff\n\nc").unwrap();
        assert_eq!((request.method.as_slice(), request.version.as_str()), (b"POST".as_slice(), "1.0"));
        assert_eq!(request.body, b"b=\xff\n\nc");
        assert_eq!(request.headers, [(b"Host".to_vec(), b"x".to_vec())]);
        assert_eq!(raw(b"GET / HTTP/1.1\nHost: y\n\nz").unwrap().body, b"z");
    }

    #[test]
    fn lines_end_in_crlf_once() {
        assert_eq!(with_crlf(b"a\nb\r\nc"), b"a\r\nb\r\nc");
    }

    #[test]
    fn the_suite_has_the_tests_its_page_names() {
        let folder = super::super::data().join("crs-3.3.4-tests");
        if !folder.exists() {
            println!("skipped: corpus crs-3.3.4-tests not present");
            return;
        }
        let tests = read(&folder).unwrap();
        assert_eq!(tests.len(), 2403);
        let silent = tests.iter().filter(|test| test.logged.is_empty() && test.not_logged.is_empty());
        assert!(
            silent.clone().all(|test| !test.status.is_empty() || test.error),
            "{:?}",
            silent.map(|test| &test.title).collect::<Vec<_>>()
        );
    }
}
