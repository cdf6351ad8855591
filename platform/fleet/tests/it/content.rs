//! Content over the link, and questions.

use crate::bench::{Bed, Bench, until};
use async_trait::async_trait;
use base::{Fault, Result, SystemClock};
use bytes::Bytes;
use fleet::content::{Audience, Contents, Files, Name, Shelf, Taken, Taker};
use fleet::simulated::Simulated;
use fleet::wire::{AgentAsks, Answer, Ask, Content, Held, ServerBrings, Took};
use fleet::{Oracle, Questions, Services, fault};
use record::{AgentId, Order};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Bytes that do not pack.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    base::Random::fill(&base::SeededRandom::new(seed), &mut noise);
    noise
}

/// Keeps what it took; refuses sets that name a file `bad`.
#[derive(Default)]
struct Shop(Mutex<Vec<Taken>>);

impl Taker for Shop {
    fn take(&self, taken: Taken) -> Result<()> {
        if taken.name == Name::Rules && Files::read(&taken.content)?.files.iter().any(|file| file.name == "bad") {
            return Err(Fault::new(&fault::CONTENT_MALFORMED).object("bad"));
        }
        self.0.lock().unwrap().push(taken);
        Ok(())
    }
}

impl Shop {
    fn versions(&self, name: Name) -> Vec<(u64, u64)> {
        let taken = self.0.lock().unwrap();
        taken.iter().filter(|one| one.name == name).map(|one| (one.from, one.version)).collect()
    }
}

fn shelf() -> Shelf {
    Shelf::new(Arc::new(SystemClock::default()))
}

async fn told(shelf: &Shelf, holds: impl Fn(&Shelf) -> bool) {
    let mut told = shelf.told();
    while !holds(shelf) {
        told.changed().await.unwrap();
    }
}

