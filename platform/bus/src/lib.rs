//! Records on disk: the agent's spool and the server's write-ahead log, both on one segmented append-only log.
//!
//! [`Disk`] the few file calls used, real or in memory · [`Log`] numbered records in segments · [`Wal`] many
//! writers, one fsync · [`Spool`] two lanes of numbered batches waiting for the server · [`SharedSpool`] the
//! spool between the threads that fill it and the link that empties it.
//!
//! What it is not: a message broker, and not a database. Records are written once, read in order, and removed
//! a whole segment at a time.
//!
//! Invariants
//! - What was synced before a crash is read back after it; what was not may be missing, never damaged.
//! - A torn tail is cut back; a damaged segment is set aside under the name `*.corrupt` with a fault that says
//!   which offsets are gone. Neither stops the program.
//! - A start counter is durable before the first number of that start is given, so (agent, boot, lane, number)
//!   never repeats.
//! - Alerts and receipts are on disk and synced before `push_*` returns, as long as the disk works. When room runs
//!   out the oldest telemetry goes first, and what went is counted and reported as an event.
//!
//! ```ignore
//! let disk = std::sync::Arc::new(bus::RealDisk::new());
//! let (mut log, faults) = bus::Log::open(disk, "data/wal".as_ref(), bus::LogConfig::default())?;
//! let offset = log.append(b"first")?;
//! log.sync()?;
//! assert_eq!(log.read(offset, 10, usize::MAX)?[0].1.as_ref(), b"first");
//! ```

mod disk;
pub mod fault;
mod lane;
mod log;
mod memory;
mod scan;
mod shared;
mod shed;
mod spool;
mod wal;

pub use disk::{Disk, RealDisk, replace};
pub use log::{Log, LogConfig, Offset};
pub use memory::{MemoryDisk, Mishap};
pub use shared::SharedSpool;
pub use spool::{Spool, SpoolConfig, SpoolStatus};
pub use wal::{Wal, WalRecord};
