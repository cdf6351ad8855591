//! Our engine, fed with the same requests as libmodsecurity.

use crate::answer::{Answer, Stop};
use crate::request::Request;
use crate::rules::Rules;
use rustix::time::{ClockId, clock_gettime};
use score::{Bands, Policy, Score, Scorer, Value};
use seclang::{MemoryReader, Phase, Reader, Ruleset};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use waf::{Collections, Connection, Engine, Memory, Summary, Transaction, Verdict};

/// The engine with the rules of one configuration.
pub struct Ours {
    engine: Arc<Engine>,
    collections: Arc<dyn Collections>,
    /// Whether values are looked into, as a site may want it and libmodsecurity does not.
    inside: bool,
}

/// Files of this machine, and the one that was made.
struct Disk(MemoryReader);

/// Name of the file that was made.
const MAIN: &str = "/evaluation.conf";

impl Reader for Disk {
    fn read(&mut self, name: &str) -> base::Result<Option<Vec<u8>>> {
        match self.0.read(name)? {
            Some(made) => Ok(Some(made)),
            None => Ok(std::fs::read(name).ok()),
        }
    }

    fn list(&mut self, pattern: &str) -> base::Result<Vec<String>> {
        let folder = Path::new(pattern).parent().unwrap_or(Path::new("/"));
        let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let names = entries.map(|entry| entry.path().display().to_string());
        let mut names: Vec<String> = names.filter(|name| seclang::matches(pattern, name)).collect();
        names.sort();
        Ok(names)
    }
}

impl Ours {
    /// Reads and compiles the rules.
    pub fn load(rules: &Rules) -> Result<Ours, String> {
        Ours::of(&rules.text())
    }

    /// Reads a configuration given as text.
    pub fn ruleset(text: &str) -> Result<Ruleset, String> {
        let mut reader = Disk(MemoryReader::default());
        reader.0.put(MAIN, text);
        seclang::load(&mut reader, &[MAIN], &waf::vocabulary())
            .map_err(|faults| faults.iter().map(|fault| format!("{fault:?}")).collect::<Vec<_>>().join("\n"))
    }

    /// Reads and compiles a configuration given as text.
    pub fn of(text: &str) -> Result<Ours, String> {
        let ruleset = Ours::ruleset(text)?;
        let engine = Engine::compile(&ruleset).map_err(|fault| format!("{fault:?}"))?;
        Ok(Ours { engine: Arc::new(engine), collections: Arc::new(Memory::new(10_000, 600)), inside: false })
    }

    /// What was compiled.
    pub fn summary(&self) -> Summary {
        self.engine.summary()
    }

    /// The same engine, looking for arguments inside of values.
    pub fn looking_inside(&self) -> Ours {
        Ours { engine: self.engine.clone(), collections: self.collections.clone(), inside: true }
    }

    /// One request, phase by phase, until its end or an intervention, as `oracle.py` does it.
    pub fn verdict(&self, request: &Request) -> Verdict {
        self.run(request).finish()
    }

    fn run(&self, request: &Request) -> Transaction {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let connection = Connection { client: address(40_000), server: address(80) };
        // 2026-11-27, noon: the same in every run.
        let mut transaction = self.engine.begin(connection, &self.collections, 1_795_780_800_000_000);
        if self.inside {
            transaction.look_inside();
        }
        let version = format!("HTTP/{}", request.version);
        transaction.request_line(&request.method, &request.target, version.as_bytes());
        for (name, value) in &request.headers {
            transaction.request_header(name, value);
        }
        if transaction.judge_request_headers().is_some() {
            return transaction;
        }
        if !request.body.is_empty() {
            transaction.request_body(&request.body);
        }
        if transaction.judge_request_body().is_some() {
            return transaction;
        }
        let Some(response) = &request.response else { return transaction };
        transaction.response_line(response.status, version.as_bytes());
        for (name, value) in &response.headers {
            transaction.response_header(name, value);
        }
        if transaction.judge_response_headers().is_some() {
            return transaction;
        }
        if !response.body.is_empty() {
            transaction.response_body(&response.body);
        }
        transaction.judge_response_body();
        transaction
    }

    /// The verdict in the form in which both engines are compared.
    pub fn answer(&self, request: &Request) -> Answer {
        let begin = cpu_us();
        let verdict = self.verdict(request);
        let us = cpu_us() - begin;
        answer(&verdict, us)
    }

    /// The verdict of the rules, and what the learned score thinks of the request.
    pub fn weighed(&self, request: &Request, scorer: &Scorer) -> Weighed {
        let transaction = self.run(request);
        let mut values: Vec<(&'static str, Vec<u8>, Vec<u8>)> = Vec::new();
        transaction.given(&mut |variable, key, value| values.push((variable, key.to_vec(), value.to_vec())));
        let verdict = transaction.finish();
        let values = values.iter().map(|(variable, key, value)| Value { variable, key, value });
        let score = scorer.judge(values, &verdict.hits);
        let refused = verdict.intervention.as_ref().is_some_and(|it| it.rule != BY_SCORE);
        Weighed { refused, inbound: verdict.inbound, score, bands: scorer.bands() }
    }
}

/// A request judged by rules and learned score.
pub struct Weighed {
    /// A rule refused it for another reason than the anomaly score.
    refused: bool,
    inbound: i64,
    score: Score,
    bands: Bands,
}

impl Weighed {
    /// Whether it is stopped under a policy.
    pub fn stopped(&self, policy: &Policy) -> bool {
        self.refused || policy.adjust(self.inbound, &self.score, self.bands).inbound >= THRESHOLD
    }
}

/// The rule of CRS that stops a request for its anomaly score.
const BY_SCORE: u64 = 949_110;
/// Its threshold.
const THRESHOLD: i64 = 5;

fn answer(verdict: &Verdict, us: f64) -> Answer {
    let stop = verdict.intervention.as_ref().map(|it| Stop { status: it.status, phase: number(it.phase) });
    let told = || verdict.hits.iter().filter(|hit| hit.audited);
    let line = |hit: &waf::Hit| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("[id \"{}\"] [msg \"{}\"] [data \"{}\"]\n", hit.id, text(&hit.message), text(&hit.data))
    };
    Answer { rules: told().map(|hit| hit.id).collect(), intervention: stop, us, log: Some(told().map(line).collect()) }
}

/// CPU time of this thread, microseconds.
pub(crate) fn cpu_us() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}

fn number(phase: Phase) -> u8 {
    match phase {
        Phase::RequestHeaders => 1,
        Phase::RequestBody => 2,
        Phase::ResponseHeaders => 3,
        Phase::ResponseBody => 4,
        Phase::Logging => 5,
    }
}
