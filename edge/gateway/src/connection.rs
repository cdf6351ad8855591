//! One connection of a client: who it is, what it speaks, and the requests on it until it ends.

use crate::address;
use crate::client_io::{ClientIo, IoState, Patience, Prefixed, Refused, Watch};
use crate::config::{ClientHeader, Config, ProxyProtocol};
use crate::live::{Listener, Live};
use crate::proxy;
use crate::report::{Exchange, Peer};
use crate::shared::{Client, Shared};
use crate::worker::Counted;
use flood::ban::Door;
use hyper::HeaderMap;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use record::HttpDecision;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::forwarded::Source;
use wire::framing::{Guard, Limits};

/// Most bytes read before TLS or HTTP begins: a ClientHello or a PROXY protocol header.
const OPENING_BYTES: usize = 32 * 1024;
/// Bytes that are read at once before that; most openings fit.
const PIECE_BYTES: usize = 4096;
/// Most streams that a client of HTTP/2 may open and reset before they are counted as an attack ("rapid reset", CVE-2023-44487).
const RESETS: usize = 20;
/// Interval of HTTP/2 pings to a client, and time for an answer.
const PING: std::time::Duration = std::time::Duration::from_secs(30);

/// What the requests of a connection share.
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: Arc<Peer>,
    /// The peer's address as the value of a field.
    pub(crate) peer_text: HeaderValue,
    /// The peer is a proxy of ours.
    pub(crate) trusted: bool,
    pub(crate) worker: usize,
    pub(crate) io: Arc<IoState>,
    /// The listener goes away, or the gateway stops.
    pub(crate) stop: CancellationToken,
    /// Tasks that a stop waits for.
    pub(crate) tasks: TaskTracker,
    listener: Arc<Listener>,
    requests: AtomicU64,
    most_requests: u64,
    enough: Notify,
    _held: (Place, Option<Client>),
}

/// What a connection takes up as long as it lives, also when it became another protocol.
pub(crate) struct Place {
    pub(crate) _slot: OwnedSemaphorePermit,
    pub(crate) _counted: Counted,
}

impl Connection {
    /// The configuration as it is now.
    pub(crate) fn live(&self) -> Arc<Live> {
        self.shared.live()
    }

    /// Counts a request; a connection does not live for ever.
    pub(crate) fn count(&self) {
        if self.requests.fetch_add(1, Ordering::Relaxed) + 1 >= self.most_requests {
            self.enough.notify_one();
        }
    }

    /// The client of a request: the peer, or whom trusted proxies name.
    pub(crate) fn client(&self, headers: &HeaderMap) -> IpAddr {
        let peer = self.peer.remote.ip();
        if !self.trusted {
            return peer;
        }
        let source = match self.listener.config.client_header {
            ClientHeader::XForwardedFor => Source::ForwardedFor,
            ClientHeader::Forwarded => Source::Forwarded,
            ClientHeader::XRealIp => Source::RealIp,
        };
        let values: Vec<&[u8]> = headers.get_all(source.header()).iter().map(HeaderValue::as_bytes).collect();
        wire::forwarded::client(source, peer, &values, |address| self.listener.trusts(address))
    }
}

/// A connection as it was accepted.
pub(crate) struct Accepted {
    pub(crate) stream: std::net::TcpStream,
    pub(crate) remote: SocketAddr,
    pub(crate) listener: Arc<str>,
    pub(crate) stop: CancellationToken,
    /// Its share of the limit of connections.
    pub(crate) slot: OwnedSemaphorePermit,
}

/// What is known of a connection before HTTP.
struct Opening {
    listener: Arc<Listener>,
    peer: Peer,
    trusted: bool,
    /// Bytes that belong to what comes next.
    prefix: Vec<u8>,
    client: Option<Client>,
    place: Place,
}

/// Serves a connection until it ends.
pub(crate) async fn serve(accepted: Accepted, shared: Arc<Shared>, worker: At) {
    let Accepted { stream, remote, listener, stop, slot } = accepted;
    let place = Place { _slot: slot, _counted: worker.counted };
    let live = shared.live();
    let (Ok(mut stream), Some(at_work)) = (TcpStream::from_std(stream), live.listener(&listener).cloned()) else {
        return;
    };
    let Ok(local) = stream.local_addr() else { return };
    let _ = stream.set_nodelay(true);
    let (remote, local) = (address::plain(remote), address::plain(local));
    let peer = Peer { listener, remote, local, tls: None, sni: None, ja4: None, ja3: None };
    let opened = tokio::time::timeout(live.config.timeouts.handshake, async {
        let opening = open(&mut stream, at_work, peer, &shared, place).await?;
        let tls = opening.listener.tls.clone();
        match tls {
            Some(tls) => Some(handshake(stream, opening, tls).await?),
            None => Some(sniff(stream, opening).await?),
        }
    });
    let Ok(Some((stream, opening, http2))) = opened.await else {
        shared.unopened.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let speak = Speak { opening, http2, live, shared, worker: worker.index, tasks: worker.tasks, stop };
    match stream {
        Either::Plain(stream) => speak.run(stream).await,
        Either::Tls(stream) => speak.run(stream).await,
    }
}

/// The worker that a connection is at.
pub(crate) struct At {
    pub(crate) index: usize,
    pub(crate) tasks: TaskTracker,
    pub(crate) counted: Counted,
}

enum Either {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::server::TlsStream<Prefixed<TcpStream>>>),
}

