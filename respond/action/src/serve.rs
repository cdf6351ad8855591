//! Carrying orders out, one after the other, for as long as a program runs: the body of its hands' thread.

use crate::Executor;
use base::Result;
use record::{Order, Receipt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often leases are looked at.
const TICK: Duration = Duration::from_millis(200);
/// How often receipts that were not kept are told again.
const AGAIN: Duration = Duration::from_secs(15);

/// Carries out what comes and ends leases, until told to stop or nobody can give orders any more; leases go on in the journal.
/// A receipt counts as told when `keep` has it safe; one that it does not take is told again.
pub fn serve(
    mut executor: Executor,
    orders: &Receiver<Order>,
    keep: &dyn Fn(Receipt) -> Result<()>,
    stop: &AtomicBool,
) {
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let receipts = executor.tick();
        tell(&mut executor, receipts, keep);
        if Instant::now() >= next {
            next = Instant::now() + AGAIN;
            let receipts = executor.untold();
            tell(&mut executor, receipts, keep);
        }
        match orders.recv_timeout(TICK) {
            Ok(order) => {
                let receipts = executor.execute(&order);
                tell(&mut executor, receipts, keep);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn tell(executor: &mut Executor, receipts: Vec<Receipt>, keep: &dyn Fn(Receipt) -> Result<()>) {
    for receipt in receipts {
        match keep(receipt.clone()) {
            Ok(()) => executor.told(&receipt),
            Err(fault) => tracing::error!(fault = %fault.inside(), "a receipt was not kept; it is told again"),
        }
    }
}
