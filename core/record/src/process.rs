//! A process and its ancestry.

use crate::ProcessKey;
use base::limits::ANCESTRY_DEPTH;
use std::sync::Arc;

/// One image of a process: between two `execve` calls. Times are µs since the Unix epoch.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Process {
    /// [`ProcessKey`]: start time and pid.
    #[prost(fixed64, tag = "1")]
    pub key: u64,
    /// [`ProcessKey`] of the parent at fork time, 0 when unknown.
    #[prost(fixed64, tag = "2")]
    pub parent_key: u64,
    /// Kernel's short name (`comm`, at most 15 bytes).
    #[prost(string, tag = "3")]
    pub comm: String,
    /// The executable.
    #[prost(message, required, tag = "4")]
    pub exe: FileId,
    /// Arguments joined by one space; `arg_starts` tells where each begins.
    #[prost(string, tag = "5")]
    pub cmd_line: String,
    /// Byte offset in `cmd_line` at which each argument begins.
    #[prost(uint32, repeated, tag = "6")]
    pub arg_starts: Vec<u32>,
    /// Whether the arguments were cut at [`base::limits::ARGV_BYTES`].
    #[prost(bool, tag = "7")]
    pub args_truncated: bool,
    /// Working directory.
    #[prost(string, tag = "8")]
    pub cwd: String,
    /// Who it runs as.
    #[prost(message, required, tag = "9")]
    pub user: User,
    /// Namespaces.
    #[prost(message, required, tag = "10")]
    pub namespaces: Namespaces,
    /// Container id (64 or 12 hexadecimal digits), empty on the host.
    #[prost(string, tag = "11")]
    pub container: String,
    /// cgroup path as the kernel names it, from the hierarchy that attributes containers.
    #[prost(string, tag = "12")]
    pub cgroup: String,
    /// Start of the process, µs.
    #[prost(int64, tag = "13")]
    pub started_us: i64,
    /// Session id (`setsid`).
    #[prost(uint32, tag = "14")]
    pub session: u32,
    /// Terminal name, empty without one.
    #[prost(string, tag = "15")]
    pub tty: String,
    /// pid inside the process's own pid namespace.
    #[prost(uint32, tag = "16")]
    pub ns_pid: u32,
}

/// An executable or other file with its identity.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FileId {
    /// Absolute path in the mount namespace of the process, as resolved by the kernel.
    #[prost(string, tag = "1")]
    pub path: String,
    /// Inode number.
    #[prost(uint64, tag = "2")]
    pub inode: u64,
    /// Device number (kernel encoding `major << 20 | minor`).
    #[prost(uint32, tag = "3")]
    pub device: u32,
    /// SHA-256 of the content, 32 bytes, or empty when not (yet) known.
    #[prost(bytes = "vec", tag = "4")]
    pub sha256: Vec<u8>,
    /// Whether the file had no link in the file system (memfd, deleted) when it was executed.
    #[prost(bool, tag = "5")]
    pub unlinked: bool,
}

/// Credentials.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct User {
    /// Real user id.
    #[prost(uint32, tag = "1")]
    pub uid: u32,
    /// Real group id.
    #[prost(uint32, tag = "2")]
    pub gid: u32,
    /// Effective user id.
    #[prost(uint32, tag = "3")]
    pub euid: u32,
    /// Effective group id.
    #[prost(uint32, tag = "4")]
    pub egid: u32,
    /// Login user id (audit), `u32::MAX` when never set.
    #[prost(uint32, tag = "5")]
    pub loginuid: u32,
    /// Effective capabilities, one bit each.
    #[prost(uint64, tag = "6")]
    pub capabilities: u64,
    /// Name of `uid` from the host's user database, empty when unknown.
    #[prost(string, tag = "7")]
    pub name: String,
}

