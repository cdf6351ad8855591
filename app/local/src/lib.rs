//! The programs of this very machine, beside the server: enrolled by the server they belong to, started and kept running.
//!
//! `garrison up` asks for each of them: the agent, the gateway and the packet filter where they are configured, and the probers of
//! scrubbers. What a program does is its own; here is how it is found, enrolled, started, started again and ended.
//!
//! Invariants: a program ends with the server (`--follow-parent`, SIGTERM, and SIGKILL after a pause); one that fails is started
//! again with a growing pause; a file of a person is never written over.

mod child;

pub mod agent;
pub mod edge;
pub mod probe;

pub use child::Child;
