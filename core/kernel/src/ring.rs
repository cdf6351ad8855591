//! Reader of a BPF ring buffer whose receiver is given anew with every poll.

use crate::bell::Bell;
use crate::fault::{RECEIVER, RING};
use base::{Fault, Result};
use libbpf_sys as sys;
use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::time::{Duration, Instant};

/// Shortest time between two looks at the ring: under load the reader naps so long instead of being woken by every
/// urgent record, which would cost an interrupt and a switch each.
const PACE: Duration = Duration::from_millis(5);

/// Receives the bytes of one record.
type Receiver<'a> = &'a mut dyn FnMut(&[u8]);

/// Where the C side finds the receiver of the running poll.
struct Door {
    receiver: Option<NonNull<Receiver<'static>>>,
    panicked: bool,
}

/// A ring being read. Records arrive in the order in which the kernel reserved them.
pub struct Ring {
    buffer: NonNull<sys::ring_buffer>,
    door: Box<Door>,
    bell: Option<Bell>,
    looked: Option<Instant>,
    more: bool,
}

// SAFETY: libbpf's ring buffer is plain memory and file descriptors without thread affinity; `&mut self` on every call
// keeps it to one thread at a time.
unsafe impl Send for Ring {}

/// Called by libbpf for each record.
///
/// # Safety
/// `context` must be the `Door` given to `ring_buffer__new`, `data` must hold `size` bytes.
unsafe extern "C" fn receive(context: *mut c_void, data: *mut c_void, size: sys::size_t) -> c_int {
    // SAFETY: the context is the boxed Door, alive as long as the ring, and nobody else looks at it during the call.
    let door = unsafe { &mut *context.cast::<Door>() };
    let Some(mut receiver) = door.receiver else { return 0 };
    // SAFETY: libbpf gives a record of `size` bytes that stays valid during this call; the receiver was borrowed
    // mutably for the whole of `Ring::read`, which is the only way to get here.
    let (bytes, receiver) =
        unsafe { (std::slice::from_raw_parts(data.cast::<u8>(), size as usize), receiver.as_mut()) };
    // A panic must not cross the C frames above.
    if catch_unwind(AssertUnwindSafe(|| receiver(bytes))).is_err() {
        door.panicked = true;
        return -libc::ECANCELED;
    }
    0
}

impl Ring {
    /// Opens the ring of this map. `bell` is the map through which reader and programs agree on waking up; without one
    /// the programs decide alone.
    ///
    /// # Errors
    /// [`RING`] when the map is none or memory is short.
    pub fn open(map: BorrowedFd<'_>, bell: Option<BorrowedFd<'_>>) -> Result<Ring> {
        let mut door = Box::new(Door { receiver: None, panicked: false });
        let context = (&raw mut *door).cast();
        // SAFETY: the descriptor is open, the callback matches the type, and the context lives in a box that the Ring
        // owns and frees only after the ring buffer.
        let buffer = unsafe { sys::ring_buffer__new(map.as_raw_fd(), Some(receive), context, std::ptr::null()) };
        let buffer = NonNull::new(buffer).ok_or_else(|| Fault::new(&RING).because(std::io::Error::last_os_error()))?;
        let bell = bell.map(Bell::open).transpose()?;
        Ok(Ring { buffer, door, bell, looked: None, more: false })
    }

    /// Waits until an urgent record or many are there or the time is over, then hands out what is there, at most about
    /// `most` records (all when 0). Returns how many. Does not wait when the last poll left records behind.
    ///
    /// # Errors
    /// [`RING`] when the ring is broken, [`RECEIVER`] when the receiver panicked; the record it had is then gone.
    pub fn poll(&mut self, wait: Duration, most: usize, receiver: &mut dyn FnMut(&[u8])) -> Result<usize> {
        if !wait.is_zero() && !self.more {
            self.wait(wait)?;
        }
        let taken = self.read(most, receiver)?;
        self.more = most != 0 && taken >= most;
        self.looked = Some(Instant::now());
        Ok(taken)
    }

    fn wait(&self, wait: Duration) -> Result<()> {
        let nap = self.looked.map_or(Duration::ZERO, |looked| PACE.saturating_sub(looked.elapsed())).min(wait);
        if !nap.is_zero() {
            // Not a sleep: whoever wants this thread to end may unpark it.
            std::thread::park_timeout(nap);
        }
        let listening = self.bell.as_ref().map(Bell::listen);
        if listening.as_ref().is_some_and(|listening| listening.is_urgent()) {
            return Ok(());
        }
        self.sleep(wait - nap)
    }

    /// Until a program wakes us.
    fn sleep(&self, wait: Duration) -> Result<()> {
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
        if std::mem::take(&mut self.door.panicked) {
            return Err(Fault::new(&RECEIVER).object("event ring"));
        }
        usize::try_from(taken).map_err(|_| Fault::new(&RING).because(std::io::Error::from_raw_os_error(-taken)))
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: made by ring_buffer__new and freed once.
        unsafe { sys::ring_buffer__free(self.buffer.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_receiver_stays_on_this_side() {
        let mut door = Door { receiver: None, panicked: false };
        let mut fail = |_: &[u8]| panic!("the receiver's own mistake");
        let mut receiver: Receiver<'_> = &mut fail;
        let borrowed: NonNull<Receiver<'_>> = NonNull::from(&mut receiver);
        door.receiver = Some(borrowed.cast());
        let mut record = [0u8; 8];
        // SAFETY: the door and the record live in this frame, and the record holds eight bytes.
        let answer = unsafe { receive((&raw mut door).cast(), record.as_mut_ptr().cast(), 8) };
        assert!(answer < 0 && door.panicked);
    }
}
