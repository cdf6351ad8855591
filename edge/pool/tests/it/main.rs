//! The pool beside a table of single addresses, its faults, and what five million addresses cost.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

mod faults;
mod measure;
mod model;
