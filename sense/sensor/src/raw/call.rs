//! Doors that a record came through: system calls by word.

use super::Header;

/// The door a record came through; the same numbers on every processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call(pub u16);

/// Words by number, as in `enum event_call`.
const CALLS: &[&str] = &[
    "",
    "open",
    "openat",
    "openat2",
    "creat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "mknod",
    "mknodat",
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "lchown",
    "fchown",
    "fchownat",
    "truncate",
    "ftruncate",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "mount",
    "umount",
    "move_mount",
    "connect",
    "accept",
    "bind",
    "listen",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "memfd_create",
    "mprotect",
    "mmap",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setfsuid",
    "setfsgid",
    "setgroups",
    "capset",
    "prctl",
    "setns",
    "unshare",
    "clone",
    "pivot_root",
    "chroot",
    "init_module",
    "finit_module",
    "delete_module",
    "bpf",
    "send",
    "open_by_handle_at",
    "socketcall",
    "setxattrat",
    "mount_setattr",
];

impl Call {
    /// How many numbers are in use.
    pub const COUNT: u16 = CALLS.len() as u16;

    /// Its word, empty when unknown.
    pub fn word(self) -> &'static str {
        CALLS.get(usize::from(self.0)).copied().unwrap_or("")
    }

    /// The call of this word.
    pub fn from_word(word: &str) -> Option<Call> {
        CALLS.iter().position(|known| *known == word).map(|at| Call(at as u16))
    }
}

impl Header {
    /// The door this record came through.
    pub fn door(&self) -> Call {
        Call(self.call)
    }
}
