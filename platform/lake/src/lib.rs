//! The event lake: telemetry, findings and metrics in Parquet files, asked in SQL while more arrives.
//!
//! What it is not: a place for state (that is `platform/store`) nor the first place of durability. The write-ahead log in
//! front holds what was acknowledged; the lake takes it over at each flush. Only this crate names DataFusion and Arrow.
//!
//! Invariants
//! - Exactly once: files, the numbers taken of each (agent, boot, lane), and the write-ahead-log offset change in one
//!   transaction. After a crash anywhere, replay from [`Lake::committed_offset`] leaves every record present once.
//! - A query sees one snapshot of files and memory; what was appended before it began is in it.
//! - A record comes back as it went in: columns, the process image kept once a file, and `rest` (what has no column).
//! - A damaged file is named and set aside; the others answer. Nothing is dropped by retention without being counted.
//! - A query can only read the lake: one `SELECT`, bounded in length, depth, rows, time and memory.
//!
//! ```no_run
//! # async fn example(tables: std::sync::Arc<dyn port::Tables>, frame: lake::Arrived) -> base::Result<()> {
//! use port::{Query, QueryLimits};
//! let clock = std::sync::Arc::new(base::SystemClock::default());
//! let lake = lake::Lake::open(lake::LakeConfig::default(), tables, clock).await?;
//! lake.append(frame)?;
//! lake.flush().await?;
//! let rows = lake.sql("SELECT exe, count(*) FROM process GROUP BY exe", QueryLimits::default()).await?;
//! # let _ = rows; Ok(())
//! # }
//! ```

#[cfg(test)]
mod arbitrary;
mod back;
mod cell;
mod compact;
mod config;
mod family;
pub mod fault;
mod files;
mod image;
mod lake;
mod manifest;
mod query;
mod retain;
mod rows;
mod schema;
mod state;

pub use compact::Compacted;
pub use config::{Arrived, LakeConfig, Position};
pub use family::Family;
pub use lake::{Flushed, Lake, LakeStatus};
pub use retain::{Reason, Retired};
pub use state::Appended;
