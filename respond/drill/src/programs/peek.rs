//! One process reaching into another: always its own child.

use std::io::{Error, Result};
use std::process::{Child, Command};

fn child() -> Result<Child> {
    Command::new("sleep").arg("10").spawn()
}

/// Attaches to its own child and lets it go again (`ptrace(2)`).
pub fn ptrace_child() -> Result<()> {
    let mut child = child()?;
    let pid = child.id() as libc::pid_t;
    let null = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: PTRACE_ATTACH takes no pointers; the process is our own child and alive until we wait for it.
    let attached = unsafe { libc::ptrace(libc::PTRACE_ATTACH, pid, null, null) };
    let result = if attached == 0 { Ok(()) } else { Err(Error::last_os_error()) };
    if attached == 0 {
        let mut status = 0;
        // SAFETY: status is a valid place for the duration of the call; detaching takes no pointers.
        unsafe {
            libc::waitpid(pid, &mut status, 0);
            libc::ptrace(libc::PTRACE_DETACH, pid, null, null);
        }
    }
    let _ = child.kill();
    child.wait()?;
    result
}

/// Tries to write one byte into its own child (`process_vm_writev(2)`) at an address that is not mapped: the attempt is seen, nothing changes.
pub fn write_child() -> Result<()> {
    let mut child = child()?;
    let mut byte = [0u8];
    let local = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: 8 as *mut libc::c_void, iov_len: 1 };
    // SAFETY: `local` points at one byte that we own; the remote address is only used by the kernel, which checks it.
    unsafe { libc::process_vm_writev(child.id() as libc::pid_t, &local, 1, &remote, 1, 0) };
    let _ = child.kill();
    child.wait().map(|_| ())
}
