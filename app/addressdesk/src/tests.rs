//! The desk on tables in memory.

use crate::{Desk, compact, store};
use api::Addresses as _;
use api::addresses::{PoolAllocation, PoolChange};
use async_trait::async_trait;
use base::{ManualClock, Result};
use pool::{Change, Limits, Range};
use port::{Item, MemoryTables, Tables, Write};
use std::sync::{Arc, Mutex};

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
        for logged in store::changes(&*tables, 0, facts.last).await.unwrap() {
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

/// Tables that another worker acts on between two calls of the one who has them.
struct Between {
    tables: Arc<MemoryTables>,
    /// What it does behind the next reading of the facts.
    act: Mutex<Option<Act>>,
}

enum Act {
    Change(Arc<Desk>, &'static str),
    Rewrite,
}

impl Between {
    async fn act(&self) {
        let act = self.act.lock().unwrap().take();
        match act {
            Some(Act::Change(desk, text)) => change(&desk, text).await.unwrap(),
            Some(Act::Rewrite) => rewrite(&self.tables).await,
            None => {}
        }
    }
}

#[async_trait]
impl Tables for Between {
    async fn get(&self, table: &'static str, key: &str) -> Result<Option<Item>> {
        let found = self.tables.get(table, key).await;
        self.act().await;
        found
    }

    async fn scan(&self, table: &'static str, prefix: &str, after: &str, limit: usize) -> Result<Vec<Item>> {
        self.tables.scan(table, prefix, after, limit).await
    }

    async fn scan_back(&self, table: &'static str, prefix: &str, before: &str, limit: usize) -> Result<Vec<Item>> {
        self.tables.scan_back(table, prefix, before, limit).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        self.tables.commit(writes).await
    }
}

/// Writes what is stored as rows, as another worker would.
async fn rewrite(tables: &MemoryTables) {
    let (facts, version) = store::facts(tables).await.unwrap();
    let mut pool = store::rows(tables, &facts, Limits::default()).await.unwrap();
    for logged in store::changes(tables, facts.rows_at, facts.last).await.unwrap() {
        pool.apply(&logged.change).unwrap();
    }
    compact::write(tables, &std::sync::RwLock::new(pool), &facts, version).await.unwrap();
}

#[tokio::test]
async fn what_another_worker_does_while_the_pool_is_read_is_read_once() {
    let memory = Arc::new(MemoryTables::default());
    let other = open(&memory).await;
    let tables = Arc::new(Between { tables: memory.clone(), act: Mutex::default() });
    let clock = Arc::new(ManualClock::at(1_795_737_600_000_000));
    let desk = Desk::open(tables.clone(), clock.clone(), Limits::default()).await.unwrap();
    furnish(&other).await;
    let during = |act| *tables.act.lock().unwrap() = Some(act);
    during(Act::Change(other.clone(), r#"{"do": "release", "range": "192.0.2.16", "from": "acme"}"#));
    assert_eq!(desk.summary().await.unwrap().changes, 6, "what came after the facts is left for the next time");
    assert_eq!(desk.address("192.0.2.16").await.unwrap().state, "free");
    // The log is rewritten behind what was read, and goes on.
    change(&other, r#"{"do": "release", "range": "192.0.2.20", "from": "beta"}"#).await.unwrap();
    during(Act::Rewrite);
    assert_eq!(desk.address("192.0.2.20").await.unwrap().state, "free");
    // Rows of a generation that is deleted while they are read.
    let fresh = Desk::open(tables.clone(), clock, Limits::default()).await.unwrap();
    change(&other, r#"{"do": "assign", "range": "192.0.2.16", "to": "beta"}"#).await.unwrap();
    rewrite(&memory).await;
    change(&other, r#"{"do": "assign", "range": "192.0.2.17", "to": "beta"}"#).await.unwrap_err();
    during(Act::Rewrite);
    for desk in [&fresh, &desk] {
        assert_eq!(desk.summary().await.unwrap(), other.summary().await.unwrap());
        assert_eq!(desk.address("192.0.2.16").await.unwrap().holder.as_deref(), Some("beta"));
    }
}

/// Tables that let no rows be written until they may.
struct Gate {
    tables: Arc<MemoryTables>,
    open: tokio::sync::Semaphore,
    waiting: tokio::sync::Notify,
}

#[async_trait]
impl Tables for Gate {
    async fn get(&self, table: &'static str, key: &str) -> Result<Option<Item>> {
        self.tables.get(table, key).await
    }

    async fn scan(&self, table: &'static str, prefix: &str, after: &str, limit: usize) -> Result<Vec<Item>> {
        self.tables.scan(table, prefix, after, limit).await
    }

    async fn scan_back(&self, table: &'static str, prefix: &str, before: &str, limit: usize) -> Result<Vec<Item>> {
        self.tables.scan_back(table, prefix, before, limit).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        if writes.iter().any(|write| matches!(write, Write::Put { table: store::ROWS, .. })) {
            self.waiting.notify_one();
            drop(self.open.acquire().await);
        }
        self.tables.commit(writes).await
    }
}

/// Each of these once waited for five million rows.
#[tokio::test]
async fn the_desk_answers_while_rows_are_written() {
    let memory = Arc::new(MemoryTables::default());
    let (open_now, waiting) = (tokio::sync::Semaphore::new(0), tokio::sync::Notify::new());
    let gate = Arc::new(Gate { tables: memory.clone(), open: open_now, waiting });
    let clock = Arc::new(ManualClock::at(1_795_737_600_000_000));
    let desk = Desk::open(gate.clone(), clock, Limits::default()).await.unwrap();
    furnish(&desk).await;
    // As another worker would have made so many changes.
    let (facts, version) = store::facts(&*memory).await.unwrap();
    let numbers = facts.last + 1..10_000;
    let put = |number: u64| {
        let range: Range = "192.0.2.16/30".parse().unwrap();
        let change = match number % 2 {
            1 => Change::Release { range, from: "acme".into() },
            _ => Change::Assign { range, to: "acme".into() },
        };
        let logged = store::Logged { change, who: "bob".into(), reason: "test".into(), time_us: 0 };
        Write::Put { table: store::LOG, key: store::log_key(number), value: store::document(&logged) }
    };
    let mut writes: Vec<Write> = numbers.map(put).collect();
    writes.push(store::put_facts(&store::Facts { last: 9_999, ..facts }, version));
    memory.commit(writes).await.unwrap();
    change(&desk, r#"{"do": "assign", "range": "192.0.2.16/30", "to": "acme"}"#).await.unwrap();
    gate.waiting.notified().await;
    assert_eq!(desk.address("192.0.2.20").await.unwrap().holder.as_deref(), Some("beta"));
    assert_eq!(desk.summary().await.unwrap().changes, 10_000);
    assert_eq!(desk.holders("", 10).await.unwrap().0.len(), 2);
    assert_eq!(desk.ranges(Some("beta"), "", 10).await.unwrap().0, ["192.0.2.20"]);
    gate.open.add_permits(100);
    change(&desk, r#"{"do": "release", "range": "192.0.2.20", "from": "beta"}"#).await.unwrap();
    assert_eq!(memory.scan(store::LOG, "", "", 10).await.unwrap().len(), 1, "only the change after");
    assert_eq!(open(&memory).await.summary().await.unwrap(), desk.summary().await.unwrap());
}

/// Who already waits for a turn is answered too, once it turns out that the turn is a long one.
#[tokio::test]
async fn a_question_that_came_just_before_rows_are_written_does_not_wait_for_them() {
    let memory = Arc::new(MemoryTables::default());
    let (open_now, waiting) = (tokio::sync::Semaphore::new(0), tokio::sync::Notify::new());
    let gate = Arc::new(Gate { tables: memory, open: open_now, waiting });
    let clock = Arc::new(ManualClock::at(1_795_737_600_000_000));
    let desk = Desk::open(gate.clone(), clock, Limits::default()).await.unwrap();
    furnish(&desk).await;
    let mut at = desk.turn.lock().await;
    let asker = desk.clone();
    let question = tokio::spawn(async move { asker.address("192.0.2.20").await.unwrap().holder });
    // The only thread runs it until it waits for the turn.
    tokio::task::yield_now().await;
    let answered = async {
        gate.waiting.notified().await;
        assert_eq!(question.await.unwrap().as_deref(), Some("beta"), "while nothing is written yet");
        gate.open.add_permits(100);
    };
    tokio::join!(desk.write_rows(&mut at), answered);
}

#[tokio::test]
async fn two_workers_that_write_rows_at_once_do_not_mix_them() {
    let tables = Arc::new(MemoryTables::default());
    let desk = open(&tables).await;
    furnish(&desk).await;
    let (before, version) = store::facts(&*tables).await.unwrap();
    let mut old = store::rows(&*tables, &before, Limits::default()).await.unwrap();
    for logged in store::changes(&*tables, 0, before.last).await.unwrap() {
        old.apply(&logged.change).unwrap();
    }
    change(&desk, r#"{"do": "release", "range": "192.0.2.20", "from": "beta"}"#).await.unwrap();
    rewrite(&tables).await;
    // The slow one began before that change and goes on behind it.
    let slow = compact::write(&*tables, &std::sync::RwLock::new(old), &before, version).await;
    assert!(slow.is_err(), "its facts are old");
    assert_eq!(open(&tables).await.address("192.0.2.20").await.unwrap().state, "free");
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
