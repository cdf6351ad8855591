//! HTTP over TLS.

use crate::redirect::{self, REDIRECTS};
use async_trait::async_trait;
use base::{Fault, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use port::fault::{ADDRESS, ANSWER, UNREACHABLE};
use port::{Fetch, FetchHead, FetchRequest, Sink};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;

/// How to reach servers.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether `http://` may be asked.
    pub plain: bool,
    /// Authorities to trust instead of the host's, DER; empty for the host's.
    pub trust: Vec<Vec<u8>>,
    /// Longest wait for a connection, an answer's head, or the next piece of its body.
    pub stall: Duration,
    /// What we call ourselves.
    pub agent: String,
}

impl Default for Config {
    fn default() -> Config {
        let agent = concat!("Garrison/", env!("CARGO_PKG_VERSION")).to_owned();
        Config { plain: false, trust: Vec::new(), stall: Duration::from_secs(30), agent }
    }
}

/// The door on a real network. Connections are kept and used again.
pub struct Web {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    config: Config,
}

impl Web {
    /// Reads the authorities.
    ///
    /// # Errors
    /// `port.unreachable` when the host has no authorities, or one of those given cannot be read.
    pub fn new(config: Config) -> Result<Web> {
        let wrong = |cause: String| Fault::new(&UNREACHABLE).object("certificates").because(cause);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|cause| wrong(cause.to_string()))?;
        let tls = if config.trust.is_empty() {
            builder.with_native_roots().map_err(|cause| wrong(cause.to_string()))?.with_no_client_auth()
        } else {
            let mut roots = RootCertStore::empty();
            for authority in &config.trust {
                roots.add(CertificateDer::from(authority.clone())).map_err(|cause| wrong(cause.to_string()))?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        };
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        Ok(Web { client: Client::builder(TokioExecutor::new()).build(connector), config })
    }

    async fn send(&self, request: &FetchRequest) -> Result<Response<Incoming>> {
        let scheme = request.url.split_once("://").map_or("", |(scheme, _)| scheme);
        if !(scheme == "https" || scheme == "http" && self.config.plain) {
            return Err(Fault::new(&ADDRESS).object(&request.url).expected("https://"));
        }
        let method = if request.method.is_empty() { "GET" } else { request.method.as_str() };
        let mut builder = Request::builder().method(method).uri(&request.url);
        if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent")) {
            builder = builder.header("user-agent", &self.config.agent);
        }
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let ready = builder
            .body(Full::new(request.body.clone()))
            .map_err(|cause| Fault::new(&ADDRESS).object(&request.url).because(cause))?;
        let unreachable = || Fault::new(&UNREACHABLE).object(&request.url);
        tokio::time::timeout(self.config.stall, self.client.request(ready))
            .await
            .map_err(|_| unreachable().because("no answer in time"))?
            .map_err(|cause| unreachable().because(chain(&cause)))
    }

    async fn body(&self, request: &FetchRequest, mut body: Incoming, sink: Sink<'_>) -> Result<()> {
        let broken = |cause: String| Fault::new(&UNREACHABLE).object(&request.url).because(cause);
        let mut bytes = 0u64;
        loop {
            let frame = tokio::time::timeout(self.config.stall, body.frame());
            let frame = match frame.await.map_err(|_| broken("the answer stalls".into()))? {
                None => return Ok(()),
                Some(frame) => frame.map_err(|cause| broken(cause.to_string()))?,
            };
            let Some(piece) = frame.data_ref() else { continue };
            bytes += piece.len() as u64;
            if bytes > request.limit {
                let expected = format!("at most {} bytes", request.limit);
                return Err(Fault::new(&ANSWER).object(&request.url).expected(expected).found("more"));
            }
            sink(piece)?;
        }
    }
}

#[async_trait]
impl Fetch for Web {
    async fn fetch(&self, request: &FetchRequest, sink: Sink<'_>) -> Result<FetchHead> {
        let mut request = request.clone();
        for _ in 0..=REDIRECTS {
            let answer = self.send(&request).await?;
            let head = head(&answer);
            if let Some(next) = redirect::next(&request, &head)? {
                request = next;
                continue;
            }
            self.body(&request, answer.into_body(), sink).await?;
            return Ok(head);
        }
        let expected = format!("at most {REDIRECTS} redirects");
        Err(Fault::new(&ANSWER).object(&request.url).expected(expected).found("more"))
    }
}

fn head(answer: &Response<Incoming>) -> FetchHead {
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    FetchHead { status: answer.status().as_u16(), headers }
}

/// An error with its causes, for the log.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server on loopback that gives one prepared answer a connection.
    async fn serve(answers: Vec<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        address
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
    }

    fn plain() -> Web {
        Web::new(Config { plain: true, stall: Duration::from_secs(5), ..Config::default() }).unwrap()
    }

    #[tokio::test]
    async fn an_answer_comes_whole_and_a_redirect_is_followed() {
        let moved = answer("302 Found", "location: /there\r\n", "");
        let url = serve(vec![moved, answer("404 Not Found", "etag: \"7\"\r\n", "text")]).await;
        let (head, body) = plain().whole(&FetchRequest::get(url, 100)).await.unwrap();
        assert_eq!((head.status, head.header("etag"), body.as_slice()), (404, Some("\"7\""), b"text".as_slice()));
    }

    #[tokio::test]
    async fn too_much_nobody_there_and_plain_http_are_faults() {
        let url = serve(vec![answer("200 OK", "", &"x".repeat(101))]).await;
        let fault = plain().whole(&FetchRequest::get(url.clone(), 100)).await.unwrap_err();
        assert!(fault.is(&ANSWER), "{fault}");
        let fault = Web::new(Config::default()).unwrap().whole(&FetchRequest::get(url, 100)).await.unwrap_err();
        assert!(fault.is(&ADDRESS), "{fault}");
        let gone = FetchRequest::get("http://127.0.0.1:1/", 100);
        assert!(plain().whole(&gone).await.unwrap_err().is(&UNREACHABLE));
    }

    #[tokio::test]
    async fn rounds_of_redirects_end() {
        let moved = answer("302 Found", "location: /again\r\n", "");
        let url = serve(vec![moved; REDIRECTS + 1]).await;
        assert!(plain().whole(&FetchRequest::get(url, 100)).await.unwrap_err().is(&ANSWER));
    }
}
