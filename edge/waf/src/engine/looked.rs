//! What rules look at, resolved once a phase for all of them: the values of targets, and the questions that are open of
//! any value of a set.

use super::Context;
use super::state::State;
use super::values::Value;
use crate::compile::Program;
use crate::compile::question::bits;
use crate::compile::scan::{Bits, has, set};
use crate::compile::step::Asks;
use crate::limits;

/// Values and questions of the targets and sets that stand still while a phase runs. Rows of questions lie one behind the
/// other.
#[derive(Default)]
pub(crate) struct Looked {
    targets: Vec<Seen>,
    /// A row a target: questions that are open of any of its values.
    open: Vec<u64>,
    /// By set: nodes behind which its row is known.
    ends: Vec<u128>,
    /// A row a set.
    joined_open: Vec<u64>,
    /// Targets that were resolved.
    resolved: Bits,
    /// Sets that were joined.
    joined: Bits,
}

#[derive(Default)]
struct Seen {
    values: Vec<Value>,
    /// Nodes behind which its row is known.
    ends: u128,
    /// Nodes that rules asked behind so far, also in earlier transactions: which rules run is much the same in each, so
    /// that a value is looked at once for all of them.
    asked: u128,
}

impl Looked {
    /// Forgets what was resolved, for a new transaction.
    pub fn begin(&mut self, program: &Program) {
        let words = program.questions.words();
        self.targets.resize_with(program.targets.len(), Seen::default);
        self.open.resize(program.targets.len() * words, 0);
        self.ends.resize(program.sets.len(), 0);
        self.joined_open.resize(program.sets.len() * words, 0);
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
        let set = asks.set as usize;
        if !has(&self.looked.joined, asks.set) || self.looked.ends[set] & asks.ends != asks.ends {
            let known = &cx.program.sets[set];
            if known.entries && known.bits & self.store.present() == 0 {
                return false;
            }
            self.join(cx, asks);
        }
        has(&self.looked.joined_open[set * cx.program.questions.words()..], asks.question)
    }

    fn join(&mut self, cx: &Context<'_>, asks: Asks) {
        let (set_at, words) = (asks.set as usize, cx.program.questions.words());
        self.looked.joined_open[set_at * words..][..words].fill(0);
        let mut ends = u128::MAX;
        for target in &cx.program.sets[set_at].targets {
            self.look(cx, *target);
            let at = *target as usize;
            let seen = &mut self.looked.targets[at];
            let row = &mut self.looked.open[at * words..][..words];
            if seen.ends & asks.ends != asks.ends {
                seen.asked |= asks.ends;
                for value in &seen.values {
                    join(row, self.memo.open(cx.program, value.value, seen.asked));
                }
                seen.ends = seen.asked;
            }
            join(&mut self.looked.joined_open[set_at * words..][..words], row);
            ends &= seen.ends;
        }
        self.looked.ends[set_at] = ends;
        set(&mut self.looked.joined, asks.set);
    }

    /// Resolves a stable target; how many values it has.
    pub fn look(&mut self, cx: &Context<'_>, target: u32) -> usize {
        let at = target as usize;
        if !has(&self.looked.resolved, target) {
            let mut values = std::mem::take(&mut self.looked.targets[at].values);
            values.clear();
            self.resolve(cx, &cx.program.targets[at], limits::VALUES, &mut values);
            let seen = &mut self.looked.targets[at];
            (seen.values, seen.ends) = (values, 0);
            let words = cx.program.questions.words();
            self.looked.open[at * words..][..words].fill(0);
            set(&mut self.looked.resolved, target);
        }
        self.looked.targets[at].values.len()
    }

    /// A value of a stable target that was resolved.
    pub fn value(&self, target: u32, at: usize) -> Value {
        self.looked.targets[target as usize].values[at]
    }
}
