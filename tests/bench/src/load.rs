//! The loads: a bounded number of execs or opens, run in a process of its own so that its CPU time is known exactly.

use std::path::Path;
use std::time::{Duration, Instant};

/// Opens between two looks at the clock of a paced load.
const BURST: u32 = 200;

/// Starts `/bin/true` so many times, by `fork` and `execve` as a shell does (`posix_spawn` would add a system call for
/// each signal, which is a cost of that call and not of an exec).
pub fn exec(count: u32) -> Result<(), String> {
    let program = c"/bin/true";
    let arguments = [program.as_ptr(), std::ptr::null()];
    let environment = [std::ptr::null()];
    for _ in 0..count {
        // SAFETY: this process has one thread, so the child may do anything; it only calls execve with texts and lists
        // that live for the whole program and end with null, and leaves when that fails.
        let child = unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr());
                libc::_exit(127);
            }
            child
        };
        let mut status = 0;
        // SAFETY: `status` is room for the answer.
        if child < 0 || unsafe { libc::waitpid(child, &mut status, 0) } != child || status != 0 {
            return Err("the program of the load failed".into());
        }
    }
    Ok(())
}

/// Opens one file for writing so many times; at most `rate` a second when that is not 0.
pub fn open(count: u32, folder: &Path, rate: u32) -> Result<(), String> {
    let path = folder.join("file");
    let begun = Instant::now();
    for number in 1..=count {
        std::fs::OpenOptions::new().create(true).append(true).open(&path).map_err(|cause| cause.to_string())?;
        if rate > 0 && number % BURST == 0 {
            let due = Duration::from_secs_f64(f64::from(number) / f64::from(rate));
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
    }
    Ok(())
}
