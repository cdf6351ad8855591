//! Rules compiled: everything that can be decided at load is decided here.

pub(crate) mod actions;
mod literals;
pub(crate) mod names;
pub(crate) mod pipeline;
pub(crate) mod question;
pub(crate) mod rule;
pub(crate) mod scan;
pub(crate) mod step;
pub(crate) mod target;
pub(crate) mod text;

use crate::operator::{self, Guard, Matcher};
use crate::{fault, variable};
use base::{Fault, Result};
use names::Names;
use pipeline::Pipelines;
use question::Questions;
use rule::{Compare, Number, Quick, Removal, Rule, Test};
use scan::{Bits, Scan};
use seclang::{Item, Phase, Ruleset, Settings};
use std::collections::HashMap;
use std::sync::Arc;
use step::Step;
use target::{Pick, Target, TargetSet};
use text::Template;

/// A whole configuration, compiled.
pub(crate) struct Program {
    /// Rules and links of chains; links follow their head.
    pub rules: Vec<Rule>,
    /// What each phase walks.
    pub phases: [Vec<Step>; 5],
    /// By marker and phase: the steps before which it stands, ascending.
    pub markers: Vec<[Vec<u32>; 5]>,
    /// What rules look at.
    pub sets: Vec<TargetSet>,
    /// What these are made of.
    pub targets: Vec<Target>,
    /// What steps ask of the values of stable sets.
    pub questions: Questions,
    /// By bit of [`variable::Source::bits`]: the targets and the sets that read it.
    pub readers: Vec<(Bits, Bits)>,
    /// Texts that rules put into `TX` as they stand.
    pub constants: Vec<Constant>,
    /// Names of `TX` and numbers of texts that gates set.
    pub presets: Vec<(u32, u32)>,
    /// Transformations.
    pub pipelines: Pipelines,
    /// Tests made at load.
    pub tests: Vec<Made>,
    /// What these need.
    pub scan: Scan,
    /// Names of `TX`, and which variables are read.
    pub names: Names,
    /// Targets that `ctl` may take away.
    pub removals: Vec<Removal>,
    /// Settings beside rules.
    pub settings: Settings,
    /// Tests whose arguments hold macros.
    pub made_tests: u32,
    /// Slots of the anomaly scores of request and response, the one that counts first.
    pub scores: [Vec<u32>; 2],
}

/// A text of the rules.
pub(crate) struct Constant {
    /// The text.
    pub text: Box<[u8]>,
    /// The number that it is.
    pub number: i64,
}

/// A test made at load.
pub(crate) struct Made {
    /// The test.
    pub matcher: Box<dyn Matcher>,
    /// Whether it costs enough to be scanned for and remembered.
    pub heavy: bool,
}

/// Names of the scores of a request (CRS 4, its early versions, CRS 3) and of a response.
const SCORES: [&[&[u8]]; 2] = [
    &[b"blocking_inbound_anomaly_score", b"inbound_anomaly_score", b"anomaly_score"],
    &[b"blocking_outbound_anomaly_score", b"outbound_anomaly_score"],
];

/// Operators that are not worth a scan: they cost less than looking up what one found.
const LIGHT: &[&str] = &[
    "beginswith",
    "contains",
    "endswith",
    "streq",
    "strmatch",
    "within",
    "ipmatch",
    "nomatch",
    "unconditionalmatch",
    "validatebyterange",
    "validateurlencoding",
    "validateutf8encoding",
];

/// Compiles a ruleset.
pub(crate) fn compile(ruleset: &Ruleset) -> Result<Program> {
    let mut builder = Builder::new(ruleset);
    for item in &ruleset.items {
        match item {
            Item::Rule(rule) => builder.head(rule)?,
            Item::Marker(marker) => builder.marker(&marker.name),
        }
    }
    builder.finish()
}

