//! Inventory, advisories and their match together, on tables in memory.

use super::*;
use crate::assets::{ASSETS, Held};
use crate::catalogue::{AFFECTED, EXPLOITED, NAMES};
use crate::import::Job;
use api::Live;
use api::Posture as _;
use api::posture::{AssetFilter, FindingFilter};
use base::ManualClock;
use port::Tables as _;
use port::{MemoryFetch, MemoryTables};
use record::{Activity, Event};
use record::{Asset, Pair};
use serde_json::Value;
use std::io::Write as _;
use std::sync::Arc;
use tokio::sync::broadcast;

const AGENT: &str = "0123456789abcdef0123456789abcdef";

struct Bench {
    folder: tempfile::TempDir,
    tables: Arc<MemoryTables>,
    clock: Arc<ManualClock>,
    fetch: Arc<MemoryFetch>,
}

impl Bench {
    fn new() -> Bench {
        let clock = Arc::new(ManualClock::at(1_760_000_000_000_000));
        Bench { folder: tempfile::tempdir().unwrap(), tables: Arc::default(), clock, fetch: Arc::default() }
    }

    async fn open(&self) -> (Arc<Posture>, broadcast::Receiver<Live>) {
        let (live, heard) = broadcast::channel(64);
        let folder = self.folder.path().join("posture");
        let open = Posture::open(self.tables.clone(), self.clock.clone(), folder, self.fetch.clone(), live);
        (open.await.unwrap(), heard)
    }

    async fn rows(&self, table: &'static str) -> usize {
        self.tables.scan(table, "", "", 100_000).await.unwrap().len()
    }
}

fn package(name: &str, version: &str, change: &str) -> Asset {
    let details = [("manager", "dpkg"), ("source", "openssl"), ("source_version", version)];
    Asset {
        kind: "package".into(),
        change: change.into(),
        key: format!("dpkg:{name}:amd64"),
        name: name.into(),
        version: version.into(),
        details: details.map(|(name, value)| Pair::new(name, value)).to_vec(),
        before: Vec::new(),
    }
}

fn os() -> Asset {
    let details = vec![Pair::new("id", "debian"), Pair::new("codename", "bookworm")];
    Asset {
        kind: "host".into(),
        change: "present".into(),
        key: "os".into(),
        version: "12".into(),
        details,
        ..Asset::default()
    }
}

fn whole(count: usize) -> Asset {
    let details = vec![Pair::new("assets", count.to_string())];
    Asset { kind: "host".into(), change: "present".into(), key: "inventory".into(), details, ..Asset::default() }
}

fn event(time_us: i64, asset: Asset) -> Event {
    Event { seq: 0, time_us, process: None, activity: Activity::Asset(asset) }
}

const TRACKER: &str = r#"{"openssl": {"CVE-2023-1000": {"description": "bad", "scope": "remote", "releases": {
    "bookworm": {"status": "resolved", "fixed_version": "3.0.11-1", "urgency": "high"}}}, "CVE-2023-1001": {"releases": 7}}}"#;
const OSV: &str = r#"{"id":"DSA-9-1","upstream":["CVE-2023-1000","CVE-2023-2000"],"summary":"worse","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.11-1"}]}]}]}"#;

async fn import(posture: &Arc<Posture>, source: &str, text: &str) -> Job {
    let (mut file, path) = posture.place().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let order = Order { source: source.into(), ..Order::default() };
    let (_, work) = posture.import(order, path).unwrap();
    work.await.unwrap()
}

