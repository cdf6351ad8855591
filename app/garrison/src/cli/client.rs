//! HTTPS to the server: rustls with the installation's own authority and no other, one connection a request.

use super::fault;
use api::Problem;
use base::{Code, Fault, Lang, Result};
use futures::StreamExt;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Longest wait for an answer: over the longest query the API runs.
const WAIT: Duration = Duration::from_secs(60);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Largest answer read, bytes.
const ANSWER_BYTES: usize = 256 * 1024 * 1024;
/// Longest line of a live stream, bytes.
const LINE_BYTES: usize = 16 * 1024 * 1024;

/// Where a server is and how to be let in: the content of `client.json`.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// `https://host:port`.
    pub url: String,
    /// API token.
    pub token: String,
    /// Certificate of the authority, PEM text.
    pub ca: String,
}

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    host: String,
    port: u16,
    token: String,
    tls: TlsConnector,
    lang: Lang,
}

/// A person's session: its cookie pair and CSRF value; empty before the login.
#[derive(Clone, Default)]
pub struct Ticket {
    cookie: String,
    csrf: String,
}

/// One record of a live stream.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveRecord {
    /// `event`, `alert`, `incident`, `order`, `receipt`, `agent`, `gap`.
    pub kind: String,
    /// The record.
    pub json: Value,
}

/// A file in pieces.
struct Pieces(std::fs::File);

impl Iterator for Pieces {
    type Item = std::io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut piece = vec![0; 1 << 16];
        match std::io::Read::read(&mut self.0, &mut piece) {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some(Ok(piece.into()))
            }
            Err(cause) => Some(Err(cause)),
        }
    }
}

