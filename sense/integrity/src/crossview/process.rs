//! Hidden processes: those that `/proc` lists, those that answer to a signal that is none, and those that control groups
//! hold.

use super::{Check, Finding, numbers, read};
use crate::limits::PIDS;
use base::Result;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// See the module.
pub const CHECK: Check = Check { name: "processes", look };

const CGROUPS: &str = "/sys/fs/cgroup";
/// Most folders of control groups that are read.
const FOLDERS: usize = 4096;

fn look() -> Result<Vec<Finding>> {
    let most: u32 = read("/proc/sys/kernel/pid_max")?.trim().parse().unwrap_or(32768);
    // Held first and listed last: what ends in between is then missing in the first, not hidden in the second.
    let held = held();
    let answering: Vec<u32> = (1..=most.min(PIDS)).filter(|pid| answers(*pid)).collect();
    let listed: BTreeSet<u32> = numbers("/proc").collect();
    let unlisted = answering.iter().chain(&held).filter(|pid| !listed.contains(pid));
    let unlisted: BTreeSet<u32> = unlisted.copied().filter(|pid| !is_thread(*pid, &listed)).collect();
    let hidden =
        unlisted.into_iter().map(|pid| finding(pid, answering.binary_search(&pid).is_ok(), held.contains(&pid)));
    Ok(hidden.chain(covered(&read("/proc/self/mountinfo")?)).collect())
}

fn answers(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM)))
}

/// Whether an id is that of a thread of a listed process; threads answer too and are not in the list.
fn is_thread(id: u32, listed: &BTreeSet<u32>) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let leader = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse::<u32>().ok());
    match leader {
        Some(leader) => leader != id && listed.contains(&leader),
        // No status: it ended, or even that is hidden. Then the thread groups say it.
        None => listed.iter().any(|pid| PathBuf::from(format!("/proc/{pid}/task/{id}")).exists()),
    }
}

fn finding(pid: u32, answers: bool, held: bool) -> Finding {
    let text = |path: &str| std::fs::read_to_string(format!("/proc/{pid}/{path}")).unwrap_or_default();
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).map_or(String::new(), |path| path.display().to_string());
    let seen =
        [("kill", answers), ("cgroup", held)].iter().filter(|(_, yes)| *yes).map(|(word, _)| *word).collect::<Vec<_>>();
    Finding {
        key: pid.to_string(),
        name: "hidden-process",
        score: 95,
        pid,
        path: exe,
        details: vec![("seen_by", seen.join(",")), ("not_in", "/proc".into()), ("comm", text("comm").trim().into())],
    }
}

/// Processes that control groups hold, threads' ids left out by asking for groups of processes.
fn held() -> BTreeSet<u32> {
    let (mut open, mut seen, mut held) = (vec![PathBuf::from(CGROUPS)], 0, BTreeSet::new());
    while let Some(folder) = open.pop().filter(|_| seen < FOLDERS) {
        seen += 1;
        let text = std::fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        // 0 is a process of another namespace.
        held.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()).filter(|pid| *pid > 0));
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        open.extend(
            entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()),
        );
    }
    held
}

/// Mounts over a process's folder: the oldest trick, and one that needs no kernel code.
fn covered(mounts: &str) -> Vec<Finding> {
    let over = |line: &str| {
        let point = line.split(' ').nth(4)?;
        let pid: u32 = point.strip_prefix("/proc/")?.split('/').next()?.parse().ok()?;
        let details = vec![("mount", point.to_owned())];
        Some(Finding { key: point.into(), name: "process-behind-mount", score: 95, pid, path: String::new(), details })
    };
    mounts.lines().filter_map(over).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_answer_are_listed_and_our_threads_are_no_hidden_processes() {
        let own = std::process::id();
        assert!(answers(own));
        let listed: BTreeSet<u32> = numbers("/proc").collect();
        assert!(listed.contains(&own));
        std::thread::spawn(move || {
            let id = rustix::thread::gettid().as_raw_nonzero().get() as u32;
            assert!(id != own && is_thread(id, &listed));
            assert!(!is_thread(id, &BTreeSet::new()), "a thread of a process that is not listed");
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_mount_over_a_process_is_found() {
        let mounts = "36 25 0:32 / /proc/4711 rw - tmpfs x rw\n25 1 0:5 / /proc rw - proc proc rw\n26 1 0:6 / /proc/sys ro - proc proc rw\n";
        let found = covered(mounts);
        assert_eq!((found.len(), found[0].pid, found[0].name), (1, 4711, "process-behind-mount"));
    }
}
