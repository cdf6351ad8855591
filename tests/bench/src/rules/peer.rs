//! The other engines. Each is given its rules by log source, as our engine routes them: looking at a rule for events that
//! it is not about would cost them time and give hits that mean nothing.

use super::cpu;
use super::load::Pair;
use super::stream::{STREAMS, Told};
use rsigma_eval::JsonEvent;
use std::rc::Rc;

/// How rsigma looks for rules that may fit.
#[derive(Clone, Copy, PartialEq)]
pub enum Variant {
    /// Its index of candidates, which it always has.
    Index,
    /// With a bloom filter before it.
    Bloom,
    /// With one automaton over the literals of all rules.
    Cross,
}

impl Variant {
    /// Every one.
    pub const ALL: [Variant; 3] = [Variant::Index, Variant::Bloom, Variant::Cross];
}

/// rsigma: an engine for each stream of events.
pub struct Rsigma {
    engines: Vec<rsigma_eval::Engine>,
    variant: Variant,
}

impl Rsigma {
    /// Loads the rules.
    pub fn new(pairs: &[&Pair], variant: Variant) -> Rsigma {
        let engine = |(_, is_about): &(&str, fn(&rsigma_parser::LogSource) -> bool)| {
            let mut engine = rsigma_eval::Engine::new();
            engine.set_bloom_prefilter(variant == Variant::Bloom);
            engine.set_cross_rule_ac(variant == Variant::Cross);
            engine.add_rules(pairs.iter().map(|pair| &pair.rule).filter(|rule| is_about(&rule.logsource)));
            engine
        };
        Rsigma { engines: STREAMS.iter().map(engine).collect(), variant }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self.variant {
            Variant::Index => "rsigma-eval 0.23.0",
            Variant::Bloom => "rsigma-eval 0.23.0, bloom filter",
            Variant::Cross => "rsigma-eval 0.23.0, cross-rule automaton",
        }
    }

    /// What each event hits.
    pub fn hits<'r>(&'r self, events: &[Told]) -> Vec<Vec<&'r str>> {
        let one = |told: &Told| {
            let engine = &self.engines[told.stream];
            let found = engine.evaluate(&JsonEvent::borrow(&told.json));
            let known = |id: &String| engine.rules().iter().find_map(|rule| rule.id.as_deref().filter(|own| own == id));
            let mut ids: Vec<&str> = found.iter().filter_map(|result| known(result.header.rule_id.as_ref()?)).collect();
            ids.sort_unstable();
            ids
        };
        events.iter().map(one).collect()
    }

    /// Events a second.
    pub fn rate(&self, events: &[Told]) -> f64 {
        let read = |told: &Told| _ = std::hint::black_box(told.json.to_string().len());
        cpu::rate_of_fresh(events, read, |told| {
            std::hint::black_box(self.engines[told.stream].evaluate(&JsonEvent::borrow(&told.json)).len());
        })
    }
}

/// sigma-rust: the rules of each stream, tried one by one.
pub struct SigmaRust {
    streams: Vec<Vec<(String, Rc<sigma_rust::Rule>)>>,
    /// The ids of the rules that it can read.
    pub loaded: Vec<String>,
}

impl SigmaRust {
    /// Loads the rules that it can read.
    pub fn new(pairs: &[&Pair]) -> SigmaRust {
        let mut streams: Vec<Vec<(String, Rc<sigma_rust::Rule>)>> = STREAMS.iter().map(|_| Vec::new()).collect();
        let mut loaded = Vec::new();
        for pair in pairs {
            let Ok(rule) = sigma_rust::rule_from_yaml(&pair.source.text) else { continue };
            let rule = Rc::new(rule);
            let own = streams.iter_mut().zip(STREAMS).filter(|(_, (_, is_about))| is_about(&pair.rule.logsource));
            own.for_each(|(rules, _)| rules.push((pair.id.clone(), rule.clone())));
            loaded.push(pair.id.clone());
        }
        SigmaRust { streams, loaded }
    }

    /// Events in its own form.
    fn events(events: &[Told]) -> Vec<(usize, sigma_rust::Event)> {
        let one = |told: &Told| Some((told.stream, sigma_rust::Event::try_from(told.json.clone()).ok()?));
        events.iter().filter_map(one).collect()
    }

    /// What each event hits.
    pub fn hits(&self, events: &[Told]) -> Vec<Vec<&str>> {
        let one = |(stream, event): &(usize, sigma_rust::Event)| {
            let fits = |(_, rule): &&(String, Rc<sigma_rust::Rule>)| rule.is_match(event);
            let mut ids: Vec<&str> = self.streams[*stream].iter().filter(fits).map(|(id, _)| id.as_str()).collect();
            ids.sort_unstable();
            ids
        };
        SigmaRust::events(events).iter().map(one).collect()
    }

    /// Events a second.
    pub fn rate(&self, events: &[Told]) -> f64 {
        let events = SigmaRust::events(events);
        cpu::rate(events.len(), || {
            for (stream, event) in &events {
                std::hint::black_box(self.streams[*stream].iter().filter(|(_, rule)| rule.is_match(event)).count());
            }
        })
    }
}
