//! Processes that too much hangs below to mean anything in common.
//!
//! A correlator sees alerts, not every process, so it cannot count the innocent children of an ancestor. The rule
//! is therefore about what the ancestor is:
//! - pid 0, 1 and 2 are hubs: the kernel, the first process, the parent of kernel threads;
//! - a service manager, session master, scheduler or container runtime ([`NAMES`]) is a hub when its executable lies
//!   in one of the system's own directories. The same name elsewhere is no hub: an attacker chooses names freely;
//! - nothing at or above the first hub joins alerts;
//! - a process that leads its session is no hub, but joins only within a window ([`leads`]): a daemon serves many,
//!   and a login shell lasts a day.

use record::Process;

/// Executables whose children have nothing in common, by file name.
pub const NAMES: &[&str] = &[
    "agetty",
    "anacron",
    "atd",
    "buildkitd",
    "conmon",
    "containerd",
    "containerd-shim",
    "containerd-shim-runc-v2",
    "crio",
    "cron",
    "crond",
    "crun",
    "docker-init",
    "dockerd",
    "dropbear",
    "dumb-init",
    "gdm3",
    "getty",
    "in.telnetd",
    "inetd",
    "init",
    "kubelet",
    "kthreadd",
    "lightdm",
    "login",
    "lxc-start",
    "lxd",
    "openrc-init",
    "podman",
    "runc",
    "runsvdir",
    "s6-svscan",
    "sddm",
    "sshd",
    "sshd-auth",
    "sshd-session",
    "supervisord",
    "systemd",
    "systemd-executor",
    "tini",
    "xinetd",
];

/// Of them those that let people in: each child is a session.
const DOORS: &[&str] = &["dropbear", "in.telnetd", "login", "sshd", "sshd-auth", "sshd-session"];
/// Of them those that start by the clock.
const CLOCKS: &[&str] = &["anacron", "atd", "cron", "crond"];

/// What a hub does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hub {
    /// Lets people in.
    Door,
    /// Starts by the clock.
    Clock,
    /// Anything else, or no hub at all.
    Other,
}

/// What a hub does, by the name of its executable.
pub(crate) fn kind(process: &Process) -> Hub {
    let name = process.exe.path.rsplit('/').next().unwrap_or_default();
    if DOORS.contains(&name) {
        Hub::Door
    } else if CLOCKS.contains(&name) {
        Hub::Clock
    } else {
        Hub::Other
    }
}

/// Directories that only the package manager and root write.
const SYSTEM: &[&str] = &["/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/opt/", "/snap/"];
/// Parts of them that anyone with an account on a careless host may write.
const NOT_SYSTEM: &[&str] = &["/usr/local/", "/usr/tmp/", "/opt/tmp/"];

/// Whether nothing below it belongs together because of it.
pub fn is_hub(process: &Process) -> bool {
    let name = process.exe.path.rsplit('/').next().unwrap_or_default();
    process.pid() <= 2 || (NAMES.contains(&name) && in_system(&process.exe.path) && !process.exe.unlinked)
}

/// Whether it leads its session: a daemon or a login shell.
pub fn leads(process: &Process) -> bool {
    process.session != 0 && process.session == process.pid()
}

/// Whether a path lies in a directory that the package manager fills, so that its files are on every host anyway.
pub fn in_system(path: &str) -> bool {
    SYSTEM.iter().any(|folder| path.starts_with(folder)) && !NOT_SYSTEM.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{FileId, ProcessKey};

    #[test]
    fn a_hub_is_one_by_place_and_not_by_name_alone() {
        let process = |pid: u32, path: &str, unlinked: bool| Process {
            key: ProcessKey::from_ticks(pid, 5).0,
            exe: FileId { path: path.into(), unlinked, ..FileId::default() },
            ..Process::default()
        };
        let cases = [
            (1, "/anything", false, true),
            (2, "", false, true),
            (500, "/usr/sbin/sshd", false, true),
            (500, "/usr/lib/systemd/systemd", false, true),
            (500, "/tmp/sshd", false, false),
            (500, "/usr/local/bin/cron", false, false),
            (500, "/usr/sbin/sshd", true, false),
            (500, "/usr/sbin/nginx", false, false),
            (500, "", false, false),
        ];
        for (pid, path, unlinked, wanted) in cases {
            assert_eq!(is_hub(&process(pid, path, unlinked)), wanted, "{pid} {path}");
        }
    }
}
