//! What is told of each request: one [`Exchange`], over a bounded channel that never makes a request wait.

use crate::config::{Audit, Keep};
use crate::judge::Finding;
use base::Micros;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, REFERER, USER_AGENT};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Uri, Version};
use record::{HttpActivity, HttpDecision};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Name of the listener.
    pub listener: Arc<str>,
    /// The other end; behind a PROXY protocol header, the one that it names.
    pub remote: SocketAddr,
    /// Our address.
    pub local: SocketAddr,
    /// `1.2` or `1.3` under TLS.
    pub tls: Option<&'static str>,
    /// Server name asked for in TLS.
    pub sni: Option<Arc<str>>,
    /// JA4 and JA3 of the ClientHello.
    pub ja4: Option<Arc<str>>,
    /// See `ja4`.
    pub ja3: Option<Arc<str>>,
}

/// What is kept of a request beyond its event, where the site wants it whole. Nothing is redacted yet.
#[derive(Debug, Clone, Default)]
pub struct Captured {
    /// Fields of the request.
    pub request: HeaderMap,
    /// The beginning of its body as the firewall judged it: unpacked where it could be.
    pub body: Bytes,
    /// Whether that is all of it.
    pub whole: bool,
    /// Fields of the origin's answer; none where the answer is ours.
    pub answer: Option<HeaderMap>,
    /// Bytes of the body that may be kept.
    pub(crate) most: usize,
    /// Only kept if the request was not simply let through.
    pub(crate) refused: bool,
}

/// One request, and what became of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// When its head was there, µs since the Unix epoch.
    pub time: Micros,
    /// Its connection.
    pub peer: Arc<Peer>,
    /// Name of the site that it went to.
    pub site: Option<Arc<str>>,
    /// The client: the peer, or whom a trusted proxy names.
    pub client: IpAddr,
    /// Fingerprint of the HTTP/2 connection.
    pub h2: Option<Arc<str>>,
    /// Fingerprint of names and order of the fields of the connection's first request ([`wire::order`]).
    pub order: Option<Arc<str>>,
    /// Request line.
    pub method: Method,
    /// See `method`.
    pub target: Uri,
    /// See `method`.
    pub version: Version,
    /// Host asked for, lower case, without the port.
    pub host: String,
    /// `User-Agent`, `Referer` and `Content-Type`.
    pub user_agent: Option<HeaderValue>,
    /// See `user_agent`.
    pub referer: Option<HeaderValue>,
    /// See `user_agent`.
    pub content_type: Option<HeaderValue>,
    /// Status of the answer; 0 when the connection ended before one.
    pub status: u16,
    /// Bytes of the request's body that came.
    pub request_bytes: u64,
    /// Bytes of the answer's body that were sent.
    pub response_bytes: u64,
    /// From the request's head to the end of the answer, µs.
    pub duration_us: u64,
    /// Until the origin's answer began, µs; `None` when no origin answered.
    pub origin_us: Option<u64>,
    /// In the firewall, µs.
    pub judge_us: u64,
    /// The origin that answered.
    pub origin: Option<Arc<str>>,
    /// Level of flood defence of the site then; `None` without one.
    pub level: Option<flood::Level>,
    /// What became of it.
    pub decision: HttpDecision,
    /// Why, a stable word: `bare-lf`, `origin-silent`, `no-site`.
    pub reason: &'static str,
    /// What the firewall found; `None` when it did not run.
    pub finding: Option<Box<Finding>>,
    /// The number that a page of ours shows for it.
    pub reference: Option<String>,
    /// All of it, where the site wants that.
    pub captured: Option<Box<Captured>>,
}

impl Exchange {
    /// A request whose head is there.
    pub(crate) fn begin(time: Micros, peer: Arc<Peer>) -> Exchange {
        Exchange {
            time,
            client: peer.remote.ip(),
            peer,
            site: None,
            h2: None,
            order: None,
            method: Method::GET,
            target: Uri::default(),
            version: Version::HTTP_11,
            host: String::new(),
            user_agent: None,
            referer: None,
            content_type: None,
            status: 0,
            request_bytes: 0,
            response_bytes: 0,
            duration_us: 0,
            origin_us: None,
            judge_us: 0,
            origin: None,
            level: None,
            decision: HttpDecision::Unjudged,
            reason: "",
            finding: None,
            reference: None,
            captured: None,
        }
    }

