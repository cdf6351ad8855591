//! Programs of BPF in the kernel that are not ours: those that see system calls, packets or the work of the kernel can
//! hide and steal. Who holds each is told.

use super::{Check, Finding, numbers, unseen};
use base::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;

/// See the module.
pub const CHECK: Check = Check { name: "bpf-programs", look };

/// Kinds that watch or change what others do; the rest serves sockets and devices of control groups.
const KINDS: &[&str] = &[
    "Kprobe",
    "Tracepoint",
    "RawTracepoint",
    "RawTracepointWritable",
    "Tracing",
    "Lsm",
    "PerfEvent",
    "Xdp",
    "SchedCls",
    "SchedAct",
    "Ext",
    "StructOps",
    "Syscall",
];
/// Who loads such programs by its work, at its usual place.
const USUAL: &[&str] = &["/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/usr/lib/systemd/systemd-networkd"];

fn look() -> Result<Vec<Finding>> {
    let programs = kernel::programs().map_err(|fault| unseen("bpf(2)", fault.inside()))?;
    let (holders, ours) = holders();
    let foreign = programs.into_iter().filter(|one| KINDS.contains(&one.kind.as_str()) && !ours.contains(&one.id));
    let finding = |one: kernel::Program| {
        let holder = holders.get(&one.id);
        let (pid, exe) = holder.map_or((0, String::new()), |(pid, exe)| (*pid, exe.clone()));
        let usual = USUAL.contains(&exe.as_str());
        (!usual).then(|| Finding {
            key: format!("{} {}", one.id, one.tag),
            name: if pid == 0 { "bpf-program-without-owner" } else { "bpf-program" },
            score: if pid == 0 { 65 } else { 45 },
            pid,
            path: exe,
            details: vec![("program", one.name), ("kind", one.kind), ("tag", one.tag), ("id", one.id.to_string())],
        })
    };
    Ok(foreign.filter_map(finding).collect())
}

/// Who holds a descriptor of each program, and the programs that we or another process of our own file hold.
fn holders() -> (BTreeMap<u32, (u32, String)>, BTreeSet<u32>) {
    let file = |pid: &str| std::fs::metadata(format!("/proc/{pid}/exe")).ok().map(|found| (found.dev(), found.ino()));
    let own = file("self");
    let (mut holders, mut ours) = (BTreeMap::new(), BTreeSet::new());
    for pid in numbers("/proc") {
        let held: Vec<u32> = numbers(format!("/proc/{pid}/fdinfo")).filter_map(|fd| program_of(pid, fd)).collect();
        if held.is_empty() {
            continue;
        }
        if own.is_some() && file(&pid.to_string()) == own {
            ours.extend(held);
            continue;
        }
        let exe =
            std::fs::read_link(format!("/proc/{pid}/exe")).map_or(String::new(), |path| path.display().to_string());
        for id in held {
            holders.entry(id).or_insert((pid, exe.clone()));
        }
    }
    (holders, ours)
}

/// The program that a descriptor is, or that its link holds (`bpf_prog_show_fdinfo`, `bpf_link_show_fdinfo`).
fn program_of(pid: u32, fd: u32) -> Option<u32> {
    // A link's name is cheaper to read than what the kernel says of the descriptor.
    let target = std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
    if !target.to_str().is_some_and(|name| name.contains("bpf")) {
        return None;
    }
    id_in(&std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?)
}

fn id_in(text: &str) -> Option<u32> {
    text.lines().find_map(|line| line.strip_prefix("prog_id:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_names_the_program_of_a_descriptor() {
        assert_eq!(id_in("pos:\t0\nflags:\t02000002\nprog_type:\t5\nprog_id:\t17\n"), Some(17));
        assert_eq!(id_in("pos:\t0\n"), None);
    }
}
