//! Floods made to differ: memory stays bounded, what is given up is counted, what is being counted is not lost.

use super::{compiled, record, tell};
use crate::correlation::{Dropped, Limits, Tracker};
use record::Event;

const COUNT: &str = "title: Count\ncorrelation: {type: event_count, rules: [a], group-by: [user], timespan: 1h, condition: {gte: 3}}\n---\n";
const OTHER: &str = "title: Other\ncorrelation: {type: value_count, rules: [b], group-by: [user], timespan: 1h, condition: {field: v, gte: 3}}\n";

fn flood(from: usize, to: usize, act: &str) -> Vec<Event> {
    (from..to)
        .map(|number| record(10, act, &[("user", &format!("user-{number}")), ("v", &format!("{number}"))]))
        .collect()
}

#[test]
fn a_flood_of_groups_is_bounded_and_pushes_no_victim_out() {
    let (engine, compiled) = compiled(&[COUNT, OTHER].concat());
    let limits = Limits { groups: 100, bytes: 1 << 20, evidence: 2, evidence_bytes: 32 << 10 };
    let mut tracker = Tracker::new(&compiled, limits);
    let victim = |act: &str, v: &str| record(10, act, &[("user", "root"), ("v", v)]);
    let mut hits = tell(&engine, &mut tracker, &[victim("a", "1"), victim("a", "2"), victim("b", "1")]);
    hits.extend(tell(&engine, &mut tracker, &flood(0, 5000, "a")));
    let (groups, bytes) = tracker.size();
    assert!(groups == 101 && bytes <= (1 << 20) + (32 << 10), "{groups} groups, {bytes} bytes");
    assert!(hits.is_empty());
    let dropped = tracker.dropped();
    assert_eq!(dropped.groups, 4901);
    assert!(dropped.evidence > 2000, "{dropped:?}");
    // The group that had been seen twice is still there, and so are those of the other rule.
    assert_eq!(tell(&engine, &mut tracker, &[victim("a", "3")]).len(), 1);
    assert_eq!(tell(&engine, &mut tracker, &[victim("b", "2"), victim("b", "3")]).len(), 1);
}

#[test]
fn all_groups_together_are_bounded_in_bytes() {
    let (engine, compiled) = compiled(&[COUNT, OTHER].concat());
    let limits = Limits { groups: 1_000_000, bytes: 64 << 10, evidence: 1, evidence_bytes: 0 };
    let mut tracker = Tracker::new(&compiled, limits);
    tell(&engine, &mut tracker, &[record(10, "b", &[("user", "root"), ("v", "1")])]);
    tell(&engine, &mut tracker, &flood(0, 3000, "a"));
    let (groups, bytes) = tracker.size();
    assert!(bytes <= 64 << 10 && groups > 20, "{groups} groups, {bytes} bytes");
    // It is the rule with the flood that gives up.
    let hits =
        tell(&engine, &mut tracker, &[2, 3].map(|v| record(11, "b", &[("user", "root"), ("v", &v.to_string())])));
    assert_eq!((hits.len(), hits[0].value, hits[0].events.len()), (1, 3.0, 1));
}

#[test]
fn one_group_is_bounded_whatever_it_is_told() {
    let text = "title: N\ncorrelation: {type: event_count, rules: [a], timespan: 1h, condition: {gte: 100}}\n---\n\
        title: V\ncorrelation: {type: value_count, rules: [a], timespan: 1h, condition: {field: v, gte: 100}}\n---\n\
        title: S\ncorrelation: {type: value_sum, rules: [a], timespan: 1h, condition: {field: v, lt: 0}}\n---\n\
        title: P\ncorrelation: {type: value_median, rules: [a], timespan: 1h, condition: {field: v, lt: 0}}\n---\n\
        title: O\ncorrelation: {type: temporal_ordered, rules: [a, b], timespan: 1h}\n";
    let (engine, compiled) = compiled(text);
    let mut tracker = Tracker::new(&compiled, Limits::default());
    let of = |second: i64| record(second, "a", &[("v", &second.to_string())]);
    let mut sizes = Vec::new();
    for round in 0..4 {
        // Every other one comes late.
        let events: Vec<Event> =
            (0..2500).flat_map(|number| [of(round * 500 + number / 5 + 1), of(round * 500)]).collect();
        tell(&engine, &mut tracker, &events);
        sizes.push(tracker.size().1);
    }
    assert!(sizes.iter().all(|bytes| *bytes < 160 << 10), "{sizes:?}");
    assert!(tracker.dropped().entries > 10_000, "{:?}", tracker.dropped());
    // What is over goes by itself.
    tell(&engine, &mut tracker, &[of(100_000)]);
    assert!(tracker.size().1 < sizes[3], "{} after {sizes:?}", tracker.size().1);
}

#[test]
fn groups_end_with_their_time_and_nothing_is_lost_by_it() {
    let (engine, compiled) = compiled(COUNT);
    let mut tracker = Tracker::new(&compiled, Limits::default());
    tell(&engine, &mut tracker, &flood(0, 500, "a"));
    let later: Vec<Event> = (0..400).map(|number| record(8000, "a", &[("user", &format!("late-{number}"))])).collect();
    tell(&engine, &mut tracker, &later);
    assert_eq!((tracker.size().0, tracker.dropped()), (400, Dropped::default()));
}

#[test]
fn what_lacks_a_field_or_comes_too_late_is_counted() {
    let (engine, compiled) = compiled(&[COUNT, OTHER].concat());
    let mut tracker = Tracker::new(&compiled, Limits::default());
    let events = [
        record(9000, "a", &[]),
        record(9000, "a", &[("user", "")]),
        record(9000, "b", &[("user", "u")]),
        record(9000, "a", &[("user", "u")]),
        record(10, "a", &[("user", "u")]),
        record(9000, "c", &[]),
    ];
    tell(&engine, &mut tracker, &events);
    assert_eq!(tracker.dropped(), Dropped { absent: 3, late: 1, ..Dropped::default() });
}
