//! What the desk costs with five million addresses in SQLite: `cargo test -p addressdesk -- --ignored --nocapture measure`.
//! Writes `figures/addressdesk.json`.
//!
//! The worst case: each address alone, no two neighbours with one holder. Times are those of the clock, since the disk is
//! part of them; the machine may be busy.

use crate::{Desk, compact, store};
use api::Addresses as _;
use api::addresses::PoolChange;
use base::ManualClock;
use pool::{Kind, Limits, Pool, Range, Row};
use port::Tables;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, RwLock};
use std::time::Instant;

const ADDRESSES: u32 = 5_000_000;
const HOLDERS: u32 = 1000;

fn at(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + number).into()
}

/// Bytes of memory, now (`VmRSS`) or at most so far (`VmHWM`).
fn memory(what: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}

/// Five million rows in the tables; MB of them.
async fn fill(tables: &dyn Tables) -> f64 {
    let holders = (0..HOLDERS).map(|number| (format!("customer-{number:04}"), Kind::Customer));
    let rows = (0..ADDRESSES).map(|number| Row {
        range: Range::single(at(number)),
        holder: Some(format!("customer-{:04}", number % HOLDERS)),
    });
    let pool = RwLock::new(Pool::restore(Limits::default(), holders, rows).unwrap());
    // As after a first change: before it there is nothing to be opened.
    compact::write(tables, &pool, &store::Facts { last: 1, ..store::Facts::default() }, 0).await.unwrap();
    let mut bytes = 0;
    let mut after = String::new();
    loop {
        let items = tables.scan(store::ROWS, "", &after, 16).await.unwrap();
        let Some(last) = items.last() else { return f64::from(bytes) / 1e6 };
        after = last.key.clone();
        bytes += items.iter().map(|item| item.value.len() as u32).sum::<u32>();
    }
}

/// Milliseconds of each call.
async fn times<F: Future<Output = ()>>(count: u32, call: impl Fn(u32) -> F) -> Vec<f64> {
    let mut spans = Vec::new();
    for number in 0..count {
        let begin = Instant::now();
        call(number).await;
        spans.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    spans.sort_by(f64::total_cmp);
    spans
}

fn row(id: &str, what: &str, unit: &str, spans: &[f64], goal: f64) -> Value {
    let median = spans[spans.len() / 2];
    println!(
        "{id:<28} {median:>9.3} {unit:<3} [{:.3}, {:.3}] goal <= {goal} | {what}",
        spans[0],
        spans[spans.len() - 1]
    );
    json!({"id": format!("E4.{id}"), "what": what, "ours": median, "unit": unit, "peer": null, "peer_name": "", "ratio": null,
        "goal": format!("<= {goal}"), "met": median <= goal, "runs": spans.len(), "spread": [spans[0], spans[spans.len() - 1]],
        "data": "5,000,000 IPv4 addresses of 1000 holders in SQLite, each alone: no two neighbours have one holder"})
}

/// Answers and changes; the pages of one holder are turned to the last.
async fn ask(desk: &Arc<Desk>, rows: &mut Vec<Value>) {
    let answers = times(2_000, async |number| {
        let answer = desk.address(&at(number * 2_499).to_string()).await.unwrap();
        assert_eq!(answer.holder, Some(format!("customer-{:04}", number * 2_499 % HOLDERS)));
    });
    rows.push(row("pool-api-address", "who holds an address", "ms", &answers.await, 5.0));
    let pages = times(20, async |number| {
        let (mut place, mut ranges) = (String::new(), 0);
        loop {
            let (page, next) = desk.ranges(Some(&format!("customer-{number:04}")), &place, 1000).await.unwrap();
            ranges += page.len();
            let Some(next) = next else { break };
            place = next;
        }
        assert_eq!(ranges, (ADDRESSES / HOLDERS) as usize);
    });
    rows.push(row("pool-api-ranges", "all 5,000 ranges of a holder, in pages of 1000", "ms", &pages.await, 100.0));
    let changes = times(100, async |number| {
        let wish = PoolChange {
            deed: "move".into(),
            range: Some(at(number * 50_000).to_string()),
            from: Some(format!("customer-{:04}", number * 50_000 % HOLDERS)),
            to: Some("customer-0999".into()),
            reason: "measured".into(),
            ..PoolChange::default()
        };
        desk.change(&wish, "measure").await.unwrap();
    });
    rows.push(row("pool-api-move", "a move of one address, on disk when answered", "ms", &changes.await, 100.0));
}

/// The longest answer while all is written as rows, and how long that takes.
async fn ask_while_written(desk: &Arc<Desk>, rows: &mut Vec<Value>) {
    let writer = desk.clone();
    let begin = Instant::now();
    let written = tokio::spawn(async move {
        let mut at = writer.turn.lock().await;
        let before = at.generation;
        writer.write_rows(&mut at).await;
        assert!(at.generation > before, "written");
    });
    let mut longest = 0.0_f64;
    while !written.is_finished() {
        let asked = Instant::now();
        desk.address("10.0.0.7").await.unwrap();
        longest = longest.max(asked.elapsed().as_secs_f64() * 1e3);
        tokio::task::yield_now().await;
    }
    written.await.unwrap();
    rows.push(row("pool-api-written", "the whole pool written as rows", "s", &[begin.elapsed().as_secs_f64()], 120.0));
    rows.push(row("pool-api-meanwhile", "longest answer meanwhile", "ms", &[longest], 1_000.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; `make bench` runs it"]
async fn five_million_addresses_behind_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let tables = Arc::new(::store::SqliteTables::open(&folder.path().join("state.db")).await.unwrap());
    println!("{:.0} MB of rows", fill(&*tables).await);
    let before = memory("VmRSS");
    let begin = Instant::now();
    let clock = Arc::new(ManualClock::at(1_795_737_600_000_000));
    let desk = Desk::open(tables.clone(), clock, Limits::default()).await.unwrap();
    let mut rows = vec![row("pool-api-open", "opened from the tables", "s", &[begin.elapsed().as_secs_f64()], 60.0)];
    println!("grown by {:.0} MB, {:.0} MB at most", (memory("VmRSS") - before) / 1e6, memory("VmHWM") / 1e6);
    ask(&desk, &mut rows).await;
    ask_while_written(&desk, &mut rows).await;
    rows.push(row("pool-api-memory", "memory of the process at most", "MB", &[memory("VmHWM") / 1e6], 2_000.0));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| std::path::PathBuf::from("target"), Into::into);
    std::fs::create_dir_all(target.join("figures")).unwrap();
    std::fs::write(target.join("figures/addressdesk.json"), format!("{:#}\n", Value::from(rows))).unwrap();
}
