//! Scenes: users, then a flood among them, second by second.

use ddos::{Judgement, Prefix, Reason, Sample, Settings, Watch};
use ddos_eval::attack::Attack;
use ddos_eval::benign::Style;
use ddos_eval::chance::Chance;
use ddos_eval::frame::Frame;
use ddos_eval::session::{Place, Second, attack, seconds};
use std::net::Ipv4Addr;

pub const TO: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
pub const SECOND: i64 = 1_000_000;
/// Begin of all scenes, µs since 1970.
pub const BEGIN: i64 = 1_700_000_000 * SECOND;

pub fn destination() -> Prefix {
    Prefix::single(TO.into())
}

#[expect(clippy::unwrap_used, reason = "a test names what the tables have")]
pub fn style(name: &str) -> &'static Style {
    ddos_eval::benign::ALL.iter().find(|style| style.name == name).unwrap()
}

#[expect(clippy::unwrap_used, reason = "a test names what the tables have")]
pub fn flood(generator: &str, class: &str) -> &'static Attack {
    ddos_eval::attack::ALL.iter().find(|attack| attack.generator == generator && attack.class == class).unwrap()
}

/// Frames of users.
pub fn users(seed: u64, name: &str, rate: f64, seconds: i64) -> Vec<Frame> {
    (style(name).make)(&mut Chance::new(seed), &Place { destination: TO, rate, seconds })
}

/// Frames of a flood that begins `delay_us` after the scene.
pub fn flooding(seed: u64, which: &Attack, rate: f64, seconds: i64, delay_us: i64) -> Vec<Frame> {
    attack((which.make)(&mut Chance::new(seed), &Place { destination: TO, rate, seconds }), delay_us)
}

/// Frames as seconds.
pub fn cut(frames: Vec<Frame>) -> Vec<Second> {
    seconds(frames, SECOND, 600)
}

/// A watch that has seen `count` seconds of users, and the time it is then.
pub fn taught(name: &str, rate: f64, count: i64) -> (Watch, i64) {
    let mut watch = Watch::new(destination(), Settings::default());
    let mut now = BEGIN;
    let mut alarms = 0;
    for second in cut(users(1, name, rate, count)) {
        now += SECOND;
        alarms += usize::from(watch.second(now, &second.counters, &second.samples, None, None).alarm);
    }
    assert_eq!(alarms, 0, "{name} alone does not alarm");
    (watch, now)
}

/// Judges the seconds of a scene one after the other.
pub fn play(watch: &mut Watch, now: i64, scene: Vec<Second>) -> Vec<Judgement> {
    let judge = |(step, second): (i64, Second)| {
        watch.second(now + (step + 1) * SECOND, &second.counters, &second.samples, None, None)
    };
    (0..).zip(scene).map(judge).collect()
}

/// What the filter does with samples once these signatures are in it.
pub fn filtered(second: &mut Second, signatures: &[ddos::Signature]) -> f64 {
    let matches = |sample: &Sample| sample.parse().is_some_and(|packet| signatures.iter().any(|s| s.matches(&packet)));
    let mut hits = 0;
    for sample in second.samples.iter_mut().filter(|sample| matches(sample)) {
        sample.reason = Some(Reason::Signature);
        hits += 1;
    }
    let share = hits as f64 / second.samples.len().max(1) as f64;
    second.counters.dropped[Reason::Signature.index()] = (second.counters.packets as f64 * share) as u64;
    share
}
