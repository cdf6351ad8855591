//! The body of an answer on its way to the client, and the end of a request: whatever way it ends, it is counted and told.

use super::request_body::Progress;
use crate::connection::Connection;
use crate::judge::Court;
use crate::report::Exchange;
use crate::stats::Counters;
use crate::upstream::{Broken, Busy, Stream};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::http::request::Parts;
use record::HttpDecision;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// Why an answer broke off; the client sees it end early.
#[derive(Debug)]
pub(crate) enum AnswerFault {
    /// The origin's connection failed.
    Origin(Broken),
    /// The origin said nothing for too long.
    Silent,
}

impl fmt::Display for AnswerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnswerFault::Origin(cause) => write!(f, "the origin's answer broke off: {cause}"),
            AnswerFault::Silent => f.write_str("the origin's answer stopped"),
        }
    }
}

impl std::error::Error for AnswerFault {}

/// The body of an answer.
pub(crate) struct Answer {
    held: VecDeque<Bytes>,
    left: u64,
    rest: Option<Stream>,
    silence: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    tail: Option<Box<Tail>>,
}

impl Answer {
    /// A body of ours.
    pub(crate) fn fixed(body: Bytes) -> Answer {
        let left = body.len() as u64;
        let held = if body.is_empty() { VecDeque::new() } else { VecDeque::from([body]) };
        Answer { held, left, rest: None, silence: Duration::MAX, timer: None, tail: None }
    }

    /// What was held back of an origin's body, and what still comes.
    pub(crate) fn of(held: VecDeque<Bytes>, rest: Option<Stream>, silence: Duration) -> Answer {
        let left = held.iter().map(|piece| piece.len() as u64).sum();
        Answer { held, left, rest, silence, timer: None, tail: None }
    }

    /// The request ends with this body.
    pub(crate) fn end_with(&mut self, tail: Box<Tail>) {
        self.tail = Some(tail);
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerFault>>> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        match Pin::new(rest).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.timer = None;
                Poll::Ready(frame.map(|frame| frame.map_err(AnswerFault::Origin)))
            }
            Poll::Pending => {
                let silence = self.silence;
                let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(silence)));
                timer.as_mut().poll(cx).map(|()| Some(Err(AnswerFault::Silent)))
            }
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = AnswerFault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerFault>>> {
        let frame = match self.held.pop_front() {
            Some(piece) => {
                self.left -= piece.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            None => self.poll_rest(cx),
        };
        if let Some(tail) = &mut self.tail {
            match &frame {
                Poll::Ready(Some(Ok(frame))) => {
                    tail.exchange.response_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                }
                Poll::Ready(Some(Err(fault))) => {
                    tail.exchange.reason = match fault {
                        AnswerFault::Origin(_) => "origin-broken",
                        AnswerFault::Silent => "origin-silent",
                    };
                }
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            None => SizeHint::with_exact(self.left),
            Some(rest) => match rest.size_hint().exact() {
                Some(exact) => SizeHint::with_exact(self.left + exact),
                None => SizeHint::default(),
            },
        }
    }
}

/// A request from its head to the end of its answer.
pub(crate) struct Tail {
    /// The request's head.
    pub(crate) parts: Parts,
    pub(crate) exchange: Exchange,
    pub(crate) court: Court,
    pub(crate) counters: Arc<Counters>,
    pub(crate) progress: Option<Arc<Progress>>,
    pub(crate) busy: Option<Busy>,
    /// Anomaly score from which an observed request would have been refused.
    pub(crate) threshold: i64,
    pub(crate) connection: Arc<Connection>,
    pub(crate) started: Instant,
}

impl Tail {
    /// The request turned out to be of a site.
    pub(crate) fn enter(&mut self, site: &crate::live::Site) {
        self.counters.leave();
        self.counters = site.counters.clone();
        self.counters.begin();
        self.threshold = site.config.waf.threshold.into();
        self.exchange.site = Some(site.name.clone());
    }
}

impl Tail {
    /// Says who refused, or would have refused where rules only look on.
    fn name_finding(&mut self) {
        let exchange = &mut self.exchange;
        let Some(finding) = &exchange.finding else { return };
        let told = finding.verdict.inbound >= self.threshold || !finding.violations.is_empty();
        match exchange.decision {
            HttpDecision::Allowed if told => {
                exchange.decision = HttpDecision::Observed;
                exchange.reason = if finding.verdict.inbound >= self.threshold { "rules" } else { "profile" };
            }
            HttpDecision::Blocked | HttpDecision::Observed if exchange.reason == "rules" => {
                exchange.reason = finding.by.unwrap_or("rules");
            }
            _ => {}
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        match self.court.finish(self.exchange.status) {
            Ok(Some(finding)) => self.exchange.finding = Some(Box::new(finding)),
            Ok(None) => {}
            Err(()) => self.counters.engine_fault(true),
        }
        if let Some(progress) = &self.progress {
            self.exchange.request_bytes = progress.bytes();
        }
        self.exchange.duration_us = self.started.elapsed().as_micros() as u64;
        self.name_finding();
        self.counters.end(&self.exchange);
        self.connection.io.end();
        if self.exchange.captured.as_ref().is_some_and(|captured| captured.refused) && self.exchange.plain() {
            self.exchange.captured = None;
        }
        if !self.connection.shared.reporter.wants(&self.exchange) {
            return;
        }
        self.exchange.order = self.connection.io.order.get().cloned();
        self.exchange.head(&self.parts);
        let exchange = std::mem::replace(&mut self.exchange, Exchange::begin(0, self.connection.peer.clone()));
        self.connection.shared.reporter.report(exchange);
    }
}
