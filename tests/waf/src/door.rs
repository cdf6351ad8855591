//! What the gateway does with the bytes of a request before any rule sees it: the guard of `wire`.

use crate::request::Request;
use wire::framing::{Guard, Limits, Progress};

/// How a request comes through the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// Whole and well framed.
    Through,
    /// The client promised more than it sent: it is waited for, then cut off.
    Waits,
    /// Refused.
    Refused {
        /// Stable name of the reason.
        reason: &'static str,
        /// Status of the answer.
        status: u16,
    },
}

impl Passage {
    /// In words.
    pub fn text(self) -> String {
        match self {
            Passage::Through => "the gateway lets it through".into(),
            Passage::Waits => "the gateway waits for the rest".into(),
            Passage::Refused { reason, status } => format!("the gateway refuses it with {status} ({reason})"),
        }
    }
}

/// The bytes of a request of HTTP/1.
pub fn bytes(request: &Request) -> Vec<u8> {
    let mut out = [&request.method, b" ".as_slice(), &request.target].concat();
    if !request.version.is_empty() {
        out.extend(format!(" HTTP/{}", request.version).into_bytes());
    }
    out.extend(b"\r\n");
    for (name, value) in &request.headers {
        out.extend([name, b": ".as_slice(), value, b"\r\n"].concat());
    }
    out.extend(b"\r\n");
    out.extend(&request.body);
    out
}

/// Sends a request through the guard.
pub fn passage(request: &Request) -> Passage {
    match Guard::new(Limits::default()).feed(&bytes(request)) {
        Ok(Progress::Idle | Progress::Opaque) => Passage::Through,
        Ok(Progress::Head | Progress::Body) => Passage::Waits,
        Err(refusal) => Passage::Refused { reason: refusal.kind.name(), status: refusal.kind.status() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_comes_through_and_what_two_parsers_read_differently_does_not() {
        assert_eq!(passage(&Request::browser("GET", "/a?b=c")), Passage::Through);
        let long = Request::browser("POST", "/").with_body("", "abc").header("Content-Length", "4");
        assert_eq!(passage(&long), Passage::Waits);
        let both = Request::browser("POST", "/").with_body("", "0\r\n\r\n").header("Transfer-Encoding", "chunked");
        assert!(matches!(passage(&both), Passage::Refused { status: 400, .. }), "{:?}", passage(&both));
    }
}
