//! The rule language as a caller sees it.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

mod cases;
mod crs;
mod disk;
mod hostile;
mod names;
mod tuning;
