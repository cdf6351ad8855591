//! What bounds correlation rules and what they remember.

/// Most correlations of an engine.
pub(super) const CORRELATIONS: usize = 4096;
/// Most rules that one correlation names. The rules of a temporal one are bits of a word.
pub(super) const REFERENCES: usize = 64;
/// Most fields to group by, and to take values of.
pub(super) const FIELDS: usize = 8;
/// Most aliases.
pub(super) const ALIASES: usize = 32;
/// Longest chain of correlations that name correlations.
pub(super) const CHAIN: usize = 16;
/// Longest time span, seconds (30 days). A longer one would keep groups that nobody comes back to.
pub(super) const SPAN_S: u64 = 30 * 86_400;
/// Greatest number of events or distinct values that a condition may ask for: so many are kept of a group.
pub(super) const COUNT: u64 = 10_000;
/// Entries kept of a group at the least, so that the number told of a hit is mostly the true one.
pub(super) const ENTRIES: usize = 64;
/// Most numbers kept of a group for sums, means and percentiles.
pub(super) const NUMBERS: usize = 1024;
/// Events of a group that are still put in order when they come in another one (`temporal_ordered`).
pub(super) const REORDER: usize = 32;
/// Longest value of a group kept, bytes; the rest of a longer one is kept as a hash.
pub(super) const VALUE_BYTES: usize = 256;
/// So many late events in a row, with none in time between them, and the newest time is taken to have been wrong: one
/// event from the future must not blind a group for good.
pub(super) const LATE: u8 = 8;

/// How long a group is kept past its time span, µs: what comes late must find it quiet, or it would hit once more.
pub(super) const SLACK_US: i64 = 15 * 60 * 1_000_000;

/// Bounds of a [`Tracker`](super::Tracker). Each stops a flood of events made to differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most groups of one correlation; beyond it the least recently seen is given up, those seen once first.
    pub groups: usize,
    /// Most bytes of all groups together, about; beyond it the correlation that holds most gives one up.
    pub bytes: usize,
    /// Most events kept of a group to show with a hit, the one that completed it among them.
    pub evidence: usize,
    /// Most bytes of all events kept to show, about; beyond it none is added, and hits show fewer events.
    pub evidence_bytes: usize,
}

impl Default for Limits {
    /// For a host or a small server: 20,000 groups a rule, 32 MiB in all and 16 MiB of events, 5 events a hit.
    fn default() -> Limits {
        Limits { groups: 20_000, bytes: 32 << 20, evidence: 5, evidence_bytes: 16 << 20 }
    }
}
