//! A rule that the server publishes judges events within moments, survives a restart, and a bad one changes nothing:
//! with a real server and link, without a kernel. And an indicator that the server confirms.

use crate::bench::{self, Kept};
use crate::config::Config;
use crate::judge::Judge;
use crate::stock::Stock;
use base::{ManualClock, Result, SystemClock, SystemRandom};
use bus::{MemoryDisk, SharedSpool, Spool, SpoolConfig};
use fleet::content::{Files, Name, Shelf, Taken, Taker};
use fleet::simulated::Server;
use fleet::wire::Ask;
use fleet::{Services, Setup, Uplink};
use record::{AgentId, Alert, Event, Exec, Host, Proc, Process};
use ruleset::{Exception, Field, Own, Set, Who};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

const RULE: &str = "title: new\nid: 7d1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a11\nlevel: high\n\
    logsource: {product: linux, category: process_creation}\ndetection: {a: {Image|endswith: /evil}, condition: a}\n";

fn event() -> Event {
    let mut process = Process { key: 1, ..Process::default() };
    process.exe.path = "/tmp/evil".into();
    let (process, activity) = (Some(Proc::new(process, None)), record::Activity::Exec(Exec::default()));
    Event { seq: 0, time_us: 1, process, activity }
}

fn judge(stock: &Stock) -> Judge {
    Judge::new(&stock.rules, Host::default(), Default::default(), Arc::new(SystemClock::default()))
}

fn judged(judge: &mut Judge) -> Vec<Alert> {
    judge.renew();
    let mut alerts = Vec::new();
    judge.judge(&event(), |alert| alerts.push(alert));
    alerts
}

fn config(folder: &Path) -> Config {
    bench::config(&folder.join("state"))
}

fn stock(folder: &Path) -> Arc<Stock> {
    Stock::new(&config(folder), Who::default(), Arc::new(SystemClock::default()))
}

fn link(server: &Server, folder: &Path, identity: fleet::Identity, stock: &Arc<Stock>) -> Uplink {
    let (clock, random) = (Arc::new(SystemClock::default()), Arc::new(SystemRandom::new()));
    let (disk, config) = (Arc::new(MemoryDisk::new()), SpoolConfig::default());
    let spool = Spool::open(disk, Path::new("/spool"), identity.agent, Host::default(), config, clock.clone());
    let spool = SharedSpool::start(spool).unwrap();
    let (on_order, _) = tokio::sync::mpsc::channel(1);
    let contents = Some(stock.open().unwrap());
    let dir = folder.join("identity");
    assert!(!server.url().is_empty());
    let (host, questions) = (Host::default(), Some(stock.indicators.questions()));
    Uplink::with(Setup { identity, dir, spool, host, on_order, clock, random, contents, questions })
}

