//! Reader of a BPF ring buffer whose receiver is given anew with every poll.

use crate::fault::RING;
use base::{Fault, Result};
use libbpf_sys as sys;
use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::time::Duration;

/// Receives the bytes of one record.
type Receiver<'a> = &'a mut dyn FnMut(&[u8]);

/// Where the C side finds the receiver of the running poll.
struct Door {
    receiver: Option<NonNull<Receiver<'static>>>,
}

/// A ring being read. Records arrive in the order in which the kernel reserved them.
pub struct Ring {
    buffer: NonNull<sys::ring_buffer>,
    door: Box<Door>,
}

// SAFETY: libbpf's ring buffer is plain memory and file descriptors without thread affinity; `&mut self` on every call
// keeps it to one thread at a time.
unsafe impl Send for Ring {}

/// Called by libbpf for each record.
///
/// # Safety
/// `context` must be the `Door` given to `ring_buffer__new`, `data` must hold `size` bytes.
unsafe extern "C" fn receive(context: *mut c_void, data: *mut c_void, size: sys::size_t) -> c_int {
    // SAFETY: the context is the boxed Door, alive as long as the ring.
    let door = unsafe { &*context.cast::<Door>() };
    if let Some(mut receiver) = door.receiver {
        // SAFETY: libbpf gives a record of `size` bytes that stays valid during this call; the receiver was borrowed
        // mutably for the whole of `Ring::read`, which is the only way to get here.
        let (bytes, receiver) =
            unsafe { (std::slice::from_raw_parts(data.cast::<u8>(), size as usize), receiver.as_mut()) };
        receiver(bytes);
    }
    0
}

impl Ring {
    /// Opens the ring of this map.
    ///
    /// # Errors
    /// [`RING`] when the map is none or memory is short.
    pub fn open(map: BorrowedFd<'_>) -> Result<Ring> {
        let mut door = Box::new(Door { receiver: None });
        let context = (&raw mut *door).cast();
        // SAFETY: the descriptor is open, the callback matches the type, and the context lives in a box that the Ring
        // owns and frees only after the ring buffer.
        let buffer = unsafe { sys::ring_buffer__new(map.as_raw_fd(), Some(receive), context, std::ptr::null()) };
        let buffer = NonNull::new(buffer).ok_or_else(|| Fault::new(&RING).because(std::io::Error::last_os_error()))?;
        Ok(Ring { buffer, door })
    }

    /// Waits until the programs wake us or the time is over, then hands out what is there, at most about `most` records
    /// (all when 0). Returns how many.
    ///
    /// The receiver must not panic: a panic would cross C frames and ends the process.
    ///
    /// # Errors
    /// [`RING`] when the ring is broken.
    pub fn poll(&mut self, wait: Duration, most: usize, receiver: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let taken = self.read(most, receiver)?;
        if taken > 0 || wait.is_zero() {
            return Ok(taken);
        }
        self.wait(wait)?;
        self.read(most, receiver)
    }

    fn wait(&self, wait: Duration) -> Result<()> {
        // SAFETY: the buffer is open; the call only reads the descriptor out of it.
        let descriptor = unsafe { sys::ring_buffer__epoll_fd(self.buffer.as_ptr()) };
        let mut ready = libc::epoll_event { events: 0, u64: 0 };
        let wait = c_int::try_from(wait.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: `ready` is room for the one event asked for.
        if unsafe { libc::epoll_wait(descriptor, &raw mut ready, 1, wait) } < 0 {
            let error = std::io::Error::last_os_error();
            if error.kind() != std::io::ErrorKind::Interrupted {
                return Err(Fault::new(&RING).because(error));
            }
        }
        Ok(())
    }

    fn read(&mut self, most: usize, mut receiver: Receiver<'_>) -> Result<usize> {
        let borrowed: NonNull<Receiver<'_>> = NonNull::from(&mut receiver);
        self.door.receiver = Some(borrowed.cast());
        let most = if most == 0 { c_int::MAX as usize } else { most };
        // SAFETY: the buffer is open and the door's receiver outlives this call.
        let taken = unsafe { sys::ring_buffer__consume_n(self.buffer.as_ptr(), most as sys::size_t) };
        self.door.receiver = None;
        usize::try_from(taken).map_err(|_| Fault::new(&RING).because(std::io::Error::from_raw_os_error(-taken)))
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: made by ring_buffer__new and freed once.
        unsafe { sys::ring_buffer__free(self.buffer.as_ptr()) };
    }
}
