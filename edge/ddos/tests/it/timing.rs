//! Seconds to alarm, to the name of the class and to a filter; and what does not alarm.

use crate::scene::*;
use ddos::{Class, Level, Settings, Watch};
use ddos_eval::attack::ALL;

/// Phases of a second at which a flood may begin, µs.
const PHASES: [i64; 2] = [0, 900_000];

#[test]
fn every_flood_alarms_within_two_seconds_of_a_known_destination() {
    let (mut late, (known, now)) = (Vec::new(), taught("web", 600.0, 320));
    for which in ALL {
        for phase in PHASES {
            let mut watch = known.clone();
            let mut frames = users(2, "web", 600.0, 5);
            frames.extend(flooding(3, which, 20_000.0, 3, 2 * SECOND + phase));
            let judged = play(&mut watch, now, cut(frames));
            let alarm = judged.iter().position(|judgement| judgement.alarm);
            let after = alarm.map(|index| (index as i64 + 1) * SECOND - 2 * SECOND - phase);
            if after.is_none_or(|after| after > 2 * SECOND) {
                late.push(format!("{} {} at {phase}: {after:?} µs", which.generator, which.class));
            }
        }
    }
    assert_eq!(late, Vec::<String>::new());
}

#[test]
fn every_flood_is_called_what_it_is() {
    let (mut wrong, (known, now)) = (Vec::new(), taught("web", 600.0, 320));
    for which in ALL {
        let mut watch = known.clone();
        let mut frames = users(2, "web", 600.0, 5);
        frames.extend(flooding(3, which, 20_000.0, 3, 2 * SECOND));
        let judged = play(&mut watch, now, cut(frames));
        let class = judged[4].class().map(Class::word);
        if class.as_deref() != Some(which.class) {
            wrong.push(format!("{} {}: {class:?}", which.generator, which.class));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_filter_stands_within_three_seconds() {
    for (generator, class) in
        [("script", "syn-flood"), ("script", "reflection-ntp"), ("blaster", "ack-flood"), ("script", "icmp-flood")]
    {
        let (mut watch, now) = taught("web", 600.0, 320);
        let mut frames = users(2, "web", 600.0, 8);
        frames.extend(flooding(3, flood(generator, class), 20_000.0, 6, 2 * SECOND));
        let judged = play(&mut watch, now, cut(frames));
        let acted = judged.iter().position(|judgement| judgement.level > Level::Observe || !judgement.add.is_empty());
        assert!(acted.is_some_and(|index| index <= 4), "{generator} {class}: {acted:?}");
    }
}

#[test]
fn signatures_catch_the_flood_and_spare_users() {
    let (mut watch, now) = taught("web", 2_000.0, 320);
    let mut frames = users(2, "web", 2_000.0, 20);
    frames.extend(flooding(3, flood("script", "syn-flood"), 20_000.0, 18, 2 * SECOND));
    frames.extend(flooding(4, flood("script", "reflection-ntp"), 15_000.0, 18, 2 * SECOND));
    let mut held = Vec::new();
    for (step, mut second) in (1..).zip(cut(frames)) {
        let signatures: Vec<_> = watch.signatures().cloned().collect();
        held.push(filtered(&mut second, &signatures));
        watch.second(now + step * SECOND, &second.counters, &second.samples, None, None);
    }
    assert!(held[19] > 0.9, "{held:?}");
    let later = cut(users(9, "web", 2_000.0, 20));
    let packets: Vec<_> = later.iter().flat_map(|second| &second.samples).filter_map(|sample| sample.parse()).collect();
    let hit = packets.iter().filter(|packet| watch.signatures().any(|signature| signature.matches(packet))).count();
    assert!(hit * 1_000 <= packets.len(), "{hit} of {}", packets.len());
    assert!(
        watch.level() <= Level::Prove,
        "a flood that is stopped does not raise the level: {}",
        watch.level().word()
    );
}

#[test]
fn what_fills_the_link_gets_a_signature_for_routers_though_the_filter_needs_none() {
    let made = |link_bytes: f64| {
        let settings = Settings { link_bytes, highest: Level::Upstream, ..Settings::default() };
        let mut watch = Watch::new(destination(), settings);
        let mut frames = users(2, "web", 600.0, 8);
        frames.extend(flooding(4, flood("script", "reflection-ntp"), 20_000.0, 8, 0));
        for (step, mut second) in (1..).zip(cut(frames)) {
            let ntp = |sample: &ddos::Sample| {
                sample.parse().is_some_and(|packet| packet.get(ddos::Field::SourcePort) == Some(123))
            };
            for sample in second.samples.iter_mut().filter(|sample| ntp(sample)) {
                sample.reason = Some(ddos::Reason::Amplification);
            }
            watch.second(BEGIN + step * SECOND, &second.counters, &second.samples, None, None);
        }
        let of_ntp = watch.signatures().any(|made| made.value(ddos::Field::SourcePort) == Some(123));
        (of_ntp, watch.level())
    };
    assert_eq!(made(1e6), (true, Level::Upstream));
    let (of_ntp, level) = made(125e6);
    assert!(!of_ntp && level < Level::Upstream, "{level:?}");
}

#[test]
fn levels_fall_step_by_step_and_signatures_end() {
    let (mut watch, now) = taught("web", 600.0, 320);
    let mut frames = users(2, "web", 600.0, 1_500);
    frames.extend(flooding(3, flood("script", "syn-flood"), 20_000.0, 6, 2 * SECOND));
    let judged = play(&mut watch, now, cut(frames));
    assert!(judged.iter().any(|judgement| judgement.level == Level::Prove));
    assert_eq!(watch.level(), Level::Observe);
    assert_eq!(watch.signatures().count(), 0);
    let dropped: usize = judged.iter().map(|judgement| judgement.drop.len()).sum();
    let added: usize = judged.iter().map(|judgement| judgement.add.len()).sum();
    assert!(added > 0 && added == dropped, "{added} {dropped}");
    let (began, ended) = (
        judged.iter().filter(|judgement| judgement.began).count(),
        judged.iter().filter(|judgement| judgement.ended).count(),
    );
    assert_eq!((began, ended), (1, 1));
}

#[test]
fn users_of_every_style_do_not_alarm_even_when_nothing_is_known() {
    for style in ddos_eval::benign::ALL {
        for (seed, rate) in [(1, 300.0), (2, 1_500.0), (3, 4_000.0)] {
            let mut watch = Watch::new(destination(), Settings::default());
            let judged = play(&mut watch, BEGIN, cut(users(seed, style.name, rate, 12)));
            let alarm = judged.iter().find(|judgement| judgement.alarm);
            assert!(alarm.is_none(), "{} at {rate}: {:?}", style.name, alarm.map(|judgement| &judgement.vectors));
        }
    }
}

#[test]
fn what_gets_through_raises_the_level_and_what_is_stopped_does_not() {
    let level = |stopped: bool| {
        let (mut watch, now) = taught("web", 600.0, 320);
        let mut frames = users(2, "web", 600.0, 24);
        frames.extend(flooding(3, flood("script", "syn-flood"), 20_000.0, 22, 2 * SECOND));
        // Requests of a flood of the gateway's: nothing here stops them, and nothing here shall.
        frames.extend(users(4, "crowd", 9_000.0, 24));
        for (step, mut second) in (1..).zip(cut(frames)) {
            let syn = |sample: &ddos::Sample| {
                sample.parse().is_some_and(|packet| packet.get(ddos::Field::TcpFlags) == Some(2))
            };
            if stopped && watch.level() >= Level::Prove {
                for sample in second.samples.iter_mut().filter(|sample| syn(sample)) {
                    sample.reason = Some(ddos::Reason::SynCookie);
                }
            }
            let http =
                ddos::HttpLoad { requests: 3_000.0, usual: 100.0, held: 2_000.0, level: 3, ..Default::default() };
            watch.second(now + step * SECOND, &second.counters, &second.samples, Some(&http), None);
        }
        watch.level()
    };
    assert_eq!((level(true), level(false)), (Level::Prove, Level::Verified));
}

#[test]
fn the_same_seconds_give_the_same_judgements() {
    let run = || {
        let (mut watch, now) = taught("web", 600.0, 320);
        let frames = flooding(3, flood("script", "syn-flood"), 20_000.0, 6, 0);
        play(&mut watch, now, cut(frames))
    };
    assert_eq!(run(), run());
}
