//! What must hold after every run.

use crate::guard::{AGENT, Truth};
use crate::world::World;
use api::tables::{INCIDENTS, RECEIPTS};
use lake::Lake;
use ledger::Verifier;
use port::{MemoryTables, Query, QueryLimits, Tables};
use record::{Entry, Incident, Lane, Receipt, ReceiptState};
use server::book::LEDGER;
use std::collections::{BTreeMap, BTreeSet};

/// Everything found wrong, empty when the contract held.
pub async fn check(world: &World) -> Vec<String> {
    let mut wrong = world.guard.truth.wrong.clone();
    let truth = &world.guard.truth;
    let Some(life) = &world.station.life else { return vec!["the server does not run".into()] };
    delivery(truth, &life.lake, &world.station.tables, &mut wrong).await;
    incidents(truth, &world.station.tables, &mut wrong).await;
    ledger(truth, &world.station.tables, &mut wrong).await;
    wrong
}

/// Rows of a question; a fault is a thing gone wrong.
async fn rows(lake: &Lake, statement: &str, wrong: &mut Vec<String>) -> Vec<Vec<serde_json::Value>> {
    match lake.sql(statement, QueryLimits { rows: 100_000, millis: 30_000 }).await {
        Ok(answer) => answer.rows,
        Err(fault) => {
            wrong.push(format!("the lake does not answer: {}", fault.inside()));
            Vec::new()
        }
    }
}

type Numbers = BTreeMap<(u64, Lane), BTreeSet<u64>>;

async fn delivery(truth: &Truth, lake: &Lake, tables: &MemoryTables, wrong: &mut Vec<String>) {
    let mut held = Numbers::new();
    let events = "SELECT boot, lane, seq, arrow_cast(time, 'Int64') FROM events WHERE kind <> 'finding'";
    for row in rows(lake, events, wrong).await {
        let [Some(boot), Some(seq)] = [row[0].as_u64(), row[2].as_u64()] else { continue };
        let lane = if row[1].as_str() == Some("a") { Lane::Alert } else { Lane::Telemetry };
        if !held.entry((boot, lane)).or_default().insert(seq) {
            wrong.push(format!("number {seq} of start {boot} {lane:?} is held twice"));
        }
        if lane == Lane::Telemetry && truth.telemetry.get(&(boot, seq)).copied() != row[3].as_i64() {
            wrong.push(format!("number {seq} of start {boot} holds another event"));
        }
    }
    findings(truth, lake, &mut held, wrong).await;
    let gaps = gaps(lake, wrong).await;
    let receipts = tables.scan(RECEIPTS, "", "", usize::MAX).await.unwrap_or_default();
    let stored: BTreeSet<String> = receipts.into_iter().map(|item| item.key).collect();
    wrong.extend(truth.answered.difference(&stored).map(|key| format!("receipt {key} was durable and did not arrive")));
    holes(truth, &held, &gaps, wrong);
}

async fn findings(truth: &Truth, lake: &Lake, held: &mut Numbers, wrong: &mut Vec<String>) {
    let mut found = BTreeSet::new();
    for row in rows(lake, "SELECT id, boot, seq FROM finding", wrong).await {
        let id = row[0].as_str().unwrap_or_default().to_string();
        if let [Some(boot), Some(seq)] = [row[1].as_u64(), row[2].as_u64()] {
            held.entry((boot, Lane::Alert)).or_default().insert(seq);
        }
        if !found.insert(id.clone()) {
            wrong.push(format!("alert {id} is held twice"));
        }
    }
    for id in truth.promised.difference(&found) {
        wrong.push(format!("alert {id} was durable and did not arrive"));
    }
}

/// First and last numbers of reported gaps, by start and lane.
async fn gaps(lake: &Lake, wrong: &mut Vec<String>) -> BTreeMap<(u64, Lane), Vec<(u64, u64)>> {
    let mut gaps: BTreeMap<(u64, Lane), Vec<(u64, u64)>> = BTreeMap::new();
    let events = match lake.events("kind = 'lost'", 10_000).await {
        Ok(events) => events,
        Err(fault) => {
            wrong.push(format!("the lake does not answer: {}", fault.inside()));
            return gaps;
        }
    };
    for event in events {
        if let Some((key, run)) = gap(&event) {
            gaps.entry(key).or_default().push(run);
        } else {
            wrong.push(format!("a gap that cannot be read: {event}"));
        }
    }
    gaps
}

/// `spool` or `spool-alert`, with `@N` for an earlier start than the one that reports.
fn gap(event: &serde_json::Value) -> Option<((u64, Lane), (u64, u64))> {
    let part = &event["unmapped"];
    let place = part["place"].as_str()?;
    let reporter: record::EventId = event["metadata"]["uid"].as_str()?.parse().ok()?;
    let (name, boot) = match place.split_once('@') {
        Some((name, boot)) => (name, boot.parse().ok()?),
        None => (place, reporter.boot),
    };
    let lane = if name == "spool-alert" { Lane::Alert } else { Lane::Telemetry };
    Some(((boot, lane), (part["first_seq"].as_u64()?, part["last_seq"].as_u64()?)))
}

