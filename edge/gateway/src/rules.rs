//! The judge of a site: rules first, then what stands beside them: the learned score and the positive model.

use crate::address::client;
use crate::config::Act;
use crate::judge::{Finding, Judge, Subject, Trial};
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Version};
use profile::{Learner, Place, Profile, Violation};
use rapidhash::v3::rapidhash_v3;
use score::{Policy, Scorer};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use waf::{Collections, Connection, Engine, Intervention, Part, Refusal, Transaction};

/// What judges the requests of a site.
pub struct Rules(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    collections: Arc<dyn Collections>,
    inside: bool,
    model: Option<Model>,
    profile: Option<(Arc<Profile>, Act)>,
    learner: Option<Arc<Mutex<Learner>>>,
}

struct Model {
    scorer: Arc<Scorer>,
    policy: Policy,
    threshold: i64,
}

/// Puts a judge together.
pub struct RulesBuilder(Inner);

impl Rules {
    /// Judges by these rules alone; what outlives a request (`IP`, `GLOBAL`, …) stands in the collections.
    pub fn new(engine: Arc<Engine>, collections: Arc<dyn Collections>) -> Rules {
        Rules::builder(engine, collections).build()
    }

    /// Judges by these rules and what is put beside them.
    pub fn builder(engine: Arc<Engine>, collections: Arc<dyn Collections>) -> RulesBuilder {
        RulesBuilder(Inner { engine, collections, inside: false, model: None, profile: None, learner: None })
    }
}

impl RulesBuilder {
    /// Lets rules see what hides inside values: JSON in arguments, base64, the Referer's query.
    pub fn look_inside(mut self) -> RulesBuilder {
        self.0.inside = true;
        self
    }

    /// Lets the learned score raise or lower the anomaly score within the policy's bounds; `threshold` is where requests
    /// are refused.
    pub fn model(mut self, scorer: Arc<Scorer>, policy: Policy, threshold: u32) -> RulesBuilder {
        self.0.model = Some(Model { scorer, policy, threshold: threshold.into() });
        self
    }

    /// Holds requests to a positive model: refuses what is not as it says, or only tells.
    pub fn profile(mut self, profile: Arc<Profile>, act: Act) -> RulesBuilder {
        self.0.profile = Some((profile, act));
        self
    }

    /// Lets a positive model be learned from what the rules find nothing in.
    pub fn learn(mut self, learner: Arc<Mutex<Learner>>) -> RulesBuilder {
        self.0.learner = Some(learner);
        self
    }

    /// The judge.
    pub fn build(self) -> Rules {
        Rules(Arc::new(self.0))
    }
}

impl Judge for Rules {
    fn begin(&self, subject: &Subject<'_>) -> (Box<dyn Trial>, Option<Intervention>) {
        let rules = self.0.clone();
        let connection = Connection { client: subject.client, server: subject.server };
        let now = u64::try_from(subject.now).unwrap_or(0);
        let mut transaction = rules.engine.begin(connection, &rules.collections, now);
        tell(&mut transaction, subject);
        let (method, target) = (subject.method.as_str().as_bytes(), subject.target);
        match target.path_and_query() {
            // A target of HTTP/2 is put together by its parser; one of HTTP/1 stands as it was sent.
            Some(path) if subject.version == Version::HTTP_2 || target.authority().is_none() => {
                transaction.request_line(method, path.as_str().as_bytes(), protocol(subject.version));
            }
            _ => transaction.request_line(method, target.to_string().as_bytes(), protocol(subject.version)),
        }
        // What the origin is told, whatever a client of HTTP/2 says beside `:authority`.
        transaction.request_header(b"Host", subject.host);
        for (name, value) in subject.headers.iter().filter(|(name, _)| **name != HOST) {
            transaction.request_header(name.as_str().as_bytes(), value.as_bytes());
        }
        if rules.inside {
            transaction.look_inside();
        }
        let intervention = transaction.judge_request_headers();
        let asked = (rules.profile.is_some() || rules.learner.is_some()).then(|| Asked::new(subject));
        let by = intervention.as_ref().map(|_| "rules");
        let (probability, violations) = (None, Vec::new());
        let judged = Judged { rules, transaction, asked, probability, suspect: false, violations, by };
        (Box::new(judged), intervention)
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

/// What the positive model looks at beside parameters.
struct Asked {
    method: Vec<u8>,
    path: Vec<u8>,
    content_type: Vec<u8>,
    source: u64,
    now: base::Micros,
}

impl Asked {
    fn new(subject: &Subject<'_>) -> Asked {
        Asked {
            method: subject.method.as_str().into(),
            path: subject.target.path().into(),
            content_type: subject.headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes().to_vec()).unwrap_or_default(),
            // Who has a /64 has as many addresses as he likes, and is one source all the same.
            source: rapidhash_v3(client(subject.client.ip()).to_string().as_bytes()),
            now: subject.now,
        }
    }
}

/// Values copied out of a transaction into one text.
struct Values<K> {
    text: Vec<u8>,
    values: Vec<(K, Range<usize>, Range<usize>)>,
}

impl<K: Copy> Values<K> {
    fn new() -> Values<K> {
        Values { text: Vec::new(), values: Vec::new() }
    }

    fn add(&mut self, kind: K, name: &[u8], value: &[u8]) {
        let mut put = |piece: &[u8]| {
            let start = self.text.len();
            self.text.extend_from_slice(piece);
            start..self.text.len()
        };
        let (name, value) = (put(name), put(value));
        self.values.push((kind, name, value));
    }

