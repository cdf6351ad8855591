//! The bus on a disk that loses, tears and fails.

#![allow(clippy::unwrap_used, reason = "tests")]

mod log;
mod real;
mod spool;
mod wal;
