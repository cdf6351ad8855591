//! Tuning on tables in memory: from an alert to the shelf.

use crate::Web;
use api::Web as _;
use base::ManualClock;
use fleet::content::Shelf;
use port::MemoryTables;
use record::{Alert, Match};
use std::sync::Arc;

struct Bench {
    tables: Arc<MemoryTables>,
    clock: Arc<ManualClock>,
    shelf: Shelf,
}

impl Bench {
    fn new() -> Bench {
        let clock = Arc::new(ManualClock::at(1_795_737_600_000_000));
        Bench { tables: Arc::default(), shelf: Shelf::new(clock.clone()), clock }
    }

    async fn open(&self) -> Arc<Web> {
        Web::open(self.tables.clone(), self.shelf.clone(), self.clock.clone()).await.unwrap()
    }
}

fn alert(path: &str) -> Alert {
    let found = |field: &str, value: &str| Match { field: field.into(), value: value.into() };
    Alert {
        id: "a-1".into(),
        matches: vec![
            found("site", "shop"),
            found("request", &format!("GET {path}")),
            found("rule.942100", "ARGS:q = 1 or 1=1"),
            found("rule.941100", "ARGS:q = <b>"),
        ],
        ..Alert::default()
    }
}

#[tokio::test]
async fn an_alert_becomes_the_narrowest_exclusions_once() {
    let bench = Bench::new();
    let web = bench.open().await;
    let made = web.exclude(&alert("/search"), &[], None, "user:ann", "search of the shop").await.unwrap();
    assert_eq!((made.site.as_str(), made.ids.as_slice()), ("shop", [8_000_000, 8_000_001].as_slice()));
    let shown = web.site("shop").await.unwrap();
    assert!(
        shown.yaml.contains("942100") && shown.yaml.contains("/search") && shown.yaml.contains("user:ann"),
        "{}",
        shown.yaml
    );
    assert_eq!((shown.items[0].at.as_str(), shown.items[0].kind.as_str()), ("2026-11-27", "exclusion"));
    let again = web.exclude(&alert("/search"), &[], None, "user:ann", "again").await;
    assert!(again.unwrap_err().is(&api::fault::INVALID), "nothing new");
    let other = web.exclude(&alert("/find"), &[942_100], Some("2026-12-01"), "user:ann", "for a week").await.unwrap();
    assert_eq!((other.ids.as_slice(), other.items[0].until.as_str()), ([8_000_002].as_slice(), "2026-12-01"));
    assert_eq!(web.sites().await.unwrap().version, 2);
    web.remove("shop", 8_000_000, "user:ann", "").await.unwrap();
    assert_eq!(web.site("shop").await.unwrap().items.len(), 2);
    assert!(web.remove("shop", 8_000_000, "user:ann", "").await.unwrap_err().is(&api::fault::MISSING));
}

#[tokio::test]
async fn what_does_not_compile_changes_nothing_and_a_restart_offers_the_same() {
    let bench = Bench::new();
    let web = bench.open().await;
    let good = "variables: [{id: 8000000, name: allowed_methods, value: GET HEAD POST, origin: {by: ann, at: 2026-11-27, why: methods}}]";
    web.replace("shop", good, "user:ann", "methods").await.unwrap();
    let before = web.site("shop").await.unwrap();
    for bad in
        ["variables: 7", "variables: [{id: 7, name: x, value: y}]", "exclusions: [{id: 8000001, targets: [NOTHING]}]"]
    {
        web.replace("shop", bad, "user:ann", "broken").await.unwrap_err();
    }
    assert_eq!(web.site("shop").await.unwrap(), before);
    web.replace("../x", good, "user:ann", "path").await.unwrap_err();
    let offered = web.sites().await.unwrap();
    let restarted = Bench { shelf: Shelf::new(bench.clock.clone()), ..bench }.open().await;
    assert_eq!(restarted.sites().await.unwrap().sites, offered.sites);
}

#[tokio::test]
async fn a_rule_that_its_target_does_not_decide_is_left_out_whole() {
    let web = Bench::new().open().await;
    let mut alert = alert("/search");
    alert.matches.push(Match { field: "whole.942100".into(), value: "ARGS".into() });
    web.exclude(&alert, &[942_100], None, "user:ann", "a link of its chain").await.unwrap();
    let yaml = web.site("shop").await.unwrap().yaml;
    assert!(yaml.contains("942100") && !yaml.contains("targets"), "{yaml}");
}

#[tokio::test]
async fn an_alert_of_a_host_is_none_of_a_gateway() {
    let web = Bench::new().open().await;
    let host = Alert { matches: Vec::new(), ..alert("/") };
    assert!(web.exclude(&host, &[], None, "user:ann", "x").await.unwrap_err().is(&api::fault::INVALID));
}
