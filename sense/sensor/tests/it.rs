//! The sensor against the running kernel.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

#[path = "it/events.rs"]
mod events;
#[path = "it/programs.rs"]
mod programs;
