//! How the sensor itself is: what it could not do is counted, never silent.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// Records that found the ring full.
    pub lost: u64,
    /// Records that a filter dropped.
    pub filtered: u64,
    /// Records that did not read.
    pub unreadable: u64,
    /// Events of processes that neither the table nor `/proc` knew.
    pub strangers: u64,
    /// Processes that the full table refused.
    pub refused: u64,
}

impl Health {
    const COUNTS: usize = 5;

    fn counts(self) -> [u64; Health::COUNTS] {
        [self.lost, self.filtered, self.unreadable, self.strangers, self.refused]
    }

    /// Leaves it for the metrics, which another thread samples.
    pub(crate) fn publish(self) {
        for (slot, count) in PUBLISHED.iter().zip(self.counts()) {
            slot.store(count.saturating_add(1), Ordering::Relaxed);
        }
    }
}

/// One more than each count, so that 0 means that no sensor runs in this process.
static PUBLISHED: [AtomicU64; Health::COUNTS] = [const { AtomicU64::new(0) }; Health::COUNTS];

/// What a sensor of this process published last, in the order of [`Health`]'s fields.
pub(crate) fn published() -> impl Iterator<Item = Option<u64>> {
    PUBLISHED.iter().map(|slot| slot.load(Ordering::Relaxed).checked_sub(1))
}
