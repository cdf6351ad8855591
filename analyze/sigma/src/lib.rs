//! Sigma rules and filters as they are written (specification 2.1), read into trees of tests.
//!
//! [`reader::read_any`] takes a document of a rule file: a rule, a filter, or a correlation rule that is read elsewhere.
//! What the tests mean for an event is decided by `detect`, which compiles and runs them.
//!
//! What it is not: an engine, a map of fields. It knows no event.
//!
//! Invariants
//! - Hostile text gives a fault with `file:line`, what was expected and a hint, in time in its length; never a panic.
//! - Every tree is bounded ([`limits`]): its depth, its nodes, what its modifiers make of a value.

pub mod fault;
pub mod limits;

pub mod text;
pub mod yaml;

pub mod condition;
pub mod modifier;
pub mod moment;
pub mod selection;

pub mod attack;
pub mod filter;
pub mod reader;
pub mod rule;
