//! Pools of origins: choosing one, sending a request to it, and trying another where that is safe.

mod health;
mod origin;
mod wire;

pub(crate) use origin::Origin;
pub(crate) use wire::Stream;

use crate::config::{Balance, Pool, Protocol};
use crate::proxy::{Progress, RequestBody};
use hyper::body::Body;
use hyper::client::conn::TrySendError;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rapidhash::v3::rapidhash_v3;
use serde::Serialize;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use wire::{Lease, Wire};

/// Interval of HTTP/2 pings to an origin.
const PING: Duration = Duration::from_secs(20);

/// A pool at work.
pub(crate) struct Upstream {
    pub(crate) name: Arc<str>,
    pub(crate) origins: Vec<Arc<Origin>>,
    pub(crate) http2: bool,
    pub(crate) config: Pool,
    turn: AtomicUsize,
}

/// An origin as a status page shows it.
#[derive(Debug, Clone, Serialize)]
pub struct OriginStatus {
    /// `host:port` as configured.
    pub address: String,
    /// Whether requests are sent to it.
    pub up: bool,
    /// Requests at work now.
    pub busy: usize,
    /// Connections made since the start.
    pub connected: u64,
    /// Connections that failed since the start.
    pub failed: u64,
}

/// Why there is no answer.
pub(crate) enum Failure {
    /// No connection could be made; nothing was sent.
    Connect(std::io::Error),
    /// Every slot stayed taken for the time that a request may wait.
    Full,
    /// The connection was closed before the request was begun to be sent; here it is again.
    Unsent(Box<Request<RequestBody>>),
    /// The connection failed or the answer is no HTTP after something was sent.
    Broken(hyper::Error),
    /// No answer in time.
    Silent,
}

impl Failure {
    /// What is behind it.
    pub(crate) fn cause(&self) -> Option<String> {
        match self {
            Failure::Connect(cause) => Some(cause.to_string()),
            Failure::Broken(cause) => Some(cause.to_string()),
            Failure::Full | Failure::Unsent(_) | Failure::Silent => None,
        }
    }

    fn connect(cause: hyper::Error) -> Failure {
        Failure::Connect(std::io::Error::other(cause))
    }
}

impl From<TrySendError<Request<RequestBody>>> for Failure {
    fn from(mut error: TrySendError<Request<RequestBody>>) -> Failure {
        match error.take_message() {
            Some(request) => Failure::Unsent(Box::new(request)),
            None => Failure::Broken(error.into_error()),
        }
    }
}

/// An answer and who gave it.
pub(crate) struct Answered {
    pub(crate) answer: Response<Stream>,
    pub(crate) origin: Arc<Origin>,
}

/// Counts a request of an origin while it is at work.
pub(crate) struct Busy(Arc<Origin>);

