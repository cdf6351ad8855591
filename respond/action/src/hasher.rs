//! Digests of files within a deadline, for the permission path: an execution waits for the answer, and reading may
//! hang in a dead disk or in a file system that an attacker serves.
//!
//! Each reading is done by a thread beside. One that misses the deadline is left to itself; when too many hang, no
//! more are begun and every answer is "unknown" at once.

use crate::digest;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Longest wait for one digest.
const DEADLINE: Duration = Duration::from_millis(500);
/// Threads that may hang at a time.
const THREADS: usize = 4;
/// Digests that are remembered.
const REMEMBERED: usize = 4096;

/// What a digest was computed of: device, inode, size, modification and change time.
pub(crate) type Version = (u64, u64, i64, i64, i64, i64, i64);

struct Thread {
    jobs: SyncSender<(Version, Box<dyn Read + Send>)>,
    done: Receiver<(Version, Option<[u8; 32]>)>,
}

/// See the module.
pub(crate) struct Hasher {
    limit: u64,
    remembered: HashMap<Version, [u8; 32]>,
    thread: Option<Thread>,
    running: Arc<AtomicUsize>,
}

impl Hasher {
    /// Files above `limit` bytes have no digest.
    pub(crate) fn new(limit: u64) -> Hasher {
        Hasher { limit, remembered: HashMap::new(), thread: None, running: Arc::default() }
    }

    /// The digest, or `None` when it cannot be told in time.
    pub(crate) fn of(&mut self, version: Version, file: &OwnedFd) -> Option<[u8; 32]> {
        if let Some(digest) = self.remembered.get(&version) {
            return Some(*digest);
        }
        let file = File::from(file.try_clone().ok()?);
        self.compute(version, Box::new(file), DEADLINE)
    }

    fn compute(&mut self, version: Version, from: Box<dyn Read + Send>, deadline: Duration) -> Option<[u8; 32]> {
        if self.thread.is_none() {
            self.thread = start(self.limit, &self.running);
        }
        let thread = self.thread.as_ref()?;
        let answer = thread.jobs.send((version, from)).ok().and_then(|()| thread.done.recv_timeout(deadline).ok());
        let Some((_, digest)) = answer.filter(|(of, _)| *of == version) else {
            // It hangs or has ended; with nobody to answer it ends by itself when it comes back.
            self.thread = None;
            return None;
        };
        if self.remembered.len() >= REMEMBERED {
            self.remembered.clear();
        }
        self.remembered.extend(digest.map(|digest| (version, digest)));
        digest
    }
}

/// A thread that reads, or `None` when too many hang or the system gives no more.
fn start(limit: u64, running: &Arc<AtomicUsize>) -> Option<Thread> {
    if running.load(Ordering::SeqCst) >= THREADS {
        return None;
    }
    let (jobs, inbox) = sync_channel::<(Version, Box<dyn Read + Send>)>(1);
    let (outbox, done) = sync_channel(1);
    let counted = Counted::one_more(running);
    let work = move || {
        let _counted = counted;
        while let Ok((version, mut from)) = inbox.recv() {
            if outbox.send((version, digest::of(&mut from, limit).ok())).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("deny-hash".to_string()).spawn(work).ok()?;
    Some(Thread { jobs, done })
}

/// One of the running threads; counts itself out also when it panics or was never begun.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn one_more(running: &Arc<AtomicUsize>) -> Counted {
        running.fetch_add(1, Ordering::SeqCst);
        Counted(Arc::clone(running))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: Version = (1, 2, 3, 4, 5, 6, 7);
    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_file_that_hangs_is_given_up_and_others_are_still_read() {
        let mut hasher = Hasher::new(100);
        let mut held = Vec::new();
        for _ in 0..THREADS {
            let (reader, writer) = std::io::pipe().unwrap();
            held.push(writer);
            assert_eq!(hasher.compute(VERSION, Box::new(reader), Duration::ZERO), None);
        }
        // All hang now: nothing more is begun.
        assert_eq!(hasher.compute(VERSION, Box::new(&b"x"[..]), LONG), None);
        drop(held);
        while hasher.running.load(Ordering::SeqCst) >= THREADS {
            std::thread::yield_now();
        }
        let found = hasher.compute(VERSION, Box::new(&b"x"[..]), LONG).unwrap();
        assert_eq!(hex::encode(found), digest::hex_of(b"x"));
        assert_eq!(hasher.compute((9, 2, 3, 4, 5, 6, 7), Box::new(&[0; 101][..]), LONG), None, "above the limit");
    }
}
