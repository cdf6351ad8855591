//! System calls that are watched: their numbers, the kind they belong to and the program that handles them.

use record::Kind;

/// One watched system call.
#[derive(Debug, Clone, Copy)]
pub struct CallRow {
    /// Word of [`crate::raw::Call`].
    pub word: &'static str,
    /// Program that handles it.
    pub program: &'static str,
    /// Kind of its records.
    pub kind: Kind,
    /// Number in the native table, -1 for none.
    pub native: i64,
    /// Number in the 32-bit x86 table, 0 for none.
    pub compat: u16,
}

macro_rules! rows {
    ($($word:literal $program:ident $kind:ident $native:ident $compat:literal;)*) => {
        &[$(CallRow {
            word: $word, program: stringify!($program), kind: Kind::$kind, native: libc::$native as i64, compat: $compat,
        },)*]
    };
}

/// Calls that every processor has. Numbers of the 32-bit table: arch/x86/entry/syscalls/syscall_32.tbl.
pub const COMMON: &[CallRow] = rows! {
    "openat" file_open File SYS_openat 295;
    "openat2" file_open File SYS_openat2 437;
    "open_by_handle_at" file_open File SYS_open_by_handle_at 342;
    "renameat" file_names File SYS_renameat 302;
    "renameat2" file_names File SYS_renameat2 353;
    "unlinkat" file_name File SYS_unlinkat 301;
    "mkdirat" file_name File SYS_mkdirat 296;
    "linkat" file_names File SYS_linkat 303;
    "symlinkat" file_names File SYS_symlinkat 304;
    "mknodat" file_name File SYS_mknodat 297;
    "fchmod" file_descriptor File SYS_fchmod 94;
    "fchmodat" file_name File SYS_fchmodat 306;
    "fchmodat2" file_name File SYS_fchmodat2 452;
    "fchown" file_descriptor File SYS_fchown 207;
    "fchownat" file_name File SYS_fchownat 298;
    "truncate" file_name File SYS_truncate 193;
    "ftruncate" file_descriptor File SYS_ftruncate 194;
    "setxattr" file_name File SYS_setxattr 226;
    "lsetxattr" file_name File SYS_lsetxattr 227;
    "fsetxattr" file_descriptor File SYS_fsetxattr 228;
    "mount" system_mount Mount SYS_mount 21;
    "umount" system_mount Mount SYS_umount2 52;
    "move_mount" system_mount Mount SYS_move_mount 429;
    "connect" net_call Net SYS_connect 362;
    "accept" net_call Net SYS_accept 0;
    "accept" net_call Net SYS_accept4 364;
    "bind" net_call Net SYS_bind 361;
    "listen" net_call Net SYS_listen 363;
    "ptrace" system_access Access SYS_ptrace 26;
    "process_vm_readv" system_access Access SYS_process_vm_readv 347;
    "process_vm_writev" system_access Access SYS_process_vm_writev 348;
    "memfd_create" system_memory Memory SYS_memfd_create 356;
    "mprotect" system_memory Memory SYS_mprotect 125;
    "mmap" system_memory Memory SYS_mmap 192;
    "setuid" system_privilege Privilege SYS_setuid 213;
    "setgid" system_privilege Privilege SYS_setgid 214;
    "setreuid" system_privilege Privilege SYS_setreuid 203;
    "setregid" system_privilege Privilege SYS_setregid 204;
    "setresuid" system_privilege Privilege SYS_setresuid 208;
    "setresgid" system_privilege Privilege SYS_setresgid 210;
    "setfsuid" system_privilege Privilege SYS_setfsuid 215;
    "setfsgid" system_privilege Privilege SYS_setfsgid 216;
    "setgroups" system_privilege Privilege SYS_setgroups 206;
    "capset" system_privilege Privilege SYS_capset 185;
    "prctl" system_privilege Privilege SYS_prctl 172;
    "setns" system_namespace Namespace SYS_setns 346;
    "unshare" system_namespace Namespace SYS_unshare 310;
    "pivot_root" system_namespace Namespace SYS_pivot_root 217;
    "chroot" system_namespace Namespace SYS_chroot 61;
    "init_module" system_module Module SYS_init_module 128;
    "finit_module" system_module Module SYS_finit_module 350;
    "delete_module" system_module Module SYS_delete_module 129;
    "bpf" system_bpf Bpf SYS_bpf 357;
};