impl Busy {
    fn new(origin: &Arc<Origin>) -> Busy {
        origin.busy.fetch_add(1, Ordering::Relaxed);
        Busy(origin.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Upstream {
    pub(crate) fn new(name: &str, config: &Pool, workers: usize) -> Upstream {
        let origins = config.addresses.iter().map(|address| Arc::new(Origin::new(address, config, workers)));
        Upstream {
            name: name.into(),
            origins: origins.collect(),
            http2: config.protocol == Protocol::Http2,
            config: config.clone(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Checks health until the handle is aborted; `None` when the pool has no checks.
    pub(crate) fn watch(self: &Arc<Self>) -> Option<tokio::task::JoinHandle<()>> {
        let health = self.config.health.clone()?;
        Some(tokio::spawn(health::watch(self.clone(), health)))
    }

    /// What a status page shows.
    pub(crate) fn status(&self, now: i64) -> Vec<OriginStatus> {
        let origins = self.origins.iter().map(|origin| OriginStatus {
            address: origin.name.to_string(),
            up: origin.up(now),
            busy: origin.busy.load(Ordering::Relaxed),
            connected: origin.connected.load(Ordering::Relaxed),
            failed: origin.failed.load(Ordering::Relaxed),
        });
        origins.collect()
    }

    /// The origin for a client, passing over those that were tried. When none is up, those that are down are tried: a
    /// wrong check must not take a site away.
    fn choose(&self, client: IpAddr, tried: &[Arc<Origin>], now: i64) -> Option<&Arc<Origin>> {
        let fresh = || self.origins.iter().filter(|origin| !tried.iter().any(|other| Arc::ptr_eq(other, origin)));
        let any_up = fresh().any(|origin| origin.up(now));
        let open = || fresh().filter(move |origin| !any_up || origin.up(now));
        match self.config.balance {
            Balance::RoundRobin => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                open().nth(turn.checked_rem(open().count())?)
            }
            Balance::LeastRequests => open().min_by_key(|origin| origin.busy.load(Ordering::Relaxed)),
            Balance::Client => open().max_by_key(|origin| rapidhash_v3(format!("{client} {}", origin.name).as_bytes())),
        }
    }

    /// Sends a request. Another origin is tried when a connection failed before anything was sent, or when the method is
    /// idempotent (RFC 9110 §9.2.2), there was no body and the connection broke before an answer began.
    pub(crate) async fn send(
        &self,
        mut request: Request<RequestBody>,
        to: &Route,
    ) -> Result<(Answered, Busy), (Failure, Option<Arc<Origin>>)> {
        let mut tried: Vec<Arc<Origin>> = Vec::new();
        let mut left = self.config.retries;
        loop {
            let Some(origin) = self.choose(to.client, &tried, to.now).cloned() else {
                return Err((Failure::Full, tried.pop()));
            };
            let mut copy = repeatable(&request);
            let busy = Busy::new(&origin);
            let sent = self.attempt(&origin, request, &mut copy, to).await;
            let (failure, again) = match sent {
                Ok(answer) => return Ok((Answered { answer, origin }, busy)),
                Err((failure, again)) => (failure, again),
            };
            let again = match &failure {
                Failure::Connect(_) | Failure::Unsent(_) => again,
                Failure::Broken(_) => copy.map(Box::new),
                Failure::Full | Failure::Silent => None,
            };
            tried.push(origin);
            match again {
                Some(again) if left > 0 && tried.len() < self.origins.len() => request = *again,
                _ => return Err((failure, tried.pop())),
            }
            left -= 1;
        }
    }

    /// One origin: first over a connection that rested, then over a new one. With the failure comes the request back if
    /// nothing of it was sent.
    async fn attempt(
        &self,
        origin: &Arc<Origin>,
        mut request: Request<RequestBody>,
        copy: &mut Option<Request<RequestBody>>,
        to: &Route,
    ) -> Result<Response<Stream>, (Failure, Option<Box<Request<RequestBody>>>)> {
        let mut slot = self.slot(origin).await.map_err(|failure| (failure, None))?;
        if self.http2 {
            return self.attempt_http2(origin, request, to, slot).await;
        }
        match Lease::rested(origin, to.worker, slot) {
            Ok(lease) => {
                match (to.patient(lease.send(request)).await, copy.take()) {
                    (Ok(answer), _) => return Ok(answer),
                    (Err(Failure::Unsent(again)), _) => request = *again,
                    // The origin closed a connection that rested, just when it was used.
                    (Err(Failure::Broken(_)), Some(copy)) => request = copy,
                    (Err(failure), _) => return Err((failure, None)),
                }
                *copy = repeatable(&request);
                slot = self.slot(origin).await.map_err(|failure| (failure, None))?;
            }
            Err(unused) => slot = unused,
        }
        let wire = match self.dial_to(origin, to).await {
            Ok(stream) => Wire::new(stream).await,
            Err(failure) => Err(failure),
        };
        let lease = match wire {
            Ok(wire) => Lease::new(wire, origin.clone(), to.worker, slot),
            Err(failure) => return Err((failure, Some(Box::new(request)))),
        };
        to.patient(lease.send(request)).await.map_err(unsent)
    }

    async fn attempt_http2(
        &self,
        origin: &Arc<Origin>,
        request: Request<RequestBody>,
        to: &Route,
        slot: OwnedSemaphorePermit,
    ) -> Result<Response<Stream>, (Failure, Option<Box<Request<RequestBody>>>)> {
        let mut sender = match self.http2_sender(origin, to).await {
            Ok(sender) => sender,
            Err(failure) => return Err((failure, Some(Box::new(request)))),
        };
        let answer = sender.try_send_request(request);
        let answer = to.patient(async { answer.await.map_err(Failure::from) }).await.map_err(unsent)?;
        Ok(answer.map(|incoming| Stream::Spawned { incoming, _slot: slot }))
    }

    /// The one HTTP/2 connection of an origin for this worker, made anew when it is gone.
    async fn http2_sender(
        &self,
        origin: &Origin,
        to: &Route,
    ) -> Result<hyper::client::conn::http2::SendRequest<RequestBody>, Failure> {
        let mut shared = origin.http2.get(to.worker).ok_or(Failure::Full)?.lock().await;
        if let Some(sender) = shared.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(sender.clone());
        }
        let stream = self.dial_to(origin, to).await?;
        let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(PING);
        let (sender, driver) = builder.handshake(TokioIo::new(stream)).await.map_err(Failure::connect)?;
        tokio::spawn(driver);
        *shared = Some(sender.clone());
        Ok(sender)
    }

    async fn slot(&self, origin: &Origin) -> Result<OwnedSemaphorePermit, Failure> {
        if let Ok(slot) = origin.slots.clone().try_acquire_owned() {
            return Ok(slot);
        }
        match tokio::time::timeout(self.config.wait, origin.slots.clone().acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(Failure::Full),
        }
    }

    async fn dial_to(&self, origin: &Origin, to: &Route) -> Result<TcpStream, Failure> {
        let dialled = origin.dial().await;
        origin.dialled(dialled.is_ok(), to.now);
        dialled.map_err(Failure::Connect)
    }

    /// A connection of its own, for a request that will become another protocol.
    pub(crate) async fn dial(
        &self,
        to: &Route,
    ) -> Result<(TcpStream, Arc<Origin>, Busy, OwnedSemaphorePermit), Failure> {
        let origin = self.choose(to.client, &[], to.now).ok_or(Failure::Full)?.clone();
        let slot = self.slot(&origin).await?;
        let stream = self.dial_to(&origin, to).await?;
        let busy = Busy::new(&origin);
        Ok((stream, origin, busy, slot))
    }
}

/// How HTTP/1.1 is spoken over a connection that becomes another protocol.
pub(crate) fn http1() -> hyper::client::conn::http1::Builder {
    wire::builder()
}

/// What sending needs to know beside the request.
pub(crate) struct Route {
    pub(crate) client: IpAddr,
    pub(crate) worker: usize,
    /// Time for the head of an answer.
    pub(crate) answer: Duration,
    /// Monotonic time, µs.
    pub(crate) now: i64,
    /// How the request's body gets on: the time for the answer begins at its last byte.
    pub(crate) sent: Option<Arc<Progress>>,
}

impl Route {
    /// Waits for an answer as long as the route says. While the request's body still gets on, the time begins anew.
    pub(crate) async fn patient<T>(&self, answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let mut answer = std::pin::pin!(answer);
        let mut seen = 0;
        loop {
            if let Ok(answer) = tokio::time::timeout(self.answer, answer.as_mut()).await {
                return answer;
            }
            let now = self.sent.as_ref().map_or(0, |sent| sent.bytes());
            if now == seen {
                return Err(Failure::Silent);
            }
            seen = now;
        }
    }
}

/// On a new connection, what was not sent counts as a failure to connect.
fn unsent(failure: Failure) -> (Failure, Option<Box<Request<RequestBody>>>) {
    match failure {
        Failure::Unsent(again) => (Failure::Connect(std::io::ErrorKind::NotConnected.into()), Some(again)),
        failure => (failure, None),
    }
}

/// A copy of a request that may be sent twice: idempotent and without a body.
fn repeatable(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    if !request.method().is_idempotent() || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(RequestBody::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}