fn with_runtime<F: Future<Output = ()>>(name: &str, scenario: impl FnOnce(PathBuf) -> F) {
    let folder = std::env::temp_dir().join(format!("garrison-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(scenario(folder.clone()));
    drop(runtime);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_published_rule_judges_at_once_and_after_a_restart() {
    with_runtime("published", |folder| async move { rules_live(&folder).await });
}

async fn rules_live(folder: &Path) {
    let shelf = Shelf::new(Arc::new(SystemClock::default()));
    let services = Services { shelf: Some(shelf.clone()), oracle: None };
    let server = Server::start(&folder.join("server"), 1, services).await.unwrap();
    let identity = server.enroll(&folder.join("identity")).await.unwrap();
    let stock = self::stock(folder);
    let uplink = link(&server, folder, identity.clone(), &stock);
    stock.begin();
    let mut first = judge(&stock);
    assert!(judged(&mut first).is_empty());
    let begun = Instant::now();
    shelf.publish(Name::Rules, 1, &Files::of([("new.yml", RULE)]).bytes()).unwrap();
    // The judge's thread, which looks for new rules between two polls.
    let alert = tokio::task::spawn_blocking(move || {
        loop {
            if let Some(alert) = judged(&mut first).pop() {
                return (alert, first);
            }
            std::thread::yield_now();
        }
    });
    let (alert, mut first) = alert.await.unwrap();
    println!("published → first alert: {:?}", begun.elapsed());
    assert_eq!((alert.title.as_str(), alert.rule_version.len()), ("new", 16));
    // A set in which nothing is sound is refused, and the rules before stay.
    let mut told = shelf.told();
    shelf.publish(Name::Rules, 2, &Files::of([("bad.yml", "title: [")]).bytes()).unwrap();
    while shelf.tally(Name::Rules, 2).refused == 0 {
        told.changed().await.unwrap();
    }
    let refused = shelf.status().into_iter().find_map(|one| one.refused).unwrap();
    assert!(refused.code.starts_with("detect.") && refused.text.contains("published/bad.yml"), "{refused:?}");
    assert_eq!((stock.rules.get().version, judge(&stock).rules().count()), (1, 1));
    // The same text under another version of it: the alert says which version judged.
    let changed = RULE.replace("title: new", "title: newer");
    shelf.publish(Name::Rules, 3, &Files::of([("new.yml", changed)]).bytes()).unwrap();
    while shelf.tally(Name::Rules, 3).hold == 0 {
        told.changed().await.unwrap();
    }
    let next = judged(&mut first).pop().expect("a changed rule is another finding");
    assert!(next.rule == alert.rule && next.rule_version != alert.rule_version);
    uplink.stop().await;
    // The next start judges by what was given last, before any server is there.
    server.stop().await;
    let again = self::stock(folder);
    again.open().unwrap();
    again.begin();
    assert_eq!(again.rules.get().version, 3);
    assert_eq!(judged(&mut judge(&again))[0].title, "newer");
}

#[test]
fn an_exception_silences_what_it_names_and_ends_by_itself() {
    let folder = std::env::temp_dir().join(format!("garrison-exception-{}", std::process::id()));
    let clock = Arc::new(ManualClock::at(1_000_000));
    let stock = Stock::new(&config(&folder), Who::default(), clock.clone());
    let fields = vec![Field { name: "Image".into(), values: vec!["/tmp/evil".into()] }];
    let id = "0b1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a12".into();
    let rules = vec!["7d1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a11".into()];
    let exception = Exception { id, rules, fields, until_us: 5_000_000, ..Exception::default() };
    let own = Own { name: "new.yml".into(), text: RULE.into(), ..Own::default() };
    let set = Set { rules: vec![own], exceptions: vec![exception], ..Set::default() };
    let content = Files::of(set.texts()).bytes();
    stock.take(Taken { name: Name::Rules, version: 3, from: 0, content }).unwrap();
    let mut judge = judge(&stock);
    stock.renew();
    assert!(judged(&mut judge).is_empty(), "it is excepted");
    clock.jump_wall(4_000_000);
    stock.renew();
    let [alert] = &judged(&mut judge)[..] else { panic!("the exception is over") };
    assert_eq!(alert.rule_set, 3);
}

/// Knows one address.
struct Library;

#[async_trait::async_trait]
impl fleet::Oracle for Library {
    async fn answer(&self, _: AgentId, ask: Ask) -> Result<Option<bytes::Bytes>> {
        let (verdict, kind) = (crate::indicators::tests::verdict(90), intel::Kind::Ip);
        let known = (ask.kind.as_str(), ask.value.as_str()) == (kind.word(), crate::indicators::tests::BAD);
        Ok(known.then_some(verdict))
    }
}

#[test]
fn an_indicator_is_an_alert_once_the_server_confirms_it() {
    with_runtime("indicator", |folder| async move { confirmed(&folder).await });
}

async fn confirmed(folder: &Path) {
    let shelf = Shelf::new(Arc::new(SystemClock::default()));
    let services = Services { shelf: Some(shelf.clone()), oracle: Some(Arc::new(Library)) };
    let server = Server::start(&folder.join("server"), 1, services).await.unwrap();
    let identity = server.enroll(&folder.join("identity")).await.unwrap();
    let stock = self::stock(folder);
    let uplink = link(&server, folder, identity, &stock);
    let kept = Arc::new(Kept::default());
    let raiser = bench::raiser(&kept, Arc::new(SystemClock::default()));
    let stop = Arc::new(AtomicBool::new(false));
    let asking = std::thread::spawn({
        let (stock, stop) = (stock.clone(), stop.clone());
        move || stock.indicators.run(&raiser, Default::default(), &stop)
    });
    let mut judge = judge(&stock).with(stock.indicators.spotter());
    let (bad, filter) = (crate::indicators::tests::BAD, crate::indicators::tests::filter);
    shelf.publish(Name::IntelFilter, 5, &filter(5, &["192.0.2.44", bad])).unwrap();
    let mut told = shelf.told();
    while shelf.tally(Name::IntelFilter, 5).hold == 0 {
        told.changed().await.unwrap();
    }
    judge.renew();
    for (address, process) in [("192.0.2.44", 1), ("192.0.2.45", 2), (bad, 3)] {
        judge.judge(&crate::indicators::tests::connection(address, process, 1), |_| panic!("no rule is loaded"));
    }
    let waiting = kept.clone();
    tokio::task::spawn_blocking(move || waiting.until(|alerts, _| !alerts.is_empty())).await.unwrap();
    let [alert] = &kept.alerts()[..] else { panic!("one was listed and confirmed: {:?}", kept.alerts()) };
    assert!(alert.matches.iter().any(|one| one.value == bad), "{alert:?}");
    stop.store(true, Ordering::Relaxed);
    asking.join().unwrap();
    uplink.stop().await;
    server.stop().await;
}
