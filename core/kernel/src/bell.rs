//! The word through which the reader of a ring and the programs that fill it agree on waking up.
//!
//! The reader says that it sleeps; the first program with a reason wakes it and takes the word back, so that a burst
//! of records costs one wake-up. A race of the two costs at most the reader's own wait.

use crate::fault::RING;
use base::{Fault, Result};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Memory maps come in pages; the kernel rounds the array up to one.
const BYTES: usize = 8;

/// Two words of a memory-mapped array: whether the reader waits, whether an urgent record came.
pub(crate) struct Bell {
    words: NonNull<[AtomicU32; 2]>,
}

// SAFETY: the words are atomics in memory that belongs to this value until it is dropped.
unsafe impl Send for Bell {}

impl Bell {
    /// Maps the array.
    pub(crate) fn open(map: BorrowedFd<'_>) -> Result<Bell> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice; the descriptor is open.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), BYTES, access, libc::MAP_SHARED, map.as_raw_fd(), 0) };
        if memory == libc::MAP_FAILED {
            return Err(Fault::new(&RING).object("bell").because(std::io::Error::last_os_error()));
        }
        NonNull::new(memory.cast()).map(|words| Bell { words }).ok_or_else(|| Fault::new(&RING).object("bell"))
    }

    /// Tells the programs that we are about to sleep, until the answer is dropped.
    pub(crate) fn listen(&self) -> Listening<'_> {
        // SAFETY: the mapping holds two words and lives as long as `self`.
        let [waiting, urgent] = unsafe { self.words.as_ref() };
        waiting.store(1, Ordering::SeqCst);
        Listening { waiting, urgent }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // SAFETY: mapped by `open` with this size and unmapped once.
        unsafe { libc::munmap(self.words.as_ptr().cast(), BYTES) };
    }
}

/// While it lives, the programs may wake us.
pub(crate) struct Listening<'a> {
    waiting: &'a AtomicU32,
    urgent: &'a AtomicU32,
}

impl Listening<'_> {
    /// Whether an urgent record came while we were not listening.
    pub(crate) fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::SeqCst) != 0
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.waiting.store(0, Ordering::SeqCst);
        self.urgent.store(0, Ordering::SeqCst);
    }
}
