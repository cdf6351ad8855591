//! What the scrubber can be ordered to do: one action a file, carried out by the executor of `action`.

mod announce;
mod block;
mod scrub_filter;
mod scrub_level;
mod switch_dns;

pub use announce::Announce;
pub use block::Block;
pub use scrub_filter::ScrubFilter;
pub use scrub_level::ScrubLevel;
pub use switch_dns::SwitchDns;

use crate::fault;
use base::{Clock, Fault, Micros, Result};
use record::Order;
use std::str::FromStr;

/// A parameter that the order must carry, read.
fn parameter<T: FromStr>(order: &Order, name: &str, expected: &str) -> Result<T> {
    let text = order.parameters.get(name).map(String::as_str).unwrap_or_default();
    let wrong = || Fault::new(&fault::PARAMETER).object(format!("parameter `{name}`")).expected(expected).found(text);
    text.parse().map_err(|_| wrong())
}

/// The order's lease in µs; the executor has refused orders without one.
fn lease_us(order: &Order) -> i64 {
    i64::try_from(order.lease_s.saturating_mul(1_000_000)).unwrap_or(i64::MAX)
}

/// When what is left of a lease ends, by the wall clock as it is now, µs.
fn until(clock: &dyn Clock, left_s: u64) -> Micros {
    clock.wall().saturating_add(Micros::try_from(left_s.saturating_mul(1_000_000)).unwrap_or(Micros::MAX))
}

/// What is not found when it is read back.
fn not_in_force(object: impl std::fmt::Display, found: impl std::fmt::Display) -> Fault {
    Fault::new(&fault::NOT_IN_FORCE).object(object).expected("it is in force").found(found)
}
