//! The same demands on every implementation of a port, then what only files can show.

#![allow(clippy::unwrap_used, reason = "tests")]

mod conformance;
mod files;
mod model;
