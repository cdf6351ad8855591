//! How well floods are told from users: generators of both, recordings, and the measurement (`make eval-ddos`).
//!
//! - [`benign`], [`attack`]: traffic in styles that share nothing, [`sixth`] over IPv6 too; [`session`] makes seconds of it as the filter would count them.
//! - [`pcap`]: recordings; [`tools`]: those of other people's programs, made in a network namespace; [`lab`]: windows of the packet filter.
//! - [`judged`]: any recording, played through the scrubber's replay.
//! - [`corpus`]: all of it as sessions, [`adddosdn`] too; [`window`]: what is true of each of their windows.
//!
//! What it is not: part of a program. It imports `ddos` and judges it.

pub mod adddosdn;
pub mod attack;
pub mod benign;
pub mod chance;
pub mod corpus;
pub mod frame;
pub mod judged;
mod kits;
pub mod lab;
pub mod pcap;
pub mod session;
pub mod sixth;
mod styles;
pub mod tools;
pub mod verdict;
pub mod window;