type TestKey = (&'static str, Vec<u8>, Arc<[Vec<u8>]>);

struct Builder {
    flat: actions::Flat,
    rules: Vec<Rule>,
    phases: [Vec<Step>; 5],
    markers: Vec<[Vec<u32>; 5]>,
    marker_ids: HashMap<Arc<str>, u32>,
    sets: Vec<TargetSet>,
    set_ids: HashMap<String, u32>,
    targets: Vec<Target>,
    target_ids: HashMap<String, u32>,
    questions: Questions,
    constants: Vec<Constant>,
    presets: Vec<(u32, u32)>,
    pipelines: Pipelines,
    tests: Vec<Made>,
    guards: Vec<Option<Guard>>,
    test_ids: HashMap<TestKey, u32>,
    names: Names,
    removals: Vec<Removal>,
    settings: Settings,
    made_tests: u32,
}

impl Builder {
    fn new(ruleset: &Ruleset) -> Builder {
        Builder {
            flat: actions::Flat::new(ruleset),
            rules: Vec::new(),
            phases: Default::default(),
            markers: Vec::new(),
            marker_ids: HashMap::new(),
            sets: Vec::new(),
            set_ids: HashMap::new(),
            targets: Vec::new(),
            target_ids: HashMap::new(),
            questions: Questions::default(),
            constants: Vec::new(),
            presets: Vec::new(),
            pipelines: Pipelines::new(),
            tests: Vec::new(),
            guards: Vec::new(),
            test_ids: HashMap::new(),
            names: Names::new(),
            removals: Vec::new(),
            settings: ruleset.settings.clone(),
            made_tests: 0,
        }
    }

    fn marker_id(&mut self, name: &Arc<str>) -> u32 {
        let next = self.markers.len() as u32;
        let id = *self.marker_ids.entry(Arc::clone(name)).or_insert(next);
        if id == next {
            self.markers.push(Default::default());
        }
        id
    }

    /// A marker stands in every phase.
    fn marker(&mut self, name: &Arc<str>) {
        let id = self.marker_id(name) as usize;
        for (places, steps) in self.markers[id].iter_mut().zip(&self.phases) {
            places.push(steps.len() as u32);
        }
    }

    fn head(&mut self, rule: &Arc<seclang::Rule>) -> Result<()> {
        let number = self.rules.len() as u32;
        let mut link = Some(rule);
        while let Some(rule) = link {
            let compiled = self.rule(rule)?;
            self.rules.push(compiled);
            link = rule.next.as_ref();
        }
        let kind = self.kind(number);
        let step = Step { rule: number, kind, skip: rule.actions.skip, jump: None };
        self.phases[index(rule.phase)].push(step);
        Ok(())
    }

    fn rule(&mut self, rule: &seclang::Rule) -> Result<Rule> {
        let number = self.rules.len() as u32;
        let (test, negated) = self.test(rule)?;
        let set = if rule.operator.is_some() { Some(self.set(rule)?) } else { None };
        let mut compiled = Rule {
            id: rule.id,
            phase: rule.phase,
            place: rule.place.clone(),
            set,
            node: self.pipelines.add(&rule.transformations, &self.settings, &rule.place)?,
            test,
            negated,
            actions: self.actions(rule)?,
            next: rule.next.is_some().then_some(number + 1),
            quick: None,
        };
        compiled.quick = self.quick(&compiled);
        Ok(compiled)
    }

    fn quick(&self, rule: &Rule) -> Option<Quick> {
        let Test::Number(compare, Number::Fixed(number)) = rule.test else { return None };
        let [target] = self.sets[rule.set? as usize].targets.as_slice() else { return None };
        let target = &self.targets[*target as usize];
        let Pick::Slot(slot) = target.pick else { return None };
        let plain = rule.node == 0 && target.except.is_empty() && target.source == variable::Source::Tx;
        plain.then_some(Quick { variable: target.variable, slot, count: target.count, compare, number })
    }

    fn set(&mut self, rule: &seclang::Rule) -> Result<u32> {
        let key = format!("{:?}", rule.targets);
        if let Some(id) = self.set_ids.get(&key) {
            return Ok(*id);
        }
        let mut set = TargetSet { targets: Vec::new(), stable: true, entries: true, bits: 0 };
        for (key, target) in target::compile(&rule.targets, &mut self.names, &rule.place)? {
            set.stable &= target.stable();
            set.entries &= matches!(target.source, variable::Source::Entries(..)) && !target.count;
            set.bits |= target.source.bits();
            let next = self.targets.len() as u32;
            let id = *self.target_ids.entry(key).or_insert(next);
            if id == next {
                self.targets.push(target);
            }
            set.targets.push(id);
        }
        let id = self.sets.len() as u32;
        self.sets.push(set);
        self.set_ids.insert(key, id);
        Ok(id)
    }

    fn test(&mut self, rule: &seclang::Rule) -> Result<(Test, bool)> {
        let Some(operator) = &rule.operator else { return Ok((Test::Always, false)) };
        let place = format!("{}:{}", rule.place.file, rule.place.line);
        if let Some(compare) = Compare::named(operator.name) {
            let argument = Template::compile(&operator.argument, &mut self.names, &rule.place)?;
            let argument = match argument.fixed() {
                Some(text) => Number::Fixed(compare.read(text)),
                None => Number::Made(argument),
            };
            return Ok((Test::Number(compare, argument), operator.negated));
        }
        let known = operator::ALL.iter().find(|known| known.name() == operator.name);
        let known = *known.ok_or_else(|| Fault::new(&fault::UNKNOWN).object(&place).found(operator.name))?;
        let Some(argument) = operator.argument.fixed() else {
            let argument = Template::compile(&operator.argument, &mut self.names, &rule.place)?;
            let number = self.made_tests;
            self.made_tests += 1;
            return Ok((Test::Made(known, argument, number), operator.negated));
        };
        let key = (operator.name, argument.to_vec(), operator.data.clone());
        let id = match self.test_ids.get(&key) {
            Some(id) => *id,
            None => {
                let matcher = known.build(argument, &operator.data).map_err(|fault| fault.object(&place))?;
                let heavy = !LIGHT.contains(&operator.name);
                let id = self.tests.len() as u32;
                self.guards.push(heavy.then(|| matcher.guard()));
                self.tests.push(Made { matcher, heavy });
                self.test_ids.insert(key, id);
                id
            }
        };
        Ok((Test::Fixed(id), operator.negated))
    }

    fn finish(mut self) -> Result<Program> {
        self.targets.iter_mut().for_each(|target| target.settle(&self.names));
        self.questions.settle(self.tests.len(), &self.pipelines);
        self.jumps();
        let slots = &self.names;
        let scores = SCORES.map(|names| names.iter().filter_map(|name| slots.find(name)).collect());
        Ok(Program {
            rules: self.rules,
            phases: self.phases,
            markers: self.markers,
            readers: readers(&self.targets, &self.sets),
            sets: self.sets,
            targets: self.targets,
            questions: self.questions,
            constants: self.constants,
            presets: self.presets,
            pipelines: self.pipelines,
            scan: Scan::new(&self.guards)?,
            tests: self.tests,
            names: self.names,
            removals: self.removals,
            settings: self.settings,
            made_tests: self.made_tests,
            scores,
        })
    }
}

fn readers(targets: &[Target], sets: &[TargetSet]) -> Vec<(Bits, Bits)> {
    let mut readers = vec![(vec![0; targets.len().div_ceil(64)], vec![0; sets.len().div_ceil(64)]); 128];
    for (target, number) in targets.iter().zip(0..) {
        question::bits(target.source.bits()).for_each(|bit| scan::set(&mut readers[bit as usize].0, number));
    }
    for (set, number) in sets.iter().zip(0..) {
        question::bits(set.bits).for_each(|bit| scan::set(&mut readers[bit as usize].1, number));
    }
    readers
}

/// Number of a phase, from 0.
pub(crate) fn index(phase: Phase) -> usize {
    match phase {
        Phase::RequestHeaders => 0,
        Phase::RequestBody => 1,
        Phase::ResponseHeaders => 2,
        Phase::ResponseBody => 3,
        Phase::Logging => 4,
    }
}

impl Program {
    /// Whether any rule or macro reads a list.
    pub fn reads(&self, source: variable::Source) -> bool {
        self.names.reads & source.bits() != 0
    }
}
