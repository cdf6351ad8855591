//! Threat intelligence: indicators in one canonical form, looked up at the speed of memory.
//!
//! - [`Indicator`], [`Claim`]: what sources say of a value, each with confidence, marking and validity.
//! - [`canonical`], [`guess`]: one spelling for each value, so that equal things have equal [`Key`]s.
//! - [`format`]: formats and protocols, in and out. [`attack`]: techniques, software and actors as a graph.
//!
//! What it is not: a store or a client. The application keeps indicators in its tables, fetches feeds and swaps the
//! index; this crate does no I/O and asks for neither time nor chance.
//!
//! Invariants
//! - A value has one canonical form, and its [`Key`] is the same on every machine and in every version.
//! - Nothing leaves above the ceiling of its receiver ([`Tlp`]).

pub mod attack;
pub mod fault;
pub mod format;
pub mod limits;

mod canonical;
mod indicator;
mod key;
mod tlp;

pub use canonical::{canonical, guess};
pub use indicator::{Claim, Indicator, Kind, Sightings};
pub use key::Key;
pub use tlp::Tlp;
