//! The lake through its public face: exactly once, queries during ingest, compaction, retention, damage, size.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../src/arbitrary.rs"]
mod arbitrary;
mod compaction;
mod damage;
mod exactly_once;
mod queries;
mod rounds;
mod scene;
mod size;
