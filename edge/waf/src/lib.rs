//! One request judged: rules of the ModSecurity language, compiled, with no I/O.
//!
//! - [`Engine`]: a [`seclang::Ruleset`] compiled once, shared by all threads.
//! - [`Transaction`]: one request and its response, phase by phase; each phase may end with an [`Intervention`].
//! - [`Verdict`]: which rules held, of which value after which transformations, and the anomaly score.
//!
//! What it is not: a proxy or a store. It opens no socket and no file; collections that outlive a request
//! ([`Collections`]) belong to the caller, time comes from outside.
//!
//! Each distinct transformed string is computed once a transaction and scanned once by one automaton over what the rules
//! need; only rules that something was found for are confirmed.
//!
//! Invariants
//! - Time is linear in the request; a hostile one costs more bytes, never more steps a byte beyond a bound.
//! - The same rules and the same request give the same verdict as libmodsecurity, or the difference is listed.

mod collection;
mod compile;
mod engine;
pub mod fault;
pub mod limits;
mod verdict;
mod vocabulary;

pub mod variable;

pub use atoms::{operator, transformation};
pub use payload::{body, decode};

pub use collection::{Collections, Memory};
pub use engine::{Connection, Engine, Part, Show, Summary, Transaction};
pub use seclang::Phase;
pub use verdict::{Hit, Intervention, Refusal, Step, Verdict, Work};
pub use vocabulary::vocabulary;