/// Calls that the C library does not number yet: the same on every processor (scripts/syscall.tbl).
const NEW: &[CallRow] = &[
    numbered("mount_setattr", "system_mount", Kind::Mount, 442, 442),
    numbered("setxattrat", "file_name", Kind::File, 463, 463),
];

/// Calls of the 32-bit table alone: old names, and old forms with short numbers of users.
const COMPAT: &[CallRow] = &[
    numbered("socketcall", "net_call", Kind::Net, NONE, 102),
    numbered("umount", "system_mount", Kind::Mount, NONE, 22),
    numbered("truncate", "file_name", Kind::File, NONE, 92),
    numbered("ftruncate", "file_descriptor", Kind::File, NONE, 93),
    numbered("chown", "file_name", Kind::File, NONE, 182),
    numbered("lchown", "file_name", Kind::File, NONE, 16),
    numbered("fchown", "file_descriptor", Kind::File, NONE, 95),
    numbered("setuid", "system_privilege", Kind::Privilege, NONE, 23),
    numbered("setgid", "system_privilege", Kind::Privilege, NONE, 46),
    numbered("setreuid", "system_privilege", Kind::Privilege, NONE, 70),
    numbered("setregid", "system_privilege", Kind::Privilege, NONE, 71),
    numbered("setresuid", "system_privilege", Kind::Privilege, NONE, 164),
    numbered("setresgid", "system_privilege", Kind::Privilege, NONE, 170),
    numbered("setfsuid", "system_privilege", Kind::Privilege, NONE, 138),
    numbered("setfsgid", "system_privilege", Kind::Privilege, NONE, 139),
    numbered("setgroups", "system_privilege", Kind::Privilege, NONE, 81),
];

/// No number in the native table.
const NONE: i64 = -1;

const fn numbered(word: &'static str, program: &'static str, kind: Kind, native: i64, compat: u16) -> CallRow {
    CallRow { word, program, kind, native, compat }
}

/// Calls that only the older processors have.
#[cfg(target_arch = "x86_64")]
pub const OLD: &[CallRow] = rows! {
    "open" file_open File SYS_open 5;
    "creat" file_open File SYS_creat 8;
    "rename" file_names File SYS_rename 38;
    "unlink" file_name File SYS_unlink 10;
    "rmdir" file_name File SYS_rmdir 40;
    "mkdir" file_name File SYS_mkdir 39;
    "link" file_names File SYS_link 9;
    "symlink" file_names File SYS_symlink 83;
    "mknod" file_name File SYS_mknod 14;
    "chmod" file_name File SYS_chmod 15;
    "chown" file_name File SYS_chown 212;
    "lchown" file_name File SYS_lchown 198;
};

/// Calls that only the older processors have: none here.
#[cfg(not(target_arch = "x86_64"))]
pub const OLD: &[CallRow] = &[];

/// Every watched call.
pub fn all() -> impl Iterator<Item = &'static CallRow> {
    COMMON.iter().chain(NEW).chain(COMPAT).chain(OLD)
}

/// Whether the row is only wanted with `executable_memory`.
pub fn is_executable_memory(row: &CallRow) -> bool {
    matches!(row.word, "mprotect" | "mmap")
}

/// Whether this kernel runs 32-bit programs, so that their table must be watched as well.
pub fn runs_compat() -> bool {
    cfg!(target_arch = "x86_64") && std::path::Path::new("/proc/sys/abi/vsyscall32").exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::Call;

    #[test]
    fn every_row_has_a_call_and_a_number_of_its_own() {
        let mut natives: Vec<i64> = all().map(|row| row.native).filter(|number| *number != NONE).collect();
        let mut compats: Vec<u16> = all().map(|row| row.compat).filter(|number| *number != 0).collect();
        let (native_count, compat_count) = (natives.len(), compats.len());
        natives.sort_unstable();
        natives.dedup();
        compats.sort_unstable();
        compats.dedup();
        assert_eq!((natives.len(), compats.len()), (native_count, compat_count));
        for row in all() {
            assert!(Call::from_word(row.word).is_some_and(|call| call.0 < 128), "{}", row.word);
            assert!((NONE..512).contains(&row.native) && row.compat < 512, "{}", row.word);
        }
    }
}
