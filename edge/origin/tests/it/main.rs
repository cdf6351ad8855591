//! Databases as their makers form them, files that are replaced, and bytes that are none.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

mod files;
mod forms;
mod hostile;
