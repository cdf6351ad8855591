//! The walk of one request: to its site, past the firewall, to an origin, and the answer back the same way.

mod admission;
mod answer;
pub(crate) mod head;
mod judged;
mod outgoing;
mod request_body;
mod upgrade;

pub(crate) use answer::{Answer, Tail};
pub(crate) use request_body::{BodyFault, Progress, RequestBody, Room};

use crate::config::{Act, Beyond, Fail};
use crate::connection::Connection;
use crate::judge::{Court, Step, Subject};
use crate::live::Site;
use crate::page::{self, Form};
use crate::report::Exchange;
use crate::upstream::{Failure, Origin, Stream};
use flood::Permit;
use flood::ban::Door;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};
use judged::{Kind, Plain};
use record::HttpDecision;
use request_body::{Bounds, Held, Inflow, Wanted, joined};
use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use upgrade::Tunnel;
use waf::Intervention;

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rules ask to drop the connection")
    }
}

impl std::error::Error for Dropped {}

/// Why a request is not answered by its origin.
pub(crate) enum Stop {
    /// A page of ours.
    Page(StatusCode, &'static str),
    /// Elsewhere.
    Redirect(StatusCode, HeaderValue),
    /// An answer of ours that is ready, and why.
    Ours(Box<Response<Answer>>, &'static str),
    /// A page of ours that says to come back after so many seconds.
    Later(StatusCode, &'static str, u32),
    /// No answer at all.
    Drop,
}

/// How a request goes on.
pub(crate) enum Done {
    /// With an answer.
    Answer(Response<Answer>),
    /// With an answer and another protocol behind it.
    Switch(Response<Answer>, Tunnel),
}

/// A request at work.
pub(crate) struct Call {
    pub(crate) site: Arc<Site>,
    pub(crate) tail: Box<Tail>,
    /// Host with port as asked for.
    host: HeaderValue,
    /// Its place at the origin, where flood defence counts them.
    permit: Option<Permit>,
}

/// Answers a request.
pub(crate) async fn handle(
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Dropped> {
    connection.count();
    let (mut parts, incoming) = request.into_parts();
    join_cookies(&mut parts.headers, parts.version);
    upgrade::plain(&mut parts);
    let host = host(&parts);
    let mut tail = begin(connection, parts);
    let Some(host) = host else {
        return refuse(tail, Stop::Page(StatusCode::BAD_REQUEST, "host-missing"));
    };
    tail.exchange.host = name(&host);
    let live = tail.connection.live();
    let Some(site) = live.site(&tail.connection.peer.listener, &tail.exchange.host) else {
        return refuse(tail, Stop::Page(StatusCode::MISDIRECTED_REQUEST, "no-site"));
    };
    // A connection that was made for one site is not used for another: the client was shown the certificate of the first.
    let asked = tail.connection.peer.sni.as_deref().and_then(|name| live.site(&tail.connection.peer.listener, name));
    if asked.is_some_and(|asked| !Arc::ptr_eq(asked, site)) {
        return refuse(tail, Stop::Page(StatusCode::MISDIRECTED_REQUEST, "other-site"));
    }
    tail.enter(site);
    let head = &mut *tail;
    head.exchange.capture(&site.config.audit, &head.parts.headers);
    if tail.connection.shared.refuses(tail.exchange.client, Door::Request) {
        let stop = banned(&mut tail);
        return refuse(tail, stop);
    }
    let mut call = Call { site: site.clone(), tail, host, permit: None };
    match call.run(incoming).await {
        Ok(Done::Answer(answer)) => Ok(call.end(answer)),
        Ok(Done::Switch(answer, tunnel)) => {
            call.tail.exchange.status = answer.status().as_u16();
            call.tail.exchange.reason = "";
            call.tail.connection.io.upgrade();
            let tasks = call.tail.connection.tasks.clone();
            tasks.spawn(tunnel.join(call.tail));
            Ok(answer)
        }
        Err(stop) => {
            call.give_back(&stop);
            refuse(call.tail, stop)
        }
    }
}

/// The beginning of the end: from here on the request is counted and told, whatever happens.
fn begin(connection: Arc<Connection>, parts: Parts) -> Box<Tail> {
    let mut exchange = Exchange::begin(connection.shared.clock.wall(), connection.peer.clone());
    exchange.h2 = connection.io.h2.get().cloned();
    exchange.client = connection.client(&parts.headers);
    exchange.reason = "client-gone";
    connection.io.begin();
    let counters = connection.shared.unrouted.clone();
    counters.begin();
    let court = Court::closed();
    Box::new(Tail {
        parts,
        exchange,
        court,
        counters,
        progress: None,
        busy: None,
        threshold: i64::MAX,
        connection,
        started: Instant::now(),
    })
}

/// How a banned client is answered: not at all, but for a proxy of ours, which needs an answer for it.
fn banned(tail: &mut Tail) -> Stop {
    (tail.exchange.decision, tail.exchange.reason) = (HttpDecision::Blocked, "banned");
    if tail.connection.trusted { Stop::Page(StatusCode::FORBIDDEN, "banned") } else { Stop::Drop }
}

/// A page of ours, or none.
fn refuse(mut tail: Box<Tail>, stop: Stop) -> Result<Response<Answer>, Dropped> {
    let exchange = &mut tail.exchange;
    let mut answer = match stop {
        Stop::Drop => return Err(Dropped),
        Stop::Redirect(status, to) => {
            let mut answer = Response::new(Answer::fixed(bytes::Bytes::new()));
            *answer.status_mut() = status;
            answer.headers_mut().insert(LOCATION, to);
            answer
        }
        Stop::Ours(answer, reason) => {
            exchange.reason = reason;
            *answer
        }
        Stop::Later(status, reason, _) | Stop::Page(status, reason) => {
            let reference = tail.connection.shared.reference();
            let mut answer = page::page(status, Form::of(&tail.parts.headers), &reference);
            if let Stop::Later(_, _, seconds) = stop {
                answer.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            exchange.reason = reason;
            exchange.reference = Some(reference);
            answer
        }
    };
    exchange.status = answer.status().as_u16();
    answer.body_mut().end_with(tail);
    Ok(answer)
}

impl Call {
    async fn run(&mut self, incoming: Incoming) -> Result<Done, Stop> {
        self.acceptable()?;
        let (incoming, late) = self.admit(incoming).await?;
        self.judge_head()?;
        let body = self.take_body(incoming).await?;
        if let Some(asked) = late {
            self.enter(&asked).await?;
        }
        let route = self.route();
        if let Some(client) = self.upgrade() {
            // What is rare stands apart: every request would carry its room along.
            let passed = Box::pin(upgrade::pass(self, client, &route)).await;
            return passed.map_err(|failure| self.failed(failure));
        }
        let message = self.outgoing(body);
        let sent = self.site.upstream.send(message, &route).await;
        self.tail.connection.io.no_more_interim();
        let (answered, busy) = match sent {
            Ok(answered) => answered,
            Err((failure, origin)) => {
                self.tail.exchange.origin = origin.map(|origin| origin.name.clone());
                return Err(self.failed(failure));
            }
        };
        self.tail.busy = Some(busy);
        self.origin_answered(&answered.origin, answered.answer.status());
        self.pass_answer(answered.answer).await.map(Done::Answer)
    }

    /// The client's end of the connection, if the request is for another protocol and may be.
    fn upgrade(&mut self) -> Option<OnUpgrade> {
        let parts = &mut self.tail.parts;
        let wanted = self.site.config.request.websocket && upgrade::wanted(parts);
        parts.extensions.remove::<OnUpgrade>().filter(|_| wanted)
    }

    /// What can be refused without looking at values.
    fn acceptable(&mut self) -> Result<(), Stop> {
        let (site, parts) = (&self.site.config, &self.tail.parts);
        if matches!(parts.method, Method::CONNECT | Method::TRACE) {
            return Err(Stop::Page(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"));
        }
        if site.https_only && self.tail.connection.peer.tls.is_none() {
            let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
            let place = HeaderValue::from_str(&format!("https://{}{target}", self.tail.exchange.host));
            return Err(match place {
                Ok(place) => Stop::Redirect(StatusCode::PERMANENT_REDIRECT, place),
                Err(_) => Stop::Page(StatusCode::BAD_REQUEST, "target"),
            });
        }
        if parts.headers.get_all(CONTENT_TYPE).iter().nth(1).is_some() {
            // One reader takes the first, another the last.
            return Err(self.malformed(StatusCode::BAD_REQUEST, "content-type-repeated"));
        }
        if length(&parts.headers).is_some_and(|length| length > site.request.body) {
            return Err(self.malformed(StatusCode::PAYLOAD_TOO_LARGE, "body-too-long"));
        }
        Ok(())
    }

    fn malformed(&mut self, status: StatusCode, reason: &'static str) -> Stop {
        self.tail.exchange.decision = HttpDecision::Malformed;
        Stop::Page(status, reason)
    }

    fn judge_head(&mut self) -> Result<(), Stop> {
        let site = self.site.clone();
        let Some(judge) = site.judge.as_deref().filter(|_| site.config.waf.mode != Act::Off) else { return Ok(()) };
        let begun = Instant::now();
        let tail = &mut *self.tail;
        let (parts, peer) = (&tail.parts, &tail.connection.peer);
        let port = if tail.exchange.client == peer.remote.ip() { peer.remote.port() } else { 0 };
        let step = tail.court.begin(
            judge,
            &Subject {
                client: SocketAddr::new(tail.exchange.client, port),
                server: peer.local,
                method: &parts.method,
                target: &parts.uri,
                version: parts.version,
                host: self.host.as_bytes(),
                headers: &parts.headers,
                peer,
                h2: tail.exchange.h2.as_deref(),
                now: tail.exchange.time,
            },
        );
        tail.exchange.decision = HttpDecision::Allowed;
        self.follow(step, begun)
    }

    /// Does what a step of the judgement asks for.
    fn follow(&mut self, step: Step, begun: Instant) -> Result<(), Stop> {
        let exchange = &mut self.tail.exchange;
        exchange.judge_us += begun.elapsed().as_micros() as u64;
        let waf = &self.site.config.waf;
        match step {
            Step::Pass => Ok(()),
            Step::Refuse(_) if waf.mode != Act::Block => {
                exchange.decision = HttpDecision::Observed;
                exchange.reason = "rules";
                Ok(())
            }
            Step::Refuse(intervention) => {
                exchange.decision = HttpDecision::Blocked;
                exchange.reason = "rules";
                Err(stop(intervention))
            }
            Step::Fault(panicked) => {
                self.tail.counters.engine_fault(panicked);
                exchange.finding = self.tail.court.finish(0).ok().flatten().map(Box::new);
                if waf.fail == Fail::Open {
                    exchange.decision = HttpDecision::FailedOpen;
                    exchange.reason = "engine-fault";
                    return Ok(());
                }
                exchange.decision = HttpDecision::FailedClosed;
                Err(Stop::Page(StatusCode::SERVICE_UNAVAILABLE, "engine-fault"))
            }
        }
    }

    /// The body, judged as far as the site judges it.
    async fn take_body(&mut self, incoming: Incoming) -> Result<RequestBody, Stop> {
        if incoming.is_end_stream() {
            self.judge_body(&bytes::Bytes::new(), true)?;
            return Ok(RequestBody::empty());
        }
        let site = self.site.clone();
        let request = &site.config.request;
        let bounds = Bounds { length: request.body, rate: request.body_rate, grace: request.body_grace };
        let inflow = Inflow::new(incoming, bounds);
        self.tail.progress = Some(inflow.progress());
        if !self.tail.court.sits() {
            return Ok(RequestBody::flowing(inflow));
        }
        let waf = &site.config.waf;
        let kind = Kind::of(&self.tail.parts.headers, self.site.upstream.http2);
        let most = if kind == Kind::Files { waf.body.max(request.body) } else { waf.body };
        let room = self.tail.connection.shared.room.clone();
        let wanted = Wanted { own: waf.body, most, room, grpc: kind == Kind::Grpc };
        let held = Box::pin(inflow.hold(&wanted)).await.map_err(|fault| self.body_failed(fault))?;
        self.judge_held(&held, kind, most)?;
        Ok(held.into_body())
    }

    /// Judges what was held back of a body.
    fn judge_held(&mut self, held: &Held, kind: Kind, most: u64) -> Result<(), Stop> {
        let waf = &self.site.config.waf;
        let (blocks, beyond) = (waf.mode == Act::Block, waf.beyond);
        let fields = matches!(kind, Kind::Fields | Kind::Files);
        let body = joined(&held.pieces, held.bytes);
        let (body, whole) = match judged::plain(&self.tail.parts.headers, body.clone(), held.whole, most) {
            Plain::Text(text, whole) => (text, whole),
            Plain::Unreadable if blocks && (fields || beyond == Beyond::Refuse) => {
                return Err(self.malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-encoding"));
            }
            Plain::Unreadable => (body, held.whole),
        };
        self.tail.exchange.capture_body(&body, whole);
        let refused = match beyond {
            Beyond::Pass => false,
            Beyond::Fields => fields,
            Beyond::Refuse => kind != Kind::Grpc,
        };
        if !whole && blocks && refused {
            return Err(self.malformed(StatusCode::PAYLOAD_TOO_LARGE, "body-beyond-judgement"));
        }
        self.judge_body(&body, whole)
    }

    fn judge_body(&mut self, body: &bytes::Bytes, whole: bool) -> Result<(), Stop> {
        if !self.tail.court.sits() {
            return Ok(());
        }
        let begun = Instant::now();
        let step = self.tail.court.go(|trial| trial.body(body, whole));
        self.follow(step, begun)
    }

    fn body_failed(&mut self, fault: BodyFault) -> Stop {
        match fault {
            BodyFault::TooLong => self.malformed(StatusCode::PAYLOAD_TOO_LARGE, "body-too-long"),
            BodyFault::TooSlow => self.malformed(StatusCode::REQUEST_TIMEOUT, "body-too-slow"),
            BodyFault::Broken => self.malformed(StatusCode::BAD_REQUEST, "body-broken"),
        }
    }

    fn failed(&mut self, failure: Failure) -> Stop {
        if let Some(fault) = self.tail.progress.as_ref().and_then(|progress| progress.fault()) {
            return self.body_failed(fault);
        }
        let (status, reason) = match &failure {
            Failure::Connect(_) | Failure::Unsent => (StatusCode::BAD_GATEWAY, "origin-unreachable"),
            Failure::Full => (StatusCode::SERVICE_UNAVAILABLE, "origin-full"),
            Failure::Broken(_) => (StatusCode::BAD_GATEWAY, "origin-broken"),
            Failure::Silent => (StatusCode::GATEWAY_TIMEOUT, "origin-silent"),
        };
        tracing::debug!(site = %self.site.name, reason, cause = ?failure.cause(), "no answer from the origin");
        Stop::Page(status, reason)
    }

    fn origin_answered(&mut self, origin: &Origin, status: StatusCode) {
        if let Some(permit) = self.permit.take() {
            permit.finish(status.as_u16());
        }
        self.tail.exchange.origin = Some(origin.name.clone());
        self.tail.exchange.origin_us = Some(self.tail.started.elapsed().as_micros() as u64);
    }

    /// The answer, judged as far as the site judges it.
    async fn pass_answer(&mut self, answer: Response<Stream>) -> Result<Response<Answer>, Stop> {
        let (mut parts, mut stream) = answer.into_parts();
        self.tail.exchange.capture_answer(&parts.headers);
        let site = self.site.clone();
        let waf = &site.config.waf;
        let mut held = VecDeque::new();
        if waf.responses && self.tail.court.sits() {
            let begun = Instant::now();
            let (status, version, headers) = (parts.status.as_u16(), parts.version, &parts.headers);
            let step = self.tail.court.go(|trial| trial.answer_head(status, version, headers));
            self.follow(step, begun)?;
            if judged(&waf.response_types, headers) && self.tail.parts.method != Method::HEAD {
                held = self.hold_answer(&mut stream, waf.response_body).await?;
            }
            let begun = Instant::now();
            let bytes = held.iter().map(|piece: &bytes::Bytes| piece.len() as u64).sum();
            let body = joined(&held, bytes);
            let step = self.tail.court.go(|trial| trial.answer_body(&body));
            self.follow(step, begun)?;
        }
        parts.version = Version::HTTP_11;
        Ok(Response::from_parts(parts, Answer::of(held, Some(stream), site.config.timeouts.silence)))
    }

    /// The first bytes of an answer's body. A trailer ends it, and is lost: no type that is judged has any.
    async fn hold_answer(&mut self, stream: &mut Stream, most: u64) -> Result<VecDeque<bytes::Bytes>, Stop> {
        let (mut held, mut bytes) = (VecDeque::new(), 0);
        while bytes < most {
            let frame = std::future::poll_fn(|cx| std::pin::Pin::new(&mut *stream).poll_frame(cx));
            match tokio::time::timeout(self.site.config.timeouts.silence, frame).await {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        bytes += data.len() as u64;
                        held.push_back(data);
                    }
                }
                Ok(Some(Err(cause))) => return Err(self.failed(Failure::Broken(cause))),
                Err(_) => return Err(self.failed(Failure::Silent)),
            }
        }
        Ok(held)
    }

    /// Sends the answer off; the request ends with its body.
    fn end(self, mut answer: Response<Answer>) -> Response<Answer> {
        let mut tail = self.tail;
        tail.exchange.status = answer.status().as_u16();
        if tail.exchange.reason == "client-gone" {
            tail.exchange.reason = "";
        }
        answer.body_mut().end_with(tail);
        answer
    }
}

/// What the rules ask for.
fn stop(intervention: Intervention) -> Stop {
    match intervention.kind {
        waf::Refusal::Drop => Stop::Drop,
        waf::Refusal::Deny => {
            let status = StatusCode::from_u16(intervention.status).ok().filter(|status| status.as_u16() >= 400);
            Stop::Page(status.unwrap_or(StatusCode::FORBIDDEN), "rules")
        }
        waf::Refusal::Redirect(to) => match HeaderValue::from_bytes(&to) {
            Ok(to) => Stop::Redirect(StatusCode::FOUND, to),
            Err(_) => Stop::Page(StatusCode::FORBIDDEN, "rules"),
        },
    }
}

/// HTTP/2 may send cookies in several fields; to everyone else they are one (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap, version: Version) {
    if version != Version::HTTP_2 || headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let pieces: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&pieces.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// The host asked for, with its port: of the target, else of the field.
fn host(parts: &Parts) -> Option<HeaderValue> {
    match parts.uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => parts.headers.get(HOST).filter(|host| !host.is_empty()).cloned(),
    }
}

/// The host's name: lower case, without port and user.
fn name(host: &HeaderValue) -> String {
    // Most clients ask for a plain name.
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    if let Ok(text) = host.to_str()
        && text.bytes().all(|byte| plain(&byte))
    {
        return text.trim_end_matches('.').to_string();
    }
    let text = String::from_utf8_lossy(host.as_bytes()).to_ascii_lowercase();
    let text = text.rsplit_once('@').map_or(text.as_str(), |(_, host)| host);
    let end = if text.starts_with('[') { text.find(']').map(|end| end + 1) } else { text.find(':') };
    text[..end.unwrap_or(text.len())].trim_end_matches('.').to_string()
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether the body of an answer is of a type that is judged, and can be read.
fn judged(types: &[String], headers: &HeaderMap) -> bool {
    let encoded =
        headers.get(CONTENT_ENCODING).is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    let kind =
        headers.get(CONTENT_TYPE).map(|value| value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default());
    !encoded
        && kind.is_some_and(|kind| types.iter().any(|wanted| kind.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_port_and_case() {
        for (host, expected) in [
            ("Shop.Example", "shop.example"),
            ("shop.example:8443", "shop.example"),
            ("shop.example.", "shop.example"),
            ("[2001:DB8::1]:443", "[2001:db8::1]"),
            ("user@shop.example", "shop.example"),
        ] {
            assert_eq!(name(&HeaderValue::from_static(host)), expected);
        }
    }

    #[test]
    fn cookies_of_http2_become_one() {
        let mut headers = HeaderMap::new();
        for cookie in ["a=1", "b=2"] {
            headers.append(COOKIE, HeaderValue::from_static(cookie));
        }
        join_cookies(&mut headers, Version::HTTP_2);
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }

    #[test]
    fn only_readable_types_are_judged() {
        let types = ["text/html".to_string()];
        let headers = |kind: &'static str, encoding: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            encoding.map(|encoding| headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding)));
            headers
        };
        assert!(judged(&types, &headers("Text/HTML; charset=utf-8", None)));
        assert!(!judged(&types, &headers("text/html", Some("gzip"))));
        assert!(!judged(&types, &headers("image/png", None)));
        assert!(!judged(&types, &HeaderMap::new()));
    }
}
