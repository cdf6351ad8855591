//! A link that several fill together.

use crate::memory::Memory;
use crate::stage::{Stage, VICTIM, flood};
use base::ManualClock;
use ddos::{Counters, Prefix, Reason, Sample};
use std::sync::Arc;

const OTHER: &str = "203.0.113.11/32";
const BOTH: &str = "
protect:
  - {name: shop, prefix: 203.0.113.10, highest: upstream}
  - {name: mail, prefix: 203.0.113.11, highest: upstream}
";

fn stage(folder: &std::path::Path) -> Stage {
    Stage::new(BOTH, Memory::default(), folder, Arc::new(ManualClock::at(1_800_000_000_000_000)))
}

/// A flood of so many megabytes a second, of which nothing gets through; the link takes 125.
fn of(megabytes: u64) -> Counters {
    let (mut came, _) = flood();
    came.bytes = megabytes * 1_000_000;
    came.dropped[Reason::SourceRate.index()] = came.tcp_syn;
    came
}

/// Seconds in which so many megabytes came to the shop, to the mail server, and to others.
fn seconds(stage: &mut Stage, shop: u64, mail: u64, others: u64) -> Vec<String> {
    let (shop_at, mail_at): (Prefix, Prefix) = (VICTIM.parse().unwrap(), OTHER.parse().unwrap());
    for _ in 0..30 {
        let (_, samples) = flood();
        let dropped = |sample: Sample| (shop_at, Sample { reason: Some(Reason::SourceRate), ..sample });
        let samples = samples.into_iter().map(dropped).collect();
        let rest = Counters { packets: others * 1_000, bytes: others * 1_000_000, ..Counters::default() };
        stage.filter.0.lock().unwrap().rest += rest;
        stage.second_of(&[(shop_at, of(shop)), (mail_at, of(mail))], samples);
    }
    stage.board.status().destinations.into_iter().map(|shown| shown.level).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_protected_fills_the_link_too_and_who_brings_most_is_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let levels = seconds(&mut stage(folder.path()), 60, 20, 50);
    assert_eq!(levels[0], "upstream");
    assert_ne!(levels[1], "upstream", "without the shop there is room");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_there_is_room_nobody_is_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = stage(folder.path());
    let levels = seconds(&mut stage, 60, 20, 20);
    assert!(levels.iter().all(|level| level != "upstream"), "{levels:?}");
    let shown = stage.board.status();
    assert!(shown.destinations.iter().all(|shown| shown.alarm) && shown.bits > 700e6, "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_makes_too_little_room_the_next_goes_too() {
    let folder = tempfile::tempdir().unwrap();
    let levels = seconds(&mut stage(folder.path()), 100, 60, 90);
    assert_eq!(levels, ["upstream", "upstream"]);
}
