//! A rule judged: values looked up, transformed, tested; what matched is noted and acted upon.

use super::Context;
use super::expand::expand;
use super::intern::Id;
use super::state::{LastMade, State};
use super::values::Value;
use crate::compile::names;
use crate::compile::rule::{Number, Quick, Rule, Test};
use crate::compile::scan::has;
use crate::compile::step::{Kind, Step};
use crate::compile::target::Pick;
use crate::limits;
use crate::operator::{Captures, Matcher, Operator};
use std::sync::Arc;

impl State {
    /// Runs a rule with its chain; whether the whole chain held.
    pub(super) fn rule(&mut self, cx: &Context<'_>, step: &Step) -> bool {
        self.note.clear();
        let head = step.rule;
        let mut last = head;
        loop {
            self.rule = last;
            let rule = &cx.program.rules[last as usize];
            let question = match &step.kind {
                Kind::Asks(asks) if last == head => Some(asks.question),
                _ => None,
            };
            if !self.matches(cx, rule, question, head) {
                self.matched.clear();
                return false;
            }
            match rule.next {
                Some(next) => last = next,
                None => break,
            }
        }
        // As in libmodsecurity, the last link acts first and the head last.
        for number in (head..=last).rev() {
            self.rule = number;
            self.act(cx, &cx.program.rules[number as usize]);
        }
        let rule = &cx.program.rules[head as usize];
        if !rule.actions.multi {
            self.record(cx, rule);
        }
        true
    }

    /// The value of a test in short, if it holds: nothing is looked up but the one name.
    pub(super) fn quick_value(&mut self, cx: &Context<'_>, quick: &Quick, negated: bool) -> Option<Value> {
        let value = self.tx[quick.slot as usize];
        let number = match (quick.count, value.is_some()) {
            (true, there) => i64::from(there),
            (false, true) => quick.compare.read(self.memo.arena.get(value)),
            (false, false) => return None,
        };
        if quick.compare.holds(number, quick.number) == negated {
            return None;
        }
        let (key, value) = match quick.count {
            true => (Id::NONE, self.memo.number(number)),
            false => (self.memo.name(cx.program, quick.slot), value),
        };
        Some(Value { variable: quick.variable, key, value, whole: false })
    }

    /// Whether any value of one rule or link matches; each that does is noted. `question`: what the rule asks of values,
    /// if it is known of which of them it is open.
    fn matches(&mut self, cx: &Context<'_>, rule: &Rule, question: Option<u32>, head: u32) -> bool {
        if let Some(quick) = &rule.quick {
            let value = self.quick_value(cx, quick, rule.negated);
            let Some(value) = value.filter(|value| !self.taken_away(cx, head, *value)) else { return false };
            self.matched_one(cx, rule, head, Some(value), value.value);
            return true;
        }
        let Some(set) = rule.set else {
            self.matched_one(cx, rule, head, None, Id::NONE);
            return true;
        };
        if cx.program.sets[set as usize].stable {
            return self.stable_matches(cx, rule, set, question, head);
        }
        let mut values = std::mem::take(&mut self.loose);
        values.clear();
        for target in &cx.program.sets[set as usize].targets {
            self.resolve(cx, &cx.program.targets[*target as usize], limits::VALUES, &mut values);
        }
        let mut matches = 0;
        for value in &values {
            matches += self.value_matches(cx, rule, head, *value);
            if matches > limits::MATCHES {
                break;
            }
        }
        self.loose = values;
        matches > 0
    }

    fn stable_matches(&mut self, cx: &Context<'_>, rule: &Rule, set: u32, question: Option<u32>, head: u32) -> bool {
        let (mut matches, mut left) = (0, limits::VALUES);
        for target in &cx.program.sets[set as usize].targets {
            let count = self.look(cx, *target);
            self.store.exceeded |= count > left;
            for at in 0..count.min(left) {
                let value = self.value(*target, at);
                matches += match question {
                    Some(question) => self.answers(cx, rule, question, value, head),
                    None => self.value_matches(cx, rule, head, value),
                };
                if matches > limits::MATCHES {
                    return true;
                }
            }
            left -= count.min(left);
        }
        matches > 0
    }

    /// How often a value matches, when it is known of which values the question is open.
    fn answers(&mut self, cx: &Context<'_>, rule: &Rule, question: u32, value: Value, head: u32) -> usize {
        if !self.memo.is_open(cx.program, value.value, question) {
            return 0;
        }
        let matches = self.value_matches(cx, rule, head, value);
        // What `ctl` took away is a matter of this request.
        if matches == 0 && self.removals.is_empty() {
            self.memo.close(cx.program, value.value, question);
        }
        matches
    }

    /// How often a value matches: with `multiMatch` after any transformation that changed it, else once or not.
    fn value_matches(&mut self, cx: &Context<'_>, rule: &Rule, head: u32, value: Value) -> usize {
        if !rule.actions.multi {
            let seen = self.memo.transform(cx.program, value.value, rule.node);
            return usize::from(self.seen_matches(cx, rule, head, value, seen));
        }
        let mut matches = usize::from(self.seen_matches(cx, rule, head, value, value.value));
        let mut before = value.value;
        for node in cx.program.pipelines.chain(rule.node) {
            let seen = self.memo.transform(cx.program, value.value, *node);
            let (from, to) = (self.memo.arena.get(before), self.memo.arena.get(seen));
            let changed = seen != before && cx.program.pipelines.node(*node).changes(from, to);
            before = seen;
            if changed {
                matches += usize::from(self.seen_matches(cx, rule, head, value, seen));
            }
        }
        matches
    }

