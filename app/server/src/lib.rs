//! The server of an installation: agents' frames in, API out, all on one data directory.
//!
//! It wires rooms together through their ports and topics and holds no judgement of its own: what an event means is said below
//! `analyze`, what is done about it below `respond`, what is kept below `platform`. `app/garrison` starts it; `tests/loop` drives its
//! wiring in a deterministic simulation.
//!
//! A frame's way: `ingest` (checked, logged, acknowledged) → `pipeline` (lake, incidents, ledger, watchers) → `console/api`.
//! Orders go the other way: `control` → `book` (the intent is sealed) → `hub` → agent.
//!
//! Invariants: nothing is acknowledged before the log is synced; an order is sealed before it is sent; one writer a table.

pub mod fault;
pub mod places;

pub mod attack;
pub mod ingest;
pub mod pipeline;

pub mod book;
pub mod chain;
pub mod memory;
pub mod witness;

pub mod control;
pub mod hub;

pub mod intel;
pub mod rules;

pub mod credential;
pub mod keeper;
pub mod web;

mod running;

pub use running::{Keep, Listen, Programs, Server};
