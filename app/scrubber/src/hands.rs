//! The threads that carry orders out: one for each kind of place, so that a name server that takes its time holds up neither a
//! router nor the packet filter.
//!
//! Apart from the controller's second too: the filter's lease waits for nobody. Within a lane orders are carried out in the
//! order in which they were given; an order and its undo are always in the same lane. Each lane is bounded, keeps a journal of
//! its own, and when told to stop still carries out what waits, for a moment.

mod ways;

use crate::fault;
use action::Executor;
use base::{Fault, Result};
use record::{ActionKind, Order, Receipt};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use ways::Ways;

/// Orders that may wait in a lane.
const WAITING: usize = 256;

/// A kind of place at which orders are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The packet filter.
    Kernel,
    /// Routers upstream.
    Routers,
    /// Name servers.
    Names,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Lane; 3] = [Lane::Kernel, Lane::Routers, Lane::Names];

    /// Where orders of a kind are carried out.
    pub fn of(kind: ActionKind) -> Lane {
        match kind {
            ActionKind::Flowspec | ActionKind::Blackhole => Lane::Routers,
            ActionKind::SwitchDns => Lane::Names,
            _ => Lane::Kernel,
        }
    }

    /// Its word in names of threads and folders.
    pub fn word(self) -> &'static str {
        match self {
            Lane::Kernel => "kernel",
            Lane::Routers => "routers",
            Lane::Names => "names",
        }
    }

    /// How long one who asked waits for the receipt. A name server may have to be asked several times, and half a minute
    /// ends the move for the keeper of the names.
    fn patience(self) -> Duration {
        Duration::from_secs(if self == Lane::Names { 25 } else { 10 })
    }
}

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

impl action::Job for Job {
    fn order(&self) -> &Order {
        &self.order
    }

    fn done(self, receipts: Vec<Receipt>) {
        if let Some(reply) = self.reply {
            // Whoever asked may have given up waiting.
            let _ = reply.try_send(receipts);
        }
    }
}

/// Where orders are given.
#[derive(Clone)]
pub struct Hands {
    lanes: Arc<BTreeMap<Lane, SyncSender<Job>>>,
    ways: Arc<Mutex<Ways>>,
}

impl Hands {
    /// Starts a thread for each lane that is given; orders of the others go to the first. The threads end when `stop` is set,
    /// and leases go on in the journals.
    ///
    /// # Errors
    /// [`fault::THREAD`].
    pub fn start(
        executors: Vec<(Lane, Executor)>,
        told: Arc<dyn Told>,
        stop: Arc<AtomicBool>,
    ) -> Result<(Hands, Vec<JoinHandle<()>>)> {
        let (mut lanes, mut threads) = (BTreeMap::new(), Vec::new());
        let ways = Arc::new(Mutex::new(Ways::default()));
        for (lane, executor) in &executors {
            let in_force = executor.in_force().into_iter().map(|(order, _)| order.id).collect();
            lock(&ways).restore(*lane, executor.known(), &in_force);
        }
        for (lane, executor) in executors {
            let (jobs, waiting) = sync_channel(WAITING);
            let (told, stop, ways) = (told.clone(), stop.clone(), ways.clone());
            let run = move || run(executor, &waiting, &*told, &ways, &stop);
            let thread = std::thread::Builder::new().name(format!("hands-{}", lane.word())).spawn(run);
            threads.push(thread.map_err(|cause| Fault::new(&fault::THREAD).object("hands").because(cause))?);
            lanes.insert(lane, jobs);
        }
        Ok((Hands { lanes: Arc::new(lanes), ways }, threads))
    }

    /// Gives an order; false when too many wait.
    pub fn give(&self, order: Order) -> bool {
        self.send(self.lane(&order), Job { order, reply: None })
    }

    /// In which lane an order is carried out; remembered, so that its undo comes there too.
    pub(crate) fn lane(&self, order: &Order) -> Lane {
        lock(&self.ways).lane(order)
    }

    /// Gives an order to its lane, or gets it back when too many wait.
    pub(crate) fn offer(&self, lane: Lane, order: Order) -> Option<Order> {
        let Some(jobs) = self.jobs(lane) else { return Some(order) };
        match jobs.try_send(Job { order, reply: None }) {
            Ok(()) => None,
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => Some(job.order),
        }
    }

    /// Gives an order and waits for its receipts.
    ///
    /// # Errors
    /// [`fault::HANDS`] when too many orders wait, or the hands do not answer in time.
    pub fn carry(&self, order: Order) -> Result<Vec<Receipt>> {
        let lane = self.lane(&order);
        let (reply, answer) = sync_channel(1);
        let late = || {
            let fault = Fault::new(&fault::HANDS).object(format!("order {}", order.id));
            fault.expected(format!("an answer within {} s", lane.patience().as_secs()))
        };
        if !self.send(lane, Job { order: order.clone(), reply: Some(reply) }) {
            return Err(late().found("too many orders wait"));
        }
        answer.recv_timeout(lane.patience()).map_err(|_| late().found("none"))
    }

    fn jobs(&self, lane: Lane) -> Option<&SyncSender<Job>> {
        self.lanes.get(&lane).or_else(|| self.lanes.values().next())
    }

    fn send(&self, lane: Lane, job: Job) -> bool {
        let Some(jobs) = self.jobs(lane) else { return false };
        match jobs.try_send(job) {
            Ok(()) => true,
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                let (order, lane) = (&job.order.id, lane.word());
                tracing::error!(order, lane, "too many orders wait; this one is given up");
                lock(&self.ways).over(order);
                false
            }
        }
    }
}

fn lock(ways: &Mutex<Ways>) -> MutexGuard<'_, Ways> {
    ways.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn run(executor: Executor, jobs: &Receiver<Job>, told: &dyn Told, ways: &Mutex<Ways>, stop: &AtomicBool) {
    let keep = |receipt: Receipt| {
        lock(ways).told(&receipt);
        told.receipt(&receipt)
    };
    action::serve(executor, jobs, &keep, stop);
}

#[cfg(test)]
mod tests;
