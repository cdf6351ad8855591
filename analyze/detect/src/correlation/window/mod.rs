//! What one group has seen within its time span, by what is measured.

mod numbers;
mod order;
mod times;
mod values;

use super::limits::ENTRIES;
use super::read::Measure;
use numbers::{Ranked, Sums};
use order::{Order, Together};
use times::Times;
use values::Values;

/// What a window of a correlation is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub measure: Measure,
    pub span_us: i64,
    /// Events or distinct values kept of a group. More than twice what the condition asks for, so that what is cut
    /// changes no decision.
    pub entries: usize,
    /// How many rules the correlation names.
    pub references: usize,
}

impl Plan {
    /// A plan that keeps enough for a condition whose greatest number is this.
    pub(super) fn new(measure: Measure, span_us: i64, greatest: f64, references: usize) -> Plan {
        Plan { measure, span_us, entries: ((greatest as usize + 1) * 2).max(ENTRIES), references }
    }
}

/// An event as a window takes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    pub time: i64,
    /// The place of the rule among those that the correlation names.
    pub place: u8,
    /// Hash of the values, for distinct ones.
    pub hash: u64,
    /// The number, for sums and percentiles.
    pub number: f64,
}

/// What a window measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    pub value: f64,
    /// The rules that fitted, one bit each; for `temporal*`.
    pub seen: u64,
    /// The oldest event that counts.
    pub first: i64,
    /// Whether older ones were cut, so that the value is the least it may be.
    pub cut: bool,
}

/// The window of one group.
#[derive(Debug)]
pub(super) enum Window {
    Times(Times),
    Values(Values),
    Sums(Sums),
    Ranked(Ranked),
    Together(Together),
    Order(Order),
}

impl Window {
    /// An empty one.
    pub(super) fn new(plan: &Plan) -> Window {
        match plan.measure {
            Measure::Events => Window::Times(Times::default()),
            Measure::Distinct => Window::Values(Values::default()),
            Measure::Sum | Measure::Mean => Window::Sums(Sums::default()),
            Measure::Percentile(_) => Window::Ranked(Ranked::default()),
            Measure::Together => Window::Together(Together::new(plan.references)),
            Measure::Order => Window::Order(Order::new(plan.references)),
        }
    }

    /// Takes an event; says how many entries that still counted were cut for it.
    pub(super) fn take(&mut self, event: Taken, plan: &Plan, cutoff: i64) -> u64 {
        match self {
            Window::Times(times) => times.take(event.time, plan.entries, cutoff),
            Window::Values(values) => values.take(event.time, event.hash, plan.entries, cutoff),
            Window::Sums(sums) => sums.take(event.time, event.number, plan.span_us, cutoff),
            Window::Ranked(ranked) => ranked.take(event.time, event.number, cutoff),
            Window::Together(together) => together.take(event.time, event.place),
            Window::Order(order) => order.take(event.time, event.place),
        }
    }

    /// What it measures of the events since `cutoff`; nothing when that is not defined.
    pub(super) fn measure(&self, plan: &Plan, cutoff: i64) -> Option<Measured> {
        match self {
            Window::Times(times) => times.measure(cutoff),
            Window::Values(values) => values.measure(cutoff),
            Window::Sums(sums) => sums.measure(plan.measure == Measure::Mean),
            Window::Ranked(ranked) => match plan.measure {
                Measure::Percentile(rank) => ranked.measure(rank, cutoff),
                _ => None,
            },
            Window::Together(together) => together.measure(cutoff),
            Window::Order(order) => order.measure(cutoff),
        }
    }

    /// Bytes that it holds beside itself.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Window::Times(times) => times.bytes(),
            Window::Values(values) => values.bytes(),
            Window::Sums(sums) => sums.bytes(),
            Window::Ranked(ranked) => ranked.bytes(),
            Window::Together(together) => together.bytes(),
            Window::Order(order) => order.bytes(),
        }
    }
}
