//! Rules and correlations by id and by name.

use crate::Engine;
use crate::rule::Rule;
use std::collections::HashMap;

/// What an id or a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A rule of the engine.
    Rule(u32),
    /// A correlation, by its place among those that were read, or later among those compiled.
    Correlation(usize),
}

/// Ids and names of everything that can be named.
pub(super) struct Lookup {
    targets: HashMap<String, Vec<Target>>,
    /// What is known and does not run, with the reason.
    idle: HashMap<String, String>,
}

impl Lookup {
    /// The rules of an engine.
    pub(super) fn new(engine: &Engine) -> Lookup {
        let mut lookup = Lookup { targets: HashMap::new(), idle: HashMap::new() };
        (0..).zip(engine.rules()).for_each(|(index, rule)| lookup.add(rule, Target::Rule(index)));
        engine.unrouted().iter().for_each(|one| lookup.idle(&one.rule, &one.reason));
        lookup
    }

    /// A rule or correlation that may be named.
    pub(super) fn add(&mut self, rule: &Rule, target: Target) {
        for word in [&rule.id, &rule.name].into_iter().filter(|word| !word.is_empty()) {
            let known = self.targets.entry(word.clone()).or_default();
            if !known.contains(&target) {
                known.push(target);
            }
        }
    }

    /// One that does not run.
    pub(super) fn idle(&mut self, rule: &Rule, reason: &str) {
        for word in [&rule.id, &rule.name].into_iter().filter(|word| !word.is_empty()) {
            self.idle.insert(word.clone(), reason.to_owned());
        }
    }

    /// What a word stands for; the number of rules when there are more than one.
    pub(super) fn find(&self, word: &str) -> Result<Option<Target>, usize> {
        match self.targets.get(word).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([target]) => Ok(Some(*target)),
            Some(more) => Err(more.len()),
        }
    }

    /// Why what a word stands for does not run.
    pub(super) fn reason(&self, word: &str) -> Option<&str> {
        self.idle.get(word).map(String::as_str)
    }

    /// Whether two words stand for the same, one of which is this target.
    pub(super) fn same(&self, word: &str, other: &str, target: Target) -> bool {
        match (self.find(word), self.find(other)) {
            (Ok(Some(one)), Ok(Some(two))) => one == two,
            (Ok(Some(one)), _) => one == target,
            _ => false,
        }
    }
}
