//! What the engine's parts do, beside libmodsecurity.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stand outside test functions")]

mod bodies;
mod engine;
mod inside;
mod operators;
mod oracle;
mod transformations;
mod tuning;
