//! The desk on tables in memory.

use crate::{Desk, compact, store};
use api::Addresses as _;
use api::addresses::{PoolAllocation, PoolChange};
use base::{ManualClock, Result};
use pool::{Limits, Range};
use port::{MemoryTables, Tables as _};
use std::sync::Arc;

async fn open(tables: &Arc<MemoryTables>) -> Arc<Desk> {
    let clock = Arc::new(ManualClock::at(1_795_737_600_000_000));
    Desk::open(tables.clone(), clock, Limits::default()).await.unwrap()
}

fn wish(text: &str) -> PoolChange {
    let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
    value["reason"] = "test".into();
    serde_json::from_value(value).unwrap()
}

async fn change(desk: &Desk, text: &str) -> Result<()> {
    desk.check(&wish(text)).await?;
    desk.change(&wish(text), "alice").await
}

async fn furnish(desk: &Desk) {
    for text in [
        r#"{"do": "add", "range": "192.0.2.0/24"}"#,
        r#"{"do": "add", "range": "2001:db8::/48"}"#,
        r#"{"do": "add-holder", "name": "acme", "kind": "customer"}"#,
        r#"{"do": "add-holder", "name": "beta", "kind": "site"}"#,
        r#"{"do": "assign", "range": "192.0.2.16/28", "to": "acme"}"#,
        r#"{"do": "move", "range": "192.0.2.20", "from": "acme", "to": "beta"}"#,
    ] {
        change(desk, text).await.unwrap();
    }
}

#[tokio::test]
async fn a_pool_is_opened_again() {
    let tables = Arc::new(MemoryTables::default());
    let desk = open(&tables).await;
    furnish(&desk).await;
    let again = open(&tables).await;
    for desk in [&desk, &again] {
        assert_eq!(desk.address("192.0.2.20").await.unwrap().holder.as_deref(), Some("beta"));
        assert_eq!(desk.address("2001:db8::1").await.unwrap().state, "free");
        assert_eq!(desk.address("203.0.113.1").await.unwrap().state, "absent");
        let summary = desk.summary().await.unwrap();
        assert_eq!((summary.ipv4_held.as_str(), summary.changes, summary.holders), ("16", 6, 2));
        assert_eq!(summary.ipv6_free, (1_u128 << 80).to_string());
    }
}

