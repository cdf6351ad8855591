//! A new configuration in the middle of an attack.

use crate::memory::Memory;
use crate::stage::{Stage, VICTIM, flood};
use base::ManualClock;
use ddos::{Level, Prefix};
use scrubber::config::Config;
use scrubber::fault;
use std::sync::Arc;

const MAIL: &str = "203.0.113.11/32";

fn config(protect: &str, more: &str) -> Config {
    let yaml = format!("interfaces: [eth0]\nprotect: [{protect}]\ndetect: {{quiet_s: 5, over_s: 5}}\n{more}");
    Config::parse(&yaml, "new.yaml").unwrap()
}

/// A stage whose victim is under attack, at a level that says so.
fn attacked(folder: &std::path::Path, filter: Memory) -> Stage {
    let mut stage = Stage::new("", filter, folder, Arc::new(ManualClock::at(1_800_000_000_000_000)));
    seconds(&mut stage, 5);
    stage.until("the level", |stage| stage.level() >= Level::Prove);
    stage
}

fn seconds(stage: &mut Stage, count: usize) {
    for _ in 0..count {
        let (came, samples) = flood();
        stage.second(came, samples);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stays_protected_keeps_its_defence_and_who_comes_is_protected_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = attacked(folder.path(), Memory::default());
    let both = "{name: store, prefix: 203.0.113.10}, {name: mail, prefix: 203.0.113.11, lowest: limit}";
    stage.reload.apply(config(both, "policy: {flowspec: auto}\nallow: [198.51.100.0/24]\n")).unwrap();
    assert!(stage.level() >= Level::Prove, "never without it");
    seconds(&mut stage, 3);
    let shown = stage.board.status().destinations;
    assert_eq!(shown.iter().map(|shown| shown.name.as_str()).collect::<Vec<_>>(), ["store", "mail"]);
    assert!(shown[0].alarm && shown[1].level == "limit" && stage.level() >= Level::Prove, "{shown:?}");
    assert_eq!(stage.board.attacks().len(), 1, "still the same attack");
    assert_eq!(stage.filter.0.lock().unwrap().levels[&MAIL.parse::<Prefix>().unwrap()], Level::Limit);
    let reason = scrubber::orders::Reason::default();
    let spared = stage.orders.block("198.51.100.7".parse().unwrap(), std::time::Duration::from_secs(60), &reason);
    let refused = stage.hands.carry(spared).unwrap();
    assert_eq!(refused[0].state, record::ReceiptState::Refused as i32, "the allow list is the new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_protected_any_more_is_let_go_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = attacked(folder.path(), Memory::default());
    stage.until("a signature", |stage| !stage.filter.0.lock().unwrap().signatures.is_empty());
    stage.reload.apply(config("{name: mail, prefix: 203.0.113.11}", "")).unwrap();
    seconds(&mut stage, 3);
    stage.until("the end of its orders", |stage| stage.filter.0.lock().unwrap().signatures.is_empty());
    let state = stage.filter.0.lock().unwrap();
    assert_eq!(state.levels.keys().map(ToString::to_string).collect::<Vec<_>>(), [MAIL]);
    drop(state);
    let status = stage.board.status();
    assert!(status.destinations.len() == 1 && status.orders.failed == 0, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_over_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let filter = Memory::default();
    let mut stage = attacked(folder.path(), filter.clone());
    let both = "{name: shop, prefix: 203.0.113.10}, {name: mail, prefix: 203.0.113.11}";
    let refused = stage.reload.apply(config(both, "cookies: local\nlease: 9s\n")).unwrap_err();
    assert!(refused.is(&fault::FIXED) && refused.named() == "cookies, lease", "{refused:?}");
    let refused = stage.reload.apply(config(both, "model: /nowhere/model.txt\n")).unwrap_err();
    assert!(refused.is(&fault::MODEL), "{refused:?}");
    filter.0.lock().unwrap().refuse = 1;
    assert!(stage.reload.apply(config(both, "")).unwrap_err().is(&crate::memory::REFUSED));
    seconds(&mut stage, 2);
    assert_eq!(stage.board.status().destinations.len(), 1);
    assert!(stage.level() >= Level::Prove && filter.0.lock().unwrap().levels.len() == 1);
    assert_eq!(filter.0.lock().unwrap().levels.keys().next().map(ToString::to_string).as_deref(), Some(VICTIM));
}
