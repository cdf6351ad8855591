//! Origins: small servers that do what the path asks for, and count.

use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, UPGRADE};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// What an origin speaks over.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for S {}

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// An origin at work; it ends when dropped.
pub struct Origin {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    pub requests: Arc<AtomicUsize>,
    /// Health checks are answered 200 while this holds.
    pub healthy: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Origin {
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// An origin that speaks HTTP/1.1.
pub async fn http1(name: &'static str) -> Origin {
    start(name, false, None).await
}

/// An origin that speaks HTTP/2.
pub async fn http2(name: &'static str) -> Origin {
    start(name, true, None).await
}

/// The same under TLS, with a certificate of [`crate::tls::certificate`].
pub async fn secure(name: &'static str, folder: &Path, file: &str, http2: bool) -> Origin {
    let chain = CertificateDer::pem_file_iter(folder.join(format!("{file}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{file}.key"))).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    start(name, http2, Some(tokio_rustls::TlsAcceptor::from(Arc::new(config)))).await
}

async fn start(name: &'static str, http2: bool, tls: Option<tokio_rustls::TlsAcceptor>) -> Origin {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let healthy = Arc::new(AtomicBool::new(true));
    let counts = (connections.clone(), requests.clone(), healthy.clone());
    let task = tokio::spawn(async move {
        let mut running = tokio::task::JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            counts.0.fetch_add(1, Ordering::SeqCst);
            let (requests, healthy) = (counts.1.clone(), counts.2.clone());
            let service = service_fn(move |request| answer(name, request, requests.clone(), healthy.clone()));
            let tls = tls.clone();
            running.spawn(async move {
                let stream: Box<dyn Io> = match tls {
                    None => Box::new(stream),
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => Box::new(stream),
                        Err(_) => return,
                    },
                };
                let io = TokioIo::new(stream);
                if http2 {
                    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(io, service).await;
                } else {
                    let builder = hyper::server::conn::http1::Builder::new();
                    let _ = builder.serve_connection(io, service).with_upgrades().await;
                }
            });
        }
    });
    Origin { address, connections, requests, healthy, task }
}

fn full(text: impl Into<Bytes>) -> BoxBody<Bytes, hyper::Error> {
    Full::new(text.into()).map_err(|never: Infallible| match never {}).boxed()
}

/// What the path asks for:
/// `/echo` the body back as it comes, trailers too · `/size/N` so many bytes · `/silent` no answer · `/status/N` ·
/// `/leak` a body that rules of answers look for · `/health` · `/ws` an echo over a WebSocket's connection ·
/// anything else the head, one line a field.
async fn answer(
    name: &'static str,
    request: Request<Incoming>,
    requests: Arc<AtomicUsize>,
    healthy: Arc<AtomicBool>,
) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_string();
    if path == "/health" {
        let status = if healthy.load(Ordering::SeqCst) { 200 } else { 500 };
        return Ok(Response::builder().status(status).body(full("")).unwrap());
    }
    requests.fetch_add(1, Ordering::SeqCst);
    let number = |prefix: &str| path.strip_prefix(prefix).and_then(|number| number.parse::<usize>().ok());
    if let Some(size) = number("/size/") {
        return Ok(Response::new(full(vec![b'x'; size])));
    }
    if let Some(status) = number("/status/") {
        return Ok(Response::builder().status(status as u16).body(full("")).unwrap());
    }
    Ok(match path.as_str() {
        "/echo" => {
            let kind = request.headers().get(CONTENT_TYPE).cloned();
            let mut answer = Response::new(request.into_body().boxed());
            kind.map(|kind| answer.headers_mut().insert(CONTENT_TYPE, kind));
            answer
        }
        "/grpc" => grpc(request).await,
        "/silent" => std::future::pending().await,
        "/leak" => {
            let mut answer = Response::new(full("<html>the secret word</html>"));
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
            answer
        }
        "/ws" => websocket(request),
        _ => {
            let mut answer = Response::new(full(head(name, &request)));
            let headers = answer.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("x-hop"));
            headers.insert("x-hop", HeaderValue::from_static("1"));
            headers.insert("x-origin", HeaderValue::from_static(name));
            answer
        }
    })
}

fn head(name: &str, request: &Request<Incoming>) -> String {
    let mut text = format!("{name}\n{} {} {:?}\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    let length = request.body().size_hint().exact();
    text.push_str(&format!("body: {length:?}\n"));
    text
}

/// The messages back, then a status in trailers.
async fn grpc(request: Request<Incoming>) -> Answer {
    let body = request.into_body().collect().await.unwrap();
    let data = body.to_bytes();
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
    let frames = [Ok(Frame::data(data)), Ok(Frame::trailers(trailers))];
    let mut answer = Response::new(BodyExt::boxed(StreamBody::new(futures::stream::iter(frames))));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    answer
}

fn websocket(mut request: Request<Incoming>) -> Answer {
    if request.headers().get(UPGRADE).is_none() {
        return Response::builder().status(StatusCode::UPGRADE_REQUIRED).body(full("")).unwrap();
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.unwrap());
        let mut piece = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut piece).await {
            stream.write_all(&piece[..read]).await.unwrap();
        }
    });
    let answer = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    let answer = answer.header(CONNECTION, "upgrade").header(UPGRADE, "websocket").header("sec-websocket-accept", "x");
    answer.header(CONTENT_LENGTH, "0").body(full("")).unwrap()
}

/// An origin that takes connections and does with each what it is told: `answer` sent after the head came, then closed.
pub async fn raw(answer: &'static str) -> Origin {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (connections.clone(), requests.clone());
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counts.0.fetch_add(1, Ordering::SeqCst);
            let mut head = Vec::new();
            while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            if !head.is_empty() {
                counts.1.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    });
    Origin { address, connections, requests, healthy: Arc::new(AtomicBool::new(true)), task }
}
