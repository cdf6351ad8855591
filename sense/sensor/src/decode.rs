//! From a kernel record to an activity: the parts that need no table. Pure.

use crate::dns;
use crate::names::{Question, address_bytes};
use crate::raw::{self, Body, DnsRecord, FileRecord, NetHead, Place, flags, place};
use record::{
    Activity, BpfCall, Dns, Exec, Exit, FileActivity, FileId, FileOp, IoUring, Memory, Module, Mount, Namespace,
    NetActivity, NetOp, SignalSent, User,
};
use std::net::IpAddr;

/// `AF_INET6`.
const FAMILY_V6: u16 = 10;
/// UDP.
const UDP: u32 = 17;

/// The activity of a record, where the record alone tells it. `None` for those that the process table must explain
/// (exec, fork, access, privilege), and for calls that failed and whose record has no place to say so.
pub fn activity(header: &raw::Header, body: &Body<'_>, own_pid: u32) -> Option<Activity> {
    let failed = header.result < 0;
    let call = || header.door().word().to_owned();
    Some(match body {
        Body::Exec(_) | Body::Fork(_) | Body::Access(_) | Body::Privilege(_) => return None,
        Body::Exit(head) => Activity::Exit(Exit {
            code: head.code,
            signal: head.signal,
            lived_us: header.time.saturating_sub(header.start) / 1000,
        }),
        Body::Net(head) => Activity::Net(net(header, head)),
        Body::Dns(record) => dns_activity(header, record),
        Body::Module(record) => {
            Activity::Module(Module { call: call(), name: named(&record.file), errno: errno(header) })
        }
        Body::Bpf(head) => Activity::Bpf(BpfCall {
            command: head.command,
            program_type: head.program_type,
            name: raw::short_text(&head.name),
            errno: errno(header),
        }),
        Body::Signal(head) => Activity::Signal(SignalSent {
            signal: head.signal,
            target_pid: head.target_tgid,
            to_agent: head.target_tgid == own_pid,
        }),
        Body::IoUring(record) => Activity::IoUring(IoUring {
            opcode: record.head.opcode,
            name: io_uring_word(record.head.opcode),
            path: if record.file.is_empty() { String::new() } else { record.file.path() },
            polled: header.flags & flags::POLLED != 0,
        }),
        _ if failed => return None,
        Body::File(record) => Activity::File(file(header, record)),
        Body::Mount(record) => Activity::Mount(Mount {
            removed: record.head.removed != 0,
            source: named(&record.source),
            target: record.target.path(),
            fs_type: text(record.fs_type),
            flags: record.head.mount_flags,
        }),
        Body::Memory(record) => {
            Activity::Memory(Memory { call: call(), name: text(record.name), flags: record.head.flags })
        }
        Body::Namespace(record) => Activity::Namespace(Namespace { call: call(), flags: record.head.clone_flags }),
    })
}

/// What an exec record says beside the new image.
pub fn exec(record: &raw::ExecRecord<'_>, previous_exe: String) -> Exec {
    let bits = record.head.header.flags;
    let script = if bits & flags::SCRIPT != 0 { below(&record.cwd, record.filename) } else { String::new() };
    Exec {
        previous_exe,
        from_memory: is_memory_file(&record.exe),
        elevated: bits & flags::ELEVATED != 0,
        script,
        denied: bits & flags::DENIED != 0,
        path_truncated: is_cut(&record.exe) || is_cut(&record.cwd),
    }
}

/// Whether only the end of a path is there.
fn is_cut(place: &Place<'_>) -> bool {
    place.flags & place::TRUNCATED != 0
}

/// A file of a record. Hash is not known here.
pub fn file_id(file: &Place<'_>) -> FileId {
    FileId {
        path: file.path(),
        inode: file.inode,
        device: file.device,
        sha256: Vec::new(),
        unlinked: file.flags & place::UNLINKED != 0,
    }
}

/// Credentials of a record, without the name.
pub fn user(head: &raw::CredentialsHead) -> User {
    User {
        uid: head.uid,
        gid: head.gid,
        euid: head.euid,
        egid: head.egid,
        loginuid: head.loginuid,
        capabilities: head.effective,
        name: String::new(),
    }
}

/// Namespaces of a record.
pub fn namespaces(head: &raw::NamespacesHead) -> record::Namespaces {
    let raw::NamespacesHead { mnt, pid, net, user, uts, ipc, cgroup, .. } = *head;
    record::Namespaces { mnt, pid, net, user, uts, ipc, cgroup }
}

/// A memory file has neither a directory entry nor a place in the mount tree, and the name the kernel gave it.
fn is_memory_file(file: &Place<'_>) -> bool {
    let bare = file.directory.strip_prefix(b"/").unwrap_or(file.directory);
    file.flags & place::UNLINKED != 0 && bare.starts_with(b"memfd:")
}

/// A name as given, made absolute below a directory.
fn below(directory: &Place<'_>, name: &[u8]) -> String {
    absolute(directory.directory, name)
}

/// The same with a directory of any source.
pub fn absolute(directory: &[u8], name: &[u8]) -> String {
    Place { directory, name, ..Place::default() }.path()
}

/// A path where the kernel resolved one, else the bare name as given.
fn named(place: &Place<'_>) -> String {
    if place.directory.is_empty() { place.name_text() } else { place.path() }
}

