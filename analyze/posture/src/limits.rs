//! Limits of advisories; each stops a file from making the server big or slow.

/// Longest line and largest entry, bytes.
pub const ENTRY_BYTES: usize = 16 << 20;
/// Packages of one advisory.
pub const AFFECTED: usize = 4096;
/// Ranges and single versions of one package.
pub const RANGES: usize = 4096;
/// Names of one advisory.
pub const NAMES: usize = 64;
/// Longest summary kept, bytes.
pub const SUMMARY_BYTES: usize = 300;
/// Faults kept as examples.
pub const EXAMPLES: usize = 20;
/// Entries between two reports of progress.
pub const PROGRESS: u64 = 1000;
