//! Flood defence in the path of a request: it goes on, waits for its turn, proves that someone is there, or comes back later.

use super::{Answer, Call, Stop};
use crate::page::Form;
use bytes::Bytes;
use flood::challenge::{self, ANSWER_BYTES};
use flood::{Entry, Gate, Held};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HeaderValue, LOCATION, RETRY_AFTER,
    SET_COOKIE, USER_AGENT,
};
use hyper::{Method, Response, StatusCode, Uri};
use record::HttpDecision;
use std::net::IpAddr;
use std::time::Duration;

/// Longest part of `User-Agent` that a cookie is bound to, bytes.
const AGENT_BYTES: usize = 256;
/// How long a client may take to send its answer to a challenge.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// What flood defence looks at. Owned, because a request may wait.
pub(super) struct Asked {
    client: IpAddr,
    fingerprint: String,
    binding: String,
    method: Method,
    target: Uri,
    cookie: Option<HeaderValue>,
    navigates: bool,
}

impl Asked {
    fn view(&self) -> flood::Request<'_> {
        let cookies = self.cookie.as_ref().and_then(|value| value.to_str().ok());
        flood::Request {
            client: self.client,
            fingerprint: &self.fingerprint,
            binding: &self.binding,
            method: self.method.as_str(),
            target: self.target.path_and_query().map_or("/", |target| target.as_str()),
            cookie: cookies.and_then(challenge::cookie),
            navigates: self.navigates,
        }
    }
}

impl Call {
    /// Lets the request in, or says how it is answered. What has a body is let in when the body is there ([`Call::enter`] with
    /// what is given back): a slow sender would hold a place at the origin for as long as it likes.
    pub(super) async fn admit(&mut self, incoming: Incoming) -> Result<(Incoming, Option<Asked>), Stop> {
        let Some(gate) = self.site.gate.clone() else { return Ok((incoming, None)) };
        let asked = self.asked();
        if asked.method == Method::POST && asked.target.path() == challenge::PATH {
            return Err(Box::pin(self.answered(&gate, &asked, incoming)).await);
        }
        if !incoming.is_end_stream() {
            return Ok((incoming, Some(asked)));
        }
        self.enter(&asked).await?;
        Ok((incoming, None))
    }

    /// Gets a place at the origin, if need be by waiting, or says how the request is answered.
    pub(super) async fn enter(&mut self, asked: &Asked) -> Result<(), Stop> {
        let Some(gate) = self.site.gate.clone() else { return Ok(()) };
        self.tail.exchange.level = Some(gate.with(|site, _| site.level()));
        let mut entry = gate.enter(&asked.view());
        if let Entry::Wait(waiting) = entry {
            let time = Duration::from_micros(waiting.wait_us());
            entry = match Box::pin(tokio::time::timeout(time, waiting)).await {
                Ok(Ok(permit)) => Entry::Go(permit),
                Ok(Err(reason)) => gate.turn_away(&asked.view(), reason),
                Err(_) => gate.turn_away(&asked.view(), Held::Waited),
            };
        }
        match entry {
            Entry::Go(permit) => {
                self.permit = Some(permit);
                Ok(())
            }
            Entry::Challenge { difficulty, reason } => {
                self.tail.exchange.decision = HttpDecision::Challenged;
                let random = self.tail.connection.shared.random.clone();
                let lang = Form::of(&self.tail.parts.headers).lang();
                let page = gate.with(|site, now| site.page(&asked.view(), difficulty, lang, now, &*random));
                Err(Stop::Ours(Box::new(challenge_page(page)), reason.name()))
            }
            Entry::Refuse { retry_after_s, reason } => Err(self.limited(retry_after_s, reason)),
            Entry::Wait(_) => Err(self.limited(5, Held::Waited)),
        }
    }

    /// The request ends without an answer of its origin: its place is free, and history knows why.
    pub(super) fn give_back(&mut self, stop: &Stop) {
        let Some(permit) = self.permit.take() else { return };
        match stop {
            Stop::Page(status, "rules") => permit.blocked(status.as_u16()),
            Stop::Redirect(..) | Stop::Drop => permit.blocked(StatusCode::FORBIDDEN.as_u16()),
            Stop::Page(status, _) if status.is_server_error() => permit.finish(status.as_u16()),
            // The client's own doing: counted as if it had gone away.
            _ => drop(permit),
        }
    }

    fn limited(&mut self, retry_after_s: u32, reason: Held) -> Stop {
        self.tail.exchange.decision = HttpDecision::Limited;
        let crowded = matches!(reason, Held::QueueFull | Held::Waited | Held::Displaced);
        let status = if crowded { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::TOO_MANY_REQUESTS };
        Stop::Later(status, reason.name(), retry_after_s)
    }

    fn asked(&self) -> Asked {
        let (parts, connection) = (&self.tail.parts, &self.tail.connection);
        let headers = &parts.headers;
        let ja4 = connection.peer.ja4.as_deref().unwrap_or_default();
        let opening = self.tail.exchange.h2.as_deref().or(connection.io.order.get().map(|order| &**order));
        // ALPN and extensions differ between connections of one browser, its ciphers do not.
        let ciphers = ja4.split('_').nth(1).unwrap_or_default();
        let agent = headers.get(USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
        let agent = String::from_utf8_lossy(&agent[..agent.len().min(AGENT_BYTES)]);
        let html = headers.get(ACCEPT).is_some_and(|accept| accepts_html(accept.as_bytes()));
        Asked {
            client: self.tail.exchange.client,
            fingerprint: format!("{ja4} {}", opening.unwrap_or_default()),
            binding: format!("{ciphers} {agent}"),
            method: parts.method.clone(),
            target: parts.uri.clone(),
            cookie: headers.get(COOKIE).cloned(),
            navigates: html && matches!(parts.method, Method::GET | Method::HEAD),
        }
    }

    /// Reads the answer to a challenge, and sends its sender where it wanted to go.
    async fn answered(&mut self, gate: &Gate, asked: &Asked, incoming: Incoming) -> Stop {
        let body = Limited::new(incoming, ANSWER_BYTES).collect();
        let body = match tokio::time::timeout(ANSWER_TIME, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            _ => return self.malformed(StatusCode::BAD_REQUEST, "challenge-answer"),
        };
        let secure = self.tail.connection.peer.tls.is_some();
        let (back, cookie, reason) = match gate.with(|site, now| site.answer(&asked.view(), &body, secure, now)) {
            Ok(earned) => (earned.back, Some(earned.cookie), "challenge-solved"),
            // Whoever opens the site again gets another challenge, if there still is one.
            Err(denied) => ("/".to_owned(), None, denied.name()),
        };
        let mut answer = Response::new(Answer::fixed(Bytes::new()));
        *answer.status_mut() = StatusCode::SEE_OTHER;
        let headers = answer.headers_mut();
        headers.insert(LOCATION, HeaderValue::from_str(&back).unwrap_or(HeaderValue::from_static("/")));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
            headers.insert(SET_COOKIE, cookie);
        }
        Stop::Ours(Box::new(answer), reason)
    }
}

/// Whether HTML is accepted by name: `*/*` alone is what programs send.
fn accepts_html(accept: &[u8]) -> bool {
    accept.windows(9).any(|part| part.eq_ignore_ascii_case(b"text/html"))
}

fn challenge_page(page: challenge::Page) -> Response<Answer> {
    let mut answer = Response::new(Answer::fixed(Bytes::from(page.html)));
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    if let Ok(policy) = HeaderValue::from_str(&page.policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    answer
}
