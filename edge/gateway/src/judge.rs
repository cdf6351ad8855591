//! The firewall as the path of requests sees it: a judge for each site, and nothing of ours that panics or faults takes a
//! connection down.

use crate::report::Peer;
use base::Micros;
use bytes::Bytes;
use hyper::{HeaderMap, Method, Uri, Version};
use profile::Violation;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use waf::{Intervention, Verdict};

/// What is judged of a request before its body.
pub struct Subject<'r> {
    /// The client: the peer, or whom a trusted proxy names.
    pub client: SocketAddr,
    /// Our address.
    pub server: SocketAddr,
    /// Request line.
    pub method: &'r Method,
    /// See `method`.
    pub target: &'r Uri,
    /// See `method`.
    pub version: Version,
    /// Host asked for, with port: of HTTP/2 it stands in no field.
    pub host: &'r [u8],
    /// Fields.
    pub headers: &'r HeaderMap,
    /// The connection, with its fingerprints.
    pub peer: &'r Peer,
    /// Fingerprint of the HTTP/2 connection.
    pub h2: Option<&'r str>,
    /// Now, µs since the Unix epoch.
    pub now: Micros,
}

/// Judges the requests of a site. Made from rules outside of this crate's path; tests have their own.
pub trait Judge: Send + Sync {
    /// Begins with a request: phase 1, its head.
    fn begin(&self, subject: &Subject<'_>) -> (Box<dyn Trial>, Option<Intervention>);
}

/// One request under judgement.
pub trait Trial: Send {
    /// Phase 2: the body, or what of it is judged; `whole` says that nothing follows.
    fn body(&mut self, body: &Bytes, whole: bool) -> Option<Intervention>;
    /// Phase 3: head of the answer.
    fn answer_head(&mut self, status: u16, version: Version, headers: &HeaderMap) -> Option<Intervention>;
    /// Phase 4: body of the answer, or what of it is judged.
    fn answer_body(&mut self, body: &Bytes) -> Option<Intervention>;
    /// Whether the judgement cannot go on by itself; a panic is caught anyway.
    fn faulted(&self) -> bool {
        false
    }
    /// Phase 5: the request ended with this status; 0 when there was no answer.
    fn finish(self: Box<Self>, status: u16) -> Finding;
}

/// What a judgement found.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    /// Of the rules.
    pub verdict: Verdict,
    /// Probability of an attack by the learned score, 0 to 1; `None` when it did not run.
    pub probability: Option<f32>,
    /// What is not as the positive model says.
    pub violations: Vec<Violation>,
    /// Who asked for a refusal: `rules`, `model`, `profile`, `limits`.
    pub by: Option<&'static str>,
}

/// How far a judgement came.
pub(crate) enum Step {
    /// Go on.
    Pass,
    /// The rules ask for a refusal.
    Refuse(Intervention),
    /// The engine faulted; no further judgement of this request. `true` for a panic.
    Fault(bool),
}

/// A trial that may be over early.
pub(crate) struct Court(Option<Box<dyn Trial>>);

impl Court {
    /// No judgement.
    pub(crate) fn closed() -> Court {
        Court(None)
    }

    /// Whether there is a judgement at work.
    pub(crate) fn sits(&self) -> bool {
        self.0.is_some()
    }

    /// Begins.
    pub(crate) fn begin(&mut self, judge: &dyn Judge, subject: &Subject<'_>) -> Step {
        match catch_unwind(AssertUnwindSafe(|| judge.begin(subject))) {
            Ok((trial, intervention)) => {
                self.0 = Some(trial);
                self.step(intervention)
            }
            Err(_) => Step::Fault(true),
        }
    }

    /// Goes a step further.
    pub(crate) fn go(&mut self, step: impl FnOnce(&mut dyn Trial) -> Option<Intervention>) -> Step {
        let Some(trial) = &mut self.0 else { return Step::Pass };
        match catch_unwind(AssertUnwindSafe(|| step(trial.as_mut()))) {
            Ok(intervention) => self.step(intervention),
            Err(_) => {
                self.abandon();
                Step::Fault(true)
            }
        }
    }

    fn step(&mut self, intervention: Option<Intervention>) -> Step {
        match (intervention, &self.0) {
            (Some(intervention), _) => Step::Refuse(intervention),
            (None, Some(trial)) if trial.faulted() => Step::Fault(false),
            (None, _) => Step::Pass,
        }
    }

    /// Ends; `Err` when that panicked.
    pub(crate) fn finish(&mut self, status: u16) -> Result<Option<Finding>, ()> {
        match self.0.take() {
            None => Ok(None),
            Some(trial) => catch_unwind(AssertUnwindSafe(|| trial.finish(status))).map(Some).map_err(|_| ()),
        }
    }

    /// Gives up a trial whose state nobody knows; its end may panic again.
    fn abandon(&mut self) {
        if let Some(trial) = self.0.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(trial)));
        }
    }
}
