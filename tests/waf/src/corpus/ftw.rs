//! Regression tests of OWASP CRS (FTW YAML): requests with the rule ids that must and must not be logged.
//!
//! Defaults are those of the tools that run them: `GET / HTTP/1.1`; unless `stop_magic` says otherwise, a body gets a
//! content type and a length, and form data that is not encoded yet is encoded.

use super::{files, text};
use crate::encode;
use crate::request::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
}

#[derive(Deserialize)]
struct File {
    tests: Vec<Written>,
}

#[derive(Deserialize)]
struct Written {
    test_title: Scalar,
    #[serde(default)]
    stages: Vec<Wrapped>,
}

#[derive(Deserialize)]
struct Wrapped {
    stage: Stage,
}

#[derive(Deserialize)]
struct Stage {
    input: Input,
    #[serde(default)]
    output: Output,
}

#[derive(Deserialize)]
struct Input {
    method: Option<String>,
    uri: Option<Scalar>,
    version: Option<String>,
    #[serde(default)]
    headers: Pairs,
    data: Option<Data>,
    encoded_request: Option<String>,
    raw_request: Option<String>,
    #[serde(default)]
    stop_magic: bool,
}

#[derive(Deserialize, Default)]
struct Output {
    log_contains: Option<Scalar>,
    no_log_contains: Option<Scalar>,
    status: Option<Statuses>,
    #[serde(default)]
    expect_error: bool,
}

/// Text, whatever YAML takes it for.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(i64),
    Fraction(f64),
}

impl fmt::Display for Scalar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Text(text) => out.write_str(text),
            Scalar::Number(number) => write!(out, "{number}"),
            Scalar::Fraction(number) => write!(out, "{number}"),
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
    let mut tests = Vec::new();
    for written in parsed.tests {
        let several = written.stages.len() > 1;
        for (number, Wrapped { stage }) in written.stages.into_iter().enumerate() {
            let title = if several {
                format!("{} stage {}", written.test_title, number + 1)
            } else {
                written.test_title.to_string()
            };
            let request = request(&stage.input).map_err(|cause| format!("{file}: {title}: {cause}"))?;
            let ids = |text: &Option<Scalar>| text.as_ref().map(|text| ids(&text.to_string())).unwrap_or_default();
            tests.push(Test {
                request,
                title,
                file: file.into(),
                logged: ids(&stage.output.log_contains),
                not_logged: ids(&stage.output.no_log_contains),
                status: match stage.output.status {
                    None => Vec::new(),
                    Some(Statuses::One(status)) => vec![status],
                    Some(Statuses::Several(several)) => several,
                },
                error: stage.output.expect_error,
            });
        }
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

fn request(input: &Input) -> Result<Request, String> {
    if let Some(encoded) = &input.encoded_request {
        let compact: String = encoded.split_whitespace().collect();
        return raw(&STANDARD.decode(compact).map_err(|cause| cause.to_string())?);
    }
    if let Some(text) = &input.raw_request {
        return raw(text.as_bytes());
    }
    let version = input.version.as_deref().unwrap_or("HTTP/1.1");
    let mut request = Request {
        method: input.method.as_deref().unwrap_or("GET").into(),
        target: input.uri.as_ref().map_or_else(|| "/".into(), ToString::to_string).into_bytes(),
        version: version.strip_prefix("HTTP/").unwrap_or(version).into(),
        headers: input.headers.0.iter().map(|(name, value)| (name.clone().into(), value.clone().into())).collect(),
        body: match &input.data {
            None => Vec::new(),
            Some(Data::Text(text)) => text.to_string().into_bytes(),
            Some(Data::Lines(lines)) => {
                lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\r\n").into_bytes()
            }
        },
        response: None,
    };
    if !input.stop_magic {
        complete(&mut request);
    }
    Ok(request)
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
        if header(request, "Content-Type").is_some_and(|value| value.starts_with(b"multipart/form-data;")) {
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
