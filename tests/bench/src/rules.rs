//! Events a second and core through rules and correlations, beside other engines on the same events, with the hits of
//! all of them compared. `BENCH_QUICK=1` takes a tenth of the events.

mod correlation;
pub mod cpu;
mod load;
mod peer;
mod stream;

use detect::{Engine, Scratch, Source};
use kit::figures::{Row, median, publish};
use load::Pair;
use peer::{Rsigma, SigmaRust, Variant};
use std::collections::BTreeMap;
use stream::Told;

/// Rounds; each engine runs in each, one after the other.
const ROUNDS: usize = 5;
/// Events of a round.
const EVENTS: usize = 20_000;
/// Events of a round for sigma-rust, which tries rule after rule.
const FEW: usize = 200;
/// Rules of the growth.
const SIZES: [(usize, &str); 3] = [(100, "A1.growth-100"), (1000, "A1.growth-1000"), (10_000, "A1.growth-10000")];

/// A number of events, less when it must be quick.
fn sized(events: usize) -> usize {
    if std::env::var_os("BENCH_QUICK").is_some() { events / 10 } else { events }
}

/// Measures and publishes.
pub fn run() -> Result<(), String> {
    let pairs = load::all();
    let public = pairs.iter().filter(|pair| pair.public).count();
    if public == 0 {
        println!("skipped: corpus not present; own rules only");
    }
    println!("{} rules: {} own, {public} public", pairs.len(), pairs.len() - public);
    let mut rows = Vec::new();
    let bucket: Vec<&Pair> = pairs.iter().filter(|pair| pair.is_of("process_creation")).collect();
    let executions = stream::executions(sized(EVENTS))?;
    let linux = Case {
        id: "A1.linux-bucket",
        what: "Linux process starts",
        goal: 1_000_000.0,
        pairs: &bucket,
        events: &executions,
    };
    rows.extend(linux.measure()?);
    let everything: Vec<&Pair> = pairs.iter().collect();
    let mixed = stream::mixed(sized(EVENTS))?;
    let all = Case {
        id: "A1.all-rules",
        what: "all rules, events of hosts and logs",
        goal: 250_000.0,
        pairs: &everything,
        events: &mixed,
    };
    rows.extend(all.measure()?);
    rows.extend(growth(&bucket, &executions)?);
    rows.push(correlation::measure("A1.correlation", 0, sized(EVENTS))?);
    rows.push(correlation::measure("A1.correlation-evidence", 5, sized(EVENTS))?);
    publish("rules", &rows)
}

/// Which build this is: figures of the everyday build are lower than those of a release.
pub fn build() -> &'static str {
    if cfg!(debug_assertions) { "everyday build (engine at opt-level 3, the rest at 1)" } else { "release build" }
}

/// One comparison: rules and events.
struct Case<'c> {
    id: &'static str,
    what: &'static str,
    goal: f64,
    pairs: &'c [&'c Pair],
    events: &'c [Told],
}

/// Which rules each event hits, by the ids of the rules.
type Hits<'h> = Vec<Vec<&'h str>>;

impl Case<'_> {
    fn engine(&self) -> Engine {
        let sources: Vec<Source> = self.pairs.iter().map(|pair| pair.source.clone()).collect();
        Engine::compile(&sources).0
    }

    /// The hits that every engine can have: ours also finds what rules about the audit system or about any Linux log look
    /// for when it is the sensor that sees it.
    fn common<'h>(&self, hits: &Hits<'h>) -> Hits<'h> {
        let rules: BTreeMap<&str, &Pair> = self.pairs.iter().map(|pair| (pair.id.as_str(), *pair)).collect();
        let about =
            |id: &&str, told: &Told| rules.get(id).is_some_and(|pair| stream::is_about(&pair.rule.logsource, told));
        let kept = |(told, ids): (&Told, &Vec<&'h str>)| ids.iter().copied().filter(|id| about(id, told)).collect();
        self.events.iter().zip(hits).map(kept).collect()
    }

    /// Rows against rsigma in its best form, and against sigma-rust.
    fn measure(&self) -> Result<Vec<Row>, String> {
        let engine = self.engine();
        let all = hits_of(&engine, self.events);
        let ours = self.common(&all);
        let variants = Variant::ALL.map(|variant| Rsigma::new(self.pairs, variant));
        let mut theirs: Vec<(Vec<f64>, usize)> = vec![(Vec::new(), 0); variants.len()];
        for (variant, (_, different)) in variants.iter().zip(&mut theirs) {
            *different = difference(variant.name(), &ours, &variant.hits(self.events));
        }
        let slow = SigmaRust::new(self.pairs);
        let few = &self.events[..FEW.min(self.events.len())];
        let other = difference("sigma-rust", &of_these(&ours[..few.len()], &slow.loaded), &slow.hits(few));
        let (mut own, mut slower) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            own.push(rate_of(&engine, self.events));
            for (variant, (rates, _)) in variants.iter().zip(&mut theirs) {
                rates.push(variant.rate(self.events));
            }
            slower.push(slow.rate(few));
        }
        let count: usize = ours.iter().map(Vec::len).sum();
        let beyond = all.iter().map(Vec::len).sum::<usize>() - count;
        let best =
            (0..variants.len()).max_by(|one, other| median(&theirs[*one].0).total_cmp(&median(&theirs[*other].0)));
        let best = best.ok_or("no engine to compare with")?;
        for (variant, (rates, different)) in variants.iter().zip(&theirs) {
            println!("  {:<40} {:>12.0} events/s, {different} hits differ", variant.name(), median(rates));
        }
        let rules = engine.rules().len();
        let data = |different: usize, events: usize| {
            format!(
                "{events} events made from a seed, already parsed for each engine and read a moment before; {count} hits, {different} of (event, rule) \
                 differ, and {beyond} more by rules about logs on what the host's own sensor saw; CPU time of one thread; {}",
                build()
            )
        };
        let met = median(&own) >= self.goal && median(&own) >= 2.0 * median(&theirs[best].0);
        Ok(vec![
            Row {
                id: self.id.into(),
                what: format!("{}: {rules} rules", self.what),
                met,
                ours: own.clone(),
                unit: "events/s/core",
                peer: theirs[best].0.clone(),
                peer_name: variants[best].name().to_owned(),
                goal: if self.goal >= 1e6 {
                    ">= 1 M and >= 2 x rsigma".into()
                } else {
                    ">= 250 k and >= 2 x rsigma".into()
                },
                data: data(theirs[best].1, self.events.len()),
            },
            Row {
                id: if self.id == "A1.linux-bucket" {
                    "A1.linux-bucket-sigma-rust".into()
                } else {
                    "A1.all-rules-sigma-rust".into()
                },
                what: format!("{}: {rules} rules, {} of them loaded by the peer", self.what, slow.loaded.len()),
                met: median(&own) >= 2.0 * median(&slower),
                ours: own,
                unit: "events/s/core",
                peer: slower,
                peer_name: "sigma-rust 0.7.0".to_owned(),
                goal: ">= 2 x sigma-rust".into(),
                data: data(other, few.len()),
            },
        ])
    }
}

