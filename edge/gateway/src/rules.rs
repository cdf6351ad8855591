//! The judge of a site: the engine of [`waf`] with the site's rules.

use crate::judge::{Judge, Subject, Trial};
use bytes::Bytes;
use hyper::header::HOST;
use hyper::{HeaderMap, Version};
use std::sync::Arc;
use waf::{Collections, Connection, Engine, Intervention, Transaction, Verdict};

/// Rules of a site.
pub struct Rules {
    engine: Arc<Engine>,
    collections: Arc<dyn Collections>,
}

impl Rules {
    /// Judges by these rules; what outlives a request (`IP`, `GLOBAL`, …) stands in the collections.
    pub fn new(engine: Arc<Engine>, collections: Arc<dyn Collections>) -> Rules {
        Rules { engine, collections }
    }
}

impl Judge for Rules {
    fn begin(&self, subject: &Subject<'_>) -> (Box<dyn Trial>, Option<Intervention>) {
        let connection = Connection { client: subject.client, server: subject.server };
        let now = u64::try_from(subject.now).unwrap_or(0);
        let mut transaction = self.engine.begin(connection, &self.collections, now);
        tell(&mut transaction, subject);
        let target = subject.target;
        match target.path_and_query() {
            // A target of HTTP/2 is put together by its parser; one of HTTP/1 stands as it was sent.
            Some(path) if subject.version == Version::HTTP_2 || target.authority().is_none() => {
                transaction.request_line(
                    subject.method.as_str().as_bytes(),
                    path.as_str().as_bytes(),
                    protocol(subject.version),
                );
            }
            _ => {
                let target = target.to_string();
                transaction.request_line(
                    subject.method.as_str().as_bytes(),
                    target.as_bytes(),
                    protocol(subject.version),
                );
            }
        }
        if !subject.headers.contains_key(HOST) {
            transaction.request_header(b"Host", subject.host);
        }
        for (name, value) in subject.headers {
            transaction.request_header(name.as_str().as_bytes(), value.as_bytes());
        }
        let intervention = transaction.judge_request_headers();
        (Box::new(Judged(transaction)), intervention)
    }
}

/// What rules cannot know from the request: `ENV:ja4` and so on.
fn tell(transaction: &mut Transaction, subject: &Subject<'_>) {
    let peer = subject.peer;
    let known = [
        ("ja4", peer.ja4.as_deref()),
        ("ja3", peer.ja3.as_deref()),
        ("sni", peer.sni.as_deref()),
        ("tls", peer.tls),
        ("h2", subject.h2),
    ];
    for (name, value) in known.iter().filter_map(|(name, value)| value.map(|value| (name, value))) {
        transaction.environment(name.as_bytes(), value.as_bytes());
    }
}

/// As the request line has it.
fn protocol(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_10 => b"HTTP/1.0",
        Version::HTTP_2 => b"HTTP/2.0",
        Version::HTTP_3 => b"HTTP/3.0",
        _ => b"HTTP/1.1",
    }
}

struct Judged(Transaction);

impl Trial for Judged {
    fn body(&mut self, body: &Bytes) -> Option<Intervention> {
        if !body.is_empty()
            && let Some(intervention) = self.0.request_body(body)
        {
            return Some(intervention);
        }
        self.0.judge_request_body()
    }

    fn answer_head(&mut self, status: u16, version: Version, headers: &HeaderMap) -> Option<Intervention> {
        self.0.response_line(status, protocol(version));
        for (name, value) in headers {
            self.0.response_header(name.as_str().as_bytes(), value.as_bytes());
        }
        self.0.judge_response_headers()
    }

    fn answer_body(&mut self, body: &Bytes) -> Option<Intervention> {
        self.0.response_body(body);
        self.0.judge_response_body()
    }

    fn faulted(&self) -> bool {
        false
    }

    fn finish(self: Box<Self>) -> Verdict {
        self.0.finish()
    }
}