/// Finds out who is at the other end, and whether there is room for one more connection of it.
async fn open(
    stream: &mut TcpStream,
    listener: Arc<Listener>,
    mut peer: Peer,
    shared: &Arc<Shared>,
    place: Place,
) -> Option<Opening> {
    let balancer = listener.trusts(peer.remote.ip());
    let mut prefix = Vec::with_capacity(PIECE_BYTES);
    let wanted = listener.config.proxy_protocol;
    if wanted != ProxyProtocol::Off && (balancer || wanted == ProxyProtocol::Require) {
        if !balancer {
            return None;
        }
        proxy_header(stream, &mut peer, &mut prefix, wanted == ProxyProtocol::Require).await?;
        if shared.refuses(peer.remote.ip(), Door::Connection) {
            return None;
        }
    }
    let trusted = listener.trusts(peer.remote.ip());
    // Proxies of ours carry many clients.
    let client = if trusted { None } else { Some(shared.clients.enter(address::client(peer.remote.ip()))?) };
    Some(Opening { listener, peer, trusted, prefix, client, place })
}

/// Reads a PROXY protocol header; what was read behind it stays in `prefix`.
async fn proxy_header(stream: &mut TcpStream, peer: &mut Peer, prefix: &mut Vec<u8>, required: bool) -> Option<()> {
    loop {
        more(stream, prefix).await?;
        match wire::proxy::read(prefix) {
            Ok(None) => {}
            Ok(Some(header)) => {
                prefix.drain(..header.length);
                if let Some((remote, local)) = header.addresses {
                    (peer.remote, peer.local) = (address::plain(remote), address::plain(local));
                }
                return Some(());
            }
            Err(_) if !required => return Some(()),
            Err(_) => return None,
        }
    }
}

async fn more(stream: &mut TcpStream, prefix: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(prefix).await.ok()?;
    (read > 0 && prefix.len() <= OPENING_BYTES).then_some(())
}

/// Takes the fingerprints of the ClientHello, then makes the TLS handshake.
async fn handshake(
    mut stream: TcpStream,
    mut opening: Opening,
    tls: Arc<rustls::ServerConfig>,
) -> Option<(Either, Opening, bool)> {
    let mut reader = wire::hello::Reader::new();
    let mut fed = 0;
    let hello = loop {
        if fed == opening.prefix.len() {
            more(&mut stream, &mut opening.prefix).await?;
        }
        let hello = reader.feed(&opening.prefix[fed..]).ok()?;
        fed = opening.prefix.len();
        if let Some(hello) = hello {
            break hello;
        }
    };
    opening.peer.ja4 = Some(hello.ja4().into());
    opening.peer.ja3 = Some(hello.ja3_hash().into());
    opening.peer.sni = hello.name.as_deref().map(Into::into);
    let stream = Prefixed { prefix: std::mem::take(&mut opening.prefix), stream };
    let stream = tokio_rustls::TlsAcceptor::from(tls).accept(stream).await.ok()?;
    let session = stream.get_ref().1;
    let http2 = session.alpn_protocol() == Some(b"h2");
    opening.peer.tls = Some(match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "1.3",
        _ => "1.2",
    });
    Some((Either::Tls(Box::new(stream)), opening, http2))
}

/// Without TLS, the first bytes say whether HTTP/2 is spoken (prior knowledge, RFC 9113 §3.3).
async fn sniff(mut stream: TcpStream, mut opening: Opening) -> Option<(Either, Opening, bool)> {
    if !opening.listener.config.http2 {
        return Some((Either::Plain(stream), opening, false));
    }
    let preface = wire::h2::PREFACE;
    loop {
        let known = opening.prefix.len().min(preface.len());
        if opening.prefix[..known] != preface[..known] {
            return Some((Either::Plain(stream), opening, false));
        }
        if known == preface.len() {
            return Some((Either::Plain(stream), opening, true));
        }
        more(&mut stream, &mut opening.prefix).await?;
    }
}

