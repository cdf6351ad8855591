//! One run of a drill: start, wait, clean up.

use crate::{Drill, fault};
use base::{Fault, Result};
use rustix::process::{Pid, Signal, WaitIdOptions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Beginning of the name of a drill's directory; the drill's name and the runner's pid follow.
pub const FOLDER_PREFIX: &str = "garrison-drill.";
/// Longest run of a drill.
pub const TIME_LIMIT: Duration = Duration::from_secs(20);

/// A drill that is running.
#[derive(Debug)]
pub struct Rehearsal {
    /// Which.
    pub drill: &'static Drill,
    child: Child,
    folder: PathBuf,
    started: Instant,
}

/// How a drill ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Exit code of the script; `None` when a signal ended it (as an answering `kill-tree` does).
    pub exit: Option<i32>,
    /// Whether the time limit ended it.
    pub timed_out: bool,
    /// Whether its directory and all its processes are gone.
    pub reverted: bool,
}

impl Rehearsal {
    /// Starts the script in a fresh directory below `base`, in a session of its own.
    pub fn start(drill: &'static Drill, base: &Path) -> Result<Rehearsal> {
        let failed = |cause: std::io::Error| Fault::new(&fault::NOT_STARTED).object(&drill.name).because(cause);
        let folder = base.join(format!("{FOLDER_PREFIX}{}.{}", drill.name, std::process::id()));
        // A directory left by a killed run of the same name and pid is ours to remove.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).map_err(failed)?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
        let script = folder.join("run.sh");
        std::fs::write(&script, &drill.script).map_err(failed)?;
        let garrison = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new("bash");
        command.arg(&script).current_dir(&folder).env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", &folder).env("TMPDIR", &folder).env("GARRISON", garrison);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: between fork and exec only setsid(2) is called, which is async-signal-safe.
        unsafe {
            command.pre_exec(|| rustix::process::setsid().map(|_| ()).map_err(Into::into));
        }
        let child = command.spawn().map_err(failed)?;
        Ok(Rehearsal { drill, child, folder, started: Instant::now() })
    }

    /// Whether the script has ended.
    pub fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the end or the time limit, then kills what is left and removes the directory.
    pub fn finish(mut self) -> Outcome {
        let session = Pid::from_child(&self.child);
        let (mut exit, mut timed_out) = (None, false);
        // WNOWAIT leaves the zombie, so that the session's id cannot be reused before its members are killed.
        let peek = WaitIdOptions::EXITED.union(WaitIdOptions::NOWAIT).union(WaitIdOptions::NOHANG);
        loop {
            match rustix::process::waitid(rustix::process::WaitId::Pid(session), peek) {
                Ok(Some(_)) | Err(_) => break,
                Ok(None) if self.started.elapsed() > TIME_LIMIT => {
                    timed_out = true;
                    break;
                }
                Ok(None) => pause(),
            }
        }
        let gone = kill_session(session);
        if let Ok(status) = self.child.wait() {
            exit = status.code();
        }
        let removed = std::fs::remove_dir_all(&self.folder).is_ok() || !self.folder.exists();
        Outcome { exit, timed_out, reverted: gone && removed }
    }
}

/// Waits a moment for a child without burning the processor.
fn pause() {
    let _ = rustix::thread::nanosleep(&rustix::fs::Timespec { tv_sec: 0, tv_nsec: 5_000_000 });
}

/// Kills every process of the session, in a bounded number of rounds; says whether none is left but the zombie leader.
fn kill_session(session: Pid) -> bool {
    for _ in 0..50 {
        let members = members(session);
        if members.is_empty() {
            return true;
        }
        for member in members {
            let _ = rustix::process::kill_process(member, Signal::KILL);
        }
        pause();
    }
    members(session).is_empty()
}

/// Live processes of the session: field 6 of `/proc/PID/stat`, state in field 3 (proc_pid_stat(5)).
fn members(session: Pid) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok());
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let fields: Vec<&str> = after_name.split(' ').collect();
        let alive = fields.first().is_some_and(|state| *state != "Z" && *state != "X");
        alive && fields.get(3).and_then(|field| field.parse().ok()) == Some(session.as_raw_nonzero().get())
    })
    .filter_map(Pid::from_raw)
    .collect()
}

/// Removes directories of drills whose runner is no longer alive; says how many.
pub fn revert(base: &Path) -> usize {
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    let orphans = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let runner =
            name.strip_prefix(FOLDER_PREFIX).and_then(|rest| rest.rsplit_once('.')).map(|(_, pid)| pid.to_string());
        runner.is_some_and(|pid| !Path::new("/proc").join(pid).exists())
    });
    orphans.filter(|entry| std::fs::remove_dir_all(entry.path()).is_ok()).count()
}

/// The drill's name when this argument is the script of a drill's directory.
pub fn drill_of(argument: &str) -> Option<&str> {
    let (_, rest) = argument.split_once(FOLDER_PREFIX)?;
    let (folder, file) = rest.split_once('/')?;
    let (name, pid) = folder.rsplit_once('.')?;
    (file == "run.sh" && !name.is_empty() && pid.bytes().all(|digit| digit.is_ascii_digit())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_read_from_the_script() {
        assert_eq!(drill_of("/tmp/garrison-drill.reverse-shell.123/run.sh"), Some("reverse-shell"));
        assert_eq!(drill_of("/tmp/garrison-drill.reverse-shell.123/other.sh"), None);
        assert_eq!(drill_of("/tmp/run.sh"), None);
    }
}