    /// Keeps the request whole, as the site wants.
    pub(crate) fn capture(&mut self, audit: &Audit, headers: &HeaderMap) {
        if audit.keep == Keep::Off {
            return;
        }
        let (most, refused) = (usize::try_from(audit.body).unwrap_or(usize::MAX), audit.keep == Keep::Refused);
        self.captured = Some(Box::new(Captured { request: headers.clone(), most, refused, ..Captured::default() }));
    }

    /// Keeps the beginning of a body; `whole` says whether it is all of it.
    pub(crate) fn capture_body(&mut self, body: &Bytes, whole: bool) {
        if let Some(captured) = &mut self.captured {
            captured.whole = whole && body.len() <= captured.most;
            // A copy: a slice would hold all of the body's memory.
            captured.body = Bytes::copy_from_slice(&body[..body.len().min(captured.most)]);
        }
    }

    /// Keeps the fields of the origin's answer.
    pub(crate) fn capture_answer(&mut self, headers: &HeaderMap) {
        if let Some(captured) = &mut self.captured {
            captured.answer = Some(headers.clone());
        }
    }

    /// Keeps what events tell of the head.
    pub(crate) fn head(&mut self, parts: &Parts) {
        let headers = &parts.headers;
        (self.method, self.target, self.version) = (parts.method.clone(), parts.uri.clone(), parts.version);
        self.user_agent = headers.get(USER_AGENT).cloned();
        self.referer = headers.get(REFERER).cloned();
        self.content_type = headers.get(CONTENT_TYPE).cloned();
    }

    /// Whether it was simply let through: no rule, no limit and no fault had anything to say of it.
    pub fn plain(&self) -> bool {
        matches!(self.decision, HttpDecision::Allowed | HttpDecision::Unjudged)
    }

    /// The record of it, values of the named arguments left out.
    pub fn record(&self, redact: &[String]) -> HttpActivity {
        let text = |value: &Option<HeaderValue>| {
            value.as_ref().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
        };
        let shared = |value: &Option<Arc<str>>| value.as_deref().unwrap_or_default().to_string();
        let verdict = self.finding.as_ref().map(|finding| &finding.verdict);
        let probability = self.finding.as_ref().and_then(|finding| finding.probability);
        let rules = verdict.map(|verdict| verdict.hits.iter().map(|hit| hit.id)).into_iter().flatten();
        let referrer = text(&self.referer);
        let referrer = match referrer.split_once('?') {
            Some((page, query)) => format!("{page}?{}", redacted(query, redact)),
            None => referrer,
        };
        HttpActivity {
            site: shared(&self.site),
            method: self.method.to_string(),
            scheme: if self.peer.tls.is_some() { "https" } else { "http" }.into(),
            host: self.host.clone(),
            path: self.target.path().into(),
            query: redacted(self.target.query().unwrap_or_default(), redact),
            version: version(self.version).into(),
            status: self.status.into(),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            duration_us: self.duration_us,
            client_ip: octets(self.client),
            client_port: if self.client == self.peer.remote.ip() { self.peer.remote.port().into() } else { 0 },
            server_ip: octets(self.peer.local.ip()),
            server_port: self.peer.local.port().into(),
            upstream: shared(&self.origin),
            user_agent: text(&self.user_agent),
            referrer,
            content_type: text(&self.content_type),
            ja4: shared(&self.peer.ja4),
            ja3: shared(&self.peer.ja3),
            h2: shared(&self.h2),
            order: shared(&self.order),
            sni: shared(&self.peer.sni),
            tls: self.peer.tls.unwrap_or_default().into(),
            decision: self.decision.into(),
            reason: self.reason.into(),
            score: verdict.map_or(0, |verdict| u32::try_from(verdict.inbound).unwrap_or(0)),
            model: probability.map_or(0, |probability| (probability * 1000.0) as u32),
            rules: rules.take(base::limits::HTTP_RULES).collect(),
            level: self.level.map_or(0, |level| level as u32 + 1),
            reference: self.reference.clone().unwrap_or_default(),
        }
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// `1.0`, `1.1`, `2`.
fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

/// A query whose named arguments have `***` for a value.
fn redacted(query: &str, names: &[String]) -> String {
    let argument = |argument: &str| match argument.split_once('=') {
        Some((name, _)) if is_secret(&unescaped(name), names) => format!("{name}=***"),
        _ => argument.to_string(),
    };
    query.split('&').map(argument).collect::<Vec<_>>().join("&")
}

/// Whether a name, or a part of it, is one of those whose values are never told: `password`, `user[password]`,
/// `json.user.password`.
pub fn is_secret(name: &str, names: &[String]) -> bool {
    let mut parts = name.split(['.', '[', ']', ':']).chain([name]);
    parts.any(|part| names.iter().any(|secret| secret.eq_ignore_ascii_case(part.trim())))
}

/// A name with the escapes of a query undone, once, as an origin undoes them: `pass%77ord` is a password, too.
pub fn unescaped(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = behind.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = if byte.is_some() { &behind[2..] } else { behind };
        bytes.push(byte.unwrap_or(*first));
    }
    String::from_utf8_lossy(&bytes).trim().to_string()
}

/// Who is told. Called on the path of requests: it must not wait.
pub trait Reporter: Send + Sync {
    /// Whether this request is to be told; what nobody reads costs nothing further.
    fn wants(&self, _exchange: &Exchange) -> bool {
        true
    }
    /// One request ended.
    fn report(&self, exchange: Exchange);
    /// Flood defence of a site changed its level.
    fn level(&self, _site: &str, _change: &flood::Change) {}
    /// Flood defence of a site confirmed a source as an attacker.
    fn attacker(&self, _site: &str, _attacker: &flood::Attacker) {}
}

/// A reporter that hands on over a bounded channel and counts what does not fit.
#[derive(Debug)]
pub struct Channel {
    sender: mpsc::Sender<Exchange>,
    shed: AtomicU64,
    notable: bool,
}

impl Channel {
    /// A channel that holds so many exchanges.
    pub fn new(capacity: usize) -> (Arc<Channel>, mpsc::Receiver<Exchange>) {
        Channel::of(capacity, false)
    }

