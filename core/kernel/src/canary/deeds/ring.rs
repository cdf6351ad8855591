//! One open through an io_uring, in bare system calls (see io_uring_setup(2) and io_uring_enter(2)).

use std::ffi::CStr;

const OFFSET_SUBMISSIONS: i64 = 0;
const OFFSET_ENTRIES: i64 = 0x1000_0000;
const OPERATION_OPENAT: u8 = 18;
const GET_EVENTS: u32 = 1;

/// `struct io_uring_params`; the offsets of the submission ring are the words from 10 on.
#[repr(C)]
struct Parameters {
    words: [u32; 30],
}

/// The front of `struct io_uring_sqe`, 64 bytes.
#[repr(C)]
struct Submission {
    opcode: u8,
    flags: u8,
    priority: u16,
    fd: i32,
    offset: u64,
    address: u64,
    length: u32,
    open_flags: u32,
    user_data: u64,
    rest: [u64; 3],
}

/// Opens a directory for reading through a ring of one entry, and leaves everything to the end of the process.
pub(super) fn open(path: &CStr) {
    let mut parameters = Parameters { words: [0; 30] };
    // SAFETY: the kernel fills the parameters; both maps are of the sizes it states and stay until the process ends.
    unsafe {
        let ring = libc::syscall(libc::SYS_io_uring_setup, 1, &raw mut parameters) as libc::c_int;
        if ring < 0 {
            return;
        }
        let words = &parameters.words;
        let (tail, array) = (words[11] as usize, words[16] as usize);
        let map = |bytes: usize, offset: i64| {
            libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, ring, offset)
        };
        let queue = map(array + 4, OFFSET_SUBMISSIONS);
        let entries = map(size_of::<Submission>(), OFFSET_ENTRIES);
        if queue == libc::MAP_FAILED || entries == libc::MAP_FAILED {
            return;
        }
        let submission = Submission {
            opcode: OPERATION_OPENAT,
            flags: 0,
            priority: 0,
            fd: libc::AT_FDCWD,
            offset: 0,
            address: path.as_ptr() as u64,
            length: 0,
            open_flags: (libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC) as u32,
            user_data: 7,
            rest: [0; 3],
        };
        entries.cast::<Submission>().write(submission);
        queue.byte_add(array).cast::<u32>().write(0);
        queue.byte_add(tail).cast::<std::sync::atomic::AtomicU32>().as_ref().map(publish);
        libc::syscall(libc::SYS_io_uring_enter, ring, 1, 1, GET_EVENTS, std::ptr::null::<u8>(), 0);
    }
}

fn publish(tail: &std::sync::atomic::AtomicU32) {
    tail.store(1, std::sync::atomic::Ordering::Release);
}
