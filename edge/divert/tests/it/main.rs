//! Against real name servers, started here on loopback with files of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stand outside test functions")]

mod fakes;
mod probes;
mod servers;
mod switch;
