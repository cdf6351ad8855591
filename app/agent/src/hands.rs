//! The thread that carries orders out, one after the other, and ends leases.

use crate::outlet::Outlet;
use action::Executor;
use record::{Order, Receipt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often leases are looked at.
const TICK: Duration = Duration::from_millis(200);
/// How often receipts that the spool did not take are told again.
const AGAIN: Duration = Duration::from_secs(15);

/// Runs until told to stop. Leases go on in the journal.
pub fn run(mut executor: Executor, orders: Receiver<Order>, outlet: Arc<dyn Outlet>, stop: &AtomicBool) {
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let receipts = executor.tick();
        tell(&mut executor, receipts, &*outlet);
        if Instant::now() >= next {
            next = Instant::now() + AGAIN;
            let receipts = executor.untold();
            tell(&mut executor, receipts, &*outlet);
        }
        match orders.recv_timeout(TICK) {
            Ok(order) => {
                let receipts = executor.execute(&order);
                tell(&mut executor, receipts, &*outlet);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// A receipt counts as told when the spool has it; one that it does not take stays untold in the journal.
fn tell(executor: &mut Executor, receipts: Vec<Receipt>, outlet: &dyn Outlet) {
    for receipt in receipts {
        match outlet.receipt(receipt.clone()) {
            Ok(()) => executor.told(&receipt),
            Err(fault) => tracing::error!(fault = %fault.inside(), "a receipt was not kept; it is told again"),
        }
    }
}