async fn found(posture: &Arc<Posture>, filter: FindingFilter) -> Vec<Value> {
    Desk(posture.clone()).findings(&filter, "", 100).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_an_advisory_and_what_comes_of_both() {
    let bench = Bench::new();
    let (posture, mut heard) = bench.open().await;
    let first = [
        event(1, os()),
        event(1, package("libssl3", "3.0.9-1", "present")),
        event(1, package("openssl", "3.0.9-1", "present")),
        event(1, whole(3)),
    ];
    posture.observe(AGENT, "web", &first).await.unwrap();
    assert_eq!(posture.settle().await.unwrap(), 1);
    assert_eq!(found(&posture, FindingFilter::default()).await.len(), 0);
    let job = import(&posture, "debian", TRACKER).await;
    assert_eq!((job.fault.as_str(), job.format.as_str(), job.taken, job.bad), ("", "debian", 1, 1));
    assert!(job.examples[0].contains("openssl, CVE-2023-1001"), "{:?}", job.examples);
    assert_eq!(posture.settle().await.unwrap(), 1, "the host is matched because the advisories changed");
    let rows =
        found(&posture, FindingFilter { fixable: true, severity: "high".into(), ..FindingFilter::default() }).await;
    assert_eq!(rows.len(), 1, "one source package, one finding");
    assert_eq!((rows[0]["name"].as_str(), rows[0]["fixed"].as_str()), (Some("CVE-2023-1000"), Some("3.0.11-1")));
    assert_eq!(rows[0]["assets"], serde_json::json!(["dpkg:libssl3:amd64", "dpkg:openssl:amd64"]));
    assert_eq!(heard.try_recv().unwrap().json["class_uid"], 2002);
    // Another source says it too, and the catalogue that it is used.
    assert_eq!(import(&posture, "osv", OSV).await.fault, "");
    let kev = r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2023-2000"}]}"#;
    assert_eq!(import(&posture, "kev", kev).await.fault, "");
    posture.settle().await.unwrap();
    let rows = found(&posture, FindingFilter { exploited: true, ..FindingFilter::default() }).await;
    assert_eq!((rows.len(), rows[0]["score"].as_f64(), rows[0]["severity"].as_str()), (1, Some(9.8), Some("critical")));
    assert!(heard.try_recv().is_err(), "it is not told as new again");
    let shown = Desk(posture.clone()).vulnerability("cve-2023-2000").await.unwrap();
    assert_eq!(
        (shown["advisories"][0]["source"].as_str(), shown["hosts"][0]["host"].as_str()),
        (Some("osv"), Some("web"))
    );
    // An upgrade ends it.
    let upgrade =
        [event(9, package("libssl3", "3.0.11-1", "changed")), event(9, package("openssl", "3.0.11-1", "changed"))];
    posture.observe(AGENT, "web", &upgrade).await.unwrap();
    posture.settle().await.unwrap();
    assert_eq!(found(&posture, FindingFilter::default()).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_replaced_whole_or_stays() {
    let bench = Bench::new();
    let (posture, _heard) = bench.open().await;
    import(&posture, "a", OSV).await;
    let before = (bench.rows(AFFECTED).await, bench.rows(NAMES).await);
    for bad in ["", "[]", "{\"openssl\": {\"CVE-2023-1000\": {\"releases\"", "{\"id\":\"x\",\"withdrawn\":\"2024\"}"] {
        assert_ne!(import(&posture, "a", bad).await.fault, "", "{bad}");
        assert_eq!((bench.rows(AFFECTED).await, bench.rows(NAMES).await), before, "{bad}");
    }
    assert_eq!(import(&posture, "a", &OSV.replace("DSA-9-1", "DSA-9-2")).await.fault, "");
    assert_eq!((bench.rows(AFFECTED).await, bench.rows(NAMES).await), before, "the old rows are gone");
    assert!(posture.forget("a").await.unwrap());
    assert_eq!((bench.rows(AFFECTED).await, bench.rows(NAMES).await, bench.rows(EXPLOITED).await), (0, 0, 0));
    let bad = posture.import(Order { source: "a|b".into(), ..Order::default() }, bench.folder.path().join("x"));
    assert!(bad.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_any_call_of_the_tables_leaves_old_or_new() {
    for n in 1..14 {
        let bench = Bench::new();
        let (posture, _heard) = bench.open().await;
        import(&posture, "a", OSV).await;
        bench.tables.trip.fail_at(n);
        import(&posture, "a", &OSV.replace("DSA-9-1", "DSA-9-2")).await;
        bench.tables.trip.fail_at(0);
        drop(posture);
        // What was left half is swept at the next start.
        let (posture, _heard) = bench.open().await;
        assert_eq!((bench.rows(AFFECTED).await, bench.rows(NAMES).await), (1, 3), "call {n}");
        assert!(Desk(posture).vulnerability("CVE-2023-2000").await.is_ok(), "call {n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_fetched() {
    let bench = Bench::new();
    let (posture, _heard) = bench.open().await;
    bench.fetch.answer("https://mirror.example/osv.json", 200, &[], OSV);
    for (url, good) in [("https://mirror.example/osv.json", true), ("https://mirror.example/none", false)] {
        let (_, path) = posture.place().unwrap();
        let order = Order { source: "a".into(), url: url.into(), ..Order::default() };
        let job = posture.import(order, path).unwrap().1.await.unwrap();
        assert_eq!(job.fault.is_empty(), good, "{url}: {}", job.fault);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_inventory_removes_what_it_does_not_name_when_all_of_it_came() {
    let bench = Bench::new();
    let (posture, _heard) = bench.open().await;
    let first = [event(1, package("a", "1", "present")), event(1, package("b", "1", "present")), event(1, whole(2))];
    posture.observe(AGENT, "web", &first).await.unwrap();
    // The removal of b was shed on its way; then a whole inventory comes in part, then all of it.
    let part = [event(5, whole(1))];
    posture.observe(AGENT, "web", &part).await.unwrap();
    assert_eq!(bench.rows(ASSETS).await, 2);
    let again = [event(7, package("a", "1", "present")), event(7, whole(1))];
    posture.observe(AGENT, "web", &again).await.unwrap();
    let rows = bench.tables.scan(ASSETS, "", "", 10).await.unwrap();
    let held: Vec<Held> = rows.iter().map(|item| serde_json::from_slice(&item.value).unwrap()).collect();
    assert_eq!((held.len(), held[0].name.as_str(), held[0].first_us), (1, "a", 1));
    // What is walked again after a crash changes nothing.
    posture.observe(AGENT, "web", &first[1..2]).await.unwrap();
    posture.observe(AGENT, "web", &again).await.unwrap();
    assert_eq!(bench.rows(ASSETS).await, 1);
    let removed = [event(8, package("a", "1", "removed"))];
    posture.observe(AGENT, "web", &removed).await.unwrap();
    assert_eq!(bench.rows(ASSETS).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_where_they_ended() {
    let bench = Bench::new();
    let (posture, _heard) = bench.open().await;
    for agent in ["a1", "b2"] {
        let events: Vec<Event> = (0..7).map(|n| event(1, package(&format!("p{n}"), "1", "added"))).collect();
        posture.observe(agent, agent, &events).await.unwrap();
    }
    let (desk, mut seen, mut after) = (Desk(posture), Vec::new(), String::new());
    loop {
        let filter = AssetFilter { kind: "package".into(), ..AssetFilter::default() };
        let (rows, next) = desk.assets(&filter, &after, 7).await.unwrap();
        seen.extend(rows.iter().map(|row| format!("{}{}", row["agent"], row["key"])));
        let Some(next) = next else { break };
        after = next;
    }
    seen.dedup();
    assert_eq!(seen.len(), 14);
    let unknown = AssetFilter { host: "nowhere".into(), ..AssetFilter::default() };
    assert!(desk.assets(&unknown, "", 7).await.is_err());
}
