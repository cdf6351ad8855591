//! The firewall in the path: what it refuses, what it only tells, and what happens when it fails.

use crate::client::{connect, get, once};
use crate::{origin, rig};
use bytes::Bytes;
use gateway::{Finding, Judge, Judges, Rules, Subject, Trial};
use hyper::{HeaderMap, Version};
use record::HttpDecision;
use std::sync::Arc;
use waf::{Intervention, Refusal, Verdict};

/// A judge whose words stand in the request: `panic-head`, `fault-body`, `deny-answer` … where it should act.
struct Fake;

struct FakeTrial {
    wanted: String,
    faulted: bool,
}

impl FakeTrial {
    fn at(&mut self, place: &str) -> Option<Intervention> {
        let does = |deed: &str| self.wanted.contains(&format!("{deed}-{place}"));
        assert!(!does("panic"), "as asked for");
        let kind = if does("deny") {
            Refusal::Deny
        } else if does("drop") {
            Refusal::Drop
        } else if does("redirect") {
            Refusal::Redirect(b"/elsewhere".to_vec())
        } else {
            self.faulted |= does("fault");
            return None;
        };
        Some(Intervention { rule: 7, phase: Default::default(), kind, status: 418 })
    }
}

impl Judge for Fake {
    fn begin(&self, subject: &Subject<'_>) -> (Box<dyn Trial>, Option<Intervention>) {
        let mut trial = FakeTrial { wanted: subject.target.to_string(), faulted: false };
        let intervention = trial.at("head");
        (Box::new(trial), intervention)
    }
}

impl Trial for FakeTrial {
    fn body(&mut self, body: &Bytes, _: bool) -> Option<Intervention> {
        self.wanted.push_str(&String::from_utf8_lossy(body));
        self.at("body")
    }

    fn answer_head(&mut self, _: u16, _: Version, _: &HeaderMap) -> Option<Intervention> {
        self.at("answer")
    }

    fn answer_body(&mut self, body: &Bytes) -> Option<Intervention> {
        self.wanted.push_str(&String::from_utf8_lossy(body).replace("the secret word", "deny-leak"));
        self.at("leak")
    }

    fn faulted(&self) -> bool {
        self.faulted
    }

    fn finish(mut self: Box<Self>, _: u16) -> Finding {
        self.at("finish");
        let inbound = if self.wanted.contains("deny") { 5 } else { 0 };
        Finding { verdict: Verdict { inbound, ..Verdict::default() }, ..Finding::default() }
    }
}

async fn rig(origin: &origin::Origin, waf: &str) -> rig::Rig {
    let site = format!("waf: {{rules: [fake], {waf}}}");
    let judges = Judges::from([("shop".to_string(), Arc::new(Fake) as Arc<dyn Judge>)]);
    rig::start(rig::config(&[origin.address], &[("site", &site)]), judges).await
}

