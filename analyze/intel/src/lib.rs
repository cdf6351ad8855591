//! Threat intelligence: what comes from others and goes to them.
//!
//! - [`format`]: feeds in (STIX, MISP, CSV, lists), exports out, TAXII 2.1 both ways.
//! - [`attack`]: techniques, software, actors and campaigns as a graph; who may be behind an alert.
//! - All of [`indicator`] under the same paths: indicators, index, filters, decay, warning lists, verdicts.
//!
//! What it is not: a store or a client. This crate does no I/O and asks for neither time nor chance.
//!
//! Invariants
//! - Hostile input gives a named fault or a counted skip; a bad record never stops an import.
//! - Nothing leaves above the ceiling of its receiver; a value is never syntax of the format it leaves in.

pub mod attack;
pub mod format;

pub use indicator::*;
