//! Which files are scanned, when, and by whom: the light half of malware scanning, which the agent links.
//!
//! What happens on the host ([`hint`]) and the walk over the configured trees ([`walk`]) become jobs ([`scheduler`]);
//! a job's file is opened here ([`open`]), asked for in the memory of unchanged files ([`memory`]), and handed as an open
//! descriptor to the program `garrison-scanner` ([`client`]), which has the engines and no right to open anything.
//!
//! What it is not: an engine. It never reads what is in a file; crate `scanner` does, in a process of its own
//! (docs/decisions/006).
//!
//! Invariants
//! - A crash or a hang of the scanner costs one file, is counted, and the scanner is started again with growing pauses.
//! - Nothing waits without a bound: the queue of hints is bounded and what it drops is counted; the walk has a budget of
//!   bytes and of processor time and rests while the host is busy.
//! - A file that has not changed is scanned once a version of the rules.
//! - Only regular files are handed over, opened without following a link and without moving their access time.

pub mod config;
pub mod fault;
pub mod limits;

pub mod channel;
pub mod protocol;
pub mod rules;

pub mod budget;
pub mod hint;
pub mod lane;
pub mod scheduler;
pub mod walk;

pub mod memory;
pub mod open;
pub mod state;

pub mod child;
pub mod client;
pub mod runner;

pub use config::ScanConfig;
pub use hint::{Cause, Hint};
pub use runner::{Hints, Runner, Stats};