/// Namespace inode numbers, 0 when unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Namespaces {
    /// Mount.
    #[prost(uint32, tag = "1")]
    pub mnt: u32,
    /// Process ids.
    #[prost(uint32, tag = "2")]
    pub pid: u32,
    /// Network.
    #[prost(uint32, tag = "3")]
    pub net: u32,
    /// Users.
    #[prost(uint32, tag = "4")]
    pub user: u32,
    /// Host and domain name.
    #[prost(uint32, tag = "5")]
    pub uts: u32,
    /// System V IPC.
    #[prost(uint32, tag = "6")]
    pub ipc: u32,
    /// Control groups.
    #[prost(uint32, tag = "7")]
    pub cgroup: u32,
}

impl Process {
    /// Its key.
    pub fn key(&self) -> ProcessKey {
        ProcessKey(self.key)
    }

    /// Process id in the initial namespace.
    pub fn pid(&self) -> u32 {
        self.key().pid()
    }

    /// The parent's process id, 0 when unknown.
    pub fn parent_pid(&self) -> u32 {
        ProcessKey(self.parent_key).pid()
    }

    /// Sets `cmd_line` and `arg_starts` from separate arguments.
    pub fn set_args<'a>(&mut self, args: impl IntoIterator<Item = &'a str>) {
        self.cmd_line.clear();
        self.arg_starts.clear();
        for arg in args {
            if !self.arg_starts.is_empty() {
                self.cmd_line.push(' ');
            }
            self.arg_starts.push(self.cmd_line.len() as u32);
            self.cmd_line.push_str(arg);
        }
    }

    /// The arguments one by one. Offsets that do not fit (hostile input) give empty arguments.
    pub fn args(&self) -> impl Iterator<Item = &str> {
        let ends = self.arg_starts.iter().skip(1).map(|start| (*start as usize).saturating_sub(1));
        let ends = ends.chain([self.cmd_line.len()]);
        self.arg_starts.iter().zip(ends).map(|(start, end)| self.cmd_line.get(*start as usize..end).unwrap_or(""))
    }
}

/// A process with its ancestors, shared by all its events.
#[derive(Debug, Clone, PartialEq)]
pub struct Proc {
    /// The process.
    pub info: Process,
    /// Its parent, `None` at the top, when unknown, or beyond [`ANCESTRY_DEPTH`].
    pub parent: Option<Arc<Proc>>,
    depth: usize,
}

impl Proc {
    /// A process below its parent. The chain is cut at [`ANCESTRY_DEPTH`], so it cannot grow without end.
    pub fn new(info: Process, parent: Option<Arc<Proc>>) -> Arc<Proc> {
        let parent = parent
            .map(|parent| if parent.depth + 1 >= ANCESTRY_DEPTH { parent.cut(ANCESTRY_DEPTH / 2) } else { parent });
        let depth = parent.as_ref().map_or(0, |parent| parent.depth + 1);
        Arc::new(Proc { info, parent, depth })
    }

    /// A copy that keeps only the nearest `keep` ancestors.
    fn cut(&self, keep: usize) -> Arc<Proc> {
        let parent = match &self.parent {
            Some(parent) if keep > 0 => Some(parent.cut(keep - 1)),
            _ => None,
        };
        let depth = parent.as_ref().map_or(0, |parent| parent.depth + 1);
        Arc::new(Proc { info: self.info.clone(), parent, depth })
    }

    /// The ancestors, nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = &Arc<Proc>> {
        std::iter::successors(self.parent.as_ref(), |proc| proc.parent.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_keep_their_borders() {
        let mut process = Process::default();
        process.set_args(["sh", "-c", "echo a b", ""]);
        assert_eq!(process.cmd_line, "sh -c echo a b ");
        assert_eq!(process.args().collect::<Vec<_>>(), ["sh", "-c", "echo a b", ""]);
        process.arg_starts = vec![9999, 3];
        assert_eq!(process.args().collect::<Vec<_>>(), ["", "-c echo a b "]);
    }

    #[test]
    fn ancestry_is_bounded() {
        let mut proc = Proc::new(Process::default(), None);
        for key in 1..1000 {
            proc = Proc::new(Process { key, ..Process::default() }, Some(proc));
            assert!(proc.ancestors().count() < ANCESTRY_DEPTH);
        }
        assert_eq!(proc.parent.as_ref().unwrap().info.key, 998);
    }
}
