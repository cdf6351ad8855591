//! Steps: what a phase walks. Each knows how its rule is passed by without a look at it, and where it goes on.

use super::Builder;
use super::question::What;
use super::rule::{Disruptive, Key, Number, Quick, Rule, Test};
use seclang::{Collection, SetOp};

/// One step of a phase: the head of a rule, with what passes it by. Steps lie close together; a rule is only looked at
/// where it may hold.
pub(crate) struct Step {
    /// Number of the rule.
    pub rule: u32,
    /// How the rule is passed by.
    pub kind: Kind,
    /// `skip` of the rule.
    pub skip: u32,
    /// Where a rule that held goes on behind a marker.
    pub jump: Option<Jump>,
}

/// How a rule is passed by.
pub(crate) enum Kind {
    /// Only the rule itself can tell.
    Direct,
    /// It asks a question of the values of a stable set.
    Asks(Asks),
    /// It tests a number in `TX`.
    Gate(Gate),
}

/// A marker, and the step behind it if there is one in the phase.
#[derive(Clone, Copy)]
pub(crate) struct Jump {
    /// Number of the marker.
    pub marker: u32,
    /// Number of the step.
    pub step: Option<u32>,
}

/// A rule that tests a number in `TX`.
pub(crate) struct Gate {
    /// The test.
    pub quick: Quick,
    /// `!`.
    pub negated: bool,
    /// Where in [`super::Program::presets`] all that it does stands; none when it does more than to set texts and to skip.
    pub sets: Option<(u32, u32)>,
}

/// A question that a step asks.
#[derive(Clone, Copy)]
pub(crate) struct Asks {
    /// The set.
    pub set: u32,
    /// Number of the question.
    pub question: u32,
    /// Bits of the pipelines that it is asked behind.
    pub ends: u128,
}

impl Builder {
    /// A rule asks a question of values that stand still, when its test is known at load: then most values are known not
    /// to match before the rule runs.
    pub(super) fn kind(&mut self, number: u32) -> Kind {
        let rule = &self.rules[number as usize];
        if let Some(quick) = rule.quick {
            let (negated, sets) = (rule.negated, self.presets(number));
            return Kind::Gate(Gate { quick, negated, sets });
        }
        let Some(set) = rule.set.filter(|set| self.sets[*set as usize].stable) else { return Kind::Direct };
        let what = match rule.test {
            Test::Fixed(test) if self.tests[test as usize].heavy && !rule.negated => What::Scanned(test),
            Test::Fixed(test) => What::Test(test, rule.negated),
            Test::Number(compare, Number::Fixed(number)) => What::Number(compare, number, rule.negated),
            _ => return Kind::Direct,
        };
        let mut nodes = vec![rule.node];
        if rule.actions.multi {
            nodes = self.pipelines.chain(rule.node).to_vec();
            nodes.push(0);
        }
        let asked = self.questions.ask(what, &nodes);
        asked.map_or(Kind::Direct, |(question, ends)| Kind::Asks(Asks { set, question, ends }))
    }

    /// What a rule sets, when that is all it does, where it stands among presets.
    fn presets(&mut self, number: u32) -> Option<(u32, u32)> {
        let Rule { actions, next, .. } = &self.rules[number as usize];
        let silent = !actions.log && !actions.multi && actions.severity.is_none() && actions.after.is_empty();
        if !silent || next.is_some() || !matches!(actions.disruptive, Disruptive::Pass) {
            return None;
        }
        let mut sets = Vec::new();
        for set in &actions.set_vars {
            match (set.collection, &set.key, set.op, set.constant) {
                (Collection::Tx, Key::Slot(slot), SetOp::Set, Some(constant)) => sets.push((*slot, constant)),
                _ => return None,
            }
        }
        let begin = self.presets.len() as u32;
        self.presets.append(&mut sets);
        Some((begin, self.presets.len() as u32))
    }

    /// When all markers are known: where rules go on that skip to one.
    pub(super) fn jumps(&mut self) {
        for (phase, steps) in self.phases.iter_mut().enumerate() {
            for (step, behind) in steps.iter_mut().zip(1_u32..) {
                let mut link = Some(step.rule);
                while let Some(rule) = link.and_then(|number| self.rules.get(number as usize)) {
                    if let Some(marker) = rule.actions.skip_after {
                        let places = &self.markers[marker as usize][phase];
                        let step_behind = places.iter().copied().find(|place| *place >= behind);
                        step.jump = Some(Jump { marker, step: step_behind });
                    }
                    link = rule.next;
                }
            }
        }
    }
}
