//! What rules look at, resolved once a phase for all of them: the values of targets, and the questions that are open of
//! any value of a set.

use super::Context;
use super::state::State;
use super::values::Value;
use crate::compile::question::bits;
use crate::compile::scan::{Bits, has, set};
use crate::compile::{Asks, Program};
use crate::limits;

/// Values and questions of the targets and sets that stand still while a phase runs.
#[derive(Default)]
pub(crate) struct Looked {
    targets: Vec<Seen>,
    sets: Vec<Joined>,
    /// Targets that were resolved.
    resolved: Bits,
    /// Sets that were joined.
    joined: Bits,
}

#[derive(Default)]
struct Seen {
    values: Vec<Value>,
    /// Nodes behind which `open` is known.
    ends: u128,
    /// Nodes that rules asked behind so far, also in earlier transactions: which rules run is much the same in each, so
    /// that a value is looked at once for all of them.
    asked: u128,
    open: Vec<u64>,
}

#[derive(Default)]
struct Joined {
    ends: u128,
    open: Vec<u64>,
}

impl Looked {
    /// Forgets what was resolved, for a new transaction.
    pub fn begin(&mut self, program: &Program) {
        self.targets.resize_with(program.targets.len(), Seen::default);
        self.sets.resize_with(program.sets.len(), Joined::default);
        for (bits, len) in [(&mut self.resolved, program.targets.len()), (&mut self.joined, program.sets.len())] {
            bits.clear();
            bits.resize(len.div_ceil(64), 0);
        }
    }

    /// Lets go of what was resolved from values that changed since.
    pub fn refresh(&mut self, program: &Program, changed: u128) {
        for bit in bits(changed) {
            let (targets, sets) = &program.readers[bit as usize];
            leave_out(&mut self.resolved, targets);
            leave_out(&mut self.joined, sets);
        }
    }
}

fn leave_out(all: &mut [u64], some: &[u64]) {
    all.iter_mut().zip(some).for_each(|(all, some)| *all &= !some);
}

fn join(all: &mut [u64], more: &[u64]) {
    all.iter_mut().zip(more).for_each(|(all, more)| *all |= more);
}

impl State {
    /// Whether a question is open for any value that a step looks at.
    pub fn may(&mut self, cx: &Context<'_>, asks: Asks) -> bool {
        let known = &self.looked.sets[asks.set as usize];
        if !has(&self.looked.joined, asks.set) || known.ends & asks.ends != asks.ends {
            self.join(cx, asks);
        }
        has(&self.looked.sets[asks.set as usize].open, asks.question)
    }

    fn join(&mut self, cx: &Context<'_>, asks: Asks) {
        let words = cx.program.questions.words();
        let mut joined = std::mem::take(&mut self.looked.sets[asks.set as usize]);
        joined.open.clear();
        joined.open.resize(words, 0);
        joined.ends = u128::MAX;
        for target in &cx.program.sets[asks.set as usize].targets {
            self.look(cx, *target);
            let seen = &mut self.looked.targets[*target as usize];
            if seen.ends & asks.ends != asks.ends {
                seen.asked |= asks.ends;
                for value in &seen.values {
                    join(&mut seen.open, self.memo.open(cx.program, value.value, seen.asked));
                }
                seen.ends = seen.asked;
            }
            join(&mut joined.open, &seen.open);
            joined.ends &= seen.ends;
        }
        self.looked.sets[asks.set as usize] = joined;
        set(&mut self.looked.joined, asks.set);
    }

    /// Resolves a stable target; how many values it has.
    pub fn look(&mut self, cx: &Context<'_>, target: u32) -> usize {
        if !has(&self.looked.resolved, target) {
            let mut seen = std::mem::take(&mut self.looked.targets[target as usize]);
            seen.values.clear();
            self.resolve(cx, &cx.program.targets[target as usize], limits::VALUES, &mut seen.values);
            seen.ends = 0;
            seen.open.clear();
            seen.open.resize(cx.program.questions.words(), 0);
            self.looked.targets[target as usize] = seen;
            set(&mut self.looked.resolved, target);
        }
        self.looked.targets[target as usize].values.len()
    }

    /// A value of a stable target that was resolved.
    pub fn value(&self, target: u32, at: usize) -> Value {
        self.looked.targets[target as usize].values[at]
    }
}
