//! The controller over a filter in memory: attacks become orders, orders are read back, and all of it ends.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's")]

mod attack;
mod full;
mod memory;
mod reload;
mod report;
mod stage;
