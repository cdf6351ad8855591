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

/// Reads one byte of its own child's stack and writes the same byte back (`process_vm_writev(2)`): seen, and nothing changes.
pub fn write_child() -> Result<()> {
    let mut child = child()?;
    let done = stack(child.id()).and_then(|address| write_back(child.id() as libc::pid_t, address));
    let _ = child.kill();
    child.wait()?;
    done
}

/// Where the child's stack begins (proc_pid_maps(5)).
fn stack(pid: u32) -> Result<usize> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let line = maps.lines().find(|line| line.ends_with("[stack]")).unwrap_or_default();
    let begin = line.split('-').next().unwrap_or_default();
    usize::from_str_radix(begin, 16).map_err(|_| Error::other("the child has no stack"))
}

fn write_back(pid: libc::pid_t, address: usize) -> Result<()> {
    let mut byte = [0u8];
    let local = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: 1 };
    // SAFETY: `local` points at one byte that we own; the remote address is only used by the kernel, which checks it.
    let read = unsafe { libc::process_vm_readv(pid, &local, 1, &remote, 1, 0) };
    if read != 1 {
        return Err(Error::last_os_error());
    }
    // SAFETY: as above.
    let written = unsafe { libc::process_vm_writev(pid, &local, 1, &remote, 1, 0) };
    if written == 1 { Ok(()) } else { Err(Error::last_os_error()) }
}
