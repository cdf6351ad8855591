//! WebSocket (RFC 6455): a request that becomes another protocol has a connection to the origin of its own, and both are
//! joined until one side ends, both are silent for too long, or the gateway stops.

use super::{Answer, Call, Done, RequestBody, Tail, head};
use crate::upstream::{Failure, Route, Stream};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::OwnedSemaphorePermit;

const PIECE_BYTES: usize = 16 * 1024;

/// Whether a request asks for a WebSocket.
pub(super) fn wanted(request: &Request<Incoming>) -> bool {
    let is = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");
    request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && request.headers().get(UPGRADE).is_some_and(is)
}

/// Passes the request on; the answer is either the origin's refusal or the change of protocol.
pub(super) async fn pass(
    call: &mut Call,
    mut request: Request<RequestBody>,
    client: OnUpgrade,
    to: &Route,
) -> Result<Done, Failure> {
    let asked = [(CONNECTION, HeaderValue::from_static("upgrade")), (UPGRADE, HeaderValue::from_static("websocket"))];
    request.headers_mut().extend(asked.clone());
    let (stream, origin, busy, slot) = call.site.upstream.dial(to).await?;
    let (mut sender, driver) =
        crate::upstream::http1().handshake(TokioIo::new(stream)).await.map_err(Failure::Broken)?;
    tokio::spawn(driver.with_upgrades());
    let mut answer = to.patient(async { sender.send_request(request).await.map_err(Failure::Broken) }).await?;
    let silence = call.site.config.timeouts.silence;
    call.tail.busy = Some(busy);
    call.origin_answered(&origin, answer.status());
    let switched = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    let origin = switched.then(|| hyper::upgrade::on(&mut answer));
    let (mut parts, incoming) = answer.into_parts();
    head::strip_hop_by_hop(&mut parts.headers);
    let Some(origin) = origin else {
        let stream = Stream::Spawned { incoming, _slot: slot };
        return Ok(Done::Answer(Response::from_parts(parts, Answer::of([].into(), Some(stream), silence))));
    };
    parts.headers.extend(asked);
    let answer = Response::from_parts(parts, Answer::fixed(Bytes::new()));
    Ok(Done::Switch(answer, Tunnel { client, origin, silence, _slot: slot }))
}

/// The two ends of a connection that became another protocol.
pub(crate) struct Tunnel {
    client: OnUpgrade,
    origin: OnUpgrade,
    silence: Duration,
    _slot: OwnedSemaphorePermit,
}

impl Tunnel {
    /// Joins both ends; the request ends with them.
    pub(super) async fn join(self, mut tail: Box<Tail>) {
        let (Ok(client), Ok(origin)) = tokio::join!(self.client, self.origin) else { return };
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

async fn both(client: Upgraded, origin: Upgraded, up: &AtomicU64, down: &AtomicU64) {
    let (client_read, client_write) = tokio::io::split(TokioIo::new(client));
    let (origin_read, origin_write) = tokio::io::split(TokioIo::new(origin));
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
