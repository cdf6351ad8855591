//! A request as text: as a file, an audit log or a person keeps it.

use crate::fault;
use base::{Fault, Result};

/// A request to be judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: Vec<u8>,
    /// Path with query.
    pub target: Vec<u8>,
    /// `HTTP/1.1`.
    pub protocol: Vec<u8>,
    /// Fields in order.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Body.
    pub body: Vec<u8>,
}

/// Largest text, bytes.
const BYTES: usize = 16 * 1024 * 1024;
/// Most fields.
const FIELDS: usize = 1000;

impl Request {
    /// The first value of a field.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let same = |(known, _): &&(Vec<u8>, Vec<u8>)| known.eq_ignore_ascii_case(name.as_bytes());
        self.headers.iter().find(same).map(|(_, value)| value.as_slice())
    }

    fn complete(&mut self, name: &str, value: &[u8]) {
        if self.header(name).is_none() {
            self.headers.push((name.into(), value.to_vec()));
        }
    }
}

/// Reads `GET /path HTTP/1.1` with fields and body, lines ending in LF or CRLF; or a URL with or without a method before
/// it. What a browser would send and the text leaves out (`Host`, `Content-Length`, `Accept`, `User-Agent`) is put in, so that
/// rules about missing fields do not hide the answer.
///
/// # Errors
/// [`fault::REQUEST`].
pub fn parse(text: &[u8]) -> Result<Request> {
    let wrong = |expected: &str, found: &[u8]| {
        let shown: String = String::from_utf8_lossy(found).chars().take(80).collect();
        Fault::new(&fault::REQUEST).object("request").expected(expected).found(format!("{shown:?}"))
    };
    if text.len() > BYTES {
        return Err(wrong("at most 16 MiB", format!("{} bytes", text.len()).as_bytes()));
    }
    let (head, body) = split(text);
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next().unwrap_or_default();
    let mut request = start(first).ok_or_else(|| wrong("a request line or a URL", first))?;
    for line in lines.filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':').ok_or_else(|| wrong("name: value", line))?;
        if request.headers.len() >= FIELDS {
            return Err(wrong("at most 1000 fields", line));
        }
        request.headers.push((line[..colon].trim_ascii().to_vec(), line[colon + 1..].trim_ascii().to_vec()));
    }
    request.body = body.to_vec();
    request.complete("Host", b"localhost");
    request.complete("User-Agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36");
    request.complete("Accept", b"*/*");
    if !request.body.is_empty() {
        let length = request.body.len().to_string();
        request.complete("Content-Length", length.as_bytes());
        request.complete("Content-Type", b"application/x-www-form-urlencoded");
    }
    Ok(request)
}

/// Head and body, at the first empty line.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while let Some(end) = text[at..].iter().position(|byte| *byte == b'\n').map(|end| at + end) {
        let rest = &text[end + 1..];
        for blank in [b"\r\n".as_slice(), b"\n"] {
            if let Some(body) = rest.strip_prefix(blank) {
                return (&text[..end], body);
            }
        }
        at = end + 1;
    }
    (text, b"")
}

/// The first line: a request line, `METHOD URL`, or a URL.
fn start(line: &[u8]) -> Option<Request> {
    let words: Vec<&[u8]> = line.trim_ascii().split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
    let whole = line.trim_ascii();
    let bare = whole.starts_with(b"/") || whole.starts_with(b"http://") || whole.starts_with(b"https://");
    let (method, target, protocol) = match words.as_slice() {
        // A URL as people paste it, blanks and all.
        [_, .., last] if bare && !last.starts_with(b"HTTP/") => (b"GET".as_slice(), whole, b"HTTP/1.1".as_slice()),
        [target] => (b"GET".as_slice(), *target, b"HTTP/1.1".as_slice()),
        [target, protocol] if protocol.starts_with(b"HTTP/") => (b"GET".as_slice(), *target, *protocol),
        [method, target] => (*method, *target, b"HTTP/1.1".as_slice()),
        // A target with blanks in it is no HTTP, but what attackers send and people paste.
        [method, .., protocol] if protocol.starts_with(b"HTTP/") => {
            let from = words[1].as_ptr() as usize - line.as_ptr() as usize;
            let to = protocol.as_ptr() as usize - line.as_ptr() as usize;
            (*method, line[from..to].trim_ascii(), *protocol)
        }
        _ => return None,
    };
    if !method.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-') || target.is_empty() {
        return None;
    }
    let mut request = Request { method: method.to_vec(), protocol: protocol.to_vec(), ..Request::default() };
    match [b"http://".as_slice(), b"https://"].iter().find_map(|scheme| target.strip_prefix(*scheme)) {
        Some(rest) => {
            let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
            request.headers.push((b"Host".to_vec(), rest[..end].to_vec()));
            let path = &rest[end..];
            request.target = if path.starts_with(b"/") { path.to_vec() } else { [b"/", path].concat() };
        }
        None if target.starts_with(b"/") || target == b"*" => request.target = target.to_vec(),
        None => return None,
    }
    Some(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_a_url_and_a_method_with_url() {
        let message = b"POST /a?b=1 HTTP/1.1\r\nHost: x\r\nX-A:  y \r\n\r\nc=2\r\n\r\nd";
        let request = parse(message).unwrap();
        assert_eq!((request.method.as_slice(), request.target.as_slice()), (b"POST".as_slice(), b"/a?b=1".as_slice()));
        assert_eq!(
            (request.header("x-a"), request.body.as_slice()),
            (Some(b"y".as_slice()), b"c=2\r\n\r\nd".as_slice())
        );
        let url = parse(b"https://shop.example:8443?id=1").unwrap();
        assert_eq!(
            (url.target.as_slice(), url.header("host")),
            (b"/?id=1".as_slice(), Some(b"shop.example:8443".as_slice()))
        );
        assert_eq!(parse(b"DELETE /x").unwrap().method, b"DELETE");
        assert_eq!(parse(b"/?q=1 or 1=1").unwrap().target, b"/?q=1 or 1=1");
        assert_eq!(parse(b"GET /?q=1 or 1=1 HTTP/1.0\n\n").unwrap().target, b"/?q=1 or 1=1");
        for bad in [b"".as_slice(), b"\x00", b"GET x HTTP/1.1", b"GET / HTTP/1.1\nnofield"] {
            assert!(parse(bad).unwrap_err().is(&fault::REQUEST), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_reads_or_is_a_fault(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&text);
        }
    }
}
