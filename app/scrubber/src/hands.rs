//! The thread that carries orders out, one after the other, ends leases, and tells what became of each.
//!
//! Apart from the controller's second: routers and name servers may take their time, the filter's lease may not.

use crate::fault;
use action::Executor;
use base::{Fault, Result};
use record::{Order, Receipt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often leases are looked at.
const TICK: Duration = Duration::from_millis(200);
/// How often receipts that were not taken are told again.
const AGAIN: Duration = Duration::from_secs(15);
/// Orders that may wait.
const WAITING: usize = 256;
/// How long one who asked waits for the receipt.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes receipts.
pub trait Told: Send + Sync {
    /// Keeps a receipt for the server, and lets the controller know. A fault tells it again later.
    ///
    /// # Errors
    /// When it could not be kept.
    fn receipt(&self, receipt: &Receipt) -> Result<()>;
}

struct Job {
    order: Order,
    reply: Option<SyncSender<Vec<Receipt>>>,
}

/// Where orders are given.
#[derive(Clone)]
pub struct Hands {
    jobs: SyncSender<Job>,
}

impl Hands {
    /// Starts the thread; it ends when `stop` is set, and leases go on in the journal.
    ///
    /// # Errors
    /// [`fault::THREAD`].
    pub fn start(executor: Executor, told: Arc<dyn Told>, stop: Arc<AtomicBool>) -> Result<(Hands, JoinHandle<()>)> {
        let (jobs, waiting) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("hands".into());
        let thread = thread.spawn(move || run(executor, &waiting, &*told, &stop));
        let thread = thread.map_err(|cause| Fault::new(&fault::THREAD).object("hands").because(cause))?;
        Ok((Hands { jobs }, thread))
    }

    /// Gives an order; false when too many wait.
    pub fn give(&self, order: Order) -> bool {
        self.send(Job { order, reply: None })
    }

    /// Gives an order, or gets it back when too many wait.
    pub(crate) fn offer(&self, order: Order) -> Option<Order> {
        match self.jobs.try_send(Job { order, reply: None }) {
            Ok(()) => None,
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => Some(job.order),
        }
    }

    /// Gives an order and waits for its receipts.
    ///
    /// # Errors
    /// [`fault::THREAD`] when too many orders wait, or the hands do not answer in time.
    pub fn carry(&self, order: Order) -> Result<Vec<Receipt>> {
        let (reply, answer) = sync_channel(1);
        let late = || Fault::new(&fault::THREAD).object("hands").expected("an answer within 10 s");
        if !self.send(Job { order, reply: Some(reply) }) {
            return Err(late().found("too many orders wait"));
        }
        answer.recv_timeout(PATIENCE).map_err(|_| late().found("none"))
    }

    fn send(&self, job: Job) -> bool {
        match self.jobs.try_send(job) {
            Ok(()) => true,
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                tracing::error!(order = job.order.id, "too many orders wait; this one is given up");
                false
            }
        }
    }
}

fn run(mut executor: Executor, jobs: &Receiver<Job>, told: &dyn Told, stop: &AtomicBool) {
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let receipts = executor.tick();
        tell(&mut executor, &receipts, told);
        if Instant::now() >= next {
            next = Instant::now() + AGAIN;
            let receipts = executor.untold();
            tell(&mut executor, &receipts, told);
        }
        match jobs.recv_timeout(TICK) {
            Ok(job) => {
                let receipts = executor.execute(&job.order);
                tell(&mut executor, &receipts, told);
                if let Some(reply) = job.reply {
                    // Whoever asked may have given up waiting.
                    let _ = reply.try_send(receipts);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// A receipt counts as told when it was taken; else it stays untold in the journal.
fn tell(executor: &mut Executor, receipts: &[Receipt], told: &dyn Told) {
    for receipt in receipts {
        match told.receipt(receipt) {
            Ok(()) => executor.told(receipt),
            Err(fault) => tracing::error!(fault = %fault.inside(), "a receipt was not kept; it is told again"),
        }
    }
}
