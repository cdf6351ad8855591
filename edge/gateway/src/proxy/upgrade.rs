//! WebSocket (RFC 6455, and 8441 over HTTP/2): a request that becomes another protocol has a connection to the origin of its
//! own, and both are joined until one side ends, both are silent for too long, or the gateway stops.

use super::{Answer, Call, Done, Tail, head};
use crate::client_io::Prefixed;
use crate::upstream::{Failure, Link, Route, Switched, Upload};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::ext::Protocol;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::http::request::Parts;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Method, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const PIECE_BYTES: usize = 16 * 1024;

/// Whether a request asks for a WebSocket.
pub(super) fn wanted(parts: &Parts) -> bool {
    let is = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");
    match parts.version {
        Version::HTTP_2 => bootstraps(parts),
        Version::HTTP_11 => parts.method == Method::GET && parts.headers.get(UPGRADE).is_some_and(is),
        _ => false,
    }
}

/// Over HTTP/2 a WebSocket is asked for by a CONNECT that names it (RFC 8441 §4).
fn bootstraps(parts: &Parts) -> bool {
    parts.extensions.get::<Protocol>().is_some_and(|protocol| protocol.as_str() == "websocket")
}

/// A request for a WebSocket over HTTP/2 becomes the GET that it stands for (RFC 8441 §5), to rules as to origins.
pub(super) fn plain(parts: &mut Parts) {
    if parts.method == Method::CONNECT && bootstraps(parts) {
        parts.method = Method::GET;
    }
}

/// Passes the request on; the answer is either the origin's refusal or the change of protocol.
pub(super) async fn pass(call: &mut Call, client: OnUpgrade, to: &Route) -> Result<Done, Failure> {
    let parts = &call.tail.parts;
    let mut head = head::first_line(&Method::GET, &parts.uri);
    head::onward(&parts.headers, &call.told(), |name, value| head::line(&mut head, name, value));
    let http2 = parts.version == Version::HTTP_2;
    if http2 && !parts.headers.contains_key(SEC_WEBSOCKET_KEY) {
        let mut key = [0; 16];
        call.tail.connection.shared.random.fill(&mut key);
        head::line(&mut head, &SEC_WEBSOCKET_KEY, BASE64_STANDARD.encode(key).as_bytes());
    }
    head.extend_from_slice(b"connection: upgrade\r\nupgrade: websocket\r\n\r\n");
    let (lease, origin, busy) = call.site.upstream.dial(to).await?;
    let answer = lease.send(&mut Upload::switching(head), to).await?;
    let silence = call.site.config.timeouts.silence;
    call.tail.busy = Some(busy);
    call.origin_answered(&origin, answer.status());
    let (mut parts, stream) = answer.into_parts();
    if parts.status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Done::Answer(Response::from_parts(parts, Answer::of([].into(), Some(stream), silence))));
    }
    if http2 {
        parts.status = StatusCode::OK;
        parts.headers.remove(SEC_WEBSOCKET_ACCEPT);
        parts.headers.remove(CONTENT_LENGTH);
    } else {
        parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    let answer = Response::from_parts(parts, Answer::fixed(Bytes::new()));
    let origin = stream.switched().ok_or(Failure::Unsent)?;
    Ok(Done::Switch(answer, Tunnel { client, origin, silence }))
}

/// The two ends of a connection that became another protocol.
pub(crate) struct Tunnel {
    client: OnUpgrade,
    origin: Switched,
    silence: Duration,
}

impl Tunnel {
    /// Joins both ends; the request ends with them.
    pub(super) async fn join(self, mut tail: Box<Tail>) {
        let Ok(client) = self.client.await else { return };
        let Switched { link, prefix, slot: _slot } = self.origin;
        let origin = Prefixed { prefix, stream: link };
        let (up, down) = (AtomicU64::new(0), AtomicU64::new(0));
        let stop = tail.connection.stop.clone();
        tokio::select! {
            () = both(client, origin, &up, &down) => {}
            () = silent(self.silence, &up, &down) => tail.exchange.reason = "tunnel-silent",
            () = stop.cancelled() => tail.exchange.reason = "gateway-stops",
        }
        tail.exchange.request_bytes = up.into_inner();
        tail.exchange.response_bytes = down.into_inner();
    }
}

async fn both(client: Upgraded, origin: Prefixed<Link>, up: &AtomicU64, down: &AtomicU64) {
    let (client_read, client_write) = tokio::io::split(TokioIo::new(client));
    let (origin_read, origin_write) = tokio::io::split(origin);
    tokio::join!(copy(client_read, origin_write, up), copy(origin_read, client_write, down));
}

/// Copies until the end and passes that on.
async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, bytes: &AtomicU64) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        bytes.fetch_add(read as u64, Ordering::Relaxed);
        if to.write_all(&piece[..read]).await.is_err() || to.flush().await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// Ends when neither side sent anything for a while.
async fn silent(silence: Duration, up: &AtomicU64, down: &AtomicU64) {
    let total = || up.load(Ordering::Relaxed).wrapping_add(down.load(Ordering::Relaxed));
    let mut seen = total();
    loop {
        tokio::time::sleep(silence).await;
        let now = total();
        if now == seen {
            return;
        }
        seen = now;
    }
}
