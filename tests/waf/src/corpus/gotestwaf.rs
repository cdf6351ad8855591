//! gotestwaf: each payload through each encoder at each placeholder of a request.

use super::{Corpus, files, text};
use crate::encode;
use crate::request::{Case, Request};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The set.
pub struct GoTestWaf;

/// Name of the argument, where the tool takes a random one: the same in every run.
const ARGUMENT: &str = "a1f3c5e7";
const BOUNDARY: &str = "b7d9f1a3c5e7092b4d6f8a1c3e507294";

#[derive(Deserialize)]
struct File {
    payload: Vec<String>,
    encoder: Vec<String>,
    placeholder: Vec<Placeholder>,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Placeholder {
    Name(String),
    Configured(BTreeMap<String, Configuration>),
}

#[derive(Deserialize, Default, Clone)]
struct Configuration {
    #[serde(default)]
    method: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

impl Corpus for GoTestWaf {
    fn name(&self) -> &'static str {
        "gotestwaf"
    }

    fn read(&self, folder: &Path) -> Result<Vec<Case>, String> {
        let root = folder.join("testcases");
        let mut cases = Vec::new();
        for path in files(&root, "yml")? {
            let inside = path.strip_prefix(&root).unwrap_or(&path).with_extension("");
            let part = inside.iter().next().map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
            // Three files escape an apostrophe within double quotes, which YAML does not know.
            let text = text(&path)?.replace("\"\\'", "\"'");
            let file: File = serde_saphyr::from_str(&text).map_err(|cause| format!("{}: {cause}", inside.display()))?;
            for (number, payload) in file.payload.iter().enumerate() {
                for encoder in &file.encoder {
                    let encoded = encoded(encoder, payload)?;
                    for placeholder in &file.placeholder {
                        let (name, request) = placed(placeholder, &encoded)?;
                        cases.push(Case {
                            source: format!("gotestwaf/{part}"),
                            class: class(&part, &file.kind).into(),
                            attack: part != "false-pos",
                            name: format!("{}#{} {encoder} {name}", inside.display(), number + 1),
                            request,
                        });
                    }
                }
            }
        }
        Ok(cases)
    }
}

/// Classes that the figures tell apart; all others are `other`.
fn class(part: &str, kind: &str) -> &'static str {
    let kind = kind.to_ascii_lowercase();
    match () {
        () if part == "false-pos" => "benign",
        () if kind.contains("sql injection") && !kind.contains("nosql") => "sqli",
        () if kind.contains("xss") => "xss",
        () if kind.contains("rce") || kind.contains("shell") => "cmdi",
        () if kind.contains("traversal") || kind.contains("lfi") => "path-traversal",
        () => "other",
    }
}

fn encoded(encoder: &str, payload: &str) -> Result<String, String> {
    let bytes = match encoder {
        "Plain" => return Ok(payload.to_string()),
        "URL" => encode::query(payload.as_bytes()),
        "Base64Flat" => encode::base64_flat(payload.as_bytes()),
        other => return Err(format!("gotestwaf: encoder {other} is not known")),
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn placed(placeholder: &Placeholder, payload: &str) -> Result<(String, Request), String> {
    let (name, configuration) = match placeholder {
        Placeholder::Name(name) => (name.clone(), Configuration::default()),
        Placeholder::Configured(map) => {
            let (name, configuration) = map.first_key_value().ok_or("gotestwaf: a placeholder without a name")?;
            (name.clone(), configuration.clone())
        }
    };
    let post = || Request::browser("POST", "/");
    let request = match name.as_str() {
        "URLPath" => Request::browser("GET", format!("/{payload}")),
        "URLParam" => Request::browser("GET", format!("/?{ARGUMENT}={payload}")),
        "Header" => Request::browser("GET", "/").header(&format!("X-{ARGUMENT}"), payload),
        "UserAgent" => Request::browser("GET", "/").header("User-Agent", payload),
        "HTMLForm" => post().with_body("application/x-www-form-urlencoded", format!("{ARGUMENT}={payload}")),
        "HTMLMultipartForm" => multipart(payload),
        "JSONRequest" => {
            let body = format!("{{\"test\":true, \"{ARGUMENT}\": \"{}\"}}", encode::js_unicode(payload));
            post().with_body("application/json", body)
        }
        "XMLBody" => post().with_body("text/xml", payload),
        "SOAPBody" => soap(payload),
        "gRPC" => grpc(payload),
        "GraphQL" if configuration.method == "GET" => {
            let query = String::from_utf8_lossy(&encode::query(payload.as_bytes())).into_owned();
            Request::browser("GET", format!("/?query={query}"))
        }
        "GraphQL" => post().with_body("", payload),
        "RawRequest" => raw(&configuration, payload),
        other => return Err(format!("gotestwaf: placeholder {other} is not known")),
    };
    Ok((name, request))
}

fn multipart(payload: &str) -> Request {
    let body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{ARGUMENT}\"\r\n\r\n{payload}\r\n--{BOUNDARY}--\r\n"
    );
    Request::browser("POST", "/").with_body(&format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

/// A SOAP envelope with one element that holds the payload.
fn soap(payload: &str) -> Request {
    let inside = encode::xml_entity(payload);
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">\n\
         <soapenv:Header/>\n<soapenv:Body><query><filter><ab{ARGUMENT}>{inside}</ab{ARGUMENT}></filter></query>\
         </soapenv:Body>\n</soapenv:Envelope>"
    );
    let action = "\"http://schemas.xmlsoap.org/soap/actor/next\"";
    Request::browser("POST", "/").header("SOAPAction", action).with_body("text/xml", body)
}

/// One gRPC message: a prefix of five bytes, then field 1 (text) of a protobuf message.
fn grpc(payload: &str) -> Request {
    let mut message = vec![0x0a];
    let mut length = payload.len();
    while length >= 0x80 {
        message.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    message.push(length as u8);
    message.extend(payload.as_bytes());
    let mut body = vec![0];
    body.extend((message.len() as u32).to_be_bytes());
    body.extend(message);
    let mut request = Request::browser("POST", "/encoder.ServiceFooBar/foo").header("TE", "trailers");
    request.version = "2.0".into();
    request.with_body("application/grpc", body)
}

fn raw(configuration: &Configuration, payload: &str) -> Request {
    let fill = |text: &str| text.replace("{{payload}}", payload);
    let path = if configuration.path.is_empty() { "/".to_string() } else { fill(&configuration.path) };
    let mut request = Request::browser(&configuration.method, path);
    for (name, value) in &configuration.headers {
        request = request.header(name, fill(value));
    }
    if configuration.body.is_empty() { request } else { request.with_body("", fill(&configuration.body)) }
}
