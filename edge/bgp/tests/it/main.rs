//! The speaker beside routers that are not ours, BIRD and GoBGP, each in a network namespace of its own.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

mod interop;
mod measure;
mod router;
mod world;
