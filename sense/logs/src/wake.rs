//! Waiting that a stop ends at once.

use base::{Fault, Result};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Says stop to every thread that waits.
#[derive(Debug, Clone)]
pub struct Stop(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    event: OwnedFd,
    is_set: AtomicBool,
}

impl Stop {
    /// Not stopped yet.
    pub fn new() -> Result<Stop> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|cause| Fault::new(&crate::fault::THREAD).because(cause))?;
        Ok(Stop(Arc::new(Shared { event, is_set: AtomicBool::new(false) })))
    }

    /// Stops.
    pub fn set(&self) {
        self.0.is_set.store(true, Ordering::SeqCst);
        // The counter is never read, so everyone who polls it sees it for good; it can only fail when it is full.
        let _ = rustix::io::write(&self.0.event, &1_u64.to_ne_bytes());
    }

    /// Whether it was said.
    pub fn is_set(&self) -> bool {
        self.0.is_set.load(Ordering::SeqCst)
    }

    /// Waits until one of `fds` can be read, the time is over, or a stop. Gives which can be read, in their order.
    pub fn wait(&self, fds: &[BorrowedFd<'_>], at_most: Duration) -> Vec<bool> {
        let mut all: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        all.push(PollFd::from_borrowed_fd(self.0.event.as_fd(), PollFlags::IN));
        let time = Timespec {
            tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(at_most.subsec_nanos()),
        };
        // An interruption is as good as a time-out: the caller looks at everything and waits again.
        let ready = poll(&mut all, Some(&time)).is_ok();
        all[..fds.len()].iter().map(|fd| ready && !fd.revents().is_empty()).collect()
    }
}
