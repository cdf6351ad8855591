//! Limits of scanning. Each says which attack or accident it stops.

/// Largest message between agent and scanner, bytes: all rules of a host in one. A scanner that was taken over must not
/// make the agent reserve more.
pub const FRAME_BYTES: usize = 80 * 1024 * 1024;
/// Largest answer of the scanner, bytes.
pub const REPLY_BYTES: usize = 4 * 1024 * 1024;
/// Most findings of one file; an archive of a thousand samples says enough with the first.
pub const FINDINGS: usize = 64;
/// Most details of one finding.
pub const DETAILS: usize = 32;
/// Longest text in a finding, bytes.
pub const TEXT_BYTES: usize = 512;
/// Most files of YARA rules; more is a mistake (a link to `/`).
pub const RULE_FILES: usize = 20_000;
/// All text of YARA rules together, bytes.
pub const RULES_BYTES: usize = 64 * 1024 * 1024;
/// Deepest folder below a folder of rules.
pub const RULE_DEPTH: usize = 8;

/// Files waiting to be scanned because something happened to them. A build writes thousands a second; what does not fit
/// is counted and found by the walk.
pub const LANE: usize = 4096;
/// Deepest directory the walk enters; a deeper one is counted.
pub const WALK_DEPTH: usize = 64;
/// Names read of one directory; the rest is counted.
pub const WALK_NAMES: usize = 100_000;
/// Unchanged files remembered; at 8 bytes each, a little more in the table.
pub const REMEMBERED: usize = 262_144;

/// Processor time one file may take, µs. An archive of [`FRAME_BYTES`] needs about a tenth.
pub const FILE_CPU_US: i64 = 20_000_000;
/// Time one file may take, µs, when the scanner does not even use the processor (a network file system that hangs).
pub const FILE_WALL_US: i64 = 300_000_000;
/// Processor time that compiling the rules may take, µs.
pub const RULES_CPU_US: i64 = 300_000_000;
/// First pause before a scanner that crashed is started again, µs; doubled each time.
pub const PAUSE_US: i64 = 1_000_000;
/// Longest pause, µs.
pub const PAUSE_MAX_US: i64 = 60_000_000;