impl Client {
    /// A client; makes no connection yet.
    pub fn new(place: Place, lang: Lang) -> Result<Client> {
        let wrong = || Fault::new(&fault::BAD_ARGUMENT).object("server").expected("https://host:port");
        let uri: Uri = place.url.parse().map_err(|_| wrong().found(&place.url))?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("https")).ok_or_else(|| wrong().found(&place.url))?;
        Ok(Client {
            host: host.trim_start_matches('[').trim_end_matches(']').to_string(),
            port: uri.port_u16().unwrap_or(443),
            token: place.token,
            tls: connector(&place.ca)?,
            lang,
        })
    }

    /// The JSON at a path below `/api/v1`.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.ask(Method::GET, path, None, &[]).await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.ask(Method::POST, path, Some(body), &[]).await
    }

    /// Posts JSON under an idempotency key, so that a repeated call does nothing twice.
    pub async fn post_once(&self, path: &str, body: &Value, key: &str) -> Result<Value> {
        self.ask(Method::POST, path, Some(body), &[("idempotency-key", key)]).await
    }

    /// Puts JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.ask(Method::PUT, path, Some(body), &[]).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.ask(Method::DELETE, path, None, &[]).await.map(|_| ())
    }

    /// Posts JSON within a person's session; for clients without a token. Returns the session that goes on.
    pub async fn post_within(&self, ticket: &Ticket, path: &str, body: &Value) -> Result<(Value, Ticket)> {
        let held = [("cookie", ticket.cookie.as_str()), (api::session::CSRF_HEADER, ticket.csrf.as_str())];
        let held = if ticket.cookie.is_empty() { &[][..] } else { &held[..] };
        let (headers, json) = self.exchange(Method::POST, path, Some(body), held).await?;
        let cookie = headers.get(header::SET_COOKIE).and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|value| value.split(';').next()).unwrap_or(&ticket.cookie).to_string();
        let csrf = json["csrf"].as_str().unwrap_or(&ticket.csrf).to_string();
        Ok((json, Ticket { cookie, csrf }))
    }

    /// What a path answers, as it is: for files.
    pub async fn bytes(&self, path: &str) -> Result<Bytes> {
        let response = self.send(Method::GET, path, None, &[]).await?;
        let status = response.status();
        let bytes = self.read(response).await?;
        if status.is_success() { Ok(bytes) } else { Err(self.refused(status, &bytes)) }
    }

    /// Posts a file as it is, piece by piece.
    pub async fn upload(&self, path: &str, file: std::fs::File) -> Result<Value> {
        let pieces = futures::stream::iter(Pieces(file)).map(|piece| piece.map(hyper::body::Frame::data));
        let broken = |cause: hyper::Error| self.unreachable().because(cause);
        let stream = TokioIo::new(self.connect().await?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.map_err(broken)?;
        tokio::spawn(connection);
        let request = self.request(Method::POST, path, &[]).header(header::CONTENT_TYPE, "application/octet-stream");
        let bad = |cause| Fault::new(&fault::BAD_ARGUMENT).object(path).because(cause);
        let response =
            sender.send_request(request.body(StreamBody::new(pieces)).map_err(bad)?).await.map_err(broken)?;
        let status = response.status();
        let bytes = self.read(response).await?;
        if !status.is_success() {
            return Err(self.refused(status, &bytes));
        }
        serde_json::from_slice(&bytes).map_err(|cause| Fault::new(&fault::BAD_ANSWER).object(path).because(cause))
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Result<Value> {
        self.exchange(method, path, body, headers).await.map(|(_, json)| json)
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<(HeaderMap, Value)> {
        let late = |_| self.unreachable().because("no answer in time");
        let answer = async {
            let response = self.send(method, path, body, headers).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok((status, headers, self.read(response).await?))
        };
        let (status, headers, bytes) = tokio::time::timeout(WAIT, answer).await.map_err(late)??;
        if !status.is_success() {
            return Err(self.refused(status, &bytes));
        }
        if bytes.is_empty() {
            return Ok((headers, Value::Null));
        }
        let unreadable = |cause| Fault::new(&fault::BAD_ANSWER).object(path).because(cause);
        Ok((headers, serde_json::from_slice(&bytes).map_err(unreadable)?))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Response<Incoming>> {
        let stream = self.connect().await?;
        let broken = |cause: hyper::Error| self.unreachable().because(cause);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(connection);
        let mut request = self.request(method, path, headers);
        let content = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let bad = |cause| Fault::new(&fault::BAD_ARGUMENT).object(path).because(cause);
        let request = request.body(Full::new(content)).map_err(bad)?;
        sender.send_request(request).await.map_err(broken)
    }

    fn request(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> hyper::http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, format!("{}:{}", self.host, self.port))
            .header(header::ACCEPT_LANGUAGE, self.lang.pick("en", "zh-CN"));
        if !self.token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
    }

    async fn connect(&self) -> Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port));
        let late = |_| self.unreachable().because("no connection in time");
        let tcp = tokio::time::timeout(CONNECT, tcp).await.map_err(late)?;
        let tcp = tcp.map_err(|cause| self.unreachable().because(cause))?;
        let name = ServerName::try_from(self.host.clone());
        let name = name.map_err(|_| Fault::new(&fault::BAD_ARGUMENT).object("server").found(&self.host))?;
        let wrong = |cause| Fault::new(&fault::WRONG_SERVER).object(self.address()).because(cause);
        tokio::time::timeout(CONNECT, self.tls.connect(name, tcp)).await.map_err(late)?.map_err(wrong)
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Bytes> {
        let broken = |cause| self.unreachable().because(cause);
        Ok(Limited::new(response.into_body(), ANSWER_BYTES).collect().await.map_err(broken)?.to_bytes())
    }

    /// Opens a live stream of these kinds.
    pub async fn stream(&self, kinds: &str) -> Result<LiveStream> {
        let response = self.send(Method::GET, &format!("/stream?kinds={kinds}"), None, &[]).await?;
        let status = response.status();
        if !status.is_success() {
            let bytes = self.read(response).await?;
            return Err(self.refused(status, &bytes));
        }
        Ok(LiveStream { body: response.into_body(), held: Vec::new() })
    }

    /// `host:port` for messages.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn unreachable(&self) -> Fault {
        Fault::new(&fault::NO_SERVER).object(self.address())
    }

    /// The server's problem as a fault: with its own code where this program knows it.
    fn refused(&self, status: StatusCode, bytes: &[u8]) -> Fault {
        let Ok(problem) = serde_json::from_slice::<Problem>(bytes) else {
            return Fault::new(&fault::BAD_ANSWER).object(self.address()).found(status);
        };
        match known(&problem.code) {
            Some(code) => Fault::new(code).object(problem.object).expected(problem.expected).found(problem.found),
            None => Fault::new(&fault::REFUSED).object(problem.detail).found(problem.code),
        }
    }
}

