//! Against a reference that keeps everything and looks at everything again for each event.

use super::{compiled, record, tell};
use crate::correlation::limits::LATE;
use crate::correlation::{Limits, Tracker};
use proptest::prelude::*;
use record::Event;
use std::collections::{BTreeMap, BTreeSet};

/// An event: second, which rule fits, group, value.
type Told = (i64, u8, u8, i64);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Count,
    Distinct,
    Sum,
    Mean,
    Median,
    Together,
    Order,
}

const KINDS: [(Kind, &str); 7] = [
    (Kind::Count, "event_count"),
    (Kind::Distinct, "value_count"),
    (Kind::Sum, "value_sum"),
    (Kind::Mean, "value_avg"),
    (Kind::Median, "value_median"),
    (Kind::Together, "temporal"),
    (Kind::Order, "temporal_ordered"),
];

#[derive(Debug, Default)]
struct Group {
    events: Vec<Told>,
    newest: i64,
    hit: Option<i64>,
    late: u8,
}

/// What a window measures; nothing when the rules did not fit in order.
fn measure(kind: Kind, window: &[Told]) -> Option<f64> {
    let numbers = || window.iter().map(|(.., value)| *value as f64);
    let sum = || numbers().sum::<f64>();
    Some(match kind {
        Kind::Count => window.len() as f64,
        Kind::Distinct => window.iter().map(|(.., value)| value).collect::<BTreeSet<_>>().len() as f64,
        Kind::Sum => sum(),
        Kind::Mean => sum() / window.len() as f64,
        Kind::Median => {
            let mut sorted: Vec<f64> = numbers().collect();
            sorted.sort_by(f64::total_cmp);
            (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
        }
        Kind::Together => window.iter().map(|(_, act, ..)| act).collect::<BTreeSet<_>>().len() as f64,
        Kind::Order => {
            let of = |wanted: u8| window.iter().filter(move |(_, act, ..)| *act == wanted).map(|(time, ..)| *time);
            of(0).any(|a| of(1).any(|b| a <= b && of(2).any(|c| b <= c))).then_some(3.0)?
        }
    })
}

/// The hits: second of the newest event, group, value.
fn reference(kind: Kind, span: i64, least: f64, told: &[Told]) -> Vec<(i64, u8, f64)> {
    let mut groups: BTreeMap<u8, Group> = BTreeMap::new();
    let mut hits = Vec::new();
    for one in told {
        let (time, _, name, _) = *one;
        let group = groups.entry(name).or_insert_with(|| Group { newest: time, ..Group::default() });
        if time < group.newest - span {
            group.late += 1;
            if group.late < LATE {
                continue;
            }
            *group = Group { newest: time, ..Group::default() };
        }
        group.late = 0;
        group.newest = group.newest.max(time);
        group.events.push(*one);
        let window: Vec<Told> =
            group.events.iter().copied().filter(|(time, ..)| *time >= group.newest - span).collect();
        let Some(value) = measure(kind, &window).filter(|value| *value >= least) else { continue };
        if group.hit.is_none_or(|hit| group.newest - hit >= span) {
            group.hit = Some(group.newest);
            hits.push((group.newest, name, value));
        }
    }
    hits
}

/// The same by the tracker; a value that is only known to be at least so much is marked.
fn tracked(word: &str, span: i64, least: f64, told: &[Told]) -> Vec<(i64, u8, f64, bool)> {
    let field = if word.starts_with("value") { "field: v, " } else { "" };
    let text = format!(
        "title: T\ncorrelation: {{type: {word}, rules: [a, b, c], group-by: [g], timespan: {span}s, condition: {{{field}gte: {least}}}}}\n"
    );
    let (engine, compiled) = compiled(&text);
    let events: Vec<Event> = told
        .iter()
        .map(|(time, act, group, value)| {
            let act = ["a", "b", "c"][usize::from(*act)];
            record(*time, act, &[("g", &group.to_string()), ("v", &value.to_string())])
        })
        .collect();
    let mut tracker = Tracker::new(&compiled, Limits::default());
    tell(&engine, &mut tracker, &events)
        .iter()
        .map(|hit| (hit.last_us / 1_000_000, hit.group[0].parse().unwrap_or(u8::MAX), hit.value, hit.at_least))
        .collect()
}

fn same(kind: Kind, span: i64, least: f64, told: &[Told]) -> Result<(), TestCaseError> {
    let word = KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, word)| word);
    let (expected, given) = (reference(kind, span, least, told), tracked(word, span, least, told));
    prop_assert_eq!(
        given.iter().map(|hit| (hit.0, hit.1)).collect::<Vec<_>>(),
        expected.iter().map(|hit| (hit.0, hit.1)).collect::<Vec<_>>()
    );
    for (wanted, hit) in expected.iter().zip(&given) {
        let right = if hit.3 { hit.2 <= wanted.2 } else { (hit.2 - wanted.2).abs() < 1e-9 };
        prop_assert!(right, "{:?} for {:?}", hit, wanted);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tracker_finds_what_the_reference_finds(
        kind in 0..KINDS.len(),
        span in 1_i64..40,
        least in 1_u8..6,
        // Steps of time forth and back, also further back than the span.
        steps in prop::collection::vec((-25_i64..20, 0_u8..3, 0_u8..2, 1_i64..9), 0..60),
    ) {
        let kind = KINDS[kind].0;
        let least = if matches!(kind, Kind::Together | Kind::Order) { least.min(3) } else { least };
        let least = if kind == Kind::Sum { f64::from(least) * 7.0 } else { f64::from(least) };
        let mut now = 1000;
        let told: Vec<Told> = steps.into_iter().take(if kind == Kind::Order { 32 } else { 60 }).map(|(step, act, group, value)| {
            now += if step < -20 { -60 } else { step.max(-8) };
            (now, act, group, value)
        }).collect();
        same(kind, span, least, &told)?;
    }

    #[test]
    fn what_is_cut_changes_no_decision(
        kind in prop::sample::select(vec![Kind::Count, Kind::Distinct, Kind::Order]),
        span in 10_i64..400,
        least in 1_u8..50,
        steps in prop::collection::vec((0_i64..4, 0_u8..3, prop::sample::select(vec![0_u8, 0, 0, 1]), 0_i64..200), 300),
    ) {
        let mut now = 1000;
        let told: Vec<Told> = steps.into_iter().map(|(step, act, group, value)| {
            now += step / 2;
            (now, act, group, value)
        }).collect();
        same(kind, span, f64::from(if kind == Kind::Order { 3 } else { least }), &told)?;
    }
}

#[test]
fn a_sum_of_many_parts_stays_whole_and_leaves_in_time() {
    // Six a second for 1000 seconds, many more than are kept as they are.
    let parts =
        |last: i64| (0..6000).map(|number| (number / 6, 0, 0, 1)).chain([(last, 0, 0, 1)]).collect::<Vec<Told>>();
    assert_eq!(tracked("value_sum", 1000, 6000.0, &parts(2500)), [(999, 0, 6000.0, false)]);
    // Of the window of 1500 half is left, and of what left it no more than one 256th of the window still counts.
    let hits = tracked("value_sum", 1000, 1.0, &parts(1500));
    assert_eq!((hits.len(), hits[0].0, hits[1].0), (2, 0, 1500));
    assert!((3001.0..=3001.0 + 6.0 * 4.0).contains(&hits[1].2), "{hits:?}");
}
