//! All rules of a host, compiled.

use crate::bucket::{Bucket, Scratch};
use crate::field_map::{self, Origin, Sort};
use crate::lower::{can_match, lower};
use crate::modifier::Placeholders;
use crate::route::{self, SLOTS, Slots};
use crate::rule::{Rule, Status};
use crate::scan::Needles;
use crate::selection::{Detection, Test, Tree, boolean, integer};
use crate::text;
use crate::yaml::{self, Place};
use crate::{fault, limits, reader};
use base::{Fault, Result};
use record::{Event, Field, Kind};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// A text with rules: a file, or what the server sent. Several documents are cut at `---`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name in faults: the path of the file.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A rule of an [`Engine`], by its place in [`Engine::rules`]. Good for that engine only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleIndex(pub u32);

/// A rule that is sound and does not run here: its events come from no sensor of this host, or its status says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Unrouted {
    /// The rule.
    pub rule: Rule,
    /// Why.
    pub reason: String,
}

/// Compiled rules. Immutable and shared by threads, each with its own [`Scratch`]; new rules are a new engine.
#[derive(Debug)]
pub struct Engine {
    rules: Vec<Rule>,
    unrouted: Vec<Unrouted>,
    doubts: Vec<Fault>,
    /// Per rule the events it is about.
    reach: Vec<Slots>,
    pub(crate) buckets: Vec<Bucket>,
    /// Per rule its names of the fields, for [`Engine::explain`].
    pub(crate) fields: Vec<Vec<String>>,
    slots: [Option<u16>; SLOTS],
}

/// A rule that is read and has a place to run.
struct Ready {
    rule: Rule,
    detection: Detection,
    slots: Slots,
}

impl Engine {
    /// Compiles rules. Every fault names `file:line` and takes only its own rule out.
    pub fn compile(sources: &[Source]) -> (Engine, Vec<Fault>) {
        Engine::compile_with(sources, &Placeholders::new())
    }

