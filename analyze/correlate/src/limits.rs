//! What bounds memory and how far apart related things may lie.

const MINUTE_US: i64 = 60_000_000;

/// Bounds and windows. Times compare event times of alerts, never a clock, so a replay decides the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most incidents that can still grow; beyond it the one that grew longest ago leaves the index.
    pub incidents: usize,
    /// Most alerts of one incident; beyond it a new one continues it. Stops an alert storm from growing one record.
    pub members: usize,
    /// Most keys (processes, accounts, addresses, hashes) of one incident; beyond it the oldest are forgotten.
    pub keys: usize,
    /// Most orders kept of one incident.
    pub orders: usize,
    /// How far apart alerts of one account on one host may lie, µs.
    pub account_us: i64,
    /// How far apart alerts below one session leader (daemon, login shell) may lie, µs.
    pub leader_us: i64,
    /// How far apart the same executable or address on two hosts may lie, µs.
    pub spread_us: i64,
}

/// Longest title and name of a technique or tactic kept of an alert, bytes, and most techniques and tactics of each.
/// They come from an agent, and an incident holds as many as it has members.
pub(crate) const TITLE_BYTES: usize = 512;
pub(crate) const WORD_BYTES: usize = 64;
pub(crate) const TECHNIQUES: usize = 16;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            incidents: 512,
            members: 256,
            keys: 1024,
            orders: 64,
            account_us: 10 * MINUTE_US,
            leader_us: 30 * MINUTE_US,
            spread_us: 60 * MINUTE_US,
        }
    }
}
