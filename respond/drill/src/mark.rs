//! The mark of a drill: what its folder says of it, and whether that may be believed.

use crate::rehearsal::FOLDER_PREFIX;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// File of the drill's folder that names its runner.
const RUNNER: &str = "runner";

/// A process that a reused pid cannot be taken for: pid as its own namespace counts, start in clock ticks since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runner {
    /// Process id.
    pub pid: u32,
    /// Field 22 of `/proc/PID/stat`.
    pub ticks: u64,
}

impl Runner {
    /// This process.
    pub fn own() -> std::io::Result<Runner> {
        let pid = std::process::id();
        let ticks = ticks(pid).ok_or_else(|| std::io::Error::other("/proc does not show this process"))?;
        Ok(Runner { pid, ticks })
    }

    /// Whether it still runs.
    pub fn alive(self) -> bool {
        ticks(self.pid) == Some(self.ticks)
    }

    /// Writes itself into a drill's folder.
    pub(crate) fn note(self, folder: &Path) -> std::io::Result<()> {
        std::fs::write(folder.join(RUNNER), format!("{} {}\n", self.pid, self.ticks))
    }

    /// The runner that a drill's folder names.
    pub(crate) fn of(folder: &Path) -> Option<Runner> {
        let text = std::fs::read_to_string(folder.join(RUNNER)).ok()?;
        let (pid, ticks) = text.trim().split_once(' ')?;
        Some(Runner { pid: pid.parse().ok()?, ticks: ticks.parse().ok()? })
    }
}

/// The fields of `/proc/PID/stat` behind the name, the first being the state (proc_pid_stat(5)).
pub(crate) fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn ticks(pid: u32) -> Option<u64> {
    stat(pid)?.get(19)?.parse().ok()
}

/// A drill as an argument of a command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The drill.
    pub name: String,
    folder: PathBuf,
}

impl Mark {
    /// Of an argument that is the script of a drill's folder.
    pub fn of(argument: &str) -> Option<Mark> {
        let at = argument.find(FOLDER_PREFIX)?;
        let (folder, file) = argument[at + FOLDER_PREFIX.len()..].split_once('/')?;
        let (name, pid) = folder.rsplit_once('.')?;
        let formed = file == "run.sh" && !name.is_empty() && pid.bytes().all(|digit| digit.is_ascii_digit());
        let folder = PathBuf::from(argument.strip_suffix("/run.sh")?);
        (formed && folder.is_absolute()).then(|| Mark { name: name.to_owned(), folder })
    }

    /// The runner its folder names. `None` unless the folder belongs to `owner` and to nobody else: a folder that
    /// others could have made or written says nothing.
    pub fn runner(&self, owner: u32) -> Option<Runner> {
        let found = std::fs::symlink_metadata(&self.folder).ok()?;
        let private = found.is_dir() && found.uid() == owner && found.mode() & 0o7777 == 0o700;
        Runner::of(&self.folder).filter(|_| private)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_name_is_read_from_the_script() {
        let name = |argument| Mark::of(argument).map(|mark| mark.name);
        assert_eq!(name("/tmp/garrison-drill.reverse-shell.123/run.sh").as_deref(), Some("reverse-shell"));
        for other in [
            "/tmp/garrison-drill.reverse-shell.123/other.sh",
            "/tmp/garrison-drill.reverse-shell.x/run.sh",
            "garrison-drill.reverse-shell.1/run.sh",
            "/tmp/run.sh",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }

    #[test]
    fn only_a_private_folder_of_the_owner_is_believed() {
        let folder = std::env::temp_dir().join(format!("{FOLDER_PREFIX}mark-test.{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let permit = |mode| std::fs::set_permissions(&folder, PermissionsExt::from_mode(mode)).unwrap();
        permit(0o700);
        let mark = Mark::of(&folder.join("run.sh").display().to_string()).unwrap();
        let owner = rustix::process::geteuid().as_raw();
        assert_eq!(mark.runner(owner), None, "nothing noted yet");
        let own = Runner::own().unwrap();
        own.note(&folder).unwrap();
        assert_eq!(mark.runner(owner), Some(own));
        assert!(own.alive() && !Runner { ticks: own.ticks + 1, ..own }.alive());
        assert_eq!(mark.runner(owner + 1), None, "of another");
        permit(0o755);
        assert_eq!(mark.runner(owner), None, "open to others");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
