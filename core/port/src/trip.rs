//! Failing the n-th call.

use crate::fault;
use base::{Fault, Result};
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts calls and fails one of them.
#[derive(Debug, Default)]
pub struct Trip {
    calls: AtomicU64,
    fails_at: AtomicU64,
}

impl Trip {
    /// Makes the `n`-th call from now (1 is the next) fail once; 0 means none.
    pub fn fail_at(&self, n: u64) {
        self.calls.store(0, Ordering::SeqCst);
        self.fails_at.store(n, Ordering::SeqCst);
    }

    /// Calls since the last [`Trip::fail_at`].
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Counts a call; a fault when it is the one to fail.
    pub fn pass(&self, call: &str) -> Result<()> {
        let n = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if n == self.fails_at.load(Ordering::SeqCst) {
            return Err(Fault::new(&fault::FAILED).object(call).because(format!("call {n} was made to fail")));
        }
        Ok(())
    }
}
