//! Threads that carry traffic: each has a runtime of its own and keeps its connections, so that a request never changes
//! threads.

use crate::connection::{self, Accepted, At};
use crate::fault;
use crate::shared::Shared;
use base::{Fault, Result};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections that may wait for a worker to take them.
const BACKLOG: usize = 1024;

/// The workers.
pub(crate) struct Workers {
    workers: Vec<Worker>,
    /// Ends whatever still runs.
    kill: CancellationToken,
}

struct Worker {
    sender: mpsc::Sender<Accepted>,
    connections: Arc<AtomicUsize>,
    tracker: TaskTracker,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// How many workers a configuration asks for.
pub(crate) fn count(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

impl Workers {
    pub(crate) fn start(count: usize, shared: &Arc<Shared>) -> Result<Workers> {
        let kill = CancellationToken::new();
        let workers = (0..count).map(|index| Worker::start(index, shared.clone(), kill.clone()));
        Ok(Workers { workers: workers.collect::<Result<_>>()?, kill })
    }

    /// Gives a connection to the worker that has the fewest; `false` when it cannot take it.
    pub(crate) fn give(&self, accepted: Accepted) -> bool {
        let least = self.workers.iter().min_by_key(|worker| worker.connections.load(Ordering::Relaxed));
        let Some(worker) = least else { return false };
        worker.connections.fetch_add(1, Ordering::Relaxed);
        let given = worker.sender.try_send(accepted).is_ok();
        if !given {
            worker.connections.fetch_sub(1, Ordering::Relaxed);
        }
        given
    }

    /// Connections now.
    pub(crate) fn connections(&self) -> usize {
        self.workers.iter().map(|worker| worker.connections.load(Ordering::Relaxed)).sum()
    }

    /// Waits until every connection has ended, or the time is over; then ends the threads.
    pub(crate) async fn stop(&self, drain: Duration) {
        let drained = async {
            for worker in &self.workers {
                worker.tracker.close();
                worker.tracker.wait().await;
            }
        };
        let _ = tokio::time::timeout(drain, drained).await;
        self.kill.cancel();
        let threads = self
            .workers
            .iter()
            .filter_map(|worker| worker.thread.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads: Vec<_> = threads.collect();
        let _ = tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| drop(thread.join()))).await;
    }

    /// Ends whatever still runs.
    pub(crate) fn kill(&self) {
        self.kill.cancel();
    }
}

impl Worker {
    fn start(index: usize, shared: Arc<Shared>, kill: CancellationToken) -> Result<Worker> {
        let failed =
            |cause: std::io::Error| Fault::new(&fault::WORKER).object(format!("worker {index}")).because(cause);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (sender, mut receiver) = mpsc::channel::<Accepted>(BACKLOG);
        let (connections, tracker) = (Arc::new(AtomicUsize::new(0)), TaskTracker::new());
        let (count, tasks) = (connections.clone(), tracker.clone());
        let run = async move {
            loop {
                let accepted = tokio::select! {
                    accepted = receiver.recv() => accepted,
                    () = kill.cancelled() => None,
                };
                let Some(accepted) = accepted else { break };
                let at = At { index, tasks: tasks.clone(), counted: Counted(count.clone()) };
                tasks.spawn(connection::serve(accepted, shared.clone(), at));
            }
        };
        let thread = std::thread::Builder::new()
            .name(format!("gateway-{index}"))
            .spawn(move || runtime.block_on(run))
            .map_err(failed)?;
        Ok(Worker { sender, connections, tracker, thread: Mutex::new(Some(thread)) })
    }
}

/// One connection of a worker, also when its task panics.
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
