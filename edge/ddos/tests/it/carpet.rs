//! Carpet bombing: a flood over a range, too thin for any address of it.

use crate::scene::*;
use ddos::{Counters, Level, Prefix, Sample, Settings, Watches};
use ddos_eval::chance::Chance;
use ddos_eval::frame::Frame;
use ddos_eval::session::{Place, Second};
use std::net::{IpAddr, Ipv4Addr};

const MEMBERS: u8 = 60;

fn member(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, number + 1)
}

/// One second for each address.
type Row = Vec<(Prefix, Counters, Vec<Sample>)>;

fn rows(count: i64, make: impl Fn(u8, Ipv4Addr) -> Vec<Frame>) -> Vec<Row> {
    let mut rows = vec![Vec::new(); count as usize];
    for number in 0..MEMBERS {
        let seconds: Vec<Second> = ddos_eval::session::seconds(make(number, member(number)), SECOND, 60);
        for (row, second) in rows.iter_mut().zip(seconds) {
            row.push((Prefix::single(member(number).into()), second.counters, second.samples));
        }
    }
    rows
}

#[test]
fn a_flood_over_a_range_alarms_for_the_range() {
    let quiet = |number: u8, destination| {
        (style("web").make)(&mut Chance::new(u64::from(number)), &Place { destination, rate: 40.0, seconds: 330 })
    };
    let loud = |number: u8, destination| {
        let mut chance = Chance::new(100 + u64::from(number));
        let mut frames = (style("web").make)(&mut chance, &Place { destination, rate: 40.0, seconds: 6 });
        frames
            .extend((flood("blaster", "udp-flood").make)(&mut chance, &Place { destination, rate: 300.0, seconds: 6 }));
        frames
    };
    let mut watches = Watches::new(Settings::default(), None);
    let mut totals: Vec<(Prefix, Counters)> =
        (0..MEMBERS).map(|number| (Prefix::single(member(number).into()), Counters::default())).collect();
    let mut now = BEGIN;
    watches.second(now, &totals, Vec::new(), |_| None);
    let mut alarms = Vec::new();
    for (index, row) in rows(330, quiet).into_iter().chain(rows(6, loud)).enumerate() {
        now += SECOND;
        let mut samples: Vec<(IpAddr, Sample)> = Vec::new();
        for ((_, total), (destination, delta, of_it)) in totals.iter_mut().zip(row) {
            *total += delta;
            samples.extend(of_it.into_iter().map(|sample| (destination.address(), sample)));
        }
        let judgements = watches.second(now, &totals, samples, |_| None);
        alarms.extend(judgements.into_iter().filter(|judgement| judgement.alarm).map(|judgement| (index, judgement)));
    }
    let (at, first) = &alarms[0];
    assert!((330..332).contains(at), "alarm in second {at}");
    assert!(alarms.iter().all(|(_, judgement)| judgement.destination == "198.51.100.0/24".parse().unwrap()));
    assert!(first.carpet && first.class().is_some_and(|class| class.word() == "udp-flood"), "{first:?}");
    let range = watches.get("198.51.100.0/24".parse().unwrap()).unwrap();
    assert!(range.level() >= Level::Limit);
    let report = watches.report(now, range.destination(), &ddos::report::Lookups::default()).unwrap();
    assert!(report.fingerprint.tags.contains(&"Carpet bombing attack"));
}

#[test]
fn readings_of_any_span_are_brought_to_seconds() {
    let mut watches = Watches::new(Settings::default(), None);
    let to = destination();
    let reading = |packets: u64| [(to, Counters { packets, icmp: packets, ..Counters::default() })];
    watches.second(BEGIN, &reading(0), Vec::new(), |_| None);
    // 4,000 pings in ten seconds are 400 a second: below the floor.
    let judged = watches.second(BEGIN + 10 * SECOND, &reading(4_000), Vec::new(), |_| None);
    assert!(judged[0].vectors.is_empty());
    let judged = watches.second(BEGIN + 11 * SECOND, &reading(8_000), Vec::new(), |_| None);
    assert_eq!(judged[0].class().map(ddos::Class::word).as_deref(), Some("icmp-flood"));
    assert!(
        watches.second(BEGIN + 11 * SECOND, &reading(9_000), Vec::new(), |_| None).is_empty(),
        "no time has passed"
    );
}
