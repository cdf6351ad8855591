//! What the rules say of one request, with every step that led there.

use crate::request::Request;
use seclang::Phase;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use waf::{Connection, Engine, Hit, Intervention, Memory, Refusal};

/// One rule that held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its number.
    pub id: u64,
    /// 1 to 5.
    pub phase: u8,
    /// What it says.
    pub message: String,
    /// What it tells of the match.
    pub data: String,
    /// 0 (emergency) to 7 (debug).
    pub severity: Option<u8>,
    /// `ARGS:id`; empty for actions without a test.
    pub target: String,
    /// The value in the request.
    pub value: String,
    /// What each transformation made of it.
    pub steps: Vec<(String, String)>,
    /// Inbound anomaly score after it.
    pub score: i64,
    /// File and line of the rule.
    pub place: String,
    /// Whether it only keeps the books (`nolog`): sets levels, adds up scores.
    pub quiet: bool,
}

/// What became of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Rules that held, in order.
    pub held: Vec<Held>,
    /// Inbound anomaly score.
    pub score: i64,
    /// Status it would be refused with, and the rule that asks for it.
    pub refused: Option<(u16, u64)>,
    /// Distinct strings that were looked at, and their bytes.
    pub strings: (u64, u64),
    /// Tests that were run on a value; the others were passed by.
    pub tests: u64,
    /// Part of the request was beyond a limit and not looked at.
    pub exceeded: bool,
}

/// Judges a request as if `client` had sent it. `now`: µs since the Unix epoch.
pub fn explain(engine: &Arc<Engine>, request: &Request, client: SocketAddr, now: u64) -> Explained {
    let server = SocketAddr::from(([127, 0, 0, 1], 80));
    let collections: Arc<dyn waf::Collections> = Arc::new(Memory::new(64, 3600));
    let mut transaction = engine.begin(Connection { client, server }, &collections, now);
    transaction.explain();
    transaction.request_line(&request.method, &request.target, &request.protocol);
    for (name, value) in &request.headers {
        transaction.request_header(name, value);
    }
    // Rules that only observe go on after a refusal; those that act end here, as at the gateway.
    let mut refused = transaction.judge_request_headers();
    if refused.is_none() && !request.body.is_empty() {
        refused = transaction.request_body(&request.body);
    }
    if refused.is_none() {
        refused = transaction.judge_request_body();
    }
    let verdict = transaction.finish();
    Explained {
        held: verdict.hits.iter().map(held).collect(),
        score: verdict.inbound,
        refused: refused.or(verdict.intervention).map(|asked| (status(&asked), asked.rule)),
        strings: (verdict.work.strings, verdict.work.string_bytes),
        tests: verdict.work.confirmed,
        exceeded: verdict.exceeded,
    }
}

fn status(asked: &Intervention) -> u16 {
    match asked.kind {
        Refusal::Drop => 0,
        _ => asked.status,
    }
}

fn held(hit: &Hit) -> Held {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let target = match (hit.variable, hit.key.is_empty()) {
        (variable, true) => variable.to_string(),
        (variable, false) => format!("{variable}:{}", text(&hit.key)),
    };
    let phase = match hit.phase {
        Phase::RequestHeaders => 1,
        Phase::RequestBody => 2,
        Phase::ResponseHeaders => 3,
        Phase::ResponseBody => 4,
        Phase::Logging => 5,
    };
    Held {
        id: hit.id,
        phase,
        message: text(&hit.message),
        data: text(&hit.data),
        severity: hit.severity,
        target,
        value: text(&hit.value),
        steps: hit.steps.iter().map(|step| (step.transformation.to_string(), text(&step.value))).collect(),
        score: hit.score,
        place: format!("{}:{}", hit.file, hit.line),
        quiet: !hit.logged,
    }
}
