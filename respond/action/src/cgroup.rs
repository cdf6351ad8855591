//! Control groups that hold processes still: the version 1 freezer and version 2's `cgroup.freeze`.
//!
//! Processes are moved into a group made for the order and moved back when it ends. Version 1 is preferred where
//! it is mounted: it is a hierarchy of its own, so that moving changes no accounting. A process born in a frozen
//! group is frozen, so a tree cannot outrun it (kernel: Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst,
//! cgroup-v2.rst).

use crate::fault;
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the kernel may take to freeze or thaw a group.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most processes read from one group.
const MEMBERS: usize = 65536;

/// A hierarchy that can freeze.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freezer {
    /// Version 1 freezer controller, mounted here.
    Version1(PathBuf),
    /// Version 2, mounted here.
    Version2(PathBuf),
}

impl Freezer {
    /// What is mounted, the preferred one first.
    pub fn detect(proc: &Path) -> Vec<Freezer> {
        let mounts = std::fs::read_to_string(proc.join("self/mounts")).unwrap_or_default();
        let rows = mounts.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let [_, target, kind, options, ..] = fields[..] else { return None };
            match kind {
                "cgroup" if options.split(',').any(|o| o == "freezer") => Some(Freezer::Version1(target.into())),
                "cgroup2" => Some(Freezer::Version2(target.into())),
                _ => None,
            }
        });
        let (mut first, second): (Vec<Freezer>, Vec<Freezer>) = rows.partition(|f| matches!(f, Freezer::Version1(_)));
        first.extend(second);
        first
    }

    fn mount(&self) -> &Path {
        match self {
            Freezer::Version1(mount) | Freezer::Version2(mount) => mount,
        }
    }

    /// The group of a process in this hierarchy, as a path below the mount.
    pub(crate) fn group_of(&self, proc: &Path, pid: u32) -> Option<String> {
        let text = std::fs::read_to_string(proc.join(pid.to_string()).join("cgroup")).ok()?;
        text.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            let ours = match self {
                Freezer::Version1(_) => controllers.split(',').any(|name| name == "freezer"),
                Freezer::Version2(_) => number == "0" && controllers.is_empty(),
            };
            ours.then(|| path.to_string())
        })
    }

    /// A group by its path below the mount. Paths with `..` stay at the mount: `/proc` shows them for groups
    /// outside the cgroup namespace.
    pub(crate) fn group(&self, path: &str) -> Group {
        let clean = path.split('/').filter(|part| !part.is_empty() && *part != "." && *part != "..");
        Group { freezer: self.clone(), directory: clean.fold(self.mount().to_path_buf(), |at, part| at.join(part)) }
    }
}

/// One group.
pub(crate) struct Group {
    freezer: Freezer,
    directory: PathBuf,
}

impl Group {
    fn refused(&self, name: &str, cause: std::io::Error) -> Fault {
        Fault::new(&fault::KERNEL).object(self.directory.join(name).display()).found(cause)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        std::fs::write(self.directory.join(name), text).map_err(|cause| self.refused(name, cause))
    }

    /// Whether it is there.
    pub(crate) fn exists(&self) -> bool {
        self.directory.is_dir()
    }

    /// Makes it; one that is there already is fine.
    pub(crate) fn make(&self) -> Result<()> {
        match std::fs::create_dir(&self.directory) {
            Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => Err(self.refused("", cause)),
            _ => Ok(()),
        }
    }

    /// Orders it frozen or thawed; [`Group::is_frozen`] tells when that is done.
    pub(crate) fn set_frozen(&self, frozen: bool) -> Result<()> {
        match (&self.freezer, frozen) {
            (Freezer::Version1(_), true) => self.write("freezer.state", "FROZEN"),
            (Freezer::Version1(_), false) => self.write("freezer.state", "THAWED"),
            (Freezer::Version2(_), frozen) => self.write("cgroup.freeze", if frozen { "1" } else { "0" }),
        }
    }

    /// Moves a process in. False when it is gone.
    pub(crate) fn take(&self, pid: u32) -> Result<bool> {
        match std::fs::write(self.directory.join("cgroup.procs"), pid.to_string()) {
            Ok(()) => Ok(true),
            Err(cause) if cause.raw_os_error() == Some(libc::ESRCH) => Ok(false),
            Err(cause) => Err(self.refused("cgroup.procs", cause)),
        }
    }

    /// The processes in it.
    pub(crate) fn members(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(self.directory.join("cgroup.procs")).unwrap_or_default();
        text.lines().take(MEMBERS).filter_map(|line| line.parse().ok()).collect()
    }

    /// What the kernel says of its state, waiting a little for it to become `frozen`.
    pub(crate) fn is_frozen(&self, frozen: bool) -> Result<(bool, String)> {
        let name = match self.freezer {
            Freezer::Version1(_) => "freezer.state",
            Freezer::Version2(_) => "cgroup.events",
        };
        let until = Instant::now() + PATIENCE;
        loop {
            let text = std::fs::read_to_string(self.directory.join(name)).map_err(|cause| self.refused(name, cause))?;
            let now = match self.freezer {
                Freezer::Version1(_) if text.trim() == "FREEZING" => None,
                Freezer::Version1(_) => Some(text.trim() == "FROZEN"),
                Freezer::Version2(_) => Some(text.lines().any(|line| line == "frozen 1")),
            };
            let done = now == Some(frozen);
            if done || Instant::now() >= until {
                let said = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
                return Ok((done, format!("{}: {said}", self.directory.join(name).display())));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Removes it, waiting a little for processes that are just leaving.
    pub(crate) fn remove(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            match std::fs::remove_dir(&self.directory) {
                Ok(()) => return Ok(()),
                Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
                Err(cause) if Instant::now() >= until => return Err(self.refused("", cause)),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}
