//! Logs of the host and of those who send to it: followed, received, decoded into [`record::Log`] events.
//!
//! [`tail`] follows files over rotation, truncation and restart; [`journal`] follows systemd's journal through
//! `journalctl`; [`syslog`] receives RFC 5424 and 3164 over UDP, TCP and TLS; [`decode`] turns the text of a record into
//! the field names that Sigma rules know. [`Logs`] runs all of it.
//!
//! What it is not: a judgement (rules in `content/rules` judge the events), a store, or a forwarder of raw files.
//!
//! Invariants
//! - A position moves only after the sink has taken the events: no line is lost over rotation, truncation with a copy,
//!   or restart; after a clean stop none comes twice.
//! - A record that its decoder cannot read is still an event, with its text, and is counted.
//! - What is dropped or cut is counted for each input, and told as an event where a rate dropped it.
//! - Hostile bytes give an event, a counted skip or a named fault, never a panic, in linear time and bounded memory.
//! - Nothing is bound, and no link is followed, unless the configuration says so.

pub mod config;
pub mod fault;
pub mod limits;
pub mod sink;
pub mod stats;

pub mod moment;
pub mod zone;

pub mod decode;
pub mod reader;

pub mod journal;
pub mod syslog;
pub mod tail;

mod logs;
mod state;
mod wake;
pub mod workload;

pub use config::{Config, FileInput, Input, JournalInput, SyslogInput, Transport};
pub use logs::Logs;
pub use sink::Sink;
pub use stats::{InputStats, SenderStats, Stats};
