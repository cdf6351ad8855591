//! A small HTTPS client of our own API: the authority of the installation pinned, one connection a call.

use crate::server::places::Places;
use base::{Blame, Class, Code, Fault, Result};
use futures::StreamExt;
use http_body_util::{BodyExt, BodyStream, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;

/// Largest answer read, bytes.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Longest line of the live stream, bytes.
const LINE_BYTES: usize = 4 * 1024 * 1024;

/// The server cannot be reached.
pub const UNREACHABLE: Code = Code {
    id: "client.unreachable",
    class: Class::Unavailable,
    title: "the server cannot be reached",
    title_zh: "无法连接服务端",
    hint: "start it with `garrison up`, or name its data directory with --data",
    hint_zh: "请用 `garrison up` 启动，或用 --data 指定其数据目录",
};
/// The server refused.
pub const REFUSED: Code = Code {
    id: "client.refused",
    class: Class::Invalid,
    title: "the server refused the call",
    title_zh: "服务端拒绝了该请求",
    hint: "the text of the server says why",
    hint_zh: "原因见服务端返回的说明",
};

/// A record of the live stream.
pub struct Live {
    /// `event`, `alert`, `incident`, `order`, `receipt`.
    pub kind: String,
    /// The record.
    pub json: Value,
}

/// The way to one server.
#[derive(Clone)]
pub struct Client {
    address: String,
    token: String,
    tls: TlsConnector,
}

impl Client {
    /// Reads `client.json` of the data directory.
    pub fn open(data: Option<&Path>) -> Result<Client> {
        let path = Places::new(data).client();
        let missing = |cause: String| Fault::new(&UNREACHABLE).object(path.display()).because(cause);
        let text = std::fs::read_to_string(&path).map_err(|cause| missing(cause.to_string()))?;
        let file: Value = serde_json::from_str(&text).map_err(|cause| missing(cause.to_string()))?;
        let field = |name: &str| file[name].as_str().unwrap_or("").to_string();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(field("ca").as_bytes()) {
            let certificate = certificate.map_err(|cause| missing(cause.to_string()))?;
            roots.add(certificate).map_err(|cause| missing(cause.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
        let config = builder.map_err(|cause| missing(cause.to_string()))?.with_root_certificates(roots).with_no_client_auth();
        let address = field("url").trim_start_matches("https://").to_string();
        Ok(Client { address, token: field("token"), tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Asks; the answer as JSON.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.json("GET", path, None).await
    }

    /// Sends a document; the answer as JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.json("POST", path, Some(body)).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Result<Value> {
        self.json("DELETE", path, None).await
    }

    async fn json(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let response = self.send(method, path, body).await?;
        let status = response.status();
        let body = http_body_util::Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
        let body = body.map_err(|cause| self.unreachable(cause))?.to_bytes();
        if status.is_success() {
            return Ok(if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or_default() });
        }
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let said = ["title", "detail", "hint"].map(|key| problem[key].as_str().unwrap_or("")).join(" · ");
        Err(Fault::new(&REFUSED).object(path).found(format!("{} {said}", status.as_u16())).blame(Blame::User))
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Response<Incoming>> {
        let stream = TcpStream::connect(&self.address).await.map_err(|cause| self.unreachable(cause))?;
        let name = ServerName::try_from("localhost").map_err(|cause| self.unreachable(cause))?;
        let stream = self.tls.connect(name, stream).await.map_err(|cause| self.unreachable(cause))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|cause| self.unreachable(cause))?;
        // Ends with the answer; its fault, if any, is the answer's too.
        tokio::spawn(connection);
        let text = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.address)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(text)))
            .map_err(|cause| self.unreachable(cause))?;
        sender.send_request(request).await.map_err(|cause| self.unreachable(cause))
    }

    /// Follows the live stream (server-sent events, WHATWG HTML §9.2) into `news` until it or the reader ends.
    pub async fn follow(&self, news: mpsc::Sender<Live>) -> Result<tokio::task::JoinHandle<()>> {
        let response = self.send("GET", "/api/v1/stream", None).await?;
        if !response.status().is_success() {
            return Err(Fault::new(&REFUSED).object("/api/v1/stream").found(response.status().as_u16()));
        }
        Ok(tokio::spawn(async move {
            let mut body = BodyStream::new(response.into_body());
            let (mut rest, mut kind) = (Vec::new(), String::new());
            while let Some(Ok(frame)) = body.next().await {
                let Some(data) = frame.data_ref() else { continue };
                rest.extend_from_slice(data);
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line = String::from_utf8_lossy(&rest[..end]).trim_end().to_string();
                    rest.drain(..=end);
                    if let Some(word) = line.strip_prefix("event:") {
                        kind = word.trim().to_string();
                    } else if let Some(json) = line.strip_prefix("data:") {
                        let json = serde_json::from_str(json.trim()).unwrap_or_default();
                        if news.send(Live { kind: kind.clone(), json }).await.is_err() {
                            return;
                        }
                    }
                }
                if rest.len() > LINE_BYTES {
                    return;
                }
            }
        }))
    }

    /// Waits until some agent is connected.
    pub async fn wait_for_agent(&self, patience: Duration) -> Result<()> {
        let begun = Instant::now();
        loop {
            let status = self.get("/api/v1/status").await?;
            let connected = status["agents"].as_array().is_some_and(|all| all.iter().any(|one| one["connected"] == true));
            if connected {
                return Ok(());
            }
            if begun.elapsed() > patience {
                return Err(Fault::new(&UNREACHABLE).object("local agent").expected("a connected agent").found("none"));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn unreachable(&self, cause: impl std::fmt::Display) -> Fault {
        Fault::new(&UNREACHABLE).object(&self.address).because(cause)
    }
}
