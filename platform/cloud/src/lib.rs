//! What is reached over HTTPS: the door [`port::Fetch`] on a real network.
//!
//! What it is not: a client of any one service. Feeds, TAXII and cloud interfaces build their requests above it.
//!
//! Invariants
//! - TLS 1.2 or 1.3 with ring; certificates are checked against the host's store, or the authorities given.
//! - Plain HTTP only when the caller allows it. A redirect is followed at most [`REDIRECTS`] times, only for `GET`, never
//!   from HTTPS to HTTP, and without the caller's `Authorization` when it leaves the origin.
//! - The body is handed on in pieces and never kept; more than the request's limit ends it. An answer that stalls for
//!   [`Config::stall`] ends it too.

mod redirect;
mod web;

pub use redirect::REDIRECTS;
pub use web::{Config, Web};