fn file(header: &raw::Header, record: &FileRecord<'_>) -> FileActivity {
    let op = FileOp::try_from(record.head.op as i32).unwrap_or(FileOp::Unknown);
    let target = match op {
        FileOp::Symlink | FileOp::SetXattr => record.target.name_text(),
        _ if record.target.is_empty() => String::new(),
        _ => record.target.path(),
    };
    FileActivity {
        op: op as i32,
        file: file_id(&record.file),
        target,
        flags: record.head.open_flags,
        mode: record.head.mode,
        uid: record.head.uid,
        gid: record.head.gid,
        path_truncated: is_cut(&record.file) || is_cut(&record.target) || header.flags & flags::NAME_UNREADABLE != 0,
    }
}

fn net(header: &raw::Header, head: &NetHead) -> NetActivity {
    NetActivity {
        op: NetOp::try_from(head.op as i32).unwrap_or(NetOp::Unknown) as i32,
        protocol: u32::from(head.protocol),
        local_ip: address_bytes(address(head.family, &head.local)),
        local_port: u32::from(head.local_port),
        remote_ip: address_bytes(address(head.family, &head.remote)),
        remote_port: u32::from(head.remote_port),
        errno: errno(header),
        remote_name: String::new(),
    }
}

/// A query; a datagram to the port of name servers that is no query is reported as the datagram it is.
fn dns_activity(header: &raw::Header, record: &DnsRecord<'_>) -> Activity {
    let head = &record.head;
    let server = address_bytes(address(head.family, &head.remote));
    match dns::parse(record.payload) {
        Some(message) => Activity::Dns(Dns {
            name: message.name,
            query_type: u32::from(message.query_type),
            server_ip: server,
            server_port: u32::from(head.remote_port),
        }),
        None => Activity::Net(NetActivity {
            op: NetOp::Send as i32,
            protocol: UDP,
            local_ip: address_bytes(address(head.family, &head.local)),
            local_port: u32::from(head.local_port),
            remote_ip: server,
            remote_port: u32::from(head.remote_port),
            errno: errno(header),
            remote_name: String::new(),
        }),
    }
}

/// What a question and its answer have in common; `None` when the message is too short for its number.
pub fn question(record: &DnsRecord<'_>) -> Option<Question> {
    let id = u16::from_be_bytes(*record.payload.first_chunk()?);
    let server = address(record.head.family, &record.head.remote);
    Some(Question { server, port: record.head.local_port, id })
}

fn address(family: u16, bytes: &[u8; 16]) -> IpAddr {
    let [a, b, c, d, ..] = *bytes;
    if family == FAMILY_V6 { IpAddr::from(*bytes) } else { IpAddr::from([a, b, c, d]) }
}

/// errno of a call, 0 when it succeeded.
pub fn errno(header: &raw::Header) -> u32 {
    if header.result < 0 { header.result.unsigned_abs() } else { 0 }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Words of `enum io_uring_op` (`include/uapi/linux/io_uring.h`), in its order.
const IO_URING_WORDS: &[&str] = &[
    "nop",
    "readv",
    "writev",
    "fsync",
    "read_fixed",
    "write_fixed",
    "poll_add",
    "poll_remove",
    "sync_file_range",
    "sendmsg",
    "recvmsg",
    "timeout",
    "timeout_remove",
    "accept",
    "async_cancel",
    "link_timeout",
    "connect",
    "fallocate",
    "openat",
    "close",
    "files_update",
    "statx",
    "read",
    "write",
    "fadvise",
    "madvise",
    "send",
    "recv",
    "openat2",
    "epoll_ctl",
    "splice",
    "provide_buffers",
    "remove_buffers",
    "tee",
    "shutdown",
    "renameat",
    "unlinkat",
    "mkdirat",
    "symlinkat",
    "linkat",
    "msg_ring",
    "fsetxattr",
    "setxattr",
    "fgetxattr",
    "getxattr",
    "socket",
    "uring_cmd",
    "send_zc",
    "sendmsg_zc",
    "read_multishot",
    "waitid",
    "futex_wait",
    "futex_wake",
    "futex_waitv",
    "fixed_fd_install",
    "ftruncate",
    "bind",
    "listen",
    "recv_zc",
    "epoll_wait",
    "readv_fixed",
    "writev_fixed",
    "pipe",
];

fn io_uring_word(opcode: u32) -> String {
    IO_URING_WORDS.get(opcode as usize).map_or_else(|| format!("op_{opcode}"), |word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_given_in_their_own_family() {
        let mut bytes = [0_u8; 16];
        bytes[..4].copy_from_slice(&[192, 0, 2, 1]);
        assert_eq!(address_bytes(address(2, &bytes)), [192, 0, 2, 1]);
        let mapped: std::net::Ipv6Addr = "::ffff:192.0.2.9".parse().unwrap();
        assert_eq!(address_bytes(address(10, &mapped.octets())), [192, 0, 2, 9]);
        let plain: std::net::Ipv6Addr = "2001:db8::9".parse().unwrap();
        assert_eq!(address_bytes(address(10, &plain.octets())).len(), 16);
    }

    #[test]
    fn operations_have_words() {
        assert_eq!((io_uring_word(18), io_uring_word(16)), ("openat".into(), "connect".into()));
        assert_eq!((IO_URING_WORDS.len(), io_uring_word(900)), (63, "op_900".into()));
    }

    #[test]
    fn a_memory_file_is_told_from_a_deleted_one() {
        let memory = Place { directory: b"/memfd:x", flags: place::UNLINKED | place::DETACHED, ..Place::default() };
        let deleted = Place { directory: b"/tmp/x", flags: place::UNLINKED, ..Place::default() };
        let named = Place { directory: b"/memfd:x", ..Place::default() };
        assert!(is_memory_file(&memory) && !is_memory_file(&deleted) && !is_memory_file(&named));
        assert_eq!(below(&Place { directory: b"/srv", ..Place::default() }, b"./run.sh"), "/srv/run.sh");
    }
}
