//! Pools of origins: choosing one, sending a request to it, and trying another where that is safe.

mod health;
mod link;
mod origin;
mod upload;
mod wire;

pub(crate) use link::Link;
pub(crate) use origin::Origin;
pub(crate) use upload::Upload;
pub(crate) use wire::{Lease, Stream, Switched};

use crate::client_io::IoState;
use crate::config::{Balance, Pool, Protocol};
use crate::proxy::{BodyFault, Progress, RequestBody, head};
use ::wire::answer;
use hyper::body::Body;
use hyper::client::conn::TrySendError;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use link::Secure;
use rapidhash::v3::rapidhash_v3;
use serde::Serialize;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Interval of HTTP/2 pings to an origin.
const PING: Duration = Duration::from_secs(20);

/// A pool at work.
pub(crate) struct Upstream {
    pub(crate) name: Arc<str>,
    pub(crate) origins: Vec<Arc<Origin>>,
    pub(crate) http2: bool,
    pub(crate) config: Pool,
    secure: Option<Arc<Secure>>,
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
    /// The connection was closed before the request was begun to be sent.
    Unsent,
    /// The connection failed or the answer is no HTTP after something was sent.
    Broken(Broken),
    /// No answer in time.
    Silent,
}

/// How a connection to an origin broke, or its answer.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The connection failed.
    Link(std::io::Error),
    /// The answer is no HTTP/1.
    Answer(answer::Broken),
    /// Too many interim answers, or a change of protocol that nobody asked for.
    Interim,
    /// The connection of HTTP/2 failed, or the answer is no HTTP/2.
    Http2(hyper::Error),
    /// The request's body broke off.
    Body(BodyFault),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Link(cause) => cause.fmt(f),
            Broken::Answer(broken) => f.write_str(broken.text()),
            Broken::Interim => f.write_str("an interim answer that nobody asked for"),
            Broken::Http2(cause) => cause.fmt(f),
            Broken::Body(fault) => fault.fmt(f),
        }
    }
}

impl Failure {
    /// What is behind it.
    pub(crate) fn cause(&self) -> Option<String> {
        match self {
            Failure::Connect(cause) => Some(cause.to_string()),
            Failure::Broken(cause) => Some(cause.to_string()),
            Failure::Full | Failure::Unsent | Failure::Silent => None,
        }
    }

    /// On a new connection, what was not sent counts as a failure to connect.
    fn on_new(self) -> Failure {
        match self {
            Failure::Unsent => Failure::Connect(std::io::ErrorKind::NotConnected.into()),
            failure => failure,
        }
    }
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Failure {
        Failure::Broken(broken)
    }
}

/// A request for an origin, until it is sent.
pub(crate) enum Message {
    /// For HTTP/1.1.
    Http1(Upload),
    /// For HTTP/2; none while it is sent and when it cannot be sent again.
    Http2(Option<Box<Request<RequestBody>>>),
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
    /// # Errors
    /// When the authorities that it trusts cannot be read.
    pub(crate) fn new(name: &str, config: &Pool, workers: usize) -> base::Result<Upstream> {
        let http2 = config.protocol == Protocol::Http2;
        let secure = config.tls.as_ref().map(|tls| Secure::new(name, tls, http2)).transpose()?.map(Arc::new);
        let new = |address: &String| Arc::new(Origin::new(address, config, workers, secure.clone()));
        let origins = config.addresses.iter().map(new).collect();
        let turn = AtomicUsize::new(0);
        Ok(Upstream { name: name.into(), origins, http2, config: config.clone(), secure, turn })
    }

    /// Whether connections to it run under TLS.
    pub(crate) fn secure(&self) -> bool {
        self.secure.is_some()
    }

    /// Whether it is as a configuration asks for, so that it can go on.
    pub(crate) fn serves(&self, config: &Pool) -> bool {
        let trusted = self.secure.as_ref().zip(config.tls.as_ref());
        self.config == *config && trusted.is_none_or(|(secure, tls)| secure.current(tls))
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
        mut message: Message,
        to: &Route,
    ) -> Result<(Answered, Busy), (Failure, Option<Arc<Origin>>)> {
        let mut tried: Vec<Arc<Origin>> = Vec::new();
        let mut left = self.config.retries;
        loop {
            let Some(origin) = self.choose(to.client, &tried, to.now).cloned() else {
                return Err((Failure::Full, tried.pop()));
            };
            let busy = Busy::new(&origin);
            let sent = match &mut message {
                Message::Http1(upload) => self.attempt(&origin, upload, to).await,
                Message::Http2(request) => Box::pin(self.attempt_http2(&origin, request, to)).await,
            };
            let failure = match sent {
                Ok(answer) => return Ok((Answered { answer, origin }, busy)),
                Err(failure) => failure,
            };
            let again = match (&failure, &mut message) {
                (Failure::Connect(_) | Failure::Unsent, Message::Http1(_)) => true,
                (Failure::Broken(_), Message::Http1(upload)) => to.idempotent && upload.again(),
                (Failure::Full | Failure::Silent, _) => false,
                (_, Message::Http2(request)) => request.is_some(),
            };
            tried.push(origin);
            if !again || left == 0 || tried.len() >= self.origins.len() {
                return Err((failure, tried.pop()));
            }
            left -= 1;
        }
    }

