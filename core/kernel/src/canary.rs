//! A child process of our own that does harmless deeds, so that every hook can show whether it fires.
//!
//! The child touches only a directory made for it, closed loopback ports, and itself. Between fork and exec it makes
//! only plain system calls, because the parent may have other threads.

mod deeds;

use crate::fault::CANARY;
use base::{Fault, Random, Result, SystemRandom};
use deeds::Tools;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Something the child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Forks a child that ends at once.
    Fork,
    /// Makes, writes, renames and removes a file.
    File,
    /// Connects to a closed port of 127.0.0.1.
    Connect,
    /// Listens on a free port of 127.0.0.1, connects to it and accepts.
    Serve,
    /// Sends a question for the root to port 53 of 127.0.0.1.
    Question,
    /// Sends an answer from port 53 of 127.83.7.53 to a closed port there.
    Answer,
    /// Reads and writes a word of its own memory with `process_vm_readv` and `process_vm_writev`.
    Access,
    /// Makes a memory file.
    Memory,
    /// Gives up new privileges with `prctl`.
    Privilege,
    /// Asks to remove a kernel module that does not exist, and to load one from no file.
    Module,
    /// Asks `bpf` for a map without saying which.
    Bpf,
    /// Opens a directory of its own through an io_uring.
    IoUring,
    /// Sends SIGURG, which does nothing by default, to its parent.
    Signal,
    /// Moves itself into a new host name namespace, and asks to join one behind no descriptor.
    Namespace,
    /// Moves itself into a new mount namespace and makes its mounts private there.
    Mount,
    /// Executes a program and is replaced by it.
    Exec,
}

impl Deed {
    /// Every deed, in the order in which one child can do them.
    pub const ALL: &'static [Deed] = &[
        Deed::Fork,
        Deed::File,
        Deed::Connect,
        Deed::Serve,
        Deed::Question,
        Deed::Answer,
        Deed::Access,
        Deed::Memory,
        Deed::Privilege,
        Deed::Module,
        Deed::Bpf,
        Deed::IoUring,
        Deed::Signal,
        Deed::Namespace,
        Deed::Mount,
        Deed::Exec,
    ];
}

/// How the child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its process id.
    pub pid: u32,
    /// Exit code, when it ended by itself: 0 after a good exec, [`REFUSED`] when the exec was refused.
    pub code: Option<i32>,
    /// Signal that ended it.
    pub signal: Option<i32>,
}

/// Exit code of a child whose exec the kernel refused.
pub const REFUSED: i32 = 77;

/// A place for canaries: a private directory with a small executable in it, removed on drop.
pub struct Cage {
    directory: PathBuf,
    program: PathBuf,
}

impl Cage {
    /// Makes it below the directory for temporary files.
    ///
    /// # Errors
    /// [`CANARY`] when that directory cannot be written.
    pub fn new() -> Result<Cage> {
        let fault = |error: std::io::Error| Fault::new(&CANARY).because(error);
        // A name that nobody else can have made beforehand.
        let chance = u128::from_le_bytes(SystemRandom::new().bytes16());
        let directory = std::env::temp_dir().join(format!("garrison-canary-{chance:032x}"));
        std::fs::create_dir(&directory).map_err(fault)?;
        let cage = Cage { program: directory.join("canary"), directory };
        std::fs::copy(program(), &cage.program).map_err(fault)?;
        Ok(cage)
    }

    /// The executable in it: a copy, so that it can be denied without harm.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Forks a child that does these deeds and waits for its end.
    ///
    /// # Errors
    /// [`CANARY`] when it cannot be forked.
    pub fn release(&self, deeds: &[Deed]) -> Result<Ended> {
        let text = |name: &OsStr| CString::new(name.as_bytes()).map_err(|error| Fault::new(&CANARY).because(error));
        let tools = Tools {
            deeds,
            directory: text(self.directory.as_os_str())?,
            file: text(self.directory.join("file").as_os_str())?,
            renamed: text(self.directory.join("renamed").as_os_str())?,
            program: text(self.program.as_os_str())?,
            parent: std::process::id() as libc::pid_t,
        };
        // SAFETY: between fork and _exit the child only makes system calls with memory prepared before.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            deeds::run(&tools);
        }
        if pid < 0 {
            return Err(Fault::new(&CANARY).because(std::io::Error::last_os_error()));
        }
        wait(pid)
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A small program that is there on every host.
fn program() -> &'static Path {
    const USUAL: &[&str] = &["/bin/true", "/usr/bin/true", "/bin/busybox"];
    let found = USUAL.iter().map(Path::new).find(|path| path.exists());
    found.unwrap_or(Path::new("/proc/self/exe"))
}

fn wait(pid: libc::pid_t) -> Result<Ended> {
    let mut status = 0;
    loop {
        // SAFETY: waits for our own child; `status` is room for the answer.
        if unsafe { libc::waitpid(pid, &raw mut status, 0) } == pid {
            let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
            let signal = libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
            return Ok(Ended { pid: pid as u32, code, signal });
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(Fault::new(&CANARY).because(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_comes_back_and_leaves_nothing() {
        let cage = Cage::new().unwrap();
        let directory = cage.directory.clone();
        let ended = cage.release(&[Deed::File, Deed::Connect, Deed::Serve, Deed::Memory, Deed::Exec]).unwrap();
        assert_eq!((ended.code, ended.signal), (Some(0), None));
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
        drop(cage);
        assert!(!directory.exists());
    }
}
