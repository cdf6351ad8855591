//! The few calls of the kernel that libbpf-rs does not offer.

use crate::Mode;
use crate::fault;
use base::{Fault, Result};
use libbpf_sys as sys;
use std::ffi::CString;
use std::io::{Error, ErrorKind};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// `XDP_FLAGS_SKB_MODE` and `XDP_FLAGS_DRV_MODE` (linux/if_link.h).
const SKB_MODE: u32 = 1 << 1;
const DRV_MODE: u32 = 1 << 2;
/// `XDP_ATTACHED_SKB` (linux/if_link.h).
const ATTACHED_SKB: u8 = 2;
/// `BPF_FS_MAGIC` (linux/magic.h).
const BPF_FS: u64 = 0xcafe_4a11;

/// Nanoseconds of `CLOCK_MONOTONIC`, the clock of the program.
pub(crate) fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Nanoseconds of one tick of the kernel, which is what its coarse clock moves by.
pub(crate) fn tick() -> u64 {
    let time = rustix::time::clock_getres(rustix::time::ClockId::MonotonicCoarse);
    u64::try_from(time.tv_nsec).unwrap_or(0).max(1)
}

/// A path for the kernel.
fn c_path(path: &Path) -> std::io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::from(ErrorKind::InvalidInput))
}

fn owned(descriptor: i32) -> std::io::Result<OwnedFd> {
    if descriptor < 0 {
        return Err(Error::last_os_error());
    }
    // SAFETY: a descriptor that the kernel has just given to us and nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Whether a folder is on a BPF file system.
pub(crate) fn is_bpffs(path: &Path) -> bool {
    // The type of this field differs between systems.
    rustix::fs::statfs(path).is_ok_and(|found| found.f_type as u64 == BPF_FS)
}

/// Attaches a program to an interface by a link, in this mode.
pub(crate) fn attach(program: BorrowedFd<'_>, interface: u32, mode: Mode) -> std::io::Result<OwnedFd> {
    // SAFETY: all zeros are valid options.
    let mut options: sys::bpf_link_create_opts = unsafe { std::mem::zeroed() };
    options.sz = size_of::<sys::bpf_link_create_opts>() as sys::size_t;
    options.flags = match mode {
        Mode::Auto => 0,
        Mode::Native => DRV_MODE,
        Mode::Generic => SKB_MODE,
    };
    let interface = i32::try_from(interface).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
    // SAFETY: the descriptor is open and the options live during the call.
    owned(unsafe { sys::bpf_link_create(program.as_raw_fd(), interface, sys::BPF_XDP, &raw const options) })
}

/// In which mode a program is attached to an interface; `None` when none is.
pub(crate) fn attached(interface: u32) -> Option<Mode> {
    // SAFETY: all zeros are valid options.
    let mut options: sys::bpf_xdp_query_opts = unsafe { std::mem::zeroed() };
    options.sz = size_of::<sys::bpf_xdp_query_opts>() as sys::size_t;
    let interface = i32::try_from(interface).ok()?;
    // SAFETY: the options live during the call, which writes into them.
    if unsafe { sys::bpf_xdp_query(interface, 0, &raw mut options) } != 0 || options.attach_mode == 0 {
        return None;
    }
    Some(if options.attach_mode == ATTACHED_SKB { Mode::Generic } else { Mode::Native })
}

/// Pins a program or link.
pub(crate) fn pin(object: BorrowedFd<'_>, path: &Path) -> std::io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: the descriptor is open and the path ends with a zero.
    if unsafe { sys::bpf_obj_pin(object.as_raw_fd(), path.as_ptr()) } != 0 {
        return Err(Error::last_os_error());
    }
    Ok(())
}

/// A second descriptor of an object that libbpf keeps open.
pub(crate) fn duplicate(descriptor: i32) -> std::io::Result<OwnedFd> {
    // SAFETY: the object that owns the descriptor is borrowed by the caller during this call.
    unsafe { BorrowedFd::borrow_raw(descriptor) }.try_clone_to_owned()
}

/// The values of the first `count` keys of a per-processor array, in one call; `size` bytes a value and processor.
pub(crate) fn first_values(map: BorrowedFd<'_>, count: u32, size: usize) -> std::io::Result<Vec<u8>> {
    let mut keys = vec![0_u32; count as usize];
    let mut values = vec![0_u8; count as usize * size];
    let (mut next, mut read) = (0_u32, count);
    // SAFETY: room for `count` keys of four bytes, as many values, and one position; null means from the beginning.
    let result = unsafe {
        sys::bpf_map_lookup_batch(
            map.as_raw_fd(),
            std::ptr::null_mut(),
            (&raw mut next).cast(),
            keys.as_mut_ptr().cast(),
            values.as_mut_ptr().cast(),
            &raw mut read,
            std::ptr::null(),
        )
    };
    let error = Error::last_os_error();
    // "Not found" says that the end was reached.
    if result != 0 && error.kind() != ErrorKind::NotFound {
        return Err(error);
    }
    values.truncate(read as usize * size);
    Ok(values)
}

/// What a run of a program on a frame came to.
pub(crate) struct Run {
    /// The number that it returned.
    pub(crate) verdict: u32,
    /// The frame afterwards.
    pub(crate) frame: Vec<u8>,
    /// Time of one run, the mean of all.
    pub(crate) time: Duration,
}

/// Room for a frame that grows.
const FRAME_ROOM: usize = 4096;

/// Runs a program on a frame so many times.
///
/// # Errors
/// [`fault::TRIAL`].
pub(crate) fn run(program: BorrowedFd<'_>, frame: &[u8], times: u32) -> Result<Run> {
    let mut after = vec![0_u8; FRAME_ROOM];
    // SAFETY: all zeros are valid options.
    let mut options: sys::bpf_test_run_opts = unsafe { std::mem::zeroed() };
    options.sz = size_of::<sys::bpf_test_run_opts>() as sys::size_t;
    options.data_in = frame.as_ptr().cast();
    options.data_size_in = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    options.data_out = after.as_mut_ptr().cast();
    options.data_size_out = FRAME_ROOM as u32;
    options.repeat = i32::try_from(times).unwrap_or(i32::MAX);
    // SAFETY: the descriptor is open; both buffers have the sizes said and live during the call.
    if unsafe { sys::bpf_prog_test_run_opts(program.as_raw_fd(), &raw mut options) } != 0 {
        let cause = Error::last_os_error();
        return Err(Fault::new(&fault::TRIAL).object("frame").found(format!("{} bytes", frame.len())).because(cause));
    }
    after.truncate(options.data_size_out as usize);
    Ok(Run { verdict: options.retval, frame: after, time: Duration::from_nanos(options.duration.into()) })
}
