//! The load: a bounded number of execs or opens, run in a process of its own so that its CPU time is known exactly.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Starts `/bin/true` so many times.
pub fn exec(count: u32) -> Result<(), String> {
    for _ in 0..count {
        let status = Command::new("/bin/true").status().map_err(|cause| cause.to_string())?;
        if !status.success() {
            return Err("the program of the load failed".into());
        }
    }
    Ok(())
}

/// Opens one file for writing so many times.
pub fn open(count: u32, folder: &Path) -> Result<(), String> {
    let path = folder.join("file");
    for _ in 0..count {
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(&path).map_err(|cause| cause.to_string())?;
        file.flush().map_err(|cause| cause.to_string())?;
    }
    Ok(())
}
