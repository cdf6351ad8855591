//! The crate from outside: golden feeds and patterns, hostile input, and what tools of others make of what we write.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

mod cases;
mod conformance;
