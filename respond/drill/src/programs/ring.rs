//! io_uring: work that passes by the system calls most sensors watch.

use std::io::{Error, Result};

/// `IORING_OP_OPENAT` (include/uapi/linux/io_uring.h).
const OP_OPENAT: u8 = 18;
const OFFSET_SUBMISSION_RING: libc::off_t = 0;
const OFFSET_ENTRIES: libc::off_t = 0x1000_0000;
const ENTER_GETEVENTS: libc::c_uint = 1;

/// `struct io_uring_params`: 40 bytes of settings, then the two offset tables of 40 bytes each.
#[repr(C)]
#[derive(Default)]
struct Parameters {
    entries: u32,
    completions: u32,
    flags: u32,
    other: [u32; 7],
    submission: [u32; 10],
    completion: [u32; 10],
}

/// `struct io_uring_sqe`, the fields an open needs.
#[repr(C)]
struct Entry {
    opcode: u8,
    flags: u8,
    priority: u16,
    descriptor: i32,
    offset: u64,
    address: u64,
    length: u32,
    open_flags: u32,
    user_data: u64,
    rest: [u64; 3],
}

/// Opens the shadow file through a ring. The drill has put a file of its own there first (`private-etc`).
pub fn open() -> Result<()> {
    let path = c"/etc/shadow";
    let mut parameters = Parameters::default();
    // SAFETY: the kernel fills `parameters`, which is valid and of its layout.
    let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, 4, &mut parameters) } as i32;
    if ring < 0 {
        return Err(Error::last_os_error());
    }
    let done = submit(ring, &parameters, path);
    // SAFETY: the descriptor is ours.
    unsafe { libc::close(ring) };
    done
}

fn submit(ring: i32, parameters: &Parameters, path: &std::ffi::CStr) -> Result<()> {
    // Offsets in `submission`: head, tail, mask, entries, flags, dropped, array.
    let [_, tail, mask, _, _, _, array, ..] = parameters.submission;
    let size = array as usize + parameters.entries as usize * size_of::<u32>();
    let map = |length: usize, offset: libc::off_t| {
        let (read_write, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_POPULATE);
        // SAFETY: a fresh mapping of the ring's own memory; the kernel checks length and offset.
        let place = unsafe { libc::mmap(std::ptr::null_mut(), length, read_write, shared, ring, offset) };
        if place == libc::MAP_FAILED { Err(Error::last_os_error()) } else { Ok(place.cast::<u8>()) }
    };
    let submissions = map(size, OFFSET_SUBMISSION_RING)?;
    let entries = map(parameters.entries as usize * size_of::<Entry>(), OFFSET_ENTRIES)?.cast::<Entry>();
    let entry = Entry {
        opcode: OP_OPENAT,
        flags: 0,
        priority: 0,
        descriptor: libc::AT_FDCWD,
        offset: 0,
        address: path.as_ptr() as u64,
        length: 0,
        open_flags: libc::O_RDONLY as u32,
        user_data: 1,
        rest: [0; 3],
    };
    // SAFETY: offsets come from the kernel and lie inside the mappings just made; nobody else uses this ring.
    unsafe {
        let tail = submissions.add(tail as usize).cast::<u32>();
        let mask = submissions.add(mask as usize).cast::<u32>().read();
        let index = tail.read() & mask;
        entries.add(index as usize).write(entry);
        submissions.add(array as usize).cast::<u32>().add(index as usize).write(index);
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        tail.write_volatile(tail.read().wrapping_add(1));
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        let null = std::ptr::null::<libc::c_void>();
        if libc::syscall(libc::SYS_io_uring_enter, ring, 1, 1, ENTER_GETEVENTS, null, 0) < 0 {
            return Err(Error::last_os_error());
        }
    }
    Ok(())
}