#[tokio::test]
async fn two_workers_see_each_other() {
    let tables = Arc::new(MemoryTables::default());
    let (one, other) = (open(&tables).await, open(&tables).await);
    furnish(&one).await;
    let taken = change(&other, r#"{"do": "assign", "range": "192.0.2.16", "to": "beta"}"#).await.unwrap_err();
    assert!(taken.is(&pool::fault::HELD) && taken.got() == "acme", "{taken}");
    change(&other, r#"{"do": "release", "range": "192.0.2.16", "from": "acme"}"#).await.unwrap();
    assert_eq!(one.address("192.0.2.16").await.unwrap().state, "free");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let tables = Arc::new(MemoryTables::default());
    let desk = open(&tables).await;
    furnish(&desk).await;
    let (first, next) = desk.holders("", 1).await.unwrap();
    assert_eq!((first[0].name.as_str(), first[0].ipv4.as_str()), ("acme", "15"));
    let (second, end) = desk.holders(&next.unwrap(), 1).await.unwrap();
    assert_eq!((second[0].name.as_str(), second[0].kind.as_str(), end), ("beta", "site", None));
    let (mut ranges, mut place) = (Vec::new(), String::new());
    loop {
        let (page, next) = desk.ranges(Some("acme"), &place, 1).await.unwrap();
        ranges.extend(page);
        let Some(next) = next else { break };
        place = next;
    }
    assert_eq!(ranges, ["192.0.2.16/30", "192.0.2.21-192.0.2.31"]);
    let (free, _) = desk.ranges(None, "", 10).await.unwrap();
    assert_eq!(free, ["192.0.2.0/28", "192.0.2.32-192.0.2.255", "2001:db8::/48"]);
}

#[tokio::test]
async fn addresses_are_allocated_all_or_none() {
    let tables = Arc::new(MemoryTables::default());
    let desk = open(&tables).await;
    furnish(&desk).await;
    let wish = |count, bits, ipv6| PoolAllocation { holder: "beta".into(), ipv6, count, bits, reason: "test".into() };
    let made = desk.allocate(&wish(Some(20), None, false), "alice").await.unwrap();
    assert_eq!(made.ranges, ["192.0.2.0/28", "192.0.2.32/30"]);
    let made = desk.allocate(&wish(None, Some(64), true), "alice").await.unwrap();
    assert_eq!(made.ranges, ["2001:db8::/64"]);
    let before = desk.summary().await.unwrap();
    assert!(desk.allocate(&wish(Some(500), None, false), "alice").await.unwrap_err().is(&pool::fault::EXHAUSTED));
    for wrong in [wish(None, None, false), wish(Some(0), None, false), wish(Some(1), Some(32), false)] {
        assert!(desk.allocate(&wrong, "alice").await.unwrap_err().is(&api::fault::INVALID));
    }
    assert_eq!(desk.summary().await.unwrap(), before);
}

#[tokio::test]
async fn a_wish_that_is_none_is_refused() {
    let desk = open(&Arc::new(MemoryTables::default())).await;
    for wrong in [
        r#"{"do": "explode"}"#,
        r#"{"do": "assign", "range": "192.0.2.0/24"}"#,
        r#"{"do": "add", "range": "192.0.2.0/99"}"#,
        r#"{"do": "add", "range": "192.0.2.0/24", "to": "acme"}"#,
    ] {
        assert!(change(&desk, wrong).await.unwrap_err().is(&api::fault::INVALID), "{wrong}");
    }
    assert!(desk.address("x").await.unwrap_err().is(&api::fault::INVALID));
}

#[tokio::test]
async fn the_log_becomes_rows_and_a_failure_in_between_loses_nothing() {
    // Every call of the tables fails once, in turn, while the pool is written as rows.
    for fails_at in 1.. {
        let tables = Arc::new(MemoryTables::default());
        let desk = open(&tables).await;
        furnish(&desk).await;
        let (facts, version) = store::facts(&*tables).await.unwrap();
        let pool = store::rows(&*tables, &store::Facts::default(), Limits::default()).await.unwrap();
        assert_eq!(pool.rows().count(), 0, "nothing is in rows yet");
        let mut pool = pool;
        for logged in store::changes(&*tables, 0).await.unwrap() {
            pool.apply(&logged.change).unwrap();
        }
        let pool = std::sync::RwLock::new(pool);
        tables.trip.fail_at(fails_at);
        let written = compact::write(&*tables, &pool, &facts, version).await;
        tables.trip.fail_at(0);
        let again = open(&tables).await;
        assert_eq!(again.summary().await.unwrap(), desk.summary().await.unwrap(), "failed at {fails_at}");
        assert_eq!(again.address("192.0.2.20").await.unwrap().holder.as_deref(), Some("beta"));
        change(&again, r#"{"do": "release", "range": "192.0.2.20", "from": "beta"}"#).await.unwrap();
        assert_eq!(desk.address("192.0.2.20").await.unwrap().state, "free");
        if written.is_ok() {
            assert_eq!(tables.scan(store::LOG, "", "", 10).await.unwrap().len(), 1, "only the change after");
            break;
        }
    }
}

#[test]
fn rows_are_written_when_they_pay() {
    let facts = |last| store::Facts { generation: 1, rows_at: 5, last };
    assert!(!compact::due(&facts(10_004), 0));
    assert!(compact::due(&facts(10_005), 0));
    assert!(!compact::due(&facts(10_005), 5_000_000), "five million runs are not written for ten thousand changes");
    assert!(compact::due(&facts(500_005), 5_000_000));
}

#[test]
fn a_range_knows_what_is_behind_it() {
    let range = |text: &str| text.parse::<Range>().unwrap();
    assert_eq!(range("192.0.2.0/24").after().unwrap().to_string(), "192.0.3.0");
    assert_eq!(range("255.255.255.255").after().unwrap().to_string(), "::", "IPv6 comes behind IPv4");
    assert_eq!(range("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").after(), None);
}
