//! Correlations: logins of many addresses and users through six correlations, beside rsigma's correlation engine.

use super::{ROUNDS, build, cpu, stream};
use base::{Random, SeededRandom};
use detect::correlation::{Compiled, CorrelationHit, Limits, Tracker, compile};
use detect::{Engine, Scratch, Source, cases};
use kit::figures::{Row, median};
use record::Event;
use rsigma_eval::{CorrelationConfig, CorrelationEngine, CorrelationEventMode, JsonEvent, ResultBody};
use rsigma_parser::SigmaCollection;
use stream::Told;

/// Seconds of every correlation, and of the quiet after its hits.
const SPAN: u64 = 300;
const BASE: &str = "title: Failed\nname: failed\nid: 5d5f0c5e-6a0e-4a57-9a39-0c6e9d0f1a01\nlogsource: {product: linux, service: sshd}\n\
    detection: {s: {outcome: failed}, condition: s}\n---\n\
    title: Accepted\nname: accepted\nid: 5d5f0c5e-6a0e-4a57-9a39-0c6e9d0f1a02\nlogsource: {product: linux, service: sshd}\n\
    detection: {s: {outcome: accepted}, condition: s}\n";
const CORRELATIONS: [&str; 6] = [
    "type: event_count, rules: [failed], group-by: [srcip], condition: {gte: 20}",
    "type: event_count, rules: [failed], group-by: [srcip, user], condition: {gte: 10}",
    "type: value_count, rules: [failed], group-by: [srcip], condition: {field: user, gte: 12}",
    "type: value_count, rules: [failed, accepted], group-by: [user], condition: {field: srcip, gte: 25}",
    "type: temporal, rules: [failed, accepted], group-by: [srcip, user], condition: {gte: 2}",
    "type: value_sum, rules: [accepted], group-by: [user], condition: {field: bytes, gte: 400000}",
];

/// Seconds since the first, and the event.
fn events(count: usize) -> Result<Vec<(i64, Told)>, String> {
    let random = SeededRandom::new(5);
    let mut now = 1_767_225_600;
    let one = |_| {
        now += i64::from(random.below(10) == 0);
        // One in five comes from few addresses, as attacks do.
        let address = if random.below(5) == 0 { random.below(4) } else { 10 + random.below(2000) };
        let fields = [
            ("outcome", if random.below(3) == 0 { "accepted" } else { "failed" }.to_owned()),
            ("srcip", format!("198.51.{}.{}", address / 250, address % 250)),
            ("user", format!("user{}", random.below(60))),
            ("bytes", format!("{}", random.below(40_000))),
        ];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let event = Event { time_us: now * 1_000_000, ..cases::log("sshd", Some("login"), &fields) };
        Ok((now, stream::told(event)?))
    };
    (0..count).map(one).collect()
}

/// A hit, to compare: second, title, group.
type Hit = (i64, String, Vec<String>);

/// One comparison: what both engines are given.
struct Match {
    engine: Engine,
    compiled: Compiled,
    rules: SigmaCollection,
    events: Vec<(i64, Told)>,
    /// Events kept to show with a hit.
    shown: usize,
}

impl Match {
    fn new(count: usize, shown: usize) -> Result<Match, String> {
        let one = |(number, inside): (usize, &&str)| {
            let id = format!("5d5f0c5e-6a0e-4a57-9a39-0c6e9d0f1b0{number}");
            format!("---\ntitle: T{number}\nid: {id}\ncorrelation: {{timespan: {SPAN}s, {inside}}}\n")
        };
        let text = format!("{BASE}{}", CORRELATIONS.iter().enumerate().map(one).collect::<String>());
        let rules = rsigma_parser::parse_sigma_yaml(&text).map_err(|cause| cause.to_string())?;
        let (engine, faults) = Engine::compile(&[Source { name: "bench.yml".to_owned(), text }]);
        let (compiled, more) = compile(&engine);
        match faults.iter().chain(&more).next() {
            Some(fault) => Err(fault.to_string()),
            None => Ok(Match { engine, compiled, rules, events: events(count)?, shown }),
        }
    }

    /// Events a second, the hits in order, and how many groups are remembered.
    fn ours(&self) -> (f64, Vec<Hit>, usize) {
        let limits = Limits { evidence: self.shown.max(1), ..Limits::default() };
        let mut tracker = Tracker::new(&self.compiled, limits);
        let (mut scratch, mut fits, mut found) = (Scratch::new(), Vec::new(), Vec::new());
        let rate = cpu::rate(self.events.len(), || {
            for (_, told) in &self.events {
                self.engine.evaluate(&told.event, &mut scratch, &mut fits);
                tracker.observe(&told.event, "host", &fits, &mut found);
            }
        });
        let hit =
            |hit: CorrelationHit| (hit.last_us / 1_000_000, self.compiled.rule(hit.rule).title.clone(), hit.group);
        let mut hits: Vec<Hit> = found.into_iter().map(hit).collect();
        hits.sort();
        (rate, hits, tracker.size().0)
    }

    /// Events a second and the hits of the peer, in order.
    fn theirs(&self) -> Result<(f64, Vec<Hit>), String> {
        let mode = if self.shown > 0 { CorrelationEventMode::Full } else { CorrelationEventMode::None };
        let mut peer = CorrelationEngine::new(CorrelationConfig {
            suppress: Some(SPAN),
            correlation_event_mode: mode,
            max_correlation_events: self.shown.max(1),
            ..CorrelationConfig::default()
        });
        peer.add_collection(&self.rules).map_err(|cause| cause.to_string())?;
        let mut hits: Vec<Hit> = Vec::new();
        let rate = cpu::rate(self.events.len(), || {
            for (second, told) in &self.events {
                for result in peer.process_event_at(&JsonEvent::borrow(&told.json), *second) {
                    if let ResultBody::Correlation(body) = result.body {
                        let group = body.group_key.into_iter().map(|(_, value)| value).collect();
                        hits.push((*second, result.header.rule_title, group));
                    }
                }
            }
        });
        hits.sort();
        Ok((rate, hits))
    }
}

/// Measures events a second through rules and correlations together, each hit with so many events to show.
pub fn measure(id: &'static str, shown: usize, count: usize) -> Result<Row, String> {
    let both = Match::new(count, shown)?;
    let (mut own, mut peer, mut different, mut found, mut groups) = (Vec::new(), Vec::new(), 0, 0, 0);
    for _ in 0..ROUNDS {
        let (rate, ours, size) = both.ours();
        own.push(rate);
        let (rate, theirs) = both.theirs()?;
        peer.push(rate);
        let missing = |from: &[Hit], to: &[Hit]| from.iter().filter(|hit| to.binary_search(hit).is_err()).count();
        different = missing(&ours, &theirs) + missing(&theirs, &ours);
        (found, groups) = (ours.len(), size);
    }
    println!("  correlations: {found} hits, {different} different from rsigma, {groups} groups");
    let kept =
        if shown > 0 { format!("{shown} events kept to show") } else { "the last event alone to show".to_owned() };
    Ok(Row {
        id: id.into(),
        what: format!(
            "rules and {} correlations over logins, every event counts for three or more; {kept}",
            both.compiled.len()
        ),
        met: different == 0 && median(&own) >= 2.0 * median(&peer),
        ours: own,
        unit: "events/s/core",
        peer,
        peer_name: "rsigma-eval 0.23.0".to_owned(),
        goal: ">= 2 x rsigma, equal hits".into(),
        data: format!(
            "{} events made from a seed, already parsed; {found} hits of {groups} groups, {different} differ; CPU time of \
             one thread; {}",
            both.events.len(),
            build()
        ),
    })
}
