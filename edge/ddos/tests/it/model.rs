//! The model that ships.

use crate::scene::*;
use ddos::{Model, Settings, Watch, Windows};
use std::path::Path;

#[expect(clippy::unwrap_used, reason = "the model is part of the repository")]
fn shipped() -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/ddos/model.txt");
    Model::read(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_shipped_model_tells_a_flood_from_users() {
    let model = shipped();
    let judge = |frames| {
        let mut windows = Windows::default();
        let opinions = cut(frames).into_iter().filter_map(|second| {
            let packets: Vec<_> = second.samples.iter().filter_map(ddos::Sample::parse).collect();
            model.judge(&windows.push(&second.counters, &packets, None))
        });
        opinions.collect::<Vec<_>>()
    };
    let users = judge(users(77, "web", 1_500.0, 6));
    assert!(users.len() >= 6 && users.iter().all(|opinion| !opinion.attack), "{users:?}");
    let flood = judge(flooding(78, flood("script", "udp-flood"), 4_000.0, 6, 0));
    assert!(flood.iter().all(|opinion| opinion.attack), "{flood:?}");
}

#[test]
fn a_model_alone_brings_about_rates_at_most() {
    let model = shipped();
    let mut watch = Watch::new(destination(), Settings::default());
    // Below the floors of every rule.
    let frames = flooding(78, flood("script", "syn-ack-flood"), 450.0, 30, 3 * SECOND);
    let mut now = BEGIN;
    let judged: Vec<_> = cut(frames)
        .into_iter()
        .map(|second| {
            now += SECOND;
            watch.second(now, &second.counters, &second.samples, None, Some(&model))
        })
        .collect();
    assert!(judged.iter().skip(5).all(|judgement| judgement.alarm));
    assert!(judged.iter().all(|judgement| judgement.level <= ddos::Level::Limit), "{:?}", watch.level());
}

#[test]
fn what_a_destination_always_gets_does_not_alarm_whatever_the_model_thinks() {
    let model = shipped();
    let mut watch = Watch::new(destination(), Settings::default());
    let mut now = BEGIN;
    for second in cut(flooding(78, flood("script", "syn-ack-flood"), 450.0, 30, 0)) {
        now += SECOND;
        assert!(!watch.second(now, &second.counters, &second.samples, None, Some(&model)).alarm);
    }
}
