//! A place of its own: the drill's directory where a directory of the system stands, seen by the drill alone.

use std::ffi::CStr;
use std::io::{Error, Result};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Mounts `./etc` over `/etc` in a mount namespace of its own, then becomes `bash -c "$STEP"`. What the step writes to
/// `/etc` goes into the drill's directory; the host's `/etc` is out of its reach, and the mount ends with the step.
pub fn etc() -> Result<()> {
    let step = std::env::var("STEP").map_err(|_| Error::other("STEP says what to run"))?;
    // SAFETY: unshare takes flags only and changes this process alone.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } < 0 {
        return Err(Error::last_os_error());
    }
    // Private first: a shared mount would carry ours to the host.
    mount(None, c"/", libc::MS_REC | libc::MS_PRIVATE)?;
    mount(Some(c"etc"), c"/etc", libc::MS_BIND)?;
    Err(Command::new("bash").arg("-c").arg(step).exec())
}

fn mount(source: Option<&CStr>, target: &CStr, flags: libc::c_ulong) -> Result<()> {
    let (none, source) = (std::ptr::null(), source.map_or(std::ptr::null(), CStr::as_ptr));
    // SAFETY: source and target are NUL-terminated and live across the call, or null where mount(2) takes null.
    let done = unsafe { libc::mount(source, target.as_ptr(), none, flags, none.cast()) };
    if done == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}
