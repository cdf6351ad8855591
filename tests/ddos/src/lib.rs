//! How well floods are told from users: generators of both, recordings, and the measurement (`make eval-ddos`).
//!
//! - [`benign`], [`attack`]: traffic in styles that share nothing; [`session`] makes seconds of it as the filter would count them.
//!
//! What it is not: part of a program. It imports `ddos` and judges it.

pub mod attack;
pub mod benign;
pub mod chance;
pub mod frame;
pub mod session;
