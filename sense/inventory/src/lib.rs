//! What is on a host: packages, ports, accounts, services, scheduled jobs, kernel modules, containers, web applications,
//! keys; and what of it changed.
//!
//! A kind is a file in [`kind`] and a line in [`kind::ALL`]: a reader of files below a [`Root`], so that tests and images
//! of containers are read like the host itself. A [`Snapshot`] is compared with the last one that was delivered
//! ([`change`]), and what differs becomes [`record::Asset`] events; the first one is a baseline, told as `present`.
//!
//! What it is not: a judgement. Rules look at the events, the server matches versions with advisories. It asks no
//! service of the host but `rpm`, whose database has no form that may be read from outside.
//!
//! Invariants
//! - Nothing secret is kept: of a key its fingerprint, of a password whether there is one.
//! - What is read is bounded in bytes and entries, and what was left out is counted and told.
//! - A change is remembered only after it was delivered: it may be told twice, never not at all.
//! - What changes all the time (process ids, use counts) is no part of an asset.
//!
//! ```ignore
//! let snapshot = inventory::take(&Root::new("/"));
//! for asset in inventory::change::between(&before, &snapshot) { tell(asset) }
//! ```

pub mod config;
pub mod fault;
pub mod limits;

pub mod asset;
pub mod root;

pub mod kind;

pub mod change;
pub mod runner;
pub mod snapshot;
pub mod state;

pub use config::InventoryConfig;
pub use root::Root;
pub use runner::Runner;
pub use snapshot::{Snapshot, take};
