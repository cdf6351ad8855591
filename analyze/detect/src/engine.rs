//! All rules of a host, compiled.

use crate::bucket::{Bucket, Scratch};
use crate::compile::{self, Ready};
use crate::log_source::{Streams, Table};
use crate::lower::{About, lower};
use crate::route::{self, LOG, SLOTS, Slots};
use crate::scan::Needles;
use base::Fault;
use record::{Activity, Event, Kind};
use sigma::modifier::Placeholders;
use sigma::rule::Rule;
use std::collections::{HashMap, HashSet};

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
    correlations: Vec<Source>,
    /// Ids of rules and correlations that are switched off.
    pub(crate) off: HashSet<String>,
    doubts: Vec<Fault>,
    /// Per rule the events it is about.
    reach: Vec<Slots>,
    buckets: Vec<Bucket>,
    /// Per rule its names of the fields, for [`Engine::explain`].
    pub(crate) fields: Vec<Vec<String>>,
    /// Per slot its bucket; records of logs are in `logs`.
    slots: [Option<u16>; SLOTS],
    logs: Table,
    /// The words of logs that rules name.
    log_words: Vec<String>,
}

/// What tells buckets apart: the rules, whether names are turned round, and the slot where they mean something else
/// in each.
type Key = (Vec<u32>, bool, Option<usize>);

/// Buckets while they are made.
struct Builder<'r> {
    ready: &'r [Ready],
    known: HashMap<Key, Option<u16>>,
    buckets: Vec<Bucket>,
    faults: Vec<Fault>,
}

impl Builder<'_> {
    /// The bucket of rules for the events of a slot; slots with the same rules share one.
    fn bucket(&mut self, rules: &[u32], slot: usize) -> Option<u16> {
        if rules.is_empty() {
            return None;
        }
        let ready = self.ready;
        let of = |index: &u32| &ready[*index as usize];
        // Keywords are looked for in other fields for each kind, and audit records are other ones for each slot.
        let keywords = rules.iter().any(|index| of(index).detection.fields.iter().any(|field| field.name.is_empty()));
        let own = match rules.iter().any(|index| of(index).reach.audit) || slot == LOG {
            true => Some(slot),
            false => keywords.then(|| route::kind(slot) as usize),
        };
        let key = (rules.to_vec(), route::turned(slot), own);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let mut needles = Needles::default();
        let programs = rules
            .iter()
            .map(|index| {
                let Ready { rule, detection, reach } = of(index);
                let about = About { category: rule.source.category.as_deref(), reach };
                (*index, lower(detection, about, slot, &mut needles))
            })
            .filter(|(_, program)| !program.never())
            .collect();
        let made = match Bucket::new(programs, needles) {
            Ok(bucket) => {
                self.buckets.push(bucket);
                u16::try_from(self.buckets.len() - 1).ok()
            }
            Err(fault) => {
                let object = format!("{} rules about {}", rules.len(), route::kind(slot).word());
                self.faults.push(fault.object(object));
                None
            }
        };
        self.known.insert(key, made);
        made
    }
}

impl Engine {
    /// Compiles rules. Every fault names `file:line` and takes only its own rule out.
    pub fn compile(sources: &[Source]) -> (Engine, Vec<Fault>) {
        Engine::compile_with(sources, &Placeholders::new(), &HashSet::new())
    }

    /// Compiles rules whose `expand` placeholders have these values. Filters among the texts are joined to the rules they
    /// name; correlation rules are kept as they are ([`Engine::correlations`]). Ids that are `off` are listed as unrouted.
    pub fn compile_with(
        sources: &[Source],
        placeholders: &Placeholders,
        off: &HashSet<String>,
    ) -> (Engine, Vec<Fault>) {
        let texts = compile::compile(sources, placeholders, off);
        let ready = texts.ready;
        let mut builder = Builder { ready: &ready, known: HashMap::new(), buckets: Vec::new(), faults: texts.faults };
        let mut slots = [None; SLOTS];
        for (slot, bucket) in slots.iter_mut().enumerate().filter(|(slot, _)| *slot != LOG) {
            let about = |one: &Ready| one.reach.slots.has(slot);
            let rules: Vec<u32> = (0..).zip(&ready).filter(|(_, one)| about(one)).map(|(index, _)| index).collect();
            *bucket = builder.bucket(&rules, slot);
        }
        let mut streams = Streams::default();
        (0..).zip(&ready).for_each(|(index, one)| streams.add(index, &one.reach.logs));
        let logs = streams.table(|rules| builder.bucket(rules, LOG));
        let (buckets, faults) = (builder.buckets, builder.faults);
        let mut engine = Engine {
            rules: Vec::with_capacity(ready.len()),
            unrouted: texts.unrouted,
            correlations: texts.correlations,
            off: off.clone(),
            doubts: texts.doubts,
            reach: Vec::with_capacity(ready.len()),
            buckets,
            fields: Vec::with_capacity(ready.len()),
            slots,
            logs,
            log_words: streams.words().map(str::to_owned).collect(),
        };
        for one in ready {
            engine.fields.push(one.detection.fields.into_iter().map(|field| field.name).collect());
            engine.rules.push(one.rule);
            engine.reach.push(one.reach.slots);
        }
        (engine, faults)
    }

    /// Every rule that runs here, in the order given.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Sound rules that do not run here, each with the reason.
    pub fn unrouted(&self) -> &[Unrouted] {
        &self.unrouted
    }

    /// The correlation rules among the texts, each as a text of its own with the name of its source; its lines keep
    /// their numbers.
    pub fn correlations(&self) -> &[Source] {
        &self.correlations
    }

    /// The kinds of events that a rule is about.
    pub fn kinds(&self, index: RuleIndex) -> Vec<Kind> {
        self.reach.get(index.0 as usize).map(|slots| slots.kinds()).unwrap_or_default()
    }

    /// The words of decoders and programs whose records rules ask for, lower case, in order: what a host should read.
    pub fn log_words(&self) -> &[String] {
        &self.log_words
    }

    /// The rule with this id or name.
    pub fn find(&self, id_or_name: &str) -> Option<RuleIndex> {
        let called = |rule: &Rule| rule.id == id_or_name || !rule.name.is_empty() && rule.name == id_or_name;
        self.rules.iter().position(called).map(|index| RuleIndex(index as u32))
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
        let buckets = self.buckets(event);
        for bucket in buckets.into_iter().flatten() {
            bucket.judge(event, scratch, |rule| hits.push(RuleIndex(rule)));
        }
        hits.sort_unstable();
        if buckets[1].is_some() {
            hits.dedup();
        }
    }

    /// The buckets of an event: one, or for a syslog record also that of the program which wrote it.
    pub(crate) fn buckets(&self, event: &Event) -> [Option<&Bucket>; 2] {
        let places = match &event.activity {
            Activity::Log(log) => self.logs.buckets(log),
            _ => [self.slots[route::slot(event)], None],
        };
        places.map(|place| self.buckets.get(usize::from(place?)))
    }
}
