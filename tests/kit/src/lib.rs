//! What tests and benches share: data that looks real, and nothing that only one crate needs.

pub mod attack;
pub mod figures;
pub mod mmdb;
pub mod network;
pub mod plug;
pub mod synthetic;
