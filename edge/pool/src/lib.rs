//! The pool of protected addresses: which customer or site holds which, and how they move between them.
//!
//! What it is not: a store or a router. It knows who holds an address; that packets follow is the matter of `bgp`, `divert`
//! and `scrub`. It does no I/O: a store keeps its [`Change`]s and its [`Row`]s.
//!
//! Addresses are kept as runs, so a /16 of one customer is one entry, and five million addresses of which no two neighbours
//! have one holder are five million entries; both are measured.
//!
//! Invariants
//! - An address in the pool has one holder or is free (`tests/it/model.rs`, against a table of single addresses).
//! - A change is made as a whole or refused as a whole, and says who holds the addresses now; of two changes that meet, the
//!   second is refused with the holder's name.
//! - A pool made again of its rows, or of its changes in order, is the same pool.
//!
//! ```
//! use pool::{Change, Held, Kind, Limits, Pool};
//! # fn main() -> base::Result<()> {
//! let mut pool = Pool::new(Limits::default());
//! pool.apply(&Change::Add { range: "192.0.2.0/24".parse()? })?;
//! pool.apply(&Change::AddHolder { name: "acme".into(), kind: Kind::Customer })?;
//! pool.apply(&Change::Assign { range: "192.0.2.8/29".parse()?, to: "acme".into() })?;
//! assert_eq!(pool.look("192.0.2.9".parse().unwrap()), Held::By("acme"));
//! # Ok(())
//! # }
//! ```

mod change;
pub mod fault;
mod holder;
mod pool;
mod range;
mod runs;

pub use change::{Change, Row};
pub use holder::{Holder, Kind, check_name};
pub use pool::{Held, Limits, Pool, Restore, Summary};
pub use range::Range;