/// What is spoken, and for whom.
struct Speak {
    opening: Opening,
    http2: bool,
    live: Arc<Live>,
    shared: Arc<Shared>,
    worker: usize,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Speak {
    /// Speaks HTTP.
    async fn run<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(self, stream: S) {
        let Speak { opening, http2, live, shared, worker, tasks, stop } = self;
        let (config, random, io) = (&live.config, shared.random.clone(), Arc::new(IoState::default()));
        let peer = Arc::new(opening.peer);
        let peer_text = HeaderValue::from_str(&peer.remote.ip().to_string());
        let connection = Arc::new(Connection {
            shared,
            peer_text: peer_text.unwrap_or(HeaderValue::from_static("unknown")),
            peer,
            trusted: opening.trusted,
            worker,
            io: io.clone(),
            stop,
            tasks,
            listener: opening.listener,
            requests: AtomicU64::new(0),
            most_requests: config.limits.requests_per_connection,
            enough: Notify::new(),
            _held: (opening.place, opening.client),
        });
        let timeouts = &config.timeouts;
        let patience = Patience { head: timeouts.head, idle: timeouts.idle, write: timeouts.write };
        let watch = if http2 {
            Watch::Http2(Box::new(wire::h2::Watcher::new()))
        } else {
            Watch::Http1(Box::new(Guard::new(limits(config))))
        };
        let stream = ClientIo::new(stream, opening.prefix, watch, io, patience, random);
        if http2 {
            speak_http2(stream, connection, config).await;
        } else {
            speak_http1(stream, connection, config).await;
        }
    }
}

fn limits(config: &Config) -> Limits {
    let head_bytes = usize::try_from(config.limits.head).unwrap_or(usize::MAX);
    let line_bytes = Limits::default().line_bytes.min(head_bytes);
    let target_bytes = Limits::default().target_bytes.min(head_bytes);
    Limits { head_bytes, line_bytes, target_bytes, fields: config.limits.headers, ..Limits::default() }
}

async fn speak_http2<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: ClientIo<S>,
    connection: Arc<Connection>,
    config: &Config,
) {
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.limits.streams)
        .max_header_list_size(u32::try_from(config.limits.head).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .enable_connect_protocol();
    let context = connection.clone();
    let service = service_fn(move |request| proxy::handle(context.clone(), request));
    let mut served = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let _ = drive(served.as_mut(), &connection, |served| served.graceful_shutdown()).await;
}

async fn speak_http1<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: ClientIo<S>,
    connection: Arc<Connection>,
    config: &Config,
) {
    let mut builder = hyper::server::conn::http1::Builder::new();
    // The guard has judged head and fields already; these only make room for what it lets pass.
    builder.timer(TokioTimer::new()).header_read_timeout(None).max_headers(config.limits.headers.saturating_add(1));
    let context = connection.clone();
    let service = service_fn(move |request| proxy::handle(context.clone(), request));
    let mut served = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let _ = drive(Pin::new(&mut served), &connection, |served| served.graceful_shutdown()).await;
    let Some((refused, reference)) = connection.io.refused() else { return };
    tell(&connection, refused, &reference);
    if let Some(parts) = served.into_parts() {
        parts.io.into_inner().linger().await;
    }
}

/// Runs a connection to its end. When the listener stops or the connection had enough requests, the one at work is the last.
async fn drive<C: Future>(mut served: Pin<&mut C>, connection: &Connection, last: impl Fn(Pin<&mut C>)) -> C::Output {
    let mut stop = std::pin::pin!(async {
        tokio::select! {
            () = connection.stop.cancelled() => {}
            () = connection.enough.notified() => {}
        }
    });
    let (mut bell, mut stopping) = (None, false);
    std::future::poll_fn(|cx| {
        let ended = served.as_mut().poll(cx);
        if ended.is_ready() || stopping {
            return ended;
        }
        // The task keeps its waker for life, so what it waits for is looked at again only when it rang.
        let bell = bell.get_or_insert_with(|| Arc::new(Bell { rang: AtomicBool::new(true), task: cx.waker().clone() }));
        if !bell.rang.swap(false, Ordering::Relaxed) {
            return ended;
        }
        if stop.as_mut().poll(&mut Context::from_waker(&bell.clone().into())).is_pending() {
            return ended;
        }
        stopping = true;
        last(served.as_mut());
        served.as_mut().poll(cx)
    })
    .await
}

/// Wakes a task, and remembers that it did.
struct Bell {
    rang: AtomicBool,
    task: Waker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Relaxed);
        self.task.wake_by_ref();
    }
}

/// Tells of a connection that was refused before there was a request.
fn tell(connection: &Connection, refused: Refused, reference: &str) {
    let mut exchange = Exchange::begin(connection.shared.clock.wall(), connection.peer.clone());
    (exchange.status, exchange.reason) = refused.told();
    exchange.decision = HttpDecision::Malformed;
    exchange.reference = Some(reference.to_string());
    exchange.order = connection.io.order.get().cloned();
    let counters = &connection.shared.unrouted;
    counters.begin();
    counters.end(&exchange);
    connection.shared.reporter.report(exchange);
}