/// What each event hits, by the ids of rules, in order.
fn hits_of<'e>(engine: &'e Engine, events: &[Told]) -> Hits<'e> {
    let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
    let one = |told: &Told| {
        engine.evaluate(&told.event, &mut scratch, &mut hits);
        let mut ids: Vec<&str> = hits.iter().map(|index| engine.rule(*index).id.as_str()).collect();
        ids.sort_unstable();
        ids
    };
    events.iter().map(one).collect()
}

fn of_these<'h>(hits: &[Vec<&'h str>], rules: &[String]) -> Hits<'h> {
    let kept = |ids: &Vec<&'h str>| ids.iter().copied().filter(|id| rules.iter().any(|rule| rule == id)).collect();
    hits.iter().map(kept).collect()
}

fn rate_of(engine: &Engine, events: &[Told]) -> f64 {
    let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
    let read = |told: &Told| _ = std::hint::black_box(format!("{:?}", told.event).len());
    cpu::rate_of_fresh(events, read, |told| {
        engine.evaluate(&told.event, &mut scratch, &mut hits);
        std::hint::black_box(hits.len());
    })
}

/// How many pairs of event and rule only one of two engines has; prints the rules with most of them.
fn difference(name: &str, ours: &Hits<'_>, theirs: &Hits<'_>) -> usize {
    let mut rules: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (ours, theirs) in ours.iter().zip(theirs) {
        for id in ours.iter().filter(|id| !theirs.contains(id)) {
            rules.entry(id).or_default().0 += 1;
        }
        for id in theirs.iter().filter(|id| !ours.contains(id)) {
            rules.entry(id).or_default().1 += 1;
        }
    }
    let different: usize = rules.values().map(|(ours, theirs)| ours + theirs).sum();
    let counts = (ours.iter().map(Vec::len).sum::<usize>(), theirs.iter().map(Vec::len).sum::<usize>());
    println!("  hits: {} ours, {} {name}, {different} different", counts.0, counts.1);
    let mut sorted: Vec<_> = rules.into_iter().collect();
    sorted.sort_by_key(|(_, (ours, theirs))| std::cmp::Reverse(ours + theirs));
    for (id, (ours, theirs)) in sorted.iter().take(5) {
        println!("    {id}: {ours} only ours, {theirs} only {name}");
    }
    different
}

/// More and more rules, made from the public ones by other letters in what they look for.
fn growth(bucket: &[&Pair], events: &[Told]) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for (size, id) in SIZES {
        let grown = load::grown(bucket, size);
        let pairs: Vec<&Pair> = grown.iter().collect();
        let case = Case { id, what: "growth", goal: 0.0, pairs: &pairs, events };
        let engine = case.engine();
        let peer = Rsigma::new(&pairs, Variant::Index);
        let fewer = &events[..events.len() / if size > 1000 { 10 } else { 1 }];
        let different = difference(peer.name(), &hits_of(&engine, fewer), &peer.hits(fewer));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(rate_of(&engine, events));
            theirs.push(peer.rate(fewer));
        }
        rows.push(Row {
            id: id.into(),
            what: format!("Linux process starts: {} rules", engine.rules().len()),
            met: median(&ours) >= 2.0 * median(&theirs),
            ours,
            unit: "events/s/core",
            peer: theirs,
            peer_name: peer.name().to_owned(),
            goal: ">= 2 x rsigma".into(),
            data: format!(
                "rules made from the public ones by other letters in their literals; {} events ours, {} the peer's; \
                 {different} of (event, rule) differ; {}",
                events.len(),
                fewer.len(),
                build()
            ),
        });
    }
    Ok(rows)
}
