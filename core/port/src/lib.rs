//! The few doors through which rooms reach heavy machinery, each with an in-memory fake that can fail its n-th call.
//!
//! [`Tables`] state · [`Blobs`] objects · [`Query`] questions to the lake · [`Fetch`] servers of others. At most
//! six; a new one needs a decision record. (The bus has no port yet: one process needs only channels. `Bus` and `Cloud`
//! come with their issues.)
//!
//! Invariants
//! - A `Tables` transaction is all or nothing and durable when it returns.
//! - Every fake counts its calls and fails the n-th when told to ([`Trip`]), so that a test can walk through every point of failure.

mod blobs;
pub mod fault;
mod fetch;
mod query;
mod tables;
mod trip;

pub use blobs::{Blobs, MemoryBlobs};
pub use fetch::{Fetch, FetchHead, FetchRequest, MemoryFetch, Sink};
pub use query::{Column, Query, QueryLimits, Rows};
pub use tables::{Item, MemoryTables, Tables, Write};
pub use trip::Trip;