/// Receipts have numbers of the alert lane and are not in the lake: so many numbers may be missing there.
fn holes(truth: &Truth, held: &Numbers, gaps: &BTreeMap<(u64, Lane), Vec<(u64, u64)>>, wrong: &mut Vec<String>) {
    let mut unheld = 0;
    for (key, numbers) in held {
        let most = numbers.last().copied().unwrap_or(0).max(truth.acknowledged.get(key).copied().unwrap_or(0));
        let told = |seq: u64| gaps.get(key).is_some_and(|runs| runs.iter().any(|run| (run.0..=run.1).contains(&seq)));
        for seq in (1..=most).filter(|seq| !numbers.contains(seq) && !told(*seq)) {
            match key.1 {
                Lane::Alert => unheld += 1,
                Lane::Telemetry => wrong.push(format!("number {seq} of start {} is missing and no gap tells", key.0)),
            }
        }
    }
    for key in truth.acknowledged.keys().filter(|key| key.1 == Lane::Telemetry && !held.contains_key(key)) {
        wrong.push(format!("start {} was acknowledged and nothing of it is held", key.0));
    }
    let answers = truth.answers;
    if unheld > answers {
        wrong.push(format!("{unheld} numbers of the alert lane are missing, and only {answers} receipts explain them"));
    }
}

async fn incidents(truth: &Truth, tables: &MemoryTables, wrong: &mut Vec<String>) {
    let items = tables.scan(INCIDENTS, "", "", usize::MAX).await.unwrap_or_default();
    let mut of_alert: BTreeMap<String, String> = BTreeMap::new();
    for incident in items.iter().filter_map(|item| serde_json::from_slice::<Incident>(&item.value).ok()) {
        for alert in &incident.alerts {
            if let Some(other) = of_alert.insert(alert.clone(), incident.id.clone()) {
                wrong.push(format!("alert {alert} is in incidents {other} and {}", incident.id));
            }
        }
    }
    let mut of_tree: BTreeMap<u32, &String> = BTreeMap::new();
    for (alert, tree) in truth.trees.iter().filter(|(alert, _)| truth.promised.contains(*alert)) {
        let Some(incident) = of_alert.get(alert) else {
            wrong.push(format!("alert {alert} is in no incident"));
            continue;
        };
        if *of_tree.entry(*tree).or_insert(incident) != incident {
            wrong.push(format!("process tree {tree} is in two incidents"));
        }
    }
}

async fn ledger(truth: &Truth, tables: &MemoryTables, wrong: &mut Vec<String>) {
    let mut verifier = Verifier::new();
    let mut meant = BTreeSet::new();
    let mut sealed: BTreeMap<String, u32> = BTreeMap::new();
    for item in tables.scan(LEDGER, "", "", usize::MAX).await.unwrap_or_default() {
        let Ok(entry) = serde_json::from_slice::<Entry>(&item.value) else {
            wrong.push(format!("ledger entry {} does not decode", item.key));
            continue;
        };
        if let Err(fault) = verifier.feed(&entry) {
            wrong.push(format!("the ledger does not verify: {}", fault.inside()));
        }
        match entry.what.as_str() {
            "order.intent" if entry.who.starts_with("rule:") && meant.contains(&entry.object) => {
                wrong.push(format!("the intent of {} is sealed twice", entry.object));
            }
            "order.intent" => drop(meant.insert(entry.object.clone())),
            "order.result" if !meant.contains(&entry.object) => {
                wrong.push(format!("the result of {} is sealed before its intent", entry.object));
            }
            "order.result" => *sealed.entry(entry.object.clone()).or_default() += 1,
            _ => {}
        }
    }
    let receipts = tables.scan(RECEIPTS, "", "", usize::MAX).await.unwrap_or_default();
    let receipts: Vec<Receipt> = receipts.iter().filter_map(|item| serde_json::from_slice(&item.value).ok()).collect();
    for (order, count) in &sealed {
        let stored = receipts.iter().filter(|receipt| receipt.order == *order).count() as u32;
        if stored != *count || receipts.iter().any(|receipt| receipt.agent != AGENT.to_string()) {
            wrong.push(format!("{count} results of {order} are sealed, {stored} receipts are stored"));
        }
    }
    let twice = truth.done.iter().filter(|(_, times)| times.len() > 1);
    wrong.extend(twice.map(|(order, times)| format!("order {order} was carried out {} times", times.len())));
    let done = receipts.iter().filter(|receipt| receipt.state() == ReceiptState::Verified);
    for receipt in done.filter(|receipt| !truth.done.contains_key(&receipt.order)) {
        wrong.push(format!("order {} has a receipt and was never carried out", receipt.order));
    }
}