#[tokio::test]
async fn refusals_are_pages_redirects_or_nothing() {
    let origin = origin::http1("a").await;
    let mut rig = rig(&origin, "mode: block").await;
    let answer = get(rig.address(), "/?deny-head").await;
    assert_eq!(answer.status, 418);
    let exchange = rig.exchange().await;
    assert_eq!((exchange.decision, exchange.reason), (HttpDecision::Blocked, "rules"));
    assert_eq!(exchange.finding.as_ref().unwrap().verdict.inbound, 5);
    assert!(answer.text().contains(exchange.reference.as_deref().unwrap()));
    assert_eq!(exchange.record(&[]).score, 5);
    assert_eq!(get(rig.address(), "/?redirect-head").await.header("location"), Some("/elsewhere"));
    let mut client = connect(rig.address()).await;
    client.send("GET /?drop-head HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(client.closed().await);
    assert_eq!(origin.requests(), 0);
    assert_eq!(get(rig.address(), "/").await.status, 200);
    for expected in [HttpDecision::Blocked, HttpDecision::Blocked, HttpDecision::Allowed] {
        assert_eq!(rig.exchange().await.decision, expected);
    }
}

#[tokio::test]
async fn a_body_is_judged_before_the_origin_sees_any_of_it() {
    let origin = origin::http1("a").await;
    let mut rig = rig(&origin, "mode: block, body: 64").await;
    let mut client = connect(rig.address()).await;
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\ndeny").await;
    client.send("-body").await;
    assert_eq!(client.answer().await.status, 418);
    assert_eq!(rig.exchange().await.request_bytes, 9);
    assert_eq!(origin.requests(), 0);
    let padded = format!("{}deny-body", "x".repeat(20_000));
    let post = |body: &str| format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let answer = once(rig.address(), &post(&padded)).await;
    assert!(answer.status == 418 || answer.text() == padded, "what stood in the first piece is judged");
    let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n";
    assert_eq!(once(rig.address(), chunked).await.text(), "good");
    let rig = self::rig(&origin, "mode: block, body: 64, beyond: refuse").await;
    assert_eq!(once(rig.address(), &post(&"x".repeat(500_000))).await.status, 413);
}

#[tokio::test]
async fn observing_tells_and_passes() {
    let origin = origin::http1("a").await;
    let mut rig = rig(&origin, "mode: observe").await;
    assert_eq!(get(rig.address(), "/?deny-head").await.status, 200);
    let exchange = rig.exchange().await;
    assert_eq!((exchange.decision, exchange.reason), (HttpDecision::Observed, "rules"));
    let decisions = rig.gateway.status().sites[0].decisions.clone();
    assert!(decisions.contains(&("observed", 1)), "{decisions:?}");
}

#[tokio::test]
async fn answers_are_judged_where_it_is_asked_for() {
    let origin = origin::http1("a").await;
    let mut rig = rig(&origin, "mode: block, responses: true").await;
    assert_eq!(get(rig.address(), "/leak").await.status, 418);
    assert_eq!(rig.exchange().await.decision, HttpDecision::Blocked);
    assert_eq!(get(rig.address(), "/size/100000").await.body.len(), 100_000);
    assert_eq!(get(rig.address(), "/?deny-answer").await.status, 418);
    let rig = self::rig(&origin, "mode: block").await;
    assert_eq!(get(rig.address(), "/leak").await.status, 200);
}

#[tokio::test]
async fn a_panic_or_fault_of_ours_passes_or_refuses_as_the_site_says() {
    let origin = origin::http1("a").await;
    for (fail, status, decision) in
        [("open", 200, HttpDecision::FailedOpen), ("closed", 503, HttpDecision::FailedClosed)]
    {
        let mut rig = rig(&origin, &format!("mode: block, responses: true, fail: {fail}")).await;
        let mut client = connect(rig.address()).await;
        for place in ["panic-head", "panic-body", "panic-answer", "panic-leak", "fault-head", "fault-body"] {
            client.send(format!("GET /?{place} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
            assert_eq!(client.answer().await.status, status, "{place}: on the same connection");
            assert_eq!(rig.exchange().await.decision, decision, "{place}");
        }
        client.send("GET /?panic-finish HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.answer().await.status, 200);
        assert_eq!(rig.exchange().await.decision, HttpDecision::Allowed);
        let site = &rig.gateway.status().sites[0];
        assert_eq!((site.engine_faults, site.engine_panics), (7, 5));
    }
}

#[tokio::test]
async fn real_rules_judge_what_really_came() {
    const RULES: &str = r#"
SecRuleEngine On
SecRequestBodyAccess On
SecRule ARGS:a "@streq attack" "id:1,phase:2,deny,status:403"
SecRule REQUEST_HEADERS:Host "@streq bad.example" "id:2,phase:1,deny,status:403"
SecRule REQUEST_PROTOCOL "!@rx ^HTTP/" "id:3,phase:1,deny,status:403"
"#;
    let origin = origin::http1("a").await;
    let config = rig::config(&[origin.address], &[("site", "waf: {mode: block, rules: [rules]}")]);
    let mut rig = rig::start(config, rig::judges(RULES)).await;
    assert_eq!(get(rig.address(), "/?a=att%61ck").await.status, 403);
    let exchange = rig.exchange().await;
    assert_eq!(exchange.finding.as_ref().unwrap().verdict.hits[0].id, 1);
    assert_eq!(exchange.record(&["a".into()]).query, "a=***");
    let form = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\na=attack";
    assert_eq!(once(rig.address(), form).await.status, 403);
    assert_eq!(once(rig.address(), &form.replace("attack", "benign")).await.text(), "a=benign");
    assert_eq!(once(rig.address(), "GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n").await.status, 403);
    assert_eq!(get(rig.address(), "/?a=good").await.status, 200);
}

#[tokio::test]
async fn neither_one_subscriber_nor_what_the_score_only_tells_of_teaches_the_positive_model() {
    let origin = origin::http1("a").await;
    let engine = Arc::new(waf::Engine::compile(&seclang::Ruleset::default()).unwrap());
    let collections: Arc<dyn waf::Collections> = Arc::new(waf::Memory::new(1000, 60));
    let learner = Arc::new(std::sync::Mutex::new(profile::Learner::default()));
    let model = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/waf/model.txt")).unwrap();
    let (scorer, policy) = (score::Scorer::read(&model).unwrap(), score::Policy::default());
    let more = [("site", "waf: {mode: block, rules: [none]}"), ("listener", "trusted_proxies: [127.0.0.1]")];
    let config = rig::config(&[origin.address], &more);
    let rules = Rules::builder(engine, collections).model(Arc::new(scorer), policy, 5).learn(learner.clone()).build();
    let mut rig = rig::start(config, Judges::from([("shop".into(), Arc::new(rules) as Arc<dyn Judge>)])).await;
    for number in 0..40 {
        // One subscriber of IPv6 with forty addresses; then forty clients with one attack that no rule knows here.
        for (target, client) in [
            ("/size/5?own=1", format!("2001:db8::{number:x}")),
            ("/size/5?q=1%27%20union%20select%20user,password%20from%20users--%20", format!("192.0.{number}.7")),
        ] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {client}\r\n\r\n");
            assert_eq!(once(rig.address(), &request).await.status, 200);
            rig.exchange().await;
        }
    }
    assert_eq!(learner.lock().unwrap().left().nodes, 2, "the path was seen");
    assert_eq!(learner.lock().unwrap().profile().paths().len(), 0, "and nothing is proven of it");
}

#[tokio::test]
async fn a_positive_model_is_learned_then_held_to() {
    let origin = origin::http1("a").await;
    let ruleset = seclang::Ruleset::default();
    let engine = Arc::new(waf::Engine::compile(&ruleset).unwrap());
    let collections: Arc<dyn waf::Collections> = Arc::new(waf::Memory::new(1000, 60));
    let learner = Arc::new(std::sync::Mutex::new(profile::Learner::default()));
    let more = [("site", "waf: {mode: block, rules: [none]}"), ("listener", "trusted_proxies: [127.0.0.1]")];
    let config = rig::config(&[origin.address], &more);
    let judges = |rules: Rules| Judges::from([("shop".to_string(), Arc::new(rules) as Arc<dyn Judge>)]);
    let learns = Rules::builder(engine.clone(), collections.clone()).learn(learner.clone()).build();
    let mut rig = rig::start(config.clone(), judges(learns)).await;
    for client in 0..60 {
        let request =
            format!("GET /size/5?page={client} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.{client}.7\r\n\r\n");
        assert_eq!(once(rig.address(), &request).await.status, 200);
        assert_eq!(rig.exchange().await.decision, HttpDecision::Allowed);
    }
    let learned = Arc::new(learner.lock().unwrap().profile());
    assert_eq!(learned.paths().len(), 1);
    let held =
        Rules::builder(engine.clone(), collections.clone()).profile(learned.clone(), gateway::Act::Block).build();
    rig.gateway.reload(config.clone(), &judges(held)).await.unwrap();
    assert_eq!(get(rig.address(), "/size/5?page=7").await.status, 200);
    assert_eq!(get(rig.address(), "/size/5?page=%27or%201=1").await.status, 403);
    assert_eq!(rig.exchange().await.decision, HttpDecision::Allowed);
    let exchange = rig.exchange().await;
    assert_eq!((exchange.decision, exchange.reason), (HttpDecision::Blocked, "profile"));
    assert_eq!(exchange.finding.unwrap().violations[0].name, "page");
    let tells = Rules::builder(engine, collections).profile(learned, gateway::Act::Observe).build();
    rig.gateway.reload(config, &judges(tells)).await.unwrap();
    assert_eq!(get(rig.address(), "/size/5?page=x").await.status, 200);
    let exchange = rig.exchange().await;
    assert_eq!((exchange.decision, exchange.reason), (HttpDecision::Observed, "profile"));
}