    fn seen_matches(&mut self, cx: &Context<'_>, rule: &Rule, head: u32, value: Value, seen: Id) -> bool {
        if self.test(cx, rule, seen) == rule.negated || self.taken_away(cx, head, value) {
            return false;
        }
        self.matched_one(cx, rule, head, Some(value), seen);
        true
    }

    /// Whether `ctl` took this value away from a rule. Names are compared as they are spelt, as libmodsecurity does.
    fn taken_away(&self, cx: &Context<'_>, head: u32, value: Value) -> bool {
        self.removals.iter().map(|removal| &cx.program.removals[*removal as usize]).any(|removal| {
            let named = |name: &[u8]| self.memo.arena.get(value.key) == name;
            has(&removal.rules, head)
                && removal.variable.name == value.variable.name
                && match &removal.pick {
                    // A target that names its part is another one than the whole.
                    Pick::All => value.whole,
                    Pick::Name(name) => named(name),
                    Pick::Slot(slot) => named(cx.program.names.name(*slot)),
                    pick => pick.takes(self.memo.arena.get(value.key)),
                }
        })
    }

    /// Whether the test holds, negation aside; what groups took is put into `TX`.
    fn test(&mut self, cx: &Context<'_>, rule: &Rule, seen: Id) -> bool {
        match &rule.test {
            Test::Always => true,
            Test::Number(compare, number) => {
                let argument = match number {
                    Number::Fixed(number) => *number,
                    Number::Made(template) => {
                        let text = self.text_id(cx, template);
                        compare.read(self.memo.arena.get(text))
                    }
                };
                compare.holds(compare.read(self.memo.arena.get(seen)), argument)
            }
            Test::Fixed(test) => {
                let holds = self.memo.holds(cx.program, *test, seen);
                if holds && rule.actions.capture && !rule.negated {
                    for (slot, text) in self.memo.captures(cx.program, *test, seen).iter().enumerate() {
                        // A group that took no part leaves what an earlier rule put there, as in libmodsecurity.
                        if text.is_some() && slot < names::CAPTURES as usize {
                            self.tx[slot] = *text;
                        }
                    }
                }
                holds
            }
            Test::Made(operator, template, number) => {
                let argument = self.text_id(cx, template);
                let last = &mut self.last_made[*number as usize];
                let holds = self.memo.answer((*number, argument, seen), |arena| {
                    // An argument that is none of the operator, made by a request, holds of nothing.
                    made(cx, last, *operator, arena.get(argument)).is_some_and(|made| made.holds(arena.get(seen), None))
                });
                let captures = holds && rule.actions.capture && !rule.negated;
                if captures && let Some(matcher) = made(cx, last, *operator, self.memo.arena.get(argument)) {
                    self.capture(&*matcher, seen);
                }
                holds
            }
        }
    }

    fn capture(&mut self, matcher: &dyn Matcher, seen: Id) {
        let mut captures = Captures::default();
        if matcher.holds(self.memo.arena.get(seen), Some(&mut captures)) {
            for (slot, text) in captures.0.iter().enumerate().take(names::CAPTURES as usize) {
                if let Some(text) = text {
                    self.tx[slot] = self.memo.arena.intern(text);
                }
            }
        }
    }

    /// A value matched: it is noted, variables are set, and what the rule says is put into words.
    fn matched_one(&mut self, cx: &Context<'_>, rule: &Rule, head: u32, value: Option<Value>, seen: Id) {
        if let Some(value) = value {
            if self.matched.len() < limits::VALUES {
                self.matched.push(Value { value: seen, ..value });
            }
            if self.rule == head {
                self.note.value = Some(value);
                self.note.seen = Some(seen);
            }
        }
        for set_var in &rule.actions.set_vars {
            self.set_var(cx, set_var);
        }
        if let Some(severity) = rule.actions.severity {
            self.severity = Some(self.severity.map_or(severity, |lowest| lowest.min(severity)));
        }
        if cx.program.rules[head as usize].actions.log || self.explain {
            if let Some(template) = &rule.actions.log_data {
                let mut text = std::mem::take(&mut self.note.data);
                text.clear();
                expand(self, cx, template, &mut text);
                self.note.data = text;
            }
            if let Some(template) = &rule.actions.message {
                let mut text = std::mem::take(&mut self.note.message);
                text.clear();
                expand(self, cx, template, &mut text);
                self.note.message = text;
            }
        }
        if rule.actions.multi && self.rule == head {
            self.record(cx, rule);
        }
    }
}

/// The test for an argument; the last one is at hand.
fn made(
    cx: &Context<'_>,
    last: &mut Option<LastMade>,
    operator: &'static dyn Operator,
    argument: &[u8],
) -> Option<Arc<dyn Matcher>> {
    if last.as_ref().is_none_or(|(known, _)| known != argument) {
        *last = Some((argument.to_vec(), cx.built(operator, argument)));
    }
    last.as_ref().and_then(|(_, matcher)| matcher.clone())
}

impl Context<'_> {
    /// A test for an argument that macros made; the last ones are kept.
    fn built(&self, operator: &'static dyn Operator, argument: &[u8]) -> Option<Arc<dyn Matcher>> {
        let mut built = self.built.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = (operator.name(), argument.to_vec());
        if let Some(matcher) = built.get(&key) {
            return matcher.clone();
        }
        let matcher: Option<Arc<dyn Matcher>> = operator.build(argument, &[]).ok().map(Arc::from);
        if built.len() >= limits::BUILT_TESTS {
            built.clear();
        }
        built.insert(key, matcher.clone());
        matcher
    }
}