    /// Compiles rules whose `expand` placeholders have these values.
    pub fn compile_with(sources: &[Source], placeholders: &Placeholders) -> (Engine, Vec<Fault>) {
        let (mut ready, mut unrouted, mut faults, mut doubts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut ids = HashSet::new();
        for source in sources {
            let place = Place { name: &source.name };
            for (number, document) in yaml::documents(&source.text).iter().enumerate() {
                if number == limits::DOCUMENTS || ready.len() + unrouted.len() == limits::RULES {
                    let expected = format!("at most {} rules a file, {} in all", limits::DOCUMENTS, limits::RULES);
                    faults.push(place.fault(&fault::LIMIT, document.before + 1).expected(expected));
                    break;
                }
                let read = reader::read(document, place, placeholders, &mut doubts).and_then(|(rule, detection)| {
                    if ids.contains(&rule.id) {
                        return Err(Fault::new(&fault::DUPLICATE).object(&rule.place).found(&rule.id));
                    }
                    Ok((rule, detection))
                });
                match read.and_then(|(rule, detection)| prepare(rule, detection, place)) {
                    Ok(Ok(one)) => {
                        ids.insert(one.rule.id.clone());
                        ready.push(one);
                    }
                    Ok(Err(one)) => {
                        ids.insert(one.rule.id.clone());
                        unrouted.push(one);
                    }
                    Err(fault) => faults.push(fault),
                }
            }
        }
        let mut engine = Engine::build(ready, unrouted, &mut faults);
        engine.doubts = doubts;
        (engine, faults)
    }

    fn build(ready: Vec<Ready>, unrouted: Vec<Unrouted>, faults: &mut Vec<Fault>) -> Engine {
        let mut engine = Engine {
            rules: Vec::new(),
            unrouted,
            doubts: Vec::new(),
            reach: Vec::new(),
            buckets: Vec::new(),
            fields: Vec::new(),
            slots: [None; SLOTS],
        };
        let mut known: HashMap<(Vec<u32>, bool, Option<Kind>), Option<u16>> = HashMap::new();
        for slot in 0..SLOTS {
            let here: Vec<u32> =
                (0..).zip(&ready).filter(|(_, one)| one.slots.has(slot)).map(|(index, _)| index).collect();
            if here.is_empty() {
                continue;
            }
            // Slots with the same rules share a bucket unless names or keywords mean other fields in them.
            let keywords = here
                .iter()
                .any(|index| ready[*index as usize].detection.fields.iter().any(|field| field.name.is_empty()));
            let key = (here.clone(), route::turned(slot), keywords.then(|| route::kind(slot)));
            engine.slots[slot] = *known.entry(key).or_insert_with(|| {
                let mut needles = Needles::default();
                let programs = here
                    .iter()
                    .map(|index| {
                        let one = &ready[*index as usize];
                        (*index, lower(&one.detection, &one.rule.source, slot, &mut needles))
                    })
                    .filter(|(_, program)| !program.never())
                    .collect();
                match Bucket::new(programs, needles) {
                    Ok(bucket) => {
                        engine.buckets.push(bucket);
                        Some(engine.buckets.len() as u16 - 1)
                    }
                    Err(fault) => {
                        faults.push(fault.object(format!("{} rules about {}", here.len(), route::kind(slot).word())));
                        None
                    }
                }
            });
        }
        for one in ready {
            engine.fields.push(one.detection.fields.into_iter().map(|field| field.name).collect());
            engine.rules.push(one.rule);
            engine.reach.push(one.slots);
        }
        engine
    }

    /// Every rule that runs here, in the order given.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Sound rules that do not run here, each with the reason.
    pub fn unrouted(&self) -> &[Unrouted] {
        &self.unrouted
    }

    /// What looks like a mistake in rules that run all the same: a key that is nearly one of Sigma's, an id that is no
    /// UUID, a date that is none.
    pub fn doubts(&self) -> &[Fault] {
        &self.doubts
    }

    /// The rules that cannot match while the sensor delivers only these events ([`route::delivered`]).
    pub fn dormant(&self, delivered: Slots) -> impl Iterator<Item = &Rule> {
        self.rules.iter().zip(&self.reach).filter(move |(_, reach)| !reach.meets(delivered)).map(|(rule, _)| rule)
    }

    /// A rule. An index of another engine gives the last rule or panics when there is none.
    pub fn rule(&self, index: RuleIndex) -> &Rule {
        &self.rules[(index.0 as usize).min(self.rules.len().saturating_sub(1))]
    }

    /// Finds the rules that an event fits, in the order of the rules; `hits` is emptied first. Allocates nothing once
    /// `scratch` and `hits` have grown to their size.
    pub fn evaluate(&self, event: &Event, scratch: &mut Scratch, hits: &mut Vec<RuleIndex>) {
        hits.clear();
        if let Some(bucket) = self.bucket(event) {
            bucket.judge(event, scratch, |rule| hits.push(RuleIndex(rule)));
            hits.sort_unstable();
        }
    }

    pub(crate) fn bucket(&self, event: &Event) -> Option<&Bucket> {
        self.buckets.get(usize::from(self.slots[route::slot(event)]?))
    }
}

/// Routes a rule and checks its fields against the map.
fn prepare(rule: Rule, detection: Detection, place: Place<'_>) -> Result<std::result::Result<Ready, Unrouted>> {
    if let Some(status @ (Status::Deprecated | Status::Unsupported)) = rule.status {
        return Ok(Err(Unrouted { rule, reason: format!("its status is {}: kept to read, not run", status.word()) }));
    }
    let slots = match route::route(&rule.source) {
        Ok(slots) => slots,
        Err(reason) => return Ok(Err(Unrouted { rule, reason })),
    };
    let category = rule.source.category.as_deref();
    for field in detection.fields.iter().filter(|field| !field.name.is_empty()) {
        if field_map::origin(category, false, &field.name).is_none() {
            let expected = format!("one of {}", field_map::known(category).join(", "));
            let fault = place.fault(&fault::FIELD, field.line).expected(expected);
            return Err(fault.found(format!("`{}`", field.name)));
        }
    }
    for tree in detection.selections.iter().chain([&detection.condition]) {
        check_values(tree, &detection, category, place)?;
    }
    let first = (0..SLOTS).find(|slot| slots.has(*slot)).unwrap_or(0);
    let program = lower(&detection, &rule.source, first, &mut Needles::default());
    let never = || Fault::new(&fault::NEVER).object(&rule.place);
    if program.never() {
        return Err(never());
    }
    if program.cost() > limits::COST {
        let expected = format!("a condition that costs at most {} tests an event", limits::COST);
        return Err(Fault::new(&fault::LIMIT).object(&rule.place).expected(expected).found(program.cost()));
    }
    let slots = narrowed(&rule, &detection, slots);
    if !slots.meets(Slots::EVERY) {
        return Err(never());
    }
    Ok(Ok(Ready { rule, detection, slots }))
}

/// The slots in which a rule that tests what a slot fixes (`file.op: read`) can match at all.
fn narrowed(rule: &Rule, detection: &Detection, slots: Slots) -> Slots {
    let fixed = [Field::FileOp, Field::NetOp, Field::NetOutbound, Field::Kind];
    let category = rule.source.category.as_deref();
    let names = |field: &crate::selection::Named| match field_map::origin(category, false, &field.name) {
        Some(Origin::Field(field)) => fixed.contains(&field),
        _ => false,
    };
    if !detection.fields.iter().any(names) {
        return slots;
    }
    let live = (0..SLOTS).filter(|slot| slots.has(*slot) && can_match(detection, &rule.source, *slot));
    Slots(live.fold(0, |bits, slot| bits | 1 << slot))
}

/// Values that fit their field: parts of a time are taken of times only, and a text that is no number is never a port.
fn check_values(tree: &Tree, detection: &Detection, category: Option<&str>, place: Place<'_>) -> Result<()> {
    match tree {
        Tree::All(parts) | Tree::Any(parts) => {
            parts.iter().try_for_each(|part| check_values(part, detection, category, place))
        }
        Tree::Not(inner) => check_values(inner, detection, category, place),
        Tree::Selection(_) => Ok(()),
        Tree::Item { field, test } => {
            let named = &detection.fields[*field];
            let Some(origin) = field_map::origin(category, false, &named.name) else { return Ok(()) };
            let wrong = |expected: &str| {
                Err(place.fault(&fault::VALUE, named.line).expected(expected).found(format!("`{}`", named.name)))
            };
            match &**test {
                Test::Order { part: Some(_), .. } if origin != Origin::Time => wrong("the field `timestamp`"),
                Test::Prefix(_) if matches!(origin.sort(), Sort::Flag | Sort::Hex) => wrong("a field with addresses"),
                Test::Text { pieces, .. } => match text::plain(pieces).map(String::from_utf8_lossy) {
                    Some(written) if !written.is_empty() => misfit(origin, &written).map_or(Ok(()), |expected| {
                        let found = format!("`{}: {written}`", named.name);
                        Err(place.fault(&fault::VALUE, named.line).expected(expected).found(found))
                    }),
                    _ => Ok(()),
                },
                _ => Ok(()),
            }
        }
    }
}

/// What a whole text without wildcards must be to equal a value of this field, when it is not that.
fn misfit(origin: Origin, written: &str) -> Option<&'static str> {
    let (fits, expected) = match origin.sort() {
        Sort::Number => (integer(written).or_else(|| origin.number_of(written)).is_some(), "a whole number"),
        Sort::Flag => (boolean(written).is_some(), "true or false"),
        Sort::Address => (written.parse::<IpAddr>().is_ok(), "an address, or `cidr` with a range"),
        Sort::Text | Sort::Hex => (true, ""),
    };
    (!fits).then_some(expected)
}
