//! Distributed denial of service, seen in counters and samples: is this destination attacked, by what, and how is it told from its users?
//!
//! - The vocabulary that the packet filter shares: [`Counters`] and [`Sample`]s of a destination, [`Reason`]s of drops,
//!   [`Level`]s of defence, [`Signature`]s over header [`Field`]s, [`service`]s that reflect.
//! - [`Watch`]: one destination, judged every second: rates against its [`Baseline`], the [`Shape`] of its samples, rules
//!   ([`vectors`]) and a [`Model`] beside them, signatures ([`itemset`]), the [`Ladder`] of levels.
//! - [`Watches`]: all destinations, and the ranges they stand in: carpet bombing shows there alone.
//! - [`Report`]: what an attack was, as a fingerprint, in figures and in words.
//! - [`Replay`]: all of this over a recording: what the scrubber would have said of it.
//!
//! What it is not: a packet filter. It reads what `scrub` counted and sampled; it touches no network, and time (µs) comes from outside.
//!
//! Invariants
//! - Numbers of [`Reason`] and [`Field`] and the order of [`Counters`] are those of the C program: a test of `scrub` compares.
//! - Parsing a sample never reads beyond it and takes bounded steps, whatever the bytes are.
//!
//! ```
//! use ddos::{Field, Sample};
//! let header = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7, 0, 123, 0, 80, 0, 8, 0, 0];
//! let packet = Sample { at_ns: 0, length: 28, reason: None, header: header.into() }.parse().unwrap();
//! assert_eq!(packet.get(Field::SourcePort), Some(123));
//! ```

mod baseline;
mod cause;
mod class;
mod counters;
pub mod fault;
pub mod feature;
mod field;
mod group;
pub mod itemset;
mod ladder;
mod level;
mod meter;
pub mod metric;
mod model;
mod packet;
mod reason;
pub mod replay;
pub mod report;
pub mod service;
mod settings;
mod shape;
mod signature;
mod sources;
mod tally;
mod vector;
mod watch;
mod watches;
mod window;

pub use base::Prefix;
pub use baseline::{Baseline, Standing};
pub use cause::Cause;
pub use class::Class;
pub use counters::Counters;
pub use field::Field;
pub use group::Group;
pub use ladder::{Change, Demand, Ladder, Move};
pub use level::Level;
pub use meter::Meter;
pub use model::{Model, Opinion};
pub use packet::{HEADER_BYTES, Packet, Sample};
pub use reason::Reason;
pub use replay::{Replay, Replayed};
pub use report::Report;
pub use settings::Settings;
pub use shape::{Reflected, Shape, Spread};
pub use signature::{Signature, TERMS};
pub use sources::network;
pub use vector::{Vector, vectors};
pub use watch::{Judgement, Watch};
pub use watches::Watches;
pub use window::{HttpLoad, Window, Windows};
