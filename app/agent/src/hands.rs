//! The thread that carries orders out, one after the other, and ends leases.

use crate::outlet::Outlet;
use action::Executor;
use record::{Order, Receipt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often leases are looked at.
const TICK: Duration = Duration::from_millis(200);

/// Runs until told to stop. Leases go on in the journal.
pub fn run(mut executor: Executor, orders: Receiver<Order>, outlet: Arc<dyn Outlet>, stop: &AtomicBool) {
    let tell = |receipts: Vec<Receipt>| {
        for receipt in receipts {
            if let Err(fault) = outlet.receipt(receipt) {
                tracing::error!(fault = %fault.inside(), "a receipt was not kept");
            }
        }
    };
    while !stop.load(Ordering::Relaxed) {
        match orders.recv_timeout(TICK) {
            Ok(order) => tell(executor.execute(&order)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        tell(executor.tick());
    }
}
