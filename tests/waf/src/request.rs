//! Requests as both engines are fed with them, and what is known of each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// One request and, where a test has one, the answer of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method as sent.
    pub method: Vec<u8>,
    /// Target as sent.
    pub target: Vec<u8>,
    /// Version without `HTTP/`.
    pub version: String,
    /// Header fields in their order.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Body as sent.
    pub body: Vec<u8>,
    /// What the application answered.
    pub response: Option<Response>,
}

/// An answer of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Header fields in their order.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Body.
    pub body: Vec<u8>,
}

/// A request of a corpus with what it is.
#[derive(Debug, Clone)]
pub struct Case {
    /// Corpus and part: `httpparams`, `gotestwaf/owasp`.
    pub source: String,
    /// Kind: `sqli`, `xss`, `benign`.
    pub class: String,
    /// Whether it must be stopped.
    pub attack: bool,
    /// Where it stands: file and line, payload and placeholder.
    pub name: String,
    /// The request itself.
    pub request: Request,
}

/// What a browser sends beside what a case is about, so that no rule on missing headers speaks.
const BROWSER: &[(&str, &str)] = &[
    ("Host", "www.example.com"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en-US,en;q=0.5"),
    ("Accept-Encoding", "gzip, deflate"),
];

impl Request {
    /// A request of a browser without a body.
    pub fn browser(method: &str, target: impl Into<Vec<u8>>) -> Request {
        let headers = BROWSER.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        Request {
            method: method.as_bytes().to_vec(),
            target: target.into(),
            version: "1.1".into(),
            headers: headers.collect(),
            body: Vec::new(),
            response: None,
        }
    }

    /// The same with a header; one of that name is replaced.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Request {
        self.headers.retain(|(old, _)| !old.eq_ignore_ascii_case(name.as_bytes()));
        self.headers.push((name.as_bytes().to_vec(), value.into()));
        self
    }

    /// The same with a body and its length.
    pub fn with_body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Request {
        let body = body.into();
        let typed = if content_type.is_empty() { self } else { self.header("Content-Type", content_type) };
        let mut request = typed.header("Content-Length", body.len().to_string());
        request.body = body;
        request
    }

    /// The line that `oracle.py` reads.
    pub fn line(&self) -> String {
        let mut value = json!({"method": text(&self.method), "target": text(&self.target), "version": self.version,
            "headers": fields(&self.headers), "body": STANDARD.encode(&self.body)});
        if let Some(response) = &self.response {
            value["response"] = json!({"status": response.status, "headers": fields(&response.headers),
                "body": STANDARD.encode(&response.body)});
        }
        value.to_string()
    }
}

/// One character a byte.
fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn fields(headers: &[(Vec<u8>, Vec<u8>)]) -> Value {
    headers.iter().map(|(name, value)| json!([text(name), text(value)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_carries_every_byte() {
        let request = Request::browser("POST", b"/\xff".to_vec()).with_body("text/plain", b"\x00a".to_vec());
        let line: Value = serde_json::from_str(&request.line()).unwrap();
        assert_eq!(line["target"], "/\u{ff}");
        assert_eq!(line["body"], "AGE=");
        let sent = line["headers"].as_array().unwrap();
        assert!(sent.contains(&json!(["Content-Length", "2"])), "{sent:?}");
    }

    #[test]
    fn a_header_of_the_same_name_is_replaced() {
        let request = Request::browser("GET", "/").header("user-agent", "x");
        let agents = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"User-Agent"));
        assert_eq!(agents.map(|(_, value)| value.clone()).collect::<Vec<_>>(), [b"x".to_vec()]);
    }
}
