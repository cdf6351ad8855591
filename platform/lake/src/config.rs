//! What an installation can set, and what arrives.

use record::{AgentId, Alert, Event, Host, Lane, Sample};
use std::path::PathBuf;

/// Settings of the lake. `Default` gives the values of a single machine with everything below `lake` in the working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeConfig {
    /// Where the files are. Made when absent (mode 0700); one process at a time.
    pub dir: PathBuf,
    /// Rows in memory that make [`crate::Lake::tick`] flush; also the rows of a Parquet row group.
    pub flush_rows: usize,
    /// Bytes in memory that make it flush.
    pub flush_bytes: usize,
    /// Age of the oldest row in memory, seconds, that makes it flush.
    pub flush_seconds: u64,
    /// Telemetry older than this is dropped, days; 0 keeps it until another limit is reached.
    pub retention_days: u64,
    /// Findings older than this are dropped, days; 0 keeps them for ever.
    pub finding_days: u64,
    /// Most bytes of telemetry kept; 0 is no limit.
    pub retention_bytes: u64,
    /// Percentage of the disk in use above which the oldest telemetry is dropped; 100 switches it off.
    pub disk_percent: u8,
    /// Bytes of telemetry that are kept however full the disk is: below it other files fill the disk, and dropping ours
    /// would cost the record and free nothing.
    pub disk_floor_bytes: u64,
    /// Memory that all running queries share, bytes.
    pub query_bytes: usize,
}

impl Default for LakeConfig {
    fn default() -> Self {
        LakeConfig {
            dir: PathBuf::from("lake"),
            flush_rows: 131_072,
            flush_bytes: 128 << 20,
            flush_seconds: 30,
            retention_days: 30,
            finding_days: 365,
            retention_bytes: 0,
            disk_percent: 85,
            disk_floor_bytes: 1 << 30,
            query_bytes: 512 << 20,
        }
    }
}

/// One opened frame as the write-ahead log hands it over.
///
/// Frames of one (agent, boot, lane) arrive mostly in the order of their numbers; they may repeat (a number that was taken is
/// dropped), may leave gaps (shed ranges), and may fill a gap later (a frame whose first append failed comes again).
#[derive(Debug, Clone)]
pub struct Arrived {
    /// The agent of the certificate.
    pub agent: AgentId,
    /// Its start counter.
    pub boot: u64,
    /// The lane.
    pub lane: Lane,
    /// Number of the first record.
    pub first_seq: u64,
    /// How many numbers the frame uses (events, alerts, receipts, samples together).
    pub count: u32,
    /// The host.
    pub host: Host,
    /// Events with their numbers, as `Batch::unpack` gives them.
    pub events: Vec<Event>,
    /// Findings. The number is read from the id, or follows the events when the id has none.
    pub alerts: Vec<Alert>,
    /// Metrics: the last numbers of the frame.
    pub samples: Vec<Sample>,
    /// Where the write-ahead log goes on after this frame: replay starts at the greatest committed one.
    pub wal_offset: u64,
}

impl Arrived {
    /// Number of the last record; the one before `first_seq` when empty.
    pub fn last_seq(&self) -> u64 {
        self.first_seq.saturating_add(u64::from(self.count)).saturating_sub(1)
    }
}

/// A run of numbers that were taken; a numbering has one for each stretch without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The agent's start counter.
    pub boot: u64,
    /// The lane.
    pub lane: Lane,
    /// The first number of the run.
    pub first_seq: u64,
    /// Its last number.
    pub last_seq: u64,
}
