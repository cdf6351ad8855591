//! The learned score in the path of requests: what rules do not know, seen, told or refused.

use crate::client::{get, once};
use crate::{origin, rig};
use gateway::{Exchange, Judge, Judges, Rules};
use record::HttpDecision;
use score::{Mode, Policy, Scorer};
use std::sync::Arc;

/// An injection that no rule of this test looks for.
const ATTACK: &str = "/?id=1%27%20UNION%20SELECT%20name,password%20FROM%20users--%20-";
const HONEST: &str = "/?id=the+quick+brown+fox&page=7";
const RULES: &str = r#"
SecRuleEngine On
SecRequestBodyAccess On
SecRule ARGS "@contains sesame" "id:1,phase:2,pass,setvar:tx.inbound_anomaly_score=+5"
"#;

/// The model that is shipped.
fn scorer() -> Arc<Scorer> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/waf/model.txt");
    Arc::new(Scorer::read(&std::fs::read_to_string(path).unwrap()).unwrap())
}

async fn rig(origin: &origin::Origin, policy: Policy, scorer: Arc<Scorer>) -> rig::Rig {
    let mut reader = seclang::MemoryReader::default();
    reader.put("rules", RULES);
    let ruleset = seclang::load(&mut reader, &["rules"], &waf::vocabulary()).unwrap();
    let engine = Arc::new(waf::Engine::compile(&ruleset).unwrap());
    let rules = Rules::builder(engine, Arc::new(waf::Memory::new(1000, 60))).model(scorer, policy, 5).build();
    let judges = Judges::from([("shop".to_string(), Arc::new(rules) as Arc<dyn Judge>)]);
    rig::start(rig::config(&[origin.address], &[("site", "waf: {mode: block, rules: [rules]}")]), judges).await
}

fn probability(exchange: &Exchange) -> Option<f32> {
    exchange.finding.as_ref().unwrap().probability
}

#[tokio::test]
async fn what_rules_miss_is_refused_by_the_model_alone() {
    let (origin, scorer) = (origin::http1("a").await, scorer());
    let mut rig = rig(&origin, Policy { mode: Mode::Block, ..Policy::default() }, scorer.clone()).await;
    let answer = get(rig.address(), ATTACK).await;
    assert_eq!(answer.status, 403);
    let exchange = rig.exchange().await;
    assert_eq!((exchange.decision, exchange.reason), (HttpDecision::Blocked, "model"));
    assert!(probability(&exchange).unwrap() >= scorer.bands().raise_at);
    assert!(exchange.finding.as_ref().unwrap().verdict.hits.is_empty(), "no rule knows it");
    assert!(exchange.record(&[]).model > 500);
    let form = "id=1%27%20UNION%20SELECT%20name,password%20FROM%20users--%20-";
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let post = format!("POST /echo HTTP/1.1\r\nHost: a\r\n{kind}\r\nContent-Length: {}\r\n\r\n{form}", form.len());
    assert_eq!(once(rig.address(), &post).await.status, 403, "in a form as well");
    assert_eq!(rig.exchange().await.reason, "model");
    assert_eq!(origin.requests(), 0);
    assert_eq!(get(rig.address(), HONEST).await.status, 200);
    let exchange = rig.exchange().await;
    assert_eq!((exchange.decision, exchange.reason), (HttpDecision::Allowed, ""));
    assert!(probability(&exchange).unwrap() < scorer.bands().raise_at);
}

#[tokio::test]
async fn observed_it_only_tells_and_off_it_does_not_look() {
    let (origin, scorer) = (origin::http1("a").await, scorer());
    let mut watching = rig(&origin, Policy::default(), scorer.clone()).await;
    assert_eq!(get(watching.address(), ATTACK).await.status, 200);
    let exchange = watching.exchange().await;
    assert!(probability(&exchange).unwrap() >= scorer.bands().raise_at);
    assert!(exchange.record(&[]).model > 500);
    let mut off = rig(&origin, Policy { mode: Mode::Off, ..Policy::default() }, scorer).await;
    assert_eq!(get(off.address(), ATTACK).await.status, 200);
    let exchange = off.exchange().await;
    assert_eq!((probability(&exchange), exchange.decision), (None, HttpDecision::Allowed));
}
