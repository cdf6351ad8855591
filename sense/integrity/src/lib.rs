//! File integrity: what was accepted of every watched path, who changed it, and whether a package explains it; and the
//! cross-view, which asks the kernel the same question in several ways.
//!
//! Events of the sensor become touches ([`touch`]) that wait until the path is left alone ([`queue`]); then it is looked
//! at ([`entry`]) and compared with the [`baseline`]. A change is a [`record::Integrity`] with the process that made it.
//! [`runner`] wires it; [`crossview`] stands beside and shares nothing but the crate.
//!
//! What it is not: a judgement (rules in `content/rules` judge the records), a way back, or a store of files.
//!
//! Invariants
//! - A change is told once, over restarts too; what nobody accepted stays in the list of those that wait.
//! - A change is silent only where the file that a package manager *runs* is the manager's own and the package database
//!   has the content that is there now.
//! - Lost events end in a look at everything: a change is found late, never missed.
//! - A secret is neither kept nor told: not by name, not by content, not as a value within a line.
//! - Nothing waits without a bound; no link is followed; access times stay.
//! - A baseline that someone edited is told, and never used.
//!
//! ```no_run
//! # use std::sync::{Arc, atomic::AtomicBool};
//! let clock = Arc::new(base::SystemClock::default());
//! let config = integrity::IntegrityConfig::default();
//! let runner = integrity::Runner::new(config, "/var/lib/x".into(), clock, &base::SystemRandom::new())?;
//! let touches = runner.touches(); // events of the sensor go in here
//! runner.run(&AtomicBool::new(false), &mut |event| println!("{event:?}"));
//! # Ok::<(), base::Fault>(())
//! ```

pub mod config;
pub mod fault;
pub mod limits;

pub mod entry;
pub mod watched;

pub mod baseline;
pub mod diff;
pub mod secret;
pub mod texts;

pub mod queue;
pub mod touch;
pub mod walk;

pub mod note;
pub mod package;

pub mod command;
pub mod runner;

pub mod crossview;

pub use config::IntegrityConfig;
pub use runner::{Runner, Touches};