/// The tables that the server's faults come from: class, exit status and hint of a code survive the way through the API.
const CODES: &[&[&Code]] = &[
    api::fault::ALL,
    port::fault::ALL,
    record::fault::ALL,
    server::fault::ALL,
    lake::fault::ALL,
    store::fault::ALL,
    bus::fault::ALL,
    fleet::fault::ALL,
    ledger::fault::ALL,
    action::fault::ALL,
    detect::fault::ALL,
    detect::correlation::fault::ALL,
    ::intel::fault::ALL,
    ::intel::format::fault::ALL,
    ::posture::fault::ALL,
    holdings::fault::ALL,
    pool::fault::ALL,
    webrules::fault::ALL,
    seclang::fault::ALL,
    waf::fault::ALL,
    atoms::fault::ALL,
    ::drill::fault::ALL,
    super::fault::ALL,
    &[&base::config::UNREADABLE, &base::config::INVALID, &base::prefix::UNREADABLE],
];

/// The code of an id.
fn known(id: &str) -> Option<&'static Code> {
    CODES.iter().copied().flatten().copied().find(|code| code.id == id)
}

fn connector(ca: &str) -> Result<TlsConnector> {
    let bad = |cause: &dyn std::fmt::Display| Fault::new(&fault::BAD_FILE).object("authority").because(cause);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        let certificate = certificate.map_err(|cause| bad(&cause))?;
        roots.add(certificate).map_err(|cause| bad(&cause))?;
    }
    if roots.is_empty() {
        return Err(bad(&"no certificate in it"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| bad(&cause))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Live records, one after the other.
pub struct LiveStream {
    body: Incoming,
    held: Vec<u8>,
}

impl LiveStream {
    /// The next record; `None` when the server ended the stream.
    pub async fn next(&mut self) -> Result<Option<LiveRecord>> {
        loop {
            if let Some(record) = take_record(&mut self.held) {
                return Ok(Some(record));
            }
            if self.held.len() > LINE_BYTES {
                return Err(Fault::new(&fault::BAD_ANSWER)
                    .object("stream")
                    .expected(format!("lines under {LINE_BYTES} bytes")));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let broken = |cause| Fault::new(&fault::NO_SERVER).object("stream").because(cause);
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                self.held.extend_from_slice(&data);
            }
        }
    }
}

/// Takes the first whole record out of what was received; comments and records that do not parse are passed over.
fn take_record(held: &mut Vec<u8>) -> Option<LiveRecord> {
    loop {
        let end = held.windows(2).position(|pair| pair == b"\n\n")?;
        let block: Vec<u8> = held.drain(..end + 2).collect();
        let text = String::from_utf8_lossy(&block);
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if let (Some(kind), Some(data)) = (field("event:"), field("data:"))
            && let Ok(json) = serde_json::from_str(data)
        {
            return Some(LiveRecord { kind: kind.into(), json });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn records_come_out_whole_however_the_bytes_arrive() {
        let text = ": alive\n\nevent: alert\ndata: {\"a\":\"\u{544a}\"}\n\nevent: x\ndata: broken\n\nevent: event\ndata: 1\n\nev";
        let (mut held, mut seen) = (Vec::new(), Vec::new());
        for byte in text.as_bytes() {
            held.push(*byte);
            seen.extend(take_record(&mut held));
        }
        let record = |kind: &str, json| LiveRecord { kind: kind.into(), json };
        assert_eq!(seen, [record("alert", json!({"a": "告"})), record("event", json!(1))]);
        assert_eq!(held, b"ev");
    }

    #[test]
    fn a_fault_of_any_crate_keeps_its_code_through_the_api() {
        let mut ids: Vec<&str> = CODES.iter().copied().flatten().map(|code| code.id).collect();
        for id in &ids {
            assert_eq!(known(id).map(|code| code.id), Some(*id));
        }
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "two crates use one id");
        assert_eq!(known("server.agent-away").map(|code| code.class), Some(base::Class::Unavailable));
    }

    #[test]
    fn a_place_without_a_certificate_is_refused() {
        let place = Place { url: "https://localhost:1".into(), token: String::new(), ca: "nothing".into() };
        assert!(Client::new(place, Lang::En).is_err_and(|fault| fault.is(&fault::BAD_FILE)));
        let place = Place { url: "http://localhost".into(), ..Place::default() };
        assert!(Client::new(place, Lang::En).is_err_and(|fault| fault.is(&fault::BAD_ARGUMENT)));
    }
}
