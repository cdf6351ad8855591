//! One run of a drill: start, wait, clean up.

use crate::mark::{Runner, stat};
use crate::{Drill, fault};
use base::{Fault, Result};
use rustix::process::{Pid, Signal, WaitIdOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Beginning of the name of a drill's directory; the drill's name and the runner's pid follow.
pub const FOLDER_PREFIX: &str = "garrison-drill.";
/// Longest run of a drill.
pub const TIME_LIMIT: Duration = Duration::from_secs(20);
/// File of the folder that holds the id of the drill's session, for a later `revert`.
const SESSION: &str = "session";

/// A drill that is running. Dropped without [`Rehearsal::finish`] it is cleaned up all the same.
#[derive(Debug)]
pub struct Rehearsal {
    /// Which.
    pub drill: &'static Drill,
    child: Child,
    folder: PathBuf,
    started: Instant,
    over: bool,
}

/// How a drill ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Exit code of the script; `None` when a signal ended it (as an answering `kill-tree` does).
    pub exit: Option<i32>,
    /// Whether it ran as long as it may.
    pub timed_out: bool,
    /// Whether its directory and all its processes are gone.
    pub reverted: bool,
}

impl Rehearsal {
    /// Starts the script in a fresh directory below `base`, in a session of its own. Call it from a thread that outlives
    /// the drill: the kernel ends the script when the thread that started it ends.
    pub fn start(drill: &'static Drill, base: &Path) -> Result<Rehearsal> {
        let failed = |cause: std::io::Error| Fault::new(&fault::NOT_STARTED).object(&drill.name).because(cause);
        revert(base);
        let folder = base.join(format!("{FOLDER_PREFIX}{}.{}", drill.name, std::process::id()));
        // A directory left by an earlier run of this very process is ours to remove.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).map_err(failed)?;
        match spawn(drill, &folder) {
            Ok(child) => Ok(Rehearsal { drill, child, folder, started: Instant::now(), over: false }),
            Err(cause) => {
                let _ = std::fs::remove_dir_all(&folder);
                Err(failed(cause))
            }
        }
    }

    /// Whether the script has ended. It is not reaped yet: its id, which is its session's, stays taken.
    pub fn ended(&self) -> bool {
        let peek = WaitIdOptions::EXITED.union(WaitIdOptions::NOWAIT).union(WaitIdOptions::NOHANG);
        let leader = rustix::process::WaitId::Pid(Pid::from_child(&self.child));
        !matches!(rustix::process::waitid(leader, peek), Ok(None))
    }

    /// Whether it has run as long as it may.
    pub fn overdue(&self) -> bool {
        self.started.elapsed() > TIME_LIMIT
    }

    /// Waits until the script has ended or may run no longer.
    pub fn wait(&self) {
        while !self.ended() && !self.overdue() {
            pause();
        }
    }

    /// Kills what is left of it and removes its directory.
    pub fn finish(mut self) -> Outcome {
        let timed_out = !self.ended() && self.overdue();
        let (exit, reverted) = self.clean();
        Outcome { exit, timed_out, reverted }
    }

    fn clean(&mut self) -> (Option<i32>, bool) {
        self.over = true;
        let gone = kill(&|| members(Pid::from_child(&self.child).as_raw_nonzero().get()));
        let exit = self.child.wait().ok().and_then(|status| status.code());
        let removed = std::fs::remove_dir_all(&self.folder).is_ok() || !self.folder.exists();
        (exit, gone && removed)
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        if !self.over {
            self.clean();
        }
    }
}

fn spawn(drill: &Drill, folder: &Path) -> std::io::Result<Child> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    let script = folder.join("run.sh");
    std::fs::write(&script, &drill.script)?;
    Runner::own()?.note(folder)?;
    let session = std::fs::File::create(folder.join(SESSION))?;
    let mut command = Command::new("bash");
    command.arg(&script).current_dir(folder).env_clear();
    command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("HOME", folder).env("TMPDIR", folder).env("GARRISON", std::env::current_exe()?);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let descriptor = session.as_raw_fd();
    // SAFETY: between fork and exec only setsid, getpid, prctl and write are called, which are async-signal-safe, on a
    // descriptor that stays open until spawn returns; nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            rustix::process::setsid()?;
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            let mut digits = [0u8; 10];
            let number = decimal(std::process::id(), &mut digits);
            if libc::write(descriptor, number.as_ptr().cast(), number.len()) < 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
    command.spawn()
}

/// A number in decimal digits, without allocation.
fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// Waits a moment for a child without burning the processor.
fn pause() {
    let _ = rustix::thread::nanosleep(&rustix::fs::Timespec { tv_sec: 0, tv_nsec: 5_000_000 });
}

