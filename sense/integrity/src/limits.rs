//! Limits of watching files and of the cross-view. Each says which attack or accident it stops.

/// Most files of a baseline; what is beyond is counted. Stops a link farm from filling the agent's memory.
pub const ENTRIES: usize = 200_000;
/// Deepest directory that is entered.
pub const DEPTH: usize = 32;
/// Names read of one directory.
pub const NAMES: usize = 50_000;
/// Touched paths that wait to be looked at; more at once is a storm and ends in a look at everything.
pub const WAITING: usize = 8192;
/// Processes remembered for one touched path.
pub const TOUCHERS: usize = 4;
/// How often a path is looked at again that goes on being written to.
pub const AGAIN: u8 = 6;
/// Longest text whose content is kept for a comparison, bytes.
pub const TEXT_BYTES: u64 = 64 * 1024;
/// All kept texts together, bytes.
pub const TEXTS_BYTES: u64 = 64 * 1024 * 1024;
/// Most lines of a text that are compared; the work grows with their square.
pub const DIFF_LINES: usize = 1000;
/// Longest line within a difference, bytes.
pub const DIFF_LINE_BYTES: usize = 400;
/// Largest file of a package database that is read, bytes.
pub const PACKAGE_BYTES: u64 = 64 * 1024 * 1024;
/// Most packages whose lists are read after one transaction.
pub const PACKAGES: usize = 4096;
/// How long a path that a package manager touched may wait for the manager to end, µs.
pub const TRANSACTION_US: i64 = 600_000_000;
/// Most paths named in the note about a package.
pub const NOTE_PATHS: usize = 64;
/// Largest baseline file read back, bytes.
pub const BASELINE_BYTES: u64 = 256 * 1024 * 1024;
/// Most changes that wait for a person's decision; more are told and accepted.
pub const PENDING: usize = 20_000;
/// Most findings of one cross-view check; a kernel that lies about thousands says enough with the first.
pub const FINDINGS: usize = 32;
/// Bytes of one process's environment that are searched.
pub const ENVIRON_BYTES: u64 = 256 * 1024;
/// Highest process id that is asked for one by one.
pub const PIDS: u32 = 4 * 1024 * 1024;
