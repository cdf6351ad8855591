//! A rule that the server publishes judges events within moments, survives a restart, and a bad one changes nothing:
//! with a real server and link, without a kernel.

use crate::config::Config;
use crate::judge::Judge;
use crate::stock::Stock;
use base::{SystemClock, SystemRandom};
use bus::{MemoryDisk, SharedSpool, Spool, SpoolConfig};
use fleet::content::{Files, Name, Shelf};
use fleet::simulated::Server;
use fleet::{Services, Setup, Uplink};
use record::{Alert, Event, Exec, Host, Proc, Process};
use std::path::Path;
use std::sync::Arc;
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
    Config { state: folder.join("state"), builtin_rules: false, rules: Vec::new(), ..Config::default() }
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
    Uplink::with(Setup { identity, dir, spool, host: Host::default(), on_order, clock, random, contents, questions: None })
}

#[test]
fn a_published_rule_judges_at_once_and_after_a_restart() {
    let folder = std::env::temp_dir().join(format!("garrison-published-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(scenario(&folder));
    drop(runtime);
    std::fs::remove_dir_all(folder).unwrap();
}

async fn scenario(folder: &Path) {
    let shelf = Shelf::new(Arc::new(SystemClock::default()));
    let services = Services { shelf: Some(shelf.clone()), oracle: None };
    let server = Server::start(&folder.join("server"), 1, services).await.unwrap();
    let identity = server.enroll(&folder.join("identity")).await.unwrap();
    let stock = Stock::new(&config(folder));
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
    let again = Stock::new(&config(folder));
    again.open().unwrap();
    again.begin();
    assert_eq!(again.rules.get().version, 3);
    assert_eq!(judged(&mut judge(&again))[0].title, "newer");
}
