//! Changes of rights and requests to the kernel, in this process only.

use std::io::{Error, Result, Write};
use std::os::fd::AsRawFd;

/// Makes a user and a mount namespace (`unshare(2)`); they end with this process.
pub fn user_namespace() -> Result<()> {
    // SAFETY: unshare takes flags only and changes this process alone.
    let done = unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) };
    if done == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// Becomes `nobody` for good (`setresuid(2)`).
pub fn drop_user() -> Result<()> {
    // SAFETY: setresuid takes numbers only and changes this process alone.
    let done = unsafe { libc::setresuid(65534, 65534, 65534) };
    if done == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// Asks the kernel to load a file that is no module: refused with `ENOEXEC` or `EPERM`, nothing is loaded (`finit_module(2)`).
pub fn load_module() -> Result<()> {
    let mut file = std::fs::File::create("drill_module.ko")?;
    file.write_all(b"this is no kernel module")?;
    let file = std::fs::File::open("drill_module.ko")?;
    // SAFETY: the descriptor is open and the parameter string is NUL-terminated.
    unsafe { libc::syscall(libc::SYS_finit_module, file.as_raw_fd(), c"".as_ptr(), 0) };
    Ok(())
}

/// `union bpf_attr` of `BPF_PROG_LOAD`, its first fields (include/uapi/linux/bpf.h).
#[repr(C)]
struct ProgramLoad {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buffer: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
}

/// Loads a socket filter that does nothing and is gone when this process ends (`bpf(2)`).
pub fn load_bpf() -> Result<()> {
    // r0 = 0; exit
    let instructions: [u64; 2] = [0x0000_0000_0000_00b7, 0x0000_0000_0000_0095];
    let mut name = [0; 16];
    name[..5].copy_from_slice(b"drill");
    let load = ProgramLoad {
        program_type: 1,
        instruction_count: 2,
        instructions: instructions.as_ptr() as u64,
        license: c"GPL".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log_buffer: 0,
        kernel_version: 0,
        flags: 0,
        name,
    };
    // SAFETY: the structure matches the kernel's for its given size, and all pointers live across the call.
    let descriptor = unsafe { libc::syscall(libc::SYS_bpf, 5, &load, size_of::<ProgramLoad>()) };
    if descriptor < 0 {
        return Err(Error::last_os_error());
    }
    // SAFETY: the descriptor was just given to us by the kernel.
    unsafe { libc::close(descriptor as i32) };
    Ok(())
}
