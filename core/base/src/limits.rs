//! Limits on what grows. Each says which attack or accident it stops.

/// Longest argument vector kept of a process, bytes. A longer one is cut and marked; without it one `execve` could carry 2 MiB into every event.
pub const ARGV_BYTES: usize = 8 * 1024;
/// Longest path kept, bytes (Linux `PATH_MAX`).
pub const PATH_BYTES: usize = 4096;
/// Deepest ancestry kept of a process; a chain of double forks would otherwise grow without end.
pub const ANCESTRY_DEPTH: usize = 32;
/// Longest record of a log kept as text, bytes. A longer one is cut and marked, but decoded as a whole up to [`LOG_RECORD_BYTES`].
pub const LOG_LINE_BYTES: usize = 8 * 1024;
/// Longest record of a log that is decoded, bytes; what is behind it is skipped to the next record and counted.
pub const LOG_RECORD_BYTES: usize = 1024 * 1024;
/// Longest difference of a watched text kept, bytes.
pub const DIFF_BYTES: usize = 4 * 1024;
/// Largest batch on the wire after decompression, bytes. Stops a compression bomb from an enrolled but hostile agent.
pub const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Largest compressed batch on the wire, bytes.
pub const BATCH_WIRE_BYTES: usize = 4 * 1024 * 1024;
/// Most events in one batch.
pub const BATCH_EVENTS: usize = 16 * 1024;
/// Largest body of an API request, bytes.
pub const API_BODY_BYTES: usize = 1024 * 1024;
/// Largest rule or configuration file, bytes.
pub const CONFIG_BYTES: u64 = 4 * 1024 * 1024;
/// Most rules that the record of one request names.
pub const HTTP_RULES: usize = 32;
/// Longest lease an action may have, seconds (30 days): a forgotten block ends by itself.
pub const LEASE_SECONDS_MAX: u64 = 30 * 24 * 3600;
/// Most rows one page of the API returns.
pub const PAGE_ROWS: usize = 1000;
