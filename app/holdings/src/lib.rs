//! Inventory and vulnerabilities at the server: what is on each host now, advisories, and the match of the two.
//!
//! The current inventory is a table kept by the pipeline, because an answer to "what is there now" out of the lake would
//! replay all changes since the last whole inventory; the history of changes is the lake's own. Hosts whose packages
//! changed, and all hosts when advisories did, are matched anew by one task ([`watch`]).
//!
//! What it is not: the matching itself (crate `posture`) or the history of the inventory (the lake). Advisories come as
//! files through an import, with progress.
//!
//! Invariants
//! - A source of advisories is replaced whole or stays as it was.
//! - What is on a host now follows from its changes in the order of the frames; a frame walked again changes nothing.

mod archive;
pub mod assets;
mod book;
pub mod catalogue;
mod desk;
pub mod fault;
pub mod findings;
mod import;

pub use book::{Posture, watch};
pub use desk::Desk;
pub use import::Order;

#[cfg(test)]
mod tests;
