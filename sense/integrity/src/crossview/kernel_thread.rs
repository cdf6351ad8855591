//! Programs that call themselves kernel threads: a name in brackets, and a file that they run.

use super::{Check, Finding, numbers};
use base::Result;

/// See the module.
pub const CHECK: Check = Check { name: "kernel-threads", look };

fn look() -> Result<Vec<Finding>> {
    Ok(numbers("/proc").filter_map(masked).collect())
}

fn masked(pid: u32) -> Option<Finding> {
    // A kernel thread runs no file.
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?.display().to_string();
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let first = command.split(|byte| *byte == 0).next().map(String::from_utf8_lossy)?;
    in_brackets(&first).then(|| Finding {
        key: pid.to_string(),
        name: "false-kernel-thread",
        score: 85,
        pid,
        path: exe,
        details: vec![("cmd_line", first.into_owned())],
    })
}

fn in_brackets(name: &str) -> bool {
    let name = name.trim();
    name.len() > 2 && name.starts_with('[') && name.ends_with(']')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    #[test]
    fn a_program_in_brackets_is_found_and_a_kernel_thread_is_not() {
        let mut child = Command::new("sleep").arg0("[kworker/9:9]").arg("60").spawn().unwrap();
        let pid = child.id();
        // Before it has become sleep it has our own name.
        while std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.starts_with(b"[")) {
            std::thread::yield_now();
        }
        let found = masked(pid);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.map(|finding| (finding.pid, finding.name)), Some((pid, "false-kernel-thread")));
        assert_eq!(masked(std::process::id()), None);
        assert!(!in_brackets("[") && !in_brackets("bash") && in_brackets("[kthreadd]"));
    }
}
