//! An HTTP server that answers a GET with a code that is well, in the clear or inside TLS.

use super::{Failure, Probe, ProbeSettings, plain, tls};
use crate::fault;
use async_trait::async_trait;
use base::{Fault, Random, Result};
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest status line that is read, bytes.
const STATUS_BYTES: usize = 1024;

/// The kind.
pub(super) struct Http;

#[async_trait]
impl Probe for Http {
    fn word(&self) -> &'static str {
        "http"
    }

    fn port(&self, settings: &ProbeSettings) -> u16 {
        if settings.secure { 443 } else { 80 }
    }

    fn check(&self, settings: &ProbeSettings) -> Result<()> {
        let wrong = |expected| Err(Fault::new(&fault::PROBE).object("http").expected(expected));
        if !plain(&settings.host) || !plain(&settings.path) || !settings.path.starts_with('/') {
            return wrong("a host and a path from / on, without spaces");
        }
        if settings.expect.len() > 64 || settings.expect.iter().any(|code| !(100..=599).contains(code)) {
            return wrong("at most 64 codes of 100 to 599");
        }
        if settings.secure { tls::server_name(settings).map(|_| ()) } else { Ok(()) }
    }

    async fn ask(&self, at: SocketAddr, settings: &ProbeSettings, _: &dyn Random) -> std::result::Result<(), Failure> {
        let stream = TcpStream::connect(at).await?;
        let code = if settings.secure {
            get(tls::handshake(stream, at, settings).await?, at, settings).await?
        } else {
            get(stream, at, settings).await?
        };
        let expect = &settings.expect;
        let well = if expect.is_empty() { (200..400).contains(&code) } else { expect.contains(&code) };
        if well { Ok(()) } else { Err(Failure::Status(code)) }
    }
}

/// Sends the request and gives the code of the answer; its rest is not read.
async fn get<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    at: SocketAddr,
    settings: &ProbeSettings,
) -> std::result::Result<u16, Failure> {
    let host = if settings.host.is_empty() { at.to_string() } else { settings.host.clone() };
    let path = &settings.path;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: garrison-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let (mut head, mut piece) = (Vec::new(), [0; 256]);
    while head.len() < STATUS_BYTES && !head.contains(&b'\n') {
        match stream.read(&mut piece).await? {
            0 => break,
            length => head.extend_from_slice(&piece[..length]),
        }
    }
    status(&head).ok_or(Failure::Protocol)
}

/// The code of a status line (RFC 9112 4).
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\n').next()?;
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let [b'0' | b'1', b' ', code @ ..] = rest else { return None };
    let digits = code.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let ends = code.get(3).is_none_or(|byte| matches!(byte, b' ' | b'\r'));
    let code = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (ends && (100..=599).contains(&code)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_code_stands_in_the_first_line() {
        for (head, code) in [
            ("HTTP/1.1 200 OK\r\nX: HTTP/1.1 500\r\n", Some(200)),
            ("HTTP/1.0 503\r\n", Some(503)),
            ("HTTP/1.1 204", Some(204)),
            ("HTTP/2 200 OK\r\n", None),
            ("HTTP/1.1 2000 OK\r\n", None),
            ("HTTP/1.1 20\r\n", None),
            ("HTTP/1.1 099 x\r\n", None),
            ("SSH-2.0-OpenSSH_9.2\r\n", None),
            ("", None),
        ] {
            assert_eq!(status(head.as_bytes()), code, "{head}");
        }
    }

    #[test]
    fn what_would_break_the_request_is_refused() {
        let settings = |host: &str, path: &str, expect: Vec<u16>, secure| ProbeSettings {
            host: host.into(),
            path: path.into(),
            expect,
            secure,
            ..ProbeSettings::default()
        };
        assert!(Http.check(&settings("www.example.org", "/health?x=1", vec![200, 401], false)).is_ok());
        for bad in [
            settings("a\r\nX: y", "/", vec![], false),
            settings("a", "/ HTTP/1.1\r\n", vec![], false),
            settings("a", "health", vec![], false),
            settings("a", "/", vec![42], false),
            settings("a b", "/", vec![], true),
        ] {
            assert!(Http.check(&bad).unwrap_err().is(&fault::PROBE), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_code_or_none(head in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(status(&head).is_none_or(|code| (100..=599).contains(&code)));
        }
    }
}
