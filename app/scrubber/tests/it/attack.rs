//! One attack from its beginning to its end, and what can go wrong meanwhile.

use crate::memory::Memory;
use crate::stage::{Stage, flood, syn, users};
use base::ManualClock;
use ddos::{Counters, Level, Prefix};
use record::ReceiptState;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const START: i64 = 1_800_000_000_000_000;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(START))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attack_becomes_orders_a_report_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::new("", Memory::default(), folder.path(), clock());
    for _ in 0..10 {
        stage.second(users(), Vec::new());
    }
    assert!(stage.board.attacks().is_empty() && stage.board.status().orders.done == 0);
    for _ in 0..4 {
        let (came, samples) = flood();
        stage.second(came, samples);
    }
    stage.until("the level", |stage| stage.level() >= Level::Prove);
    let shown = stage.board.status().destinations[0].clone();
    assert!(shown.alarm && shown.class == "syn-flood" && !shown.reasons.is_empty(), "{shown:?}");
    let report = stage.board.attacks()[0].clone();
    assert!(report["text"].as_str().unwrap().contains("SYN flood") && !report["text_zh"].as_str().unwrap().is_empty());
    stage.until("a signature", |stage| !stage.filter.0.lock().unwrap().signatures.is_empty());
    // Quiet: the level falls step by step, signatures that no longer hit end, and the filter is as it was.
    for _ in 0..900 {
        stage.second(users(), Vec::new());
    }
    stage.until("the end", |stage| {
        stage.level() <= Level::Clean && stage.filter.0.lock().unwrap().signatures.is_empty()
    });
    assert_eq!(stage.board.attacks()[0]["ongoing"], false);
    assert!(stage.board.status().orders.failed == 0 && stage.filter.0.lock().unwrap().renewed > 900);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_ask_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::new("policy: {filter: ask}", Memory::default(), folder.path(), clock());
    for _ in 0..6 {
        let (came, samples) = flood();
        stage.second(came, samples);
    }
    assert!(stage.board.status().destinations[0].alarm);
    let state = stage.filter.0.lock().unwrap();
    assert!(state.levels.is_empty() && state.signatures.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_kernel_refuses_is_tried_again_after_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    let filter = Memory::default();
    filter.0.lock().unwrap().refuse = 3;
    let mut stage = Stage::new("", filter, folder.path(), clock());
    // The hands are a thread of their own: each second gets them a moment of real time, and there are enough of both.
    for _ in 0..300 {
        let (came, samples) = flood();
        stage.second(came, samples);
        let moment = std::time::Instant::now() + Duration::from_millis(20);
        while stage.level() < Level::Prove && std::time::Instant::now() < moment {
            std::thread::yield_now();
        }
        if stage.level() >= Level::Prove {
            break;
        }
    }
    assert!(stage.level() >= Level::Prove && stage.filter.0.lock().unwrap().refuse == 0);
    assert!(stage.board.status().orders.failed > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_comes_back_keeps_the_defence_and_lets_go_of_it() {
    let (folder, filter, clock) = (tempfile::tempdir().unwrap(), Memory::default(), clock());
    let mut first = Stage::new("", filter.clone(), folder.path(), clock.clone());
    for _ in 0..5 {
        let (came, samples) = flood();
        first.second(came, samples);
    }
    first.until("the level", |stage| stage.level() >= Level::Prove);
    drop(first);
    let mut second = Stage::new("", filter, folder.path(), clock);
    assert!(second.level() >= Level::Prove, "adopted");
    for _ in 0..3 {
        second.second(users(), Vec::new());
    }
    assert!(second.level() >= Level::Prove, "not let go before it knows better");
    for _ in 0..90 {
        second.second(users(), Vec::new());
    }
    second.until("the end", |stage| stage.level() <= Level::Clean);
}

#[tokio::test(flavor = "multi_thread")]
async fn bans_are_orders_too_and_the_allow_list_holds() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new("", Memory::default(), folder.path(), clock());
    let reason = scrubber::orders::Reason { by: "uid 0".into(), text: "test".into(), alert: String::new() };
    let order = stage.orders.block("198.51.100.7".parse().unwrap(), Duration::from_secs(60), &reason);
    let id = order.id.clone();
    let receipts = stage.hands.carry(order).unwrap();
    assert_eq!(receipts[0].state, ReceiptState::Verified as i32, "{receipts:?}");
    assert_eq!(stage.filter.0.lock().unwrap().banned.len(), 1);
    let refused = stage.orders.block("192.0.2.9".parse().unwrap(), Duration::from_secs(60), &reason);
    assert_eq!(stage.hands.carry(refused).unwrap()[0].state, ReceiptState::Refused as i32);
    stage.hands.carry(stage.orders.undo(&id, &reason)).unwrap();
    assert!(stage.filter.0.lock().unwrap().banned.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attack_spread_over_a_range_raises_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let members: Vec<Prefix> = (1..=200u8).map(|last| Prefix::single([203, 0, 113, last].into())).collect();
    let list: Vec<String> = members
        .iter()
        .map(|prefix| format!("{{name: \"{}\", prefix: {}}}", prefix.address(), prefix.address()))
        .collect();
    let policy = format!("protect: [{}]\n", list.join(", "));
    let mut stage = Stage::new(&policy, Memory::default(), folder.path(), clock());
    let quiet = Counters { packets: 4, bytes: 2_000, tcp_ack: 4, ..Counters::default() };
    let all = |each: Counters| members.iter().map(|member| (*member, each)).collect::<Vec<_>>();
    for _ in 0..10 {
        stage.second_of(&all(quiet), Vec::new());
    }
    let each = 90;
    let came = Counters { packets: each, bytes: each * 40, tcp_syn: each, new_sources: each, ..Counters::default() };
    for second in 0..6u32 {
        let sample = |(number, member): (u32, &Prefix)| {
            let mut sample = syn(second * 1000 + number);
            let mut header = sample.header.to_vec();
            header[19] = 1 + number as u8;
            sample.header = header.into();
            (*member, sample)
        };
        stage.second_of(&all(came), (0..).zip(&members).map(sample).collect());
    }
    let shown = stage.board.status();
    let range = shown.destinations.iter().find(|shown| shown.name == "203.0.113.0/24").expect("the range is judged");
    assert!(range.alarm && range.class == "syn-flood", "{range:?}");
    let alone = shown.destinations.iter().filter(|shown| shown.alarm).count();
    assert_eq!(alone, 1, "no address alarms by itself");
    stage.until("the level of each", |stage| {
        let state = stage.filter.0.lock().unwrap();
        members.iter().all(|member| state.levels.get(member).is_some_and(|level| *level >= Level::Limit))
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn hands_that_are_stuck_cost_neither_the_lease_nor_an_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::new("", Memory::default(), folder.path(), clock());
    stage.stuck.store(true, Ordering::Relaxed);
    let reason = scrubber::orders::Reason::default();
    stage.hands.give(stage.orders.flowspec(String::new(), Duration::from_secs(60), &reason));
    // The queue is full before the attack begins, of which nothing can be done now.
    let source = |number: u32| std::net::IpAddr::from((0xc633_6400 + number).to_be_bytes());
    let mut given = 0;
    while stage.hands.give(stage.orders.block(source(given), Duration::from_secs(600), &reason)) {
        given += 1;
    }
    let renewed = stage.filter.0.lock().unwrap().renewed;
    for _ in 0..30 {
        let (came, samples) = flood();
        stage.second(came, samples);
    }
    assert_eq!(stage.filter.0.lock().unwrap().renewed, renewed + 30);
    assert!(stage.filter.0.lock().unwrap().levels.is_empty());
    stage.stuck.store(false, Ordering::Relaxed);
    stage.until("room", |stage| stage.filter.0.lock().unwrap().banned.len() > given as usize / 2);
    let (came, samples) = flood();
    stage.second(came, samples);
    stage.until("the level", |stage| stage.level() >= Level::Limit);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_does_not_answer_holds_up_no_level() {
    let (folder, lanes) = (tempfile::tempdir().unwrap(), scrubber::hands::Lane::ALL);
    let mut stage = Stage::with("", Memory::default(), folder.path(), clock(), &lanes);
    stage.stuck.store(true, Ordering::Relaxed);
    let reason = scrubber::orders::Reason::default();
    let first = stage.orders.flowspec(String::new(), Duration::from_secs(60), &reason);
    let id = first.id.clone();
    assert!(stage.hands.give(first));
    while stage.hands.give(stage.orders.flowspec(String::new(), Duration::from_secs(60), &reason)) {}
    for _ in 0..10 {
        let (came, samples) = flood();
        stage.second(came, samples);
    }
    stage.until("the level", |stage| stage.level() >= Level::Limit);
    assert!(stage.stuck.load(Ordering::Relaxed), "the router still does not answer");
    // Its undo waits behind it, in the same lane.
    stage.stuck.store(false, Ordering::Relaxed);
    stage.until("room", |stage| stage.hands.give(stage.orders.undo(&id, &reason)));
    stage.until("the undo", |stage| {
        let receipts = stage.board.receipts();
        receipts.iter().any(|receipt| receipt.order == id && receipt.state() == record::ReceiptState::Undone)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_clock_that_is_set_changes_nothing_of_a_fight() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let mut stage = Stage::new("", Memory::default(), folder.path(), clock.clone());
    for _ in 0..10 {
        stage.second(users(), Vec::new());
    }
    for second in 0..20 {
        // An hour back, then two forward, in the middle of it.
        match second {
            4 => clock.jump_wall(-3_600_000_000),
            8 => clock.jump_wall(7_200_000_000),
            _ => {}
        }
        let (came, samples) = flood();
        stage.second(came, samples);
    }
    stage.until("the level", |stage| stage.level() >= Level::Prove);
    assert_eq!(stage.board.attacks().len(), 1, "one attack, not three");
    for _ in 0..900 {
        stage.second(users(), Vec::new());
    }
    stage.until("the end", |stage| stage.level() <= Level::Clean);
}

/// A neighbour that does not answer: it can be asked about, and nothing reaches it.
const SILENT: &str = "
protect: [{name: shop, prefix: 203.0.113.10, highest: upstream}]
detect: {quiet_s: 5, over_s: 5, link_bytes: 1000000}
neighbours:
  - name: edge1
    session: {address: 127.0.0.1, port: 1, local_as: 64512, peer_as: 64513, router_id: 192.0.2.2}
";

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_leaves_to_a_person_is_asked_and_no_longer_than_it_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let policy = format!("{SILENT}policy: {{give_up: 5s, blackhole_within: [203.0.113.0/24]}}\n");
    let mut stage = Stage::new(&policy, Memory::default(), folder.path(), clock());
    for _ in 0..4 {
        let (came, samples) = flood();
        stage.second(came, samples);
    }
    assert!(!stage.board.status().asked.iter().any(|asked| asked.action == "blackhole"), "too early");
    for _ in 0..10 {
        let (came, samples) = flood();
        stage.second(came, samples);
    }
    let status = stage.board.status();
    let asked = status.asked.iter().find(|asked| asked.action == "blackhole").unwrap_or_else(|| panic!("{status:?}"));
    assert_eq!((asked.what.as_str(), asked.name.as_str()), ("blackhole 203.0.113.10/32", "shop"));
    assert!(stage.asked.approve("00000000", "uid 0").is_err());
    assert_eq!(stage.asked.approve(&asked.id, "uid 0").unwrap().what, asked.what);
    stage.second(flood().0, flood().1);
    assert!(!stage.board.status().asked.iter().any(|asked| asked.action == "blackhole"), "it was answered");
    for _ in 0..60 {
        stage.second(users(), Vec::new());
    }
    assert!(stage.board.status().asked.is_empty(), "the attack is over");
    assert!(stage.asked.approve(&asked.id, "uid 0").is_err(), "nobody agrees to what is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_only_observes_is_told_and_nobody_can_agree() {
    let folder = tempfile::tempdir().unwrap();
    let policy = format!("{SILENT}policy: {{give_up: 5s, blackhole: observe, flowspec: observe}}\n");
    let mut stage = Stage::new(&policy, Memory::default(), folder.path(), clock());
    for _ in 0..14 {
        let (came, samples) = flood();
        stage.second(came, samples);
    }
    let asked = stage.board.status().asked;
    assert!(asked.iter().any(|asked| asked.action == "blackhole") && asked.iter().all(|asked| asked.id.is_empty()));
    assert!(stage.asked.approve("", "uid 0").is_err());
}

#[test]
fn adopted_bans_and_signatures_that_no_order_wants_are_let_go_of() {
    let (filter, victim): (Memory, Prefix) = (Memory::default(), crate::stage::VICTIM.parse().unwrap());
    let packets = scrubber::port::SharedPackets::new(filter.clone());
    let signature = ddos::Signature::new(victim, vec![(ddos::Field::Ttl, 3)], START);
    {
        let mut state = filter.0.lock().unwrap();
        state.banned.insert([198, 51, 100, 7].into(), START);
        state.signatures.insert(signature.id, signature);
    }
    scrubber::action::Block::new(packets.clone(), Vec::new(), clock()).settle().unwrap();
    scrubber::action::ScrubFilter::new(packets, [victim].into(), clock()).settle().unwrap();
    let state = filter.0.lock().unwrap();
    assert!(state.banned.is_empty() && state.signatures.is_empty());
}

#[test]
fn an_adopted_level_that_no_order_wants_is_let_go_of() {
    let filter = Memory::default();
    let victim: Prefix = crate::stage::VICTIM.parse().unwrap();
    filter.0.lock().unwrap().levels.insert(victim, Level::Verified);
    let packets = scrubber::port::SharedPackets::new(filter.clone());
    scrubber::action::ScrubLevel::new(packets, [(victim, Level::Clean)].into()).settle().unwrap();
    assert_eq!(filter.0.lock().unwrap().levels[&victim], Level::Clean);
}