/// Kills every process that is listed, in a bounded number of rounds; says whether none is left.
fn kill(listed: &dyn Fn() -> Vec<Pid>) -> bool {
    for _ in 0..50 {
        let members = listed();
        if members.is_empty() {
            return true;
        }
        for member in members {
            let _ = rustix::process::kill_process(member, Signal::KILL);
        }
        pause();
    }
    listed().is_empty()
}

/// Live processes of a session: field 6 of `/proc/PID/stat`, state in field 3.
fn members(session: i32) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    let of_session = pids.filter(|pid| {
        stat(*pid).is_some_and(|fields| {
            let alive = fields.first().is_some_and(|state| state != "Z" && state != "X");
            alive && fields.get(3).and_then(|field| field.parse().ok()) == Some(session)
        })
    });
    of_session.filter_map(|pid| Pid::from_raw(pid as i32)).collect()
}

/// Ends drills whose runner is no longer alive: kills what is left of them and removes their directories; says how many.
pub fn revert(base: &Path) -> usize {
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    let orphans = entries.map(|entry| entry.path()).filter(|folder| is_orphan(folder));
    orphans
        .filter(|folder| {
            let session = std::fs::read_to_string(folder.join(SESSION)).ok();
            if let Some(session) = session.and_then(|text| text.trim().parse::<i32>().ok()) {
                // The id may be another's by now: only processes that still carry the drill's home are its own.
                kill(&|| members(session).into_iter().filter(|pid| lives_in(*pid, folder)).collect());
            }
            std::fs::remove_dir_all(folder).is_ok()
        })
        .count()
}

/// Whether a directory is of a drill whose runner is gone.
fn is_orphan(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let Some((_, pid)) = name.strip_prefix(FOLDER_PREFIX).and_then(|rest| rest.rsplit_once('.')) else { return false };
    match Runner::of(folder) {
        Some(runner) => !runner.alive(),
        // Its runner ended before it could say who it is.
        None => pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists(),
    }
}

/// Whether a process was started with this directory as its home.
fn lives_in(pid: Pid, folder: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let environment = std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
    let home = [b"HOME=", folder.as_os_str().as_bytes()].concat();
    environment.split(|byte| *byte == 0).any(|variable| variable == home)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drill(script: &str) -> &'static Drill {
        Box::leak(Box::new(Drill { name: "test".into(), script: script.into(), ..crate::all()[0].clone() }))
    }

    fn base(name: &str) -> PathBuf {
        let base = std::env::temp_dir().join(format!("garrison-rehearsal-{name}.{}", std::process::id()));
        std::fs::create_dir_all(&base).unwrap();
        base
    }

    #[test]
    fn a_drill_that_ended_is_not_reaped_before_it_is_finished() {
        let base = base("ended");
        let rehearsal = Rehearsal::start(drill("exit 3"), &base).unwrap();
        rehearsal.wait();
        assert!(rehearsal.ended() && rehearsal.ended());
        let outcome = rehearsal.finish();
        assert_eq!((outcome.exit, outcome.timed_out, outcome.reverted), (Some(3), false, true));
        std::fs::remove_dir(base).unwrap();
    }

    #[test]
    fn a_dropped_drill_leaves_nothing() {
        let base = base("dropped");
        let rehearsal = Rehearsal::start(drill("sleep 60 & wait"), &base).unwrap();
        let session = Pid::from_child(&rehearsal.child).as_raw_nonzero().get();
        drop(rehearsal);
        assert!(members(session).is_empty());
        std::fs::remove_dir(base).unwrap();
    }

    #[test]
    fn what_a_killed_runner_left_is_reverted() {
        let base = base("orphan");
        let mut rehearsal = Rehearsal::start(drill("sleep 60 & wait"), &base).unwrap();
        let session = Pid::from_child(&rehearsal.child).as_raw_nonzero().get();
        assert_eq!(revert(&base), 0, "its runner is alive");
        // A runner with this pid and another start: the one that was killed.
        let own = Runner::own().unwrap();
        Runner { ticks: own.ticks.wrapping_sub(1), ..own }.note(&rehearsal.folder).unwrap();
        assert_eq!(revert(&base), 1);
        assert!(members(session).is_empty() && !rehearsal.folder.exists());
        rehearsal.clean();
        std::fs::remove_dir(base).unwrap();
    }

    #[test]
    fn numbers_are_written_without_allocation() {
        for number in [0, 7, 10, 4_194_303, u32::MAX] {
            assert_eq!(decimal(number, &mut [0; 10]), number.to_string().as_bytes());
        }
    }
}