    fn iter(&self) -> impl Iterator<Item = (K, &[u8], &[u8])> {
        self.values.iter().map(|(kind, name, value)| (*kind, &self.text[name.clone()], &self.text[value.clone()]))
    }
}

struct Judged {
    rules: Arc<Inner>,
    transaction: Transaction,
    asked: Option<Asked>,
    probability: Option<f32>,
    /// The learned score takes it for an attack, whether or not it acts.
    suspect: bool,
    violations: Vec<Violation>,
    by: Option<&'static str>,
}

impl Judged {
    /// The learned score speaks after the rules.
    fn weigh(&mut self, found: Option<Intervention>) -> Option<Intervention> {
        let Some(model) = self.rules.model.as_ref().filter(|model| model.policy.mode != score::Mode::Off) else {
            return found;
        };
        let mut values = Values::new();
        self.transaction.given(&mut |variable, key, value| values.add(variable, key, value));
        let (hits, inbound) = self.transaction.so_far();
        let given = values.iter().map(|(variable, key, value)| score::Value { variable, key, value });
        let score = model.scorer.judge(given, hits);
        self.probability = Some(score.probability);
        let bands = model.scorer.bands();
        self.suspect = score.probability >= model.policy.raise_at.unwrap_or(bands.raise_at);
        let adjusted = model.policy.adjust(inbound, &score, bands);
        let scored = |intervention: &Intervention| is_by_score(intervention) && inbound >= model.threshold;
        match found {
            None if adjusted.applied && adjusted.inbound >= model.threshold => {
                self.by = Some("model");
                Some(refusal())
            }
            // Only what the sum of scores refused can be passed by a lower sum.
            Some(found) if adjusted.applied && adjusted.inbound < model.threshold && scored(&found) => {
                self.by = None;
                None
            }
            found => found,
        }
    }

    /// Parameters as the positive model names them.
    fn parameters(&self) -> Values<Place> {
        let mut values = Values::new();
        self.transaction.parameters(|part, name, value| {
            let place = match part {
                Part::Query => Place::Query,
                Part::Form => Place::Form,
                Part::Document => Place::Json,
                Part::Cookie => Place::Cookie,
            };
            values.add(place, name, value);
        });
        values
    }

    fn with_profile<T>(&self, look: impl FnOnce(&profile::Request<'_>, base::Micros) -> T) -> Option<T> {
        let asked = self.asked.as_ref()?;
        let values = self.parameters();
        let parameters: Vec<_> = values.iter().collect();
        let request = profile::Request {
            method: &asked.method,
            path: &asked.path,
            content_type: &asked.content_type,
            parameters: &parameters,
            source: asked.source,
        };
        Some(look(&request, asked.now))
    }

    fn hold_to_profile(&mut self, found: Option<Intervention>) -> Option<Intervention> {
        let Some((profile, act)) = self.rules.profile.clone().filter(|_| found.is_none()) else { return found };
        self.violations = self.with_profile(|request, _| profile.judge(request)).unwrap_or_default();
        if act != Act::Block || self.violations.is_empty() {
            return None;
        }
        self.by = Some("profile");
        Some(refusal())
    }

    /// A request of which the rules could not see all may hold anything: a thousand arguments before the one that counts.
    fn hold_to_limits(&mut self) -> Option<Intervention> {
        if !self.transaction.unseen() {
            return None;
        }
        self.by = Some("limits");
        Some(Intervention { status: 400, ..refusal() })
    }
}

/// Whether a rule refused for the sum of scores (OWASP CRS 949110 and its kin), not for what it found itself.
fn is_by_score(intervention: &Intervention) -> bool {
    intervention.phase == waf::Phase::RequestBody && (949_000..950_000).contains(&intervention.rule)
}

/// A refusal that no rule asked for.
fn refusal() -> Intervention {
    Intervention { rule: 0, phase: waf::Phase::RequestBody, kind: Refusal::Deny, status: 403 }
}

impl Trial for Judged {
    fn body(&mut self, body: &Bytes, whole: bool) -> Option<Intervention> {
        if !whole {
            self.transaction.request_body_cut();
        }
        let refused = if body.is_empty() { None } else { self.transaction.request_body(body) };
        let found = refused.or_else(|| self.transaction.judge_request_body());
        self.by = found.as_ref().map(|_| "rules");
        let found = self.weigh(found);
        let found = self.hold_to_profile(found);
        found.or_else(|| self.hold_to_limits())
    }

    fn answer_head(&mut self, status: u16, version: Version, headers: &HeaderMap) -> Option<Intervention> {
        self.transaction.response_line(status, protocol(version));
        for (name, value) in headers {
            self.transaction.response_header(name.as_str().as_bytes(), value.as_bytes());
        }
        self.transaction.judge_response_headers()
    }

    fn answer_body(&mut self, body: &Bytes) -> Option<Intervention> {
        self.transaction.response_body(body);
        self.transaction.judge_response_body()
    }

    fn finish(self: Box<Self>, status: u16) -> Finding {
        let (hits, _) = self.transaction.so_far();
        // What the score only tells of is no example of the site either.
        let good = hits.is_empty() && self.by.is_none() && !self.suspect;
        if let Some(learner) = self.rules.learner.as_ref().filter(|_| good) {
            self.with_profile(|request, now| {
                learner.lock().unwrap_or_else(PoisonError::into_inner).learn(request, status, now);
            });
        }
        let Judged { transaction, probability, violations, by, .. } = *self;
        Finding { verdict: transaction.finish(), probability, violations, by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sum_of_scores_may_be_lowered_by_the_model() {
        let by = |rule| Intervention { rule, ..refusal() };
        assert!(is_by_score(&by(949_110)) && is_by_score(&by(949_111)));
        assert!(!is_by_score(&by(200_002)) && !is_by_score(&by(0)));
        assert!(!is_by_score(&Intervention { phase: waf::Phase::RequestHeaders, ..by(949_111) }));
    }
}
