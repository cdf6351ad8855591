//! Programs that run and whose file was removed, or that came from memory.

use super::{Check, Finding, is_temporary, numbers};
use base::Result;
use std::collections::BTreeSet;

/// See the module.
pub const CHECK: Check = Check { name: "unlinked-programs", look };

const MARK: &str = " (deleted)";
/// Container runtimes copy themselves into memory against being overwritten by a container (CVE-2019-5736).
const RUNTIMES: &[&str] = &["/memfd:runc_cloned:", "/memfd:crun_cloned:", "/memfd:youki"];

fn look() -> Result<Vec<Finding>> {
    let mut found: Vec<Finding> = numbers("/proc").filter_map(unlinked).collect();
    // Of several processes that run one file the first says enough.
    let mut seen = BTreeSet::new();
    found.retain(|one| seen.insert(one.key.clone()));
    Ok(found)
}

fn unlinked(pid: u32) -> Option<Finding> {
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?.display().to_string();
    let path = exe.strip_suffix(MARK)?.to_owned();
    if RUNTIMES.iter().any(|runtime| path.starts_with(runtime)) {
        return None;
    }
    // An upgrade replaces programs that go on running: there is a file again.
    let replaced = std::path::Path::new(&path).exists();
    let (name, score) = match (path.starts_with("/memfd:"), is_temporary(&path), replaced) {
        (true, ..) => ("program-from-memory", 80),
        (_, true, _) => ("unlinked-program-in-temporary-folder", 75),
        (.., true) => return None,
        _ => ("unlinked-program", 40),
    };
    Some(Finding { key: path.clone(), name, score, pid, path, details: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_program_whose_file_is_gone_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("sleep");
        let sleep = ["/usr/bin/sleep", "/bin/sleep"]
            .iter()
            .find(|path| std::fs::copy(path, folder.path().join("sleep")).is_ok());
        assert!(sleep.is_some());
        let mut child = Command::new(&path).arg("60").spawn().unwrap();
        let pid = child.id();
        while std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe != path) {
            std::thread::yield_now();
        }
        assert_eq!(unlinked(pid), None);
        std::fs::remove_file(&path).unwrap();
        let found = unlinked(pid);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.map(|finding| (finding.pid, finding.path)), Some((pid, path.display().to_string())));
    }
}
