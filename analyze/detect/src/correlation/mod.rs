//! Sigma's correlation rules (specification 2.1): what several events say together.
//!
//! [`compile`] reads them beside an [`Engine`](crate::Engine)'s rules, and a [`Tracker`] is told of each event with the
//! rules that it fitted; it answers with [`CorrelationHit`]s, which [`Compiled::alert`] turns into alerts.
//!
//! | `type` | measures, in one group and `timespan` | `condition` |
//! |---|---|---|
//! | `event_count` | events that fit one of the rules, each once | a map such as `gte: 10` |
//! | `value_count` | distinct values of `field` (of a list: distinct tuples) | with `field` |
//! | `value_sum`, `value_avg` | sum and mean of the numbers in `field` | with `field` |
//! | `value_percentile` | the number at `percentile` (0–100, else 50) of those in `field`, linear between two | with `field` |
//! | `value_min`, `value_median`, `value_max` | the same at 0, 50 and 100 | with `field` |
//! | `temporal` | how many of the rules fitted; without a condition all must | a map, or a text such as `a and not b` |
//! | `temporal_ordered` | the same, and all of them in the order given | a map, a text, or none |
//!
//! Where the specification leaves room, this is how it is read:
//! - A window is closed at both ends and ends at the newest event of its group: `[newest - timespan, newest]`.
//! - Times are those of the events. One that comes late still counts while it lies in the window; older ones are counted
//!   as late and left out. After many late ones in a row the newest time is taken to have been wrong.
//! - Equal times are in order: logs have whole seconds.
//! - An event without one of the `group-by` fields, or without `field`, is left out of that rule. `host`, `host.name`,
//!   `hostname`, `Computer` and `ComputerName` are the host that the event is of.
//! - After a hit its group is quiet for one `timespan`; the next event after it may hit again.
//! - A correlation among `rules` counts when it hits (`event_count`, sums) or at each event while it holds (`temporal*`,
//!   `value_count`). Its group's values are fields by their names; the event that completed it has the others.
//! - `generate` is false unless said: a rule that only such correlations name raises no alert of its own
//!   ([`Compiled::silences`]).
//!
//! Invariants
//! - A bad correlation is listed with `file:line` and takes no other with it, but those that name it.
//! - Memory is bounded a group, a rule and in all ([`Limits`]), and what is given up is counted ([`Dropped`]). Groups
//!   seen once go first, so that whoever varies the group cannot push out those that are being counted.
//! - What is cut of a long group changes no decision of the counts, of distinct counts and of the order; sums lose
//!   only where in the window a value lay, percentiles the oldest values.
//! - The same events in the same order give the same hits; no clock is read.

pub mod fault;
mod limits;

mod condition;
mod read;
mod time;

mod access;
mod compile;
mod lookup;

mod evidence;
mod group;
mod tracker;
mod window;

mod hit;
pub mod timeline;

#[cfg(test)]
mod tests;

pub use compile::{Compiled, CorrelationIndex, compile};
pub use hit::CorrelationHit;
pub use limits::Limits;
pub use tracker::{Dropped, Tracker};
