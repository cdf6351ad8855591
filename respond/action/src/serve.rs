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
/// How long orders that wait when it is told to stop are carried out; the next one is begun within that time.
const DRAIN: Duration = Duration::from_secs(2);

/// An order on its way, and whoever waits for what becomes of it.
pub trait Job {
    /// The order.
    fn order(&self) -> &Order;

    /// It was carried out or refused, and told.
    fn done(self, receipts: Vec<Receipt>);
}

/// An order that nobody waits for.
impl Job for Order {
    fn order(&self) -> &Order {
        self
    }

    fn done(self, _: Vec<Receipt>) {}
}

/// Carries out what comes and ends leases, until told to stop or nobody can give orders any more; leases go on in the journal.
/// What waits when it is told to stop is still carried out, as far as two seconds go. A receipt counts as told when `keep` has
/// it safe; one that it does not take is told again.
pub fn serve<J: Job>(
    mut executor: Executor,
    orders: &Receiver<J>,
    keep: &dyn Fn(Receipt) -> Result<()>,
    stop: &AtomicBool,
) {
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let receipts = executor.tick();
        tell(&mut executor, &receipts, keep);
        if Instant::now() >= next {
            next = Instant::now() + AGAIN;
            let receipts = executor.untold();
            tell(&mut executor, &receipts, keep);
        }
        match orders.recv_timeout(TICK) {
            Ok(job) => carry(&mut executor, job, keep),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
    let end = Instant::now() + DRAIN;
    while Instant::now() < end
        && let Ok(job) = orders.try_recv()
    {
        carry(&mut executor, job, keep);
    }
}

fn carry(executor: &mut Executor, job: impl Job, keep: &dyn Fn(Receipt) -> Result<()>) {
    let receipts = executor.execute(job.order());
    tell(executor, &receipts, keep);
    job.done(receipts);
}

fn tell(executor: &mut Executor, receipts: &[Receipt], keep: &dyn Fn(Receipt) -> Result<()>) {
    for receipt in receipts {
        match keep(receipt.clone()) {
            Ok(()) => executor.told(receipt),
            Err(fault) => tracing::error!(fault = %fault.inside(), "a receipt was not kept; it is told again"),
        }
    }
}
