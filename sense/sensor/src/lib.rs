//! The host sensor: what processes do, from kernel programs, and how the host is, from `/proc` and `/sys`.
//!
//! [`raw`] reads the records of the kernel programs, the [`Interpreter`](interpreter::Interpreter) turns them into
//! [`record::Event`]s with process, ancestry, container, user and hash, and [`metrics`] samples the host each second.
//!
//! What it is not: a judgement. It neither knows rules nor acts, save for the one list of files whose execution the
//! kernel programs refuse.
//!
//! Invariants
//! - A process has one [`record::ProcessKey`], the same from the kernel and from `/proc`.
//! - Nothing is lost silently: what the kernel could not deliver is counted by kind and told as an event.
//! - Everything that grows has a bound, and reading never waits for a disk longer than one small executable takes.

pub mod fault;
pub mod programs;
pub mod raw;

pub mod boottime;
pub mod bucket;
pub mod config;
pub mod container;
pub mod decode;
pub mod dns;
pub mod group;
pub mod hash;
pub mod health;
pub mod host;
pub mod interpreter;
pub mod loss;
pub mod metrics;
pub mod names;
pub mod procfs;
pub mod queue;
pub mod sensor;
pub mod table;
pub mod users;

pub use config::SensorConfig;
pub use health::Health;
pub use host::host;
pub use loss::KindStat;
pub use programs::{FileKey, ProbeRow, ProbeTable};
pub use sensor::{Sensor, probe};
pub use table::ProcessTable;
