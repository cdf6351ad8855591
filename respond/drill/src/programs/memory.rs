//! A program without a file.

use rustix::fs::MemfdFlags;
use std::ffi::CString;
use std::io::{Error, Result, Write};
use std::os::fd::AsRawFd;

/// Copies `/bin/sleep` into anonymous memory and runs it from there for a few seconds (`memfd_create(2)`, `fexecve(3)`).
pub fn memfd_exec() -> Result<()> {
    let memory = rustix::fs::memfd_create("drill", MemfdFlags::empty())?;
    let mut memory = std::fs::File::from(memory);
    memory.write_all(&std::fs::read("/bin/sleep")?)?;
    let path = CString::new(format!("/proc/self/fd/{}", memory.as_raw_fd()))?;
    let arguments = [c"drill-memory".as_ptr(), c"5".as_ptr(), std::ptr::null()];
    // SAFETY: path and arguments are NUL-terminated and live across the call; on success it does not return.
    unsafe { libc::execv(path.as_ptr(), arguments.as_ptr()) };
    Err(Error::last_os_error())
}
