//! The real server, from an agent's frame to the answer of the API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stand outside test functions")]

use api::Posture as _;
use api::posture::{AssetFilter, FindingFilter};
use base::Clock;
use bus::{MemoryDisk, SharedSpool, Spool, SpoolConfig};
use fleet::Identity;
use holdings::{Desk, Order};
use record::{Activity, Asset, Event, Pair};
use server::places::Places;
use server::{Keep, Listen, Server};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

const TRACKER: &str = r#"{"openssl": {"CVE-2023-1000": {"description": "bad", "scope": "remote", "releases": {
    "bookworm": {"status": "resolved", "fixed_version": "3.0.11-1", "urgency": "high"}}}}}"#;

fn part(kind: &str, key: &str, name: &str, version: &str, details: &[(&str, &str)]) -> Asset {
    let details = details.iter().map(|(name, value)| Pair::new(*name, *value)).collect();
    let (kind, key, name, version) = (kind.into(), key.into(), name.into(), version.into());
    Asset { kind, change: "present".into(), key, name, version, details, before: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_real_server_an_asset_event_leads_to_a_listed_vulnerability() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places::new(Some(&folder.path().join("data")));
    let any = || "127.0.0.1:0".to_string();
    let listen = Listen { link: any(), api: any(), advertise: None };
    let server = Server::start(&places, &listen, Keep { days: 0, finding_days: 0, bytes: 0 }).await.unwrap();
    let (mut file, path) = server.posture.place().unwrap();
    file.write_all(TRACKER.as_bytes()).unwrap();
    let (_, work) = server.posture.import(Order { source: "debian".into(), ..Order::default() }, path).unwrap();
    work.await.unwrap();
    let token = server.authority.issue_token(&server.link_url, "default", 1, 3600).await.unwrap();
    let (dir, host) = (folder.path().join("agent"), record::Host { name: "web".into(), ..record::Host::default() });
    let identity: Identity = fleet::enroll(&token, host.clone(), &dir).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(base::SystemClock::default());
    let (disk, config) = (Arc::new(MemoryDisk::new()), SpoolConfig::default());
    let spool = Spool::open(disk, std::path::Path::new("/spool"), identity.agent, host.clone(), config, clock.clone());
    let spool = SharedSpool::start(spool).unwrap();
    let now = clock.wall();
    let openssl = [("manager", "dpkg"), ("source", "openssl"), ("source_version", "3.0.9-1")];
    let first = [
        part("host", "os", "", "12", &[("id", "debian"), ("codename", "bookworm")]),
        part("package", "dpkg:openssl:amd64", "openssl", "3.0.9-1", &openssl),
        part("host", "inventory", "", "", &[("assets", "2")]),
    ];
    let event = |asset| Event { seq: 0, time_us: now, process: None, activity: Activity::Asset(asset) };
    spool.push_telemetry(first.map(event));
    spool.with(Spool::flush);
    let (on_order, _orders) = tokio::sync::mpsc::channel(8);
    let random = Arc::new(base::SystemRandom::new());
    let (contents, questions) = (None, None);
    let uplink =
        fleet::Uplink::with(fleet::Setup { identity, dir, spool, host, on_order, clock, random, contents, questions });
    let desk = Desk(server.posture.clone());
    let filter = FindingFilter { fixable: true, ..FindingFilter::default() };
    let rows = loop {
        let (rows, _) = desk.findings(&filter, "", 10).await.unwrap();
        if !rows.is_empty() {
            break rows;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((rows[0]["host"].as_str(), rows[0]["name"].as_str()), (Some("web"), Some("CVE-2023-1000")));
    let (assets, _) = desk.assets(&AssetFilter { host: "web".into(), ..AssetFilter::default() }, "", 10).await.unwrap();
    assert_eq!(assets.len(), 2);
    drop(uplink);
    server.stop().await;
}