    /// One origin: first over a connection that rested, then over a new one.
    async fn attempt(
        &self,
        origin: &Arc<Origin>,
        upload: &mut Upload,
        to: &Route,
    ) -> Result<Response<Stream>, Failure> {
        let mut slot = self.slot(origin).await?;
        match Lease::rested(origin, to, slot) {
            Ok(lease) => {
                match lease.send(upload, to).await {
                    Err(Failure::Unsent) => {}
                    // The origin closed a connection that rested, just when it was used.
                    Err(Failure::Broken(_)) if to.idempotent && upload.again() => {}
                    answered => return answered,
                }
                slot = self.slot(origin).await?;
            }
            Err(unused) => slot = unused,
        }
        let link = Box::pin(self.dial_to(origin, to)).await?;
        let lease = Lease::new(link, origin.clone(), to.worker, slot);
        lease.send(upload, to).await.map_err(Failure::on_new)
    }

    /// One origin, over the connection that all requests of a worker share. The request is there again if it may be sent
    /// again.
    async fn attempt_http2(
        &self,
        origin: &Arc<Origin>,
        message: &mut Option<Box<Request<RequestBody>>>,
        to: &Route,
    ) -> Result<Response<Stream>, Failure> {
        let slot = self.slot(origin).await?;
        let mut sender = self.http2_sender(origin, to).await?;
        let Some(request) = message.take() else { return Err(Failure::Unsent) };
        let copy = if to.idempotent { repeatable(&request) } else { None };
        let sent = sender.try_send_request(*request);
        let sent = to.patient(async {
            sent.await.map_err(|mut error: TrySendError<_>| {
                *message = error.take_message().map(Box::new);
                if message.is_some() { Failure::Unsent } else { Broken::Http2(error.into_error()).into() }
            })
        });
        match sent.await {
            Ok(mut answer) => {
                head::strip_hop_by_hop(answer.headers_mut());
                Ok(answer.map(|incoming| Stream::Spawned { incoming, _slot: slot }))
            }
            Err(failure) => {
                if matches!(failure, Failure::Broken(_)) {
                    *message = copy;
                }
                Err(failure.on_new())
            }
        }
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
        let link = self.dial_to(origin, to).await?;
        let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(PING);
        let (sender, driver) = builder
            .handshake(TokioIo::new(link))
            .await
            .map_err(|cause| Failure::Connect(std::io::Error::other(cause)))?;
        tokio::spawn(driver);
        *shared = Some(sender.clone());
        Ok(sender)
    }

    async fn slot(&self, origin: &Origin) -> Result<OwnedSemaphorePermit, Failure> {
        if let Ok(slot) = origin.slots.clone().try_acquire_owned() {
            return Ok(slot);
        }
        let slot = tokio::time::timeout(self.config.wait, origin.slots.clone().acquire_owned());
        match Box::pin(slot).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(Failure::Full),
        }
    }

    async fn dial_to(&self, origin: &Origin, to: &Route) -> Result<Link, Failure> {
        let dialled = origin.dial().await;
        origin.dialled(dialled.is_ok(), to.now);
        dialled.map_err(Failure::Connect)
    }

    /// A connection of its own, for a request that will become another protocol.
    pub(crate) async fn dial(&self, to: &Route) -> Result<(Lease, Arc<Origin>, Busy), Failure> {
        let origin = self.choose(to.client, &[], to.now).ok_or(Failure::Full)?.clone();
        let slot = self.slot(&origin).await?;
        let link = self.dial_to(&origin, to).await?;
        let busy = Busy::new(&origin);
        Ok((Lease::new(link, origin.clone(), to.worker, slot), origin, busy))
    }
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
    /// The method may be sent twice.
    pub(crate) idempotent: bool,
    /// Where interim answers go, of a client that can take them.
    pub(crate) interim: Option<Arc<IoState>>,
}

impl Route {
    /// An interim answer of the origin. Early hints (RFC 8297) are the client's; others were between the origin and us.
    fn interim(&self, status: StatusCode, headers: &HeaderMap) {
        if let Some(client) = self.interim.as_ref().filter(|_| status == StatusCode::EARLY_HINTS) {
            let mut answer = b"HTTP/1.1 103 Early Hints\r\n".to_vec();
            headers.iter().for_each(|(name, value)| head::line(&mut answer, name, value.as_bytes()));
            answer.extend_from_slice(b"\r\n");
            client.interim(&answer);
        }
    }

    /// Waits for an answer as long as the route says. While the request's body still gets on, the time begins anew.
    async fn patient<T>(&self, answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
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

/// A copy of a request that may be sent twice, if it has no body.
fn repeatable(request: &Request<RequestBody>) -> Option<Box<Request<RequestBody>>> {
    if !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(RequestBody::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    Some(Box::new(copy))
}
