//! State on this machine: [`SqliteTables`] behind `port::Tables`, [`FileBlobs`] behind `port::Blobs`.
//!
//! What it is not: a place for telemetry (that is `platform/lake`), nor a query engine. Documents are small and found by key.
//!
//! Invariants
//! - A commit is all or nothing and on the disk when it returns (WAL with `synchronous=FULL`); one writer, several readers.
//! - Every statement is portable SQL: the same text runs on PostgreSQL, only the migration folder differs.
//! - An object is visible under its name only when whole: temporary file, fsync, rename, fsync of the directory.
//! - Database, write-ahead log and objects are readable by their owner alone (0600, directories 0700).
//! - Damage, a lock held by someone else and a full disk are faults of their own, naming the file.
//!
//! ```no_run
//! use port::{Tables, Write};
//! use store::SqliteTables;
//! # async fn example() -> base::Result<()> {
//! let tables = SqliteTables::open(std::path::Path::new("state.db")).await?;
//! tables.commit(vec![Write::Put { table: "hosts", key: "a".into(), value: "{}".into() }]).await?;
//! assert_eq!(tables.get("hosts", "a").await?.map(|item| item.version), Some(1));
//! # Ok(())
//! # }
//! ```

mod blobs;
pub mod fault;
mod migrations;
mod tables;

pub use blobs::FileBlobs;
pub use tables::SqliteTables;