fn rules(name: &str) -> Vec<u8> {
    Files::of([(name, "title: t")]).bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_is_taken_stored_refused_and_survives_a_restart() {
    let bench = Bench::new().await;
    let shelf = shelf();
    shelf.publish(Name::Rules, 1, &rules("one")).unwrap();
    shelf.publish(Name::IntelFilter, 10, &noise(1, 3_000_000)).unwrap();
    let server = bench.serve_with(0, Services { shelf: Some(shelf.clone()), oracle: None }).await;
    let agent = bench.agent(&server.url, "a").await;
    let shop = Arc::new(Shop::default());
    let open = |shop: &Arc<Shop>| {
        Contents::open(agent.disk.clone(), Path::new("/content"), Name::ALL, shop.clone()).unwrap().0
    };
    let (uplink, _orders) = agent.link_with(Bed { contents: Some(open(&shop)), questions: None });
    told(&shelf, |shelf| shelf.tally(Name::IntelFilter, 10).hold == 1).await;
    shelf.publish_delta(Name::IntelFilter, 10, 11, b"change").unwrap();
    shelf.publish(Name::Rules, 2, &rules("bad")).unwrap();
    told(&shelf, |shelf| shelf.tally(Name::Rules, 2).refused == 1).await;
    told(&shelf, |shelf| shelf.tally(Name::IntelFilter, 11).hold == 1).await;
    let standing = shelf.status().into_iter().find(|one| one.name == Name::Rules).unwrap();
    assert_eq!((standing.version, standing.agent, standing.connected), (1, agent.identity.agent, true));
    let refused = standing.refused.unwrap();
    assert_eq!((refused.version, refused.code.as_str()), (2, fault::CONTENT_MALFORMED.id));
    uplink.stop().await;
    told(&shelf, |shelf| shelf.tally(Name::Rules, 1).connected == 0).await;
    // The next start of the agent puts to use what is stored, and gets what is new.
    let again = Arc::new(Shop::default());
    let contents = open(&again);
    assert_eq!(again.versions(Name::IntelFilter), [(0, 10), (10, 11)]);
    assert_eq!((again.versions(Name::Rules), contents.version(Name::Rules)), (vec![(0, 1)], 1));
    shelf.publish(Name::Rules, 3, &rules("three")).unwrap();
    let (uplink, _orders) = agent.link_with(Bed { contents: Some(contents), questions: None });
    told(&shelf, |shelf| shelf.tally(Name::Rules, 3).hold == 1).await;
    assert_eq!(again.versions(Name::IntelFilter).len(), 2, "what it holds is not sent again");
    uplink.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_goes_on_after_the_link_broke() {
    let bench = Bench::new().await;
    let shelf = shelf();
    let whole = noise(2, 2_000_000);
    shelf.publish(Name::Yara, 1, &whole).unwrap();
    let server = bench.serve_with(0, Services { shelf: Some(shelf.clone()), oracle: None }).await;
    let agent = bench.agent(&server.url, "a").await;
    // By hand, so that the link breaks in the middle.
    let hello = vec![Held { name: "yara".into(), ..Held::default() }];
    let mut raw = crate::raw::Raw::connect(&agent.identity).await.greet_with(hello).await;
    let first = raw.content().await;
    assert_eq!((first.offset, first.total > 1_900_000), (0, true));
    let mut got = first.bytes.len() as u64;
    drop(raw);
    let hello = Held { name: "yara".into(), part: first.packed_sha256.clone(), part_bytes: got, ..Held::default() };
    let mut raw = crate::raw::Raw::connect(&agent.identity).await.greet_with(vec![hello]).await;
    let mut last = first;
    while got < last.total {
        let part = raw.content().await;
        assert_eq!(part.offset, got, "from where it was");
        got += part.bytes.len() as u64;
        raw.tell(AgentAsks::Room(part.bytes.len() as u64)).await;
        last = part;
    }
    let held = Held { name: "yara".into(), version: 1, sha256: last.sha256.clone(), base: 1, ..Held::default() };
    raw.tell(AgentAsks::Took(Took { version: 1, sha256: last.sha256, held, ..Took::default() })).await;
    told(&shelf, |shelf| shelf.tally(Name::Yara, 1).hold == 1).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_never_behind_more_than_the_window() {
    let bench = Bench::new().await;
    let shelf = shelf();
    shelf.publish(Name::IntelFilter, 1, &noise(3, 11_000_000)).unwrap();
    let server = bench.serve_with(0, Services { shelf: Some(shelf.clone()), oracle: None }).await;
    let agent = bench.agent(&server.url, "a").await;
    let hello = vec![Held { name: "intel-filter".into(), ..Held::default() }];
    let mut raw = crate::raw::Raw::connect(&agent.identity).await.greet_with(hello).await;
    let sender = loop {
        if let Some(sender) = bench.store.orders.lock().unwrap().clone() {
            break sender;
        }
        tokio::task::yield_now().await;
    };
    sender.send(Order { id: "ord-1".into(), ..Order::default() }).await.unwrap();
    let (mut bytes, mut order) = (0, None);
    while order.is_none() {
        let message = raw.next().await;
        match (message.says, message.brings) {
            (Some(fleet::wire::ServerSays::Order(found)), _) => order = Some(found.id),
            (_, Some(ServerBrings::Content(Content { bytes: part, .. }))) => bytes += part.len() as u64,
            other => panic!("{other:?}"),
        }
    }
    assert!(bytes <= fleet::content::WINDOW, "{bytes}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_of_before_gets_no_content() {
    let bench = Bench::new().await;
    let shelf = shelf();
    shelf.publish(Name::Rules, 1, &rules("one")).unwrap();
    let server = bench.serve_with(0, Services { shelf: Some(shelf.clone()), oracle: None }).await;
    let agent = bench.agent(&server.url, "a").await;
    let (uplink, _orders) = agent.link();
    until(&uplink, |status| status.connected).await;
    agent.spool.push_alert(record::Alert::default()).unwrap();
    agent.drained().await;
    assert!(shelf.status().is_empty());
    uplink.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_reaches_two_hundred_agents_and_a_stalled_one_holds_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let agents = 200;
    let mut fleet = Simulated::start(dir.path(), agents, Services::default()).await.unwrap();
    let stalled = fleet.stalled(dir.path()).await.unwrap();
    let base = noise(4, 300_000);
    let publish = |shelf: &Shelf| shelf.publish(Name::IntelFilter, 1, &base).map(drop);
    let times = fleet.spread(Name::IntelFilter, 1, publish).await.unwrap();
    assert_eq!(times.len(), agents);
    let change = |shelf: &Shelf| shelf.publish_delta(Name::IntelFilter, 1, 2, b"one more").map(drop);
    let times = fleet.spread(Name::IntelFilter, 2, change).await.unwrap();
    assert_eq!(times.len(), agents);
    println!("a change reached the last of {agents} agents after {:?}", times.last().unwrap());
    fleet.told(|shelf| shelf.tally(Name::IntelFilter, 2).hold == agents).await;
    assert_eq!(fleet.shelf().tally(Name::IntelFilter, 2).agents, agents + 1);
    // A trial goes to its part of the fleet only.
    let audience = Audience { percent: 30, ..Audience::default() };
    fleet.shelf().offer(Name::Rules, 1, &rules("one"), audience.clone()).unwrap();
    let holds = |agent: AgentId| audience.holds(agent, "simulated");
    let chosen: Vec<AgentId> = fleet.agents().into_iter().filter(|agent| holds(*agent)).collect();
    assert!((20..120).contains(&chosen.len()), "{}", chosen.len());
    fleet.told(|shelf| shelf.tally(Name::Rules, 1).hold == chosen.len()).await;
    fleet.shelf().promote(Name::Rules).unwrap();
    fleet.told(|shelf| shelf.tally(Name::Rules, 1).hold == agents).await;
    drop(stalled);
    fleet.stop().await;
}

/// Knows one value, and fails for another.
struct Library;

#[async_trait]
impl Oracle for Library {
    async fn answer(&self, _agent: AgentId, ask: Ask) -> Result<Option<Bytes>> {
        match ask.value.as_str() {
            "198.51.100.7" => Ok(Some(Bytes::from_static(b"bad"))),
            "later" => Err(Fault::new(&fault::STOPPING)),
            _ => Ok(None),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_answered_and_too_many_are_put_off() {
    let bench = Bench::new().await;
    let server = bench.serve_with(0, Services { shelf: None, oracle: Some(Arc::new(Library)) }).await;
    let agent = bench.agent(&server.url, "a").await;
    let (answers, answered) = std::sync::mpsc::channel();
    let questions = Questions::new(move |answer| drop(answers.send(answer)));
    let ask = |id, value: &str| questions.ask(Ask { id, kind: "ip".into(), key: 1, value: value.into() });
    // Before the link stands they wait.
    assert!(ask(1, "198.51.100.7") && ask(2, "192.0.2.1") && ask(3, "later") && ask(4, &"x".repeat(5000)));
    let (uplink, _orders) = agent.link_with(Bed { contents: None, questions: Some(questions.clone()) });
    let (mut found, answered) = tokio::task::spawn_blocking(move || {
        let found: Vec<Answer> = (0..4).map(|_| answered.recv().unwrap()).collect();
        (found, answered)
    })
    .await
    .unwrap();
    found.sort_by_key(|answer| answer.id);
    let said: Vec<_> = found.iter().map(|answer| (answer.found.as_deref(), answer.later)).collect();
    assert_eq!(said, [(Some(&b"bad"[..]), false), (None, false), (None, true), (None, true)]);
    // A flood is answered with "later" beyond the allowance.
    let flood = tokio::task::spawn_blocking(move || {
        let mut later = 0;
        for id in 0..2000 {
            let ask = Ask { id, kind: "ip".into(), key: 1, value: "192.0.2.1".into() };
            assert!(questions.ask(ask));
            later += u64::from(answered.recv().unwrap().later);
        }
        later
    });
    assert!(flood.await.unwrap() > 0);
    uplink.stop().await;
    server.stop().await;
}
