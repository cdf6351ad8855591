//! Requests made from requests: the same payloads in other places, encodings and shapes, to find where engines differ.

use crate::encode;
use crate::request::{Request, Response};
use base::{Random, SeededRandom};

/// Makes requests; the same seed makes the same.
pub struct Mutator(SeededRandom);

/// Content types, well and badly written.
const TYPES: &[&str] = &[
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-8",
    "APPLICATION/X-WWW-FORM-URLENCODED",
    "application/json",
    "application/json; charset=utf-8",
    "application/xml",
    "text/xml; charset=utf-8",
    "text/plain",
    "multipart/form-data",
    "application/soap+xml",
    "application/octet-stream",
    "text/html;charset=utf-7",
    "",
];
const METHODS: &[&str] = &["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "FOO"];
const HEADERS: &[&str] = &[
    "X-Custom",
    "Referer",
    "User-Agent",
    "Cookie",
    "X-Forwarded-For",
    "Accept",
    "Range",
    "Content-Encoding",
    "X-File-Name",
    "Authorization",
    "Accept-Language",
    "Origin",
    "Transfer-Encoding",
    "Proxy",
    "If",
    "Accept-Encoding",
    "Host",
];
/// Answers of applications that say too much.
const LEAKS: &[&str] = &[
    "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version",
    "Warning: mysql_fetch_array() expects parameter 1 to be resource",
    "ORA-00933: SQL command not properly ended",
    "<title>Index of /backup</title>",
    "java.lang.NullPointerException at com.example.Main",
    "<?php echo $_GET['x']; ?>",
    "<b>Version Information:</b>&nbsp;Microsoft .NET Framework",
    "#!/usr/bin/perl",
    "a quiet page",
];

impl Mutator {
    /// A mutator with a seed.
    pub fn new(seed: u64) -> Mutator {
        Mutator(SeededRandom::new(seed))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0.below(limit as u64) as usize
    }

    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.below(words.len())]
    }

    /// A request with the payload of one of `seeds`, moved and changed.
    pub fn request(&mut self, seeds: &[&Request]) -> Request {
        let seed = seeds[self.below(seeds.len())];
        let mut request = match self.below(4) {
            0 => seed.clone(),
            _ => {
                let mut payload = payload(seed);
                payload.truncate(3000);
                for _ in 0..self.below(3) {
                    payload = self.disguise(payload);
                }
                self.place(payload)
            }
        };
        for _ in 0..self.below(3) {
            self.twist(&mut request);
        }
        request
    }

    /// One more layer or blemish of a value.
    fn disguise(&mut self, value: Vec<u8>) -> Vec<u8> {
        let at = self.below(value.len() + 1);
        let insert = |bytes: &[u8]| [&value[..at], bytes, &value[at..]].concat();
        match self.below(16) {
            0 => encode::query(&value),
            1 => value.iter().flat_map(|byte| format!("%{byte:02x}").into_bytes()).collect(),
            2 => value.iter().flat_map(|byte| format!("%u00{byte:02x}").into_bytes()).collect(),
            3 => value.iter().flat_map(|byte| format!("&#x{byte:x};").into_bytes()).collect(),
            4 => value.iter().flat_map(|byte| format!("\\x{byte:02x}").into_bytes()).collect(),
            5 => encode::base64_flat(&value),
            6 => insert(b"\0"),
            7 => insert(b"/**/"),
            8 => insert(&[self.below(256) as u8]),
            9 => insert(b"\r\n"),
            10 => value
                .iter()
                .map(|byte| if byte.is_ascii_lowercase() { byte.to_ascii_uppercase() } else { *byte })
                .collect(),
            11 => insert("\u{ff1c}\u{2019}\u{a0}".as_bytes()),
            12 => insert(b"\\"),
            13 => insert(b"../..\\"),
            14 => value.iter().map(|byte| if *byte == b' ' { b'\t' } else { *byte }).collect(),
            _ => insert(b"%"),
        }
    }

    /// The value somewhere in a request.
    fn place(&mut self, value: Vec<u8>) -> Request {
        let escaped = encode::query(&value);
        let join = |parts: &[&[u8]]| parts.concat();
        let form = "application/x-www-form-urlencoded";
        let post = |target: &str| Request::browser("POST", target);
        match self.below(12) {
            0 => Request::browser("GET", join(&[b"/a/b.php?id=", &escaped])),
            1 => Request::browser("GET", join(&[b"/?", &escaped, b"=1&x[]=", &escaped])),
            2 => Request::browser("GET", join(&[b"/", &escaped, b"/index.html"])),
            3 => post("/login").with_body(form, join(&[b"user=", &escaped, b"&password=x"])),
            4 => post("/raw").with_body(form, value),
            5 => Request::browser("GET", "/").header("Cookie", join(&[b"a=1; session=", &escaped, b"; b=2"])),
            6 => {
                let name = self.pick(HEADERS);
                Request::browser("GET", "/").header(name, one_line(value))
            }
            7 => self.multipart(&value),
            8 => {
                let text = String::from_utf8_lossy(&value).into_owned();
                post("/api").with_body(
                    "application/json",
                    serde_json::json!({"a": {"b": [1, text, null, true]}, "c": 1.5}).to_string(),
                )
            }
            9 => post("/api").with_body("application/json", join(&[b"{\"a\":\"", &value, b"\"}"])),
            10 => {
                let text = encode::xml_entity(&String::from_utf8_lossy(&value));
                post("/soap")
                    .with_body("text/xml", format!("<?xml version=\"1.0\"?><a b=\"{text}\"><c>{text}</c>&amp;</a>"))
            }
            _ => post("/soap").with_body("application/xml", join(&[b"<a>", &value, b"</a>"])),
        }
    }

    fn multipart(&mut self, value: &[u8]) -> Request {
        let end: &[u8] = if self.below(6) == 0 { b"\n" } else { b"\r\n" };
        let file: &[u8] = if self.below(2) == 0 { b"; filename=\"a.php\"" } else { b"" };
        let quote: &[u8] = if self.below(5) == 0 { b"" } else { b"\"" };
        let last: &[u8] = if self.below(6) == 0 { b"" } else { b"--" };
        let body = [
            b"--XX".as_slice(),
            end,
            b"Content-Disposition: form-data; name=",
            quote,
            b"a",
            quote,
            file,
            end,
            b"Content-Type: text/plain",
            end,
            end,
            value,
            end,
            b"--XX",
            end,
            b"Content-Disposition: form-data; name=\"b\"",
            end,
            end,
            b"1",
            end,
            b"--XX",
            last,
            end,
        ];
        Request::browser("POST", "/upload").with_body("multipart/form-data; boundary=XX", body.concat())
    }

    /// A change of the request around the value.
    fn twist(&mut self, request: &mut Request) {
        match self.below(9) {
            0 => request.method = self.pick(METHODS).into(),
            1 => request.version = self.pick(&["1.0", "1.1", "2.0", "0.9"]).into(),
            2 => *request = request.clone().header("Content-Type", self.pick(TYPES)),
            3 => {
                let at = self.below(request.headers.len().max(1));
                if at < request.headers.len() {
                    request.headers.remove(at);
                }
            }
            4 => request.body.truncate(self.below(request.body.len() + 1)),
            5 => {
                let (name, value) =
                    (self.pick(HEADERS), self.pick(&["", "0", "*", "bytes=0-1,2-3,4-5,6-7,8-9,10-11", "a,b", "'"]));
                request.headers.push((name.into(), value.into()));
            }
            6 => request
                .target
                .extend(self.pick(&["?", "&a=b&a=c", "&=", "%", "%zz", "&&;x", "+", "#f", ".bak", "\\"]).bytes()),
            7 => *request = request.clone().header("Content-Length", self.pick(&["0", "5", "-1", "5, 6", "a"])),
            _ => {
                let kind = self.pick(&["text/html", "application/json", "image/png", "text/plain; charset=utf-8"]);
                request.response = Some(Response {
                    status: [200, 404, 500, 403][self.below(4)],
                    headers: vec![(b"Content-Type".to_vec(), kind.into())],
                    body: format!("<html>{}</html>", self.pick(LEAKS)).into_bytes(),
                });
            }
        }
    }
}

/// The most telling part of a request: its body, or the value of its first argument, or its target.
fn payload(request: &Request) -> Vec<u8> {
    let from = if request.body.is_empty() { &request.target } else { &request.body };
    match from.iter().position(|byte| *byte == b'=') {
        Some(at) => encode::unquery_lenient(&from[at + 1..]),
        None => from.clone(),
    }
}

fn one_line(mut value: Vec<u8>) -> Vec<u8> {
    value.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_requests() {
        let seed = Request::browser("GET", "/?id=1%27%20or%201=1");
        let make = |number| {
            let mut mutator = Mutator::new(number);
            (0..200).map(|_| mutator.request(&[&seed])).collect::<Vec<_>>()
        };
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
        assert_eq!(payload(&seed), b"1' or 1=1");
    }
}