    /// The same for exchanges that are not [plain](Exchange::plain) only.
    pub fn notable(capacity: usize) -> (Arc<Channel>, mpsc::Receiver<Exchange>) {
        Channel::of(capacity, true)
    }

    fn of(capacity: usize, notable: bool) -> (Arc<Channel>, mpsc::Receiver<Exchange>) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        (Arc::new(Channel { sender, shed: AtomicU64::new(0), notable }), receiver)
    }

    /// How many did not fit since the start.
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }
}

impl Reporter for Channel {
    fn wants(&self, exchange: &Exchange) -> bool {
        !self.notable || !exchange.plain()
    }

    fn report(&self, exchange: Exchange) {
        if self.sender.try_send(exchange).is_err() {
            self.shed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_stand_in_records() {
        let names = ["password".to_string()];
        assert_eq!(redacted("a=1&Password=x&b", &names), "a=1&Password=***&b");
        assert_eq!(redacted("pass%77ord=x&pass%2577ord=y", &names), "pass%77ord=***&pass%2577ord=y");
        assert_eq!(redacted("", &names), "");
        assert_eq!(
            redacted("user%5Bpass%77ord%5D=x&passwords=y&%=%", &names),
            "user%5Bpass%77ord%5D=***&passwords=y&%=%"
        );
        assert!(is_secret("json.user.Password", &names) && is_secret("user[password][]", &names));
        assert!(!is_secret("json.passwords", &names) && !is_secret("", &names));
    }

    #[test]
    fn a_full_channel_counts_and_does_not_wait() {
        let (channel, mut receiver) = Channel::new(1);
        let address: SocketAddr = "192.0.2.1:1000".parse().unwrap();
        let peer = Peer {
            listener: "web".into(),
            remote: address,
            local: address,
            tls: None,
            sni: None,
            ja4: None,
            ja3: None,
        };
        let exchange = Exchange::begin(7, Arc::new(peer));
        let record = exchange.record(&[]);
        assert_eq!((record.client_ip, record.client_port, record.scheme.as_str()), (vec![192, 0, 2, 1], 1000, "http"));
        channel.report(exchange.clone());
        channel.report(exchange);
        assert_eq!(channel.shed(), 1);
        assert_eq!(receiver.try_recv().unwrap().time, 7);
        assert!(receiver.try_recv().is_err());
    }
}
