//! A place of its own: the drill's directory where a directory of the system stands, seen by the drill alone.

use std::ffi::{CStr, CString};
use std::io::{Error, Result};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// [`place`] for `/etc`.
pub fn etc() -> Result<()> {
    over("etc")
}

/// The same for the directory below the root that `$PLACE` names: `/var`, `/dev`.
pub fn place() -> Result<()> {
    let place = std::env::var("PLACE").unwrap_or_default();
    let name = place.strip_prefix('/').filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase()));
    over(name.ok_or_else(|| Error::other("PLACE names one directory below the root"))?)
}

/// Mounts `./NAME` over `/NAME` in a mount namespace of its own, then becomes `bash -c "$STEP"`. What the step writes to
/// `/NAME` goes into the drill's directory; the host's is out of its reach, and the mount ends with the step.
fn over(name: &str) -> Result<()> {
    let step = std::env::var("STEP").map_err(|_| Error::other("STEP says what to run"))?;
    let (own, hidden) = (CString::new(name)?, CString::new(format!("/{name}"))?);
    // SAFETY: unshare takes flags only and changes this process alone.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } < 0 {
        return Err(Error::last_os_error());
    }
    // Private first: a shared mount would carry ours to the host.
    mount(None, c"/", libc::MS_REC | libc::MS_PRIVATE)?;
    mount(Some(&own), &hidden, libc::MS_BIND)?;
    Err(Command::new("bash").arg("-c").arg(step).exec())
}

fn mount(source: Option<&CStr>, target: &CStr, flags: libc::c_ulong) -> Result<()> {
    let (none, source) = (std::ptr::null(), source.map_or(std::ptr::null(), CStr::as_ptr));
    // SAFETY: source and target are NUL-terminated and live across the call, or null where mount(2) takes null.
    let done = unsafe { libc::mount(source, target.as_ptr(), none, flags, none.cast()) };
    if done == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}
