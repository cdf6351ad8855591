//! A fingerprint of the client program from the names of its header fields: which ones it sends, in which order and spelling.
//!
//! Browsers and libraries keep their order from request to request. Fields that come and go with the request itself (cookies,
//! bodies, conditions, where it came from) are left out, so that one program keeps one fingerprint; over HTTP/2 names are in
//! lower case anyway. The idea is that of p0f's signatures; the form is our own: `11-9-3f2a90b1c4d5` is version 1.1, nine
//! fields, and 48 bits of SHA-256 over the names, each with a comma behind it.

use ring::digest::{Context, SHA256};

/// Fields that depend on the request more than on the program, in lower case.
const VARIABLE: [&[u8]; 22] = [
    b"cookie",
    b"referer",
    b"origin",
    b"authorization",
    b"content-length",
    b"content-type",
    b"content-encoding",
    b"transfer-encoding",
    b"expect",
    b"range",
    b"cache-control",
    b"pragma",
    b"if-none-match",
    b"if-modified-since",
    b"if-range",
    b"if-match",
    b"if-unmodified-since",
    b"upgrade",
    b"x-requested-with",
    b"x-csrf-token",
    b"sec-fetch-user",
    b"upgrade-insecure-requests",
];

/// The version of HTTP spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
    /// HTTP/3.
    Http3,
}

/// The fingerprint of the names, in the order of sending and as sent.
pub fn fingerprint<'n>(version: Version, names: impl Iterator<Item = &'n [u8]>) -> String {
    let mut context = Context::new(&SHA256);
    let mut count = 0_usize;
    for name in names.filter(|name| !variable(name)) {
        context.update(name);
        context.update(b",");
        count += 1;
    }
    let version = match version {
        Version::Http10 => "10",
        Version::Http11 => "11",
        Version::Http2 => "2",
        Version::Http3 => "3",
    };
    format!("{version}-{count}-{}", hex::encode(&context.finish().as_ref()[..6]))
}

fn variable(name: &[u8]) -> bool {
    VARIABLE.iter().any(|listed| name.eq_ignore_ascii_case(listed))
}

impl crate::framing::Head {
    /// The fingerprint of this head's fields.
    pub fn order(&self) -> String {
        let version = if self.http10 { Version::Http10 } else { Version::Http11 };
        let names = self.names.split(|byte| *byte == b',').filter(|name| !name.is_empty());
        fingerprint(version, names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::{Guard, Limits};

    fn order(lines: &str) -> String {
        let mut guard = Guard::new(Limits::default());
        guard.feed(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n").as_bytes()).unwrap();
        guard.take_head().unwrap().order()
    }

    #[test]
    fn a_program_keeps_its_fingerprint_and_another_order_is_another() {
        let plain = order("User-Agent: x\r\nAccept: */*\r\n");
        assert!(plain.starts_with("11-3-") && plain.len() == 17, "{plain}");
        assert_eq!(order("User-Agent: y\r\nCookie: a=b\r\nAccept: text/html\r\nreferer: z\r\n"), plain);
        for other in [
            "Accept: */*\r\nUser-Agent: x\r\n",
            "user-agent: x\r\naccept: */*\r\n",
            "User-Agent: x\r\nAccept: */*\r\nX-More: 1\r\n",
        ] {
            assert_ne!(order(other), plain);
        }
        let names = [&b"host"[..], b"accept"];
        assert!(fingerprint(Version::Http2, names.into_iter()).starts_with("2-2-"));
    }
}
