//! The watchdog: protection never outlives its controller by more than the lease.
//!
//! The program itself passes everything once the lease is over; the watchdog then also detaches it and removes the pins.
//! It is meant to be a process of its own, which the controller starts and which survives it.

use crate::pins::{Hold, Holder, WATCHDOG};
use crate::{pins, system};
use base::Result;
use std::path::Path;
use std::time::Duration;

/// How a watch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The filter was detached by its controller.
    Gone,
    /// The lease was over, and the filter was removed by us.
    Removed,
    /// Another watchdog watches it already.
    Watched,
}

/// Looks at least so often, so that a watchdog does not outlive a filter that was detached by much.
const LONGEST: Duration = Duration::from_secs(5);

/// Waits until the lease of the filter pinned in a folder is over, then removes it.
///
/// # Errors
/// [`crate::fault::PIN`], [`crate::fault::MAP`].
pub fn watch(folder: &Path) -> Result<Ended> {
    let Some(lock) = pins::lock(folder)? else { return Ok(Ended::Gone) };
    // One is enough, however often the controller was started anew.
    let hold = match Hold::take(folder, WATCHDOG)? {
        Holder::We(hold) => hold,
        Holder::Other(_) => return Ok(Ended::Watched),
    };
    drop(lock);
    loop {
        match left(folder)? {
            None => return Ok(Ended::Gone),
            // It was detached, and another filter is pinned in its place, which has a watchdog of its own.
            Some(_) if !hold.stands() => return Ok(Ended::Gone),
            Some(left) if !left.is_zero() => std::thread::park_timeout(left.min(LONGEST)),
            Some(_) => {
                let Some(_lock) = pins::lock(folder)? else { return Ok(Ended::Gone) };
                // Whoever had the lock may have adopted and renewed it.
                if left(folder)?.is_some_and(|left| left.is_zero()) {
                    pins::remove(folder)?;
                    tracing::warn!(pins = %folder.display(), "the lease of the packet filter is over; it is removed");
                    return Ok(Ended::Removed);
                }
            }
        }
    }
}

/// What is left of the lease; `None` when no filter is pinned there.
fn left(folder: &Path) -> Result<Option<Duration>> {
    match pins::settings(folder) {
        Ok(settings) => {
            Ok(settings.map(|settings| Duration::from_nanos(settings.lease_until.saturating_sub(system::now()))))
        }
        // It was removed between two looks.
        Err(_) if !folder.exists() => Ok(None),
        Err(fault) => Err(fault),
    }
}
